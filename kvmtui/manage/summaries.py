"""Definitions in short, kept in ``cache.json`` by file identity.

`list` needs eight values of each definition; reading a hundred YAML files with their
checks costs more than all else together. The cache is rebuilt where anything differs,
and never trusted for a start.
"""

from __future__ import annotations

import contextlib
import os

from kvmtui import light_json as json
from kvmtui.durable import reading, write_atomically
from kvmtui.errors import DefinitionError
from kvmtui.guest.folder import DEFINITION
from kvmtui.guest.library import CACHE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library

    Summary = dict[str, Any]

_VERSION = 4


class Summaries:
    """The cache of one home while a listing is made."""

    def __init__(self, library: Library) -> None:
        self._path = library.at(CACHE)
        self._known = self._load()
        self._fresh: dict[str, Any] = {}
        self._changed = False

    def _load(self) -> dict[str, Any]:
        try:
            with reading(self._path) as file:
                content = json.loads(file.read())
            if content["version"] == _VERSION and isinstance(content["guests"], dict):
                guests: dict[str, Any] = content["guests"]
                return guests
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {}

    def get(self, folder: GuestFolder) -> Summary:
        """The summary of a guest; ``error`` in it says why its definition is not valid."""
        try:
            stat = os.stat(folder.at(DEFINITION))
            identity = [stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size]
        except OSError as error:
            return {"error": f"guest.yaml: {error.strerror}"}
        entry = self._known.get(folder.name)
        if not isinstance(entry, dict) or entry.get("identity") != identity:
            entry = {"identity": identity, "summary": _summarize(folder)}
            self._changed = True
        self._fresh[folder.name] = entry
        summary: Summary = entry["summary"]
        return summary

    def keep(self, *, whole: bool) -> None:
        """Write the cache back where it changed; a home that cannot be written is fine.

        Args:
            whole: Whether every guest was asked for, so that others are gone.
        """
        if not self._changed and not (whole and self._fresh.keys() != self._known.keys()):
            return
        guests = self._fresh if whole else {**self._known, **self._fresh}
        data = json.dumps({"version": _VERSION, "guests": guests}).encode()
        with contextlib.suppress(OSError):
            write_atomically(self._path, data, durable=False)


def _summarize(folder: GuestFolder) -> Summary:
    from kvmtui.guest.wants import lan_macs, macs
    from kvmtui.manage.definitions import load_definition

    try:
        definition = load_definition(folder)
    except (DefinitionError, OSError) as error:
        return {"error": str(error)[:500]}
    return {
        "os": definition.os or None,
        "arch": definition.arch,
        "cpus": definition.cpus,
        "memory_bytes": definition.memory,
        "tags": definition.tags,
        "description": definition.description,
        "autostart": definition.start_with_host() is not None,
        "uuid": definition.identity(folder.name),
        "macs": macs(definition, folder.name),
        "lan_macs": lan_macs(definition, folder.name),
        "disks": [[disk.file, disk.image_format(), disk.read_only] for disk in definition.disks],
        "cdroms": [drive.file for drive in definition.cdroms if drive.file is not None],
        "error": None,
    }
