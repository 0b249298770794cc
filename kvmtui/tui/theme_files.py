"""Reading a theme's file: checked in full, since a bad colour would crash Textual."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kvmtui.errors import DefinitionError
from kvmtui.strict_yaml import read_mapping
from kvmtui.text import visible
from kvmtui.tui.sgr import Triplet

ROLES = (
    *("bg", "field", "cursor", "text", "muted", "line"),
    *("accent", "ok", "warn", "err", "busy", "graph", "tab_text"),
)
_INDEXED = ROLES[:-1]
"""Roles that must have one of the 256 colours; the text of a tab may."""
_KEYS = ("name", "dark", "ansi", "colors", "palette_256")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class ThemeFile(NamedTuple):
    """What a file says; a theme of the terminal's own colours says no colours."""

    name: str
    dark: bool
    colors: dict[str, str] | None
    indices: dict[str, int]


def triplet(color: str) -> Triplet:
    """The values of ``#rrggbb``."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _head_faults(data: Mapping[str, Any]) -> Iterator[str]:
    for key in data:
        if key not in _KEYS:
            yield f"{visible(str(key))}: unknown key"
    name = data.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "name: a word of small letters, digits and '-' is expected"
    for key in ("dark", "ansi"):
        if not isinstance(data.get(key, False), bool):
            yield f"{key}: true or false is expected"


def _roles_faults(data: Mapping[str, Any], key: str, needed: tuple[str, ...]) -> Iterator[str]:
    roles = data.get(key)
    if not isinstance(roles, dict):
        yield f"{key}: a mapping of roles is expected"
        return
    for role in roles:
        if role not in ROLES:
            yield f"{key}.{visible(str(role))}: unknown role; one of {', '.join(ROLES)}"
    for role in needed:
        if role not in roles:
            yield f"{key}.{role}: missing"


def _color_faults(colors: Mapping[str, Any]) -> Iterator[str]:
    for role, color in colors.items():
        if role in ROLES and not (isinstance(color, str) and _COLOR.fullmatch(color)):
            yield f'colors.{role}: {visible(str(color))} is no colour such as "#1f2933"'


def _index_faults(indices: Mapping[str, Any], colors: Mapping[str, Any]) -> Iterator[str]:
    first: dict[str, str] = {}
    for role, index in indices.items():
        if role not in ROLES:
            continue
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index <= 255:
            yield f"palette_256.{role}: {visible(str(index))} is none of 0 to 255"
        other = first.setdefault(str(colors.get(role)).lower(), role)
        if indices[other] != index:
            yield f"palette_256.{role}: its colour is {other}'s, whose index is another"


def _faults(data: Mapping[str, Any]) -> Iterator[str]:
    yield from _head_faults(data)
    if data.get("ansi") is True:
        for key in ("colors", "palette_256"):
            if key in data:
                yield f"{key}: an ansi theme has the terminal's own colours"
        return
    yield from _roles_faults(data, "colors", ROLES)
    yield from _roles_faults(data, "palette_256", _INDEXED)
    colors, indices = data.get("colors"), data.get("palette_256")
    if isinstance(colors, dict):
        yield from _color_faults(colors)
        if isinstance(indices, dict):
            yield from _index_faults(indices, colors)


def read_theme(path: Path) -> ThemeFile:
    """Read and check one theme.

    Raises:
        DefinitionError: All that is wrong, each with the file and the path of the key.
    """
    try:
        data = read_mapping(path.read_bytes())
        faults = list(_faults(data))
    except OSError as error:
        faults = [error.strerror or str(error)]
    except DefinitionError as error:
        faults = list(error.problems)
    if faults:
        raise DefinitionError([f"{path}: {fault}" for fault in faults])
    ansi = data.get("ansi", False)
    return ThemeFile(
        name=data["name"],
        dark=data.get("dark", True),
        colors=None if ansi else {role: color.lower() for role, color in data["colors"].items()},
        indices=data.get("palette_256", {}),
    )
