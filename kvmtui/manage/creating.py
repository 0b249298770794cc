"""Making guests: from options or a file to a folder that is there whole or not at all."""

from __future__ import annotations

import copy
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kvmtui.durable import give_to_owner_of, write_atomically
from kvmtui.errors import HostError, ImageError
from kvmtui.guest.definition import Definition
from kvmtui.guest.editing import dump_plain, edit_text
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.guest.names import check_name
from kvmtui.guest.validation import definition_from
from kvmtui.guest.wants import wants_of
from kvmtui.manage import clashes, fitting, hosting, needs, profiles, starting
from kvmtui.manage.operation import told
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image
from kvmtui.qemu.command import versioned_machine
from kvmtui.text import visible

Writer = Callable[[str], None]
_PATH_KEYS = ("kernel", "initrd")


def create(
    library: Library,
    name: str,
    plain: dict[str, Any],
    *,
    text: str | None = None,
    profiled: bool = False,
    files: Mapping[str, bytes | Writer] | None = None,
    bases: Mapping[str, str] | None = None,
    also: Callable[[GuestFolder], None] = lambda _: None,
) -> Outcome:
    """Define a guest: its folder, its definition, the images that it asks for.

    Args:
        plain: The definition as plain data.
        text: The file it was read from, whose comments are kept.
        profiled: Whether the profile of its ``os`` is laid under it.
        files: What its folder holds besides, by name: a seed; large ones are written by a
            function to the path that it gets.
        bases: Images that its disks stand on, by the disks' file names.
        also: Puts more into its folder, last of all.

    Raises:
        UsageError: The name cannot be a guest's.
        DefinitionError: The definition is not valid.
        StateError: A guest of this name exists.
        ImageError: A disk is missing or was not made. In all cases nothing is left.
    """
    check_name(name)
    prepared = prepare(plain)
    notes: list[str] = []
    if profiled:
        prepared, notes = profiles.laid_under(prepared)
    definition = definition_from(prepared)
    wants = wants_of(definition, name)
    needs.check_memory(wants)
    hosting.make_home(library)
    made: list[Path] = []
    try:
        with library.new_guest(name) as folder, told(folder, "create", needs_room=True):
            for file, data in (files or {}).items():
                _write(folder, file, data)
            _make_images(folder, definition, made, bases or {})
            needs.check_files(_named(folder, name), wants)
            starting.ensure_firmware_variables(folder, wants)
            complete = _completed(library, prepared, definition)
            content = dump_plain(complete) if text is None else _carried(text, complete)
            definition_from(complete)
            write_atomically(folder.definition, content.encode())
            also(folder)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    note = "\n".join(notes + _warnings(library, name, definition_from(complete)))
    return Outcome(name, "create", True, f"{name} is defined", note)


def _write(folder: GuestFolder, file: str, data: bytes | Writer) -> None:
    if isinstance(data, bytes):
        write_atomically(folder.at(file), data)
    else:
        data(folder.at(file))
        give_to_owner_of(folder.path, Path(folder.at(file)))


class _Renamed(GuestFolder):
    """A folder under its hidden name that is spoken of by the name it will have."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path)
        self.name = name


def _named(folder: GuestFolder, name: str) -> GuestFolder:
    return _Renamed(folder.path, name)


def prepare(plain: dict[str, Any]) -> dict[str, Any]:
    """Fill in what only creation can: file names of disks that are given by size alone."""
    result = copy.deepcopy(plain)
    result.pop("name", None)
    disks = result.get("disks")
    for index, disk in enumerate(disks if isinstance(disks, list) else []):
        if isinstance(disk, dict) and "file" not in disk and "size" in disk:
            disk["file"] = f"disk{index}.{disk.get('format', 'qcow2')}"
    return result


def anchor_paths(plain: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make the paths of a file absolute where they name something beside that file.

    In a definition a relative path lies in the guest's folder, which does not exist
    before the guest is made.
    """
    result = copy.deepcopy(plain)

    def anchored(value: Any) -> Any:
        if isinstance(value, str) and value and not value.startswith("/"):
            beside = base / value
            if beside.exists():
                return os.path.abspath(beside)
        return value

    for key in _PATH_KEYS:
        if key in result:
            result[key] = anchored(result[key])
    for key in ("disks", "cdroms"):
        for item in result[key] if isinstance(result.get(key), list) else []:
            if isinstance(item, dict) and "file" in item:
                item["file"] = anchored(item["file"])
    return result


def _completed(library: Library, plain: dict[str, Any], definition: Definition) -> dict[str, Any]:
    """Record what must not change later: identity, machine version, image formats."""
    complete = copy.deepcopy(plain)
    complete.setdefault("uuid", str(uuid.uuid4()))
    try:
        capabilities = hosting.capabilities_for(library, definition.arch)
    except HostError:
        pass
    else:
        complete["machine"] = versioned_machine(definition, capabilities)
    for index, disk in enumerate(definition.disks):
        complete["disks"][index].setdefault("format", disk.image_format())
    return complete


def _carried(text: str, complete: dict[str, Any]) -> str:
    from kvmtui.strict_yaml import read_mapping

    return edit_text(text, read_mapping(text.encode()), complete)


def _make_images(
    folder: GuestFolder, definition: Definition, made: list[Path], bases: Mapping[str, str]
) -> None:
    for index, disk in enumerate(definition.disks):
        path = Path(folder.resolve(disk.file))
        if disk.size is None or path.exists():
            continue
        if not path.parent.is_dir():
            raise ImageError(
                f"disks[{index}]: {visible(str(path))} was not made: there is no such folder"
            )
        image_format = disk.image_format() or "qcow2"
        with starting.image_tools():
            image.create(path, image_format, disk.size, base=bases.get(disk.file))
        made.append(path)
        give_to_owner_of(path.parent, path)


def _warnings(library: Library, name: str, definition: Definition) -> list[str]:
    """What would keep it from starting now, or clashes, though the definition is fine."""
    folder = library.place(name)
    found = [*clashes.notes(library, folder, definition), *fitting.faults(library, definition)]
    found += _cd_doubts(folder, definition)
    fault = hosting.emulator_fault(definition.arch)
    if fault:
        return [*found, f"it would not start now: {fault}"]
    try:
        needs.check_host(folder, wants_of(definition, name))
    except (HostError, ImageError) as error:
        found.append(f"it would not start now: {error.message}")
    return found


def _cd_doubts(folder: GuestFolder, definition: Definition) -> list[str]:
    files = [cdrom.file for cdrom in definition.cdroms if cdrom.file]
    if not files:
        return []
    from kvmtui.manage.media_fit import cd_doubt

    return list(filter(None, (cd_doubt(folder.resolve(file)) for file in files)))
