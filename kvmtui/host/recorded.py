"""Facts written down on one machine, for checks that are made on another.

A folder holds the machine's files under their own paths, and ``facts.json`` beside them
what is no file: see `RecordedTree`. A tree may stand on another one (``base``), from
which it takes what it does not have itself.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from kvmtui.host.facts import (
    MOST_BYTES,
    Asked,
    Clock,
    FileMode,
    KvmRun,
    Person,
    Ran,
    Space,
)

FACTS = "facts.json"


class RecordedTree:
    """Facts of a folder.

    ``facts.json`` has: ``base`` (another tree's name), ``gone`` (paths of the base that
    are not there), ``unreadable`` (path to errno's name), ``modes`` (path to mode, uid,
    gid), ``programs``, ``commands`` (line to status and text), ``devices`` (path to
    errno's name, empty when it opens), ``person``, ``space``, ``writable``, ``limits``,
    ``clock``, ``kvm``, ``msr``, ``environment``, ``machine``, ``root``, ``asked``.
    """

    def __init__(self, folder: Path, asked: Asked | None = None) -> None:
        self._layers: list[tuple[Path, dict[str, Any]]] = []
        place: Path | None = folder
        while place is not None:
            facts = json.loads((place / FACTS).read_text())
            self._layers.append((place, facts))
            place = place.parent / facts["base"] if "base" in facts else None
        self.asked = asked or Asked(**{"home": "/home/anna/kvmtui", **self._told("asked", {})})

    def _told(self, key: str, otherwise: Any = None) -> Any:
        """What the nearest tree says; mappings of all trees together."""
        found = [facts[key] for _, facts in self._layers if key in facts]
        if not found:
            return otherwise
        if not isinstance(found[0], dict):
            return found[0]
        merged: dict[str, Any] = {}
        for value in reversed(found):
            merged |= value
        return merged

    def _refuse(self, path: str) -> None:
        name = self._told("unreadable", {}).get(path)
        if name:
            raise _error(name, path)

    def _places(self, path: str) -> list[Path]:
        """Where a path lies, in the nearest tree first."""
        self._refuse(path)
        places = []
        for folder, facts in self._layers:
            place = folder / path.lstrip("/")
            if place.exists():
                places.append(place)
            if any(path == gone or path.startswith(gone + "/") for gone in facts.get("gone", [])):
                break
        if not places:
            raise _error("ENOENT", path)
        return places

    def read(self, path: str) -> str:
        with open(self._places(path)[0], "rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace").strip("\0\n\t ")

    def names(self, path: str) -> list[str]:
        found: set[str] = set()
        for place in self._places(path):
            found |= set(os.listdir(place))
        return sorted(name for name in found if self._is_there(f"{path}/{name}"))

    def _is_there(self, path: str) -> bool:
        try:
            self._places(path)
        except FileNotFoundError:
            return False
        except OSError:
            pass
        return True

    def mode(self, path: str) -> FileMode:
        told = self._told("modes", {}).get(path)
        if told is not None and not self._is_gone(path):
            return FileMode(int(told[0], 8), told[1], told[2])
        found = self._places(path)[0].stat()
        return FileMode(found.st_mode & ~stat.S_IWOTH, 0, 0)

    def _is_gone(self, path: str) -> bool:
        nearest = self._layers[0][1]
        return path in nearest.get("gone", [])

    def which(self, program: str) -> str | None:
        path: str | None = self._told("programs", {}).get(program)
        return path

    def run(self, *words: str) -> Ran:
        told = self._told("commands", {}).get(" ".join(words))
        if told is None:
            raise _error("ENOENT", words[0])
        if isinstance(told, str):
            raise _error(told, words[0])
        return Ran(*told)

    def open(self, device: str) -> int:
        name = self._told("devices", {}).get(device, "ENOENT")
        return _number(name) if name else 0

    def person(self) -> Person:
        uid, name, groups, listed = self._told("person")
        return Person(uid, name, tuple(groups), tuple(listed))

    def writable(self, folder: str) -> bool:
        return bool(self._told("writable", True))

    def space(self, folder: str) -> Space:
        return Space(*self._told("space"))

    def limits(self) -> dict[str, int]:
        limits: dict[str, int] = self._told("limits")
        return limits

    def clock(self) -> Clock:
        return Clock(*self._told("clock"))

    def run_kvm(self) -> KvmRun:
        told = self._told("kvm")
        return KvmRun(
            told["step"],
            _number(told["error"]) if told.get("error") else 0,
            told.get("api"),
            told.get("seconds"),
            told.get("exit_reason"),
        )

    def msr(self, number: int) -> int:
        value = self._told("msr", {}).get(hex(number))
        if value is None:
            raise _error("ENOENT", "/dev/cpu/0/msr")
        return int(value)

    def environment(self, name: str) -> str:
        return str(self._told("environment", {}).get(name, ""))

    def machine(self) -> tuple[str, str]:
        architecture, release = self._told("machine")
        return architecture, release

    def root(self) -> bool:
        return bool(self._told("root", False))


def _number(name: str) -> int:
    return next(code for code, known in errno.errorcode.items() if known == name)


def _error(name: str, path: str) -> OSError:
    code = _number(name)
    return OSError(code, os.strerror(code), path)
