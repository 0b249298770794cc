"""Changing, renaming and deleting guests that exist."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from kvmtui.errors import DefinitionError, StateError
from kvmtui.guest import history
from kvmtui.guest.definition import FORMAT_OF_SUFFIX, Definition
from kvmtui.guest.differences import differences, needs_restart
from kvmtui.guest.editing import Change, apply_to_plain
from kvmtui.guest.folder import EFI_VARS, GuestFolder, read_definition_file
from kvmtui.guest.library import Library
from kvmtui.guest.names import check_name
from kvmtui.guest.validation import definition_from
from kvmtui.guest.wants import wants_of
from kvmtui.manage import clashes, disk_limits, needs
from kvmtui.manage.definitions import (
    load_definition,
    load_plain,
    save_change,
    save_text,
)
from kvmtui.manage.operation import locked, told
from kvmtui.manage.power import is_running
from kvmtui.manage.views import Outcome
from kvmtui.strict_yaml import read_mapping

_MOST_CHANGES_TOLD = 20


def change(library: Library, name: str, changes: list[Change]) -> Outcome:
    """Change values of a definition; comments and order in the file survive.

    Raises:
        DefinitionError: The result is not valid; the file is as before.
        HostError, ImageError: This host has not what it asks for; the file is as before.
    """
    folder = library.folder(name)
    with locked(folder):
        old = load_plain(folder)
        new = apply_to_plain(old, changes)
        return _save(library, folder, old, new, [_told(change) for change in changes])


def replace_plain(
    library: Library, name: str, before: dict[str, Any], after: dict[str, Any]
) -> Outcome:
    """Save an edited definition that is plain data; comments in the file survive.

    Args:
        before: The data that was given to the person who edited it.

    Raises:
        DefinitionError: The new data is not valid; the file is as before.
        StateError: The file was changed by another meanwhile; it is as that one left it.
    """
    definition_from(after)
    folder = library.folder(name)
    with locked(folder):
        if load_plain(folder) != before:
            raise StateError(f"{name} was changed by another while it was edited")
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        return _save(library, folder, before, after, keys)


def _save(
    library: Library,
    folder: GuestFolder,
    old: dict[str, Any],
    new: dict[str, Any],
    told_as: list[str],
) -> Outcome:
    """Write what differs; the caller holds the lock and has checked it."""
    name = folder.name
    if new == old:
        return Outcome(name, "set", False, f"{name} says so already")
    step = _Step(library, folder, _valid(old), definition_from(new))
    with told(folder, "set") as operation:
        operation.result["set"] = told_as
        operation.result |= step.result()
        save_change(folder, old, new)
    return Outcome(name, "set", True, f"{name} is changed", step.note())


class _Step:
    """From one definition of a guest to the next, checked against this host.

    Args:
        before: None where the file could not be read.
    """

    def __init__(
        self,
        library: Library,
        folder: GuestFolder,
        before: Definition | None,
        after: Definition,
    ) -> None:
        self._library, self._folder = library, folder
        self._before, self._after = before, after
        wants = wants_of(after, folder.name)
        if before is None or before.memory != after.memory:
            needs.check_memory(wants)
        needs.check_formats(folder, wants)
        self._runs = is_running(library, folder)
        self._restart = self._runs and (before is None or needs_restart(before, after))

    def result(self) -> dict[str, object]:
        """What the story keeps: the differences in words, and whether a start is due."""
        told = differences(self._before, self._after) if self._before else []
        return {"changes": told[:_MOST_CHANGES_TOLD], "needs_restart": self._restart}

    def note(self) -> str:
        """Let a guest that runs have what it can now; what to know besides, such as new clashes."""
        known: list[str] = []
        if self._before is not None:
            known = clashes.notes(self._library, self._folder, self._before)
        found = clashes.notes(self._library, self._folder, self._after)
        lines = ["it takes effect at the next start"] if self._restart else []
        if self._runs:
            lines += disk_limits.change(self._folder, self._before, self._after)
        return "\n".join([*lines, *(line for line in found if line not in known)])


def _valid(plain: dict[str, Any]) -> Definition | None:
    try:
        return definition_from(plain)
    except DefinitionError:
        return None


def _told(change: Change) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in change.path)
    return f"{path.lstrip('.')}={change.text}"


def definition_text(library: Library, name: str) -> str:
    """The definition as its file has it.

    Raises:
        DefinitionError: The file cannot be read.
    """
    return read_definition_file(library.folder(name)).decode("utf-8", "replace")


def replace_text(library: Library, name: str, before: str, after: str) -> Outcome:
    """Save an edited definition.

    Args:
        before: The text that was given to the editor.

    Raises:
        DefinitionError: The new text is not valid; the file is as before.
        HostError, ImageError: This host has not what it asks for; the file is as before.
        StateError: The file was changed by another meanwhile; it is as that one left it.
    """
    if not after.strip():
        raise StateError(f"{name} is as it was: the edited text is empty")
    definition = definition_from(read_mapping(after.encode()))
    folder = library.folder(name)
    with locked(folder):
        if read_definition_file(folder).decode("utf-8", "replace") != before:
            raise StateError(f"{name} was changed by another while it was edited")
        if after == before:
            return Outcome(name, "edit", False, f"{name} is as it was")
        step = _Step(library, folder, _valid_text(before), definition)
        with told(folder, "edit") as operation:
            operation.result |= step.result()
            save_text(folder, after)
        return Outcome(name, "edit", True, f"{name} is changed", step.note())


def _valid_text(text: str) -> Definition | None:
    try:
        return definition_from(read_mapping(text.encode()))
    except DefinitionError:
        return None


def rename(library: Library, name: str, new_name: str) -> Outcome:
    """Give a guest that does not run another name; its identity stays.

    Raises:
        StateError: It runs, or a guest of the new name exists.
    """
    check_name(new_name)
    folder = library.folder(name)
    if new_name == name:
        return Outcome(name, "rename", False, f"{name} has this name already")
    with locked(folder):
        _refuse_running(library, folder, "renamed")
        target = library.place(new_name)
        with told(folder, "rename") as operation:
            operation.result["name"] = new_name
            _pin_identity(folder)
            library.move(folder.path, target)
            operation.folder = target
    return Outcome(name, "rename", True, f"{name} is {new_name} now")


def _pin_identity(folder: GuestFolder) -> None:
    """A UUID that follows from the name would change with it: write it down."""
    with contextlib.suppress(DefinitionError):
        definition = load_definition(folder)
        if definition.uuid is None:
            old = load_plain(folder)
            save_change(folder, old, {**old, "uuid": definition.identity(folder.name)})


def _refuse_running(library: Library, folder: GuestFolder, what: str) -> None:
    if is_running(library, folder):
        raise StateError(
            f"{folder.name} runs and cannot be {what}", hint=f"kvmtui shutdown {folder.name}"
        )


def files_of(library: Library, name: str) -> tuple[list[tuple[str, int]], list[str]]:
    """What deleting a guest would take, and what of its disks would stay.

    Returns:
        Files in its folder with what they take on disk in bytes, and paths elsewhere.
    """
    folder = library.folder(name)
    inside = []
    for path in sorted(folder.path.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                inside.append((str(path.relative_to(folder.path)), path.stat().st_blocks * 512))
    elsewhere: list[str] = []
    with contextlib.suppress(DefinitionError):
        disks = load_definition(folder).disks
        elsewhere = [disk.file for disk in disks if disk.file.startswith("/")]
    return inside, elsewhere


def refuse_deletion(library: Library, name: str) -> None:
    """Raise StateError when the guest is protected or runs."""
    folder = library.folder(name)
    with contextlib.suppress(DefinitionError):
        if load_definition(folder).protected:
            raise StateError(f"{name} is protected", hint=f"kvmtui set {name} protected=false")
    _refuse_running(library, folder, "deleted")


def delete(library: Library, name: str, *, keep_disks: bool = False) -> Outcome:
    """Delete a guest with all in its folder; disks that lie elsewhere always stay.

    Args:
        keep_disks: Put the disks of its folder into ``images/`` first.

    Raises:
        StateError: It is protected or runs.
    """
    folder = library.folder(name)
    with locked(folder):
        refuse_deletion(library, name)
        kept: list[Path] = []
        with told(folder, "delete"):
            if keep_disks:
                kept = _keep_disks(library, folder)
        library.discard(folder)
        with contextlib.suppress(OSError):
            history.tell_gone(library.history, name)
        library.sweep()
    note = "kept: " + ", ".join(str(path) for path in kept) if kept else ""
    return Outcome(name, "delete", True, f"{name} is deleted", note)


def _images_in(folder: GuestFolder) -> list[Path]:
    """Disks of the folder: those of the definition, and images it no longer lists."""
    found = {
        path
        for path in folder.path.iterdir()
        if path.suffix in (*FORMAT_OF_SUFFIX, ".img") and path.name != EFI_VARS
    }
    with contextlib.suppress(DefinitionError):
        found |= {Path(folder.resolve(disk.file)) for disk in load_definition(folder).disks}
    inside = (path for path in found if path.is_relative_to(folder.path))
    return sorted(path for path in inside if path.is_file() and not path.is_symlink())


def _keep_disks(library: Library, folder: GuestFolder) -> list[Path]:
    """Link each disk into ``images/`` under a free name; killed half way, nothing is lost."""
    kept = []
    for source in _images_in(folder):
        target = _free_place(library.images, f"{folder.name}-{source.name}", source)
        if not target.exists():
            try:
                os.link(source, target)
            except OSError:
                source.rename(target)
        kept.append(target)
    return kept


def _free_place(images: Path, file_name: str, source: Path) -> Path:
    stem, suffix = os.path.splitext(file_name)
    for number in range(1, 1000):
        target = images / (file_name if number == 1 else f"{stem}-{number}{suffix}")
        if not target.exists() or target.samefile(source):
            return target
    raise StateError(f"{images} has no free name for {file_name}")
