"""The definition's ``size`` of a disk follows its image, as ``file`` follows one that is moved."""

from __future__ import annotations

import copy
import os
from typing import Any

from kvmtui.errors import KvmtuiError, told_os_error
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import load_plain, save_change
from kvmtui.manage.images import ImageView
from kvmtui.manage.operation import locked, told

_UNITS = (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10))


def follow_size(library: Library, view: ImageView, size_bytes: int) -> str:
    """Let each definition that gives this image a size give the one that it has now.

    Returns:
        Which could not be changed, and why; empty where all are right.
    """
    notes = []
    for guest in {user.guest: None for user in view.used_by if user.role.startswith("disk")}:
        try:
            _follow(library.folder(guest), view.path, _words(size_bytes))
        except (KvmtuiError, OSError) as error:
            fault = error if isinstance(error, KvmtuiError) else told_os_error("", error)
            notes.append(f"the definition of {guest} says the old size still: {fault.message}")
    return "\n".join(notes)


def _follow(folder: GuestFolder, path: str, size: str | int) -> None:
    if _changed(folder, load_plain(folder), path, size) is None:
        return
    with locked(folder):
        before = load_plain(folder)
        found = _changed(folder, before, path, size)
        if found is None:
            return
        after, keys = found
        with told(folder, "set") as operation:
            operation.result["set"] = [f"{key} is {size} now" for key in keys]
            save_change(folder, before, after)


def _changed(
    folder: GuestFolder, plain: dict[str, Any], path: str, size: str | int
) -> tuple[dict[str, Any], list[str]] | None:
    """The definition with the new size, and which keys have it; None where nothing is other."""
    after, keys = copy.deepcopy(plain), []
    for index, disk in enumerate(after.get("disks") or ()):
        if not isinstance(disk, dict) or disk.get("size") in (None, size):
            continue
        named = disk.get("file")
        if isinstance(named, str) and _is_same(folder.resolve(named), path):
            disk["size"] = size
            keys.append(f"disks[{index}].size")
    return (after, keys) if keys else None


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _words(size_bytes: int) -> str | int:
    """A size exactly, as a person writes it."""
    for letter, unit in _UNITS:
        if size_bytes and size_bytes % unit == 0:
            return f"{size_bytes // unit}{letter}"
    return size_bytes
