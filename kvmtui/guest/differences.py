"""What differs between two states of a definition, in words: ``memory 4.0G → 8.0G``."""

from __future__ import annotations

from typing import Any

import msgspec

from kvmtui.guest.definition import Autostart, Definition, Duration, Size
from kvmtui.guest.units import format_size
from kvmtui.text import visible

_LONGEST_VALUE = 60
WITHOUT_RESTART = frozenset({"name", "description", "tags", "protected", "autostart", "keyboard"})
"""Keys that mean nothing to a QEMU that runs."""


def differences(old: Definition, new: Definition) -> list[str]:
    """One text for each value that differs, in the order of the definition's keys."""
    found: list[str] = []
    _compare(old, new, "", found)
    return found


def needs_restart(old: Definition, new: Definition) -> bool:
    """Whether a guest that runs shows the difference only after its next start."""
    return any(
        getattr(old, key) != getattr(new, key)
        for key in Definition.__struct_fields__
        if key not in WITHOUT_RESTART
    )


def _compare(old: Any, new: Any, path: str, found: list[str]) -> None:
    if old == new:
        return
    if isinstance(old, msgspec.Struct) and isinstance(new, msgspec.Struct):
        for key in old.__struct_fields__:
            inner = f"{path}.{key}" if path else key
            _compare(getattr(old, key), getattr(new, key), inner, found)
    elif isinstance(old, list) and _holds_structs(old, new):
        _compare_lists(old, new, path, found)
    else:
        found.append(f"{path} {_shown(old)} → {_shown(new)}")


def _holds_structs(old: list[Any], new: list[Any]) -> bool:
    return any(isinstance(item, msgspec.Struct) for item in (*old, *new))


def _compare_lists(old: list[Any], new: list[Any], path: str, found: list[str]) -> None:
    for index, (one, other) in enumerate(zip(old, new, strict=False)):
        _compare(one, other, f"{path}[{index}]", found)
    found.extend(f"{path}[{index}] removed" for index in range(len(new), len(old)))
    found.extend(f"{path}[{index}] added" for index in range(len(old), len(new)))


def _shown(value: Any) -> str:
    if isinstance(value, Autostart):
        return value.words()
    if isinstance(value, Duration):
        return f"{value}s"
    if isinstance(value, Size):
        return format_size(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    if value is None:
        return "default"
    return visible(str(value), limit=_LONGEST_VALUE) or "nothing"
