"""Definitions on disk: loading, and saving a changed one without losing a comment."""

from __future__ import annotations

import functools
import os
from typing import Any

from kvmtui.durable import write_atomically
from kvmtui.errors import DefinitionError
from kvmtui.guest.definition import Definition
from kvmtui.guest.folder import DEFINITION, GuestFolder, read_definition_file
from kvmtui.guest.validation import definition_from
from kvmtui.strict_yaml import read_mapping


def load_plain(folder: GuestFolder) -> dict[str, Any]:
    """The definition as plain data, as it stands in the file.

    Raises:
        DefinitionError: The file is not YAML or no mapping.
    """
    return read_mapping(read_definition_file(folder))


def load_definition(folder: GuestFolder) -> Definition:
    """The checked definition.

    Raises:
        DefinitionError: All problems of the file.
    """
    return checked(folder, read_definition_file(folder))


def remembered_definition(folder: GuestFolder) -> Definition:
    """As `load_definition`; read again only where the file is another than before.

    For who looks at all guests again and again; never for a start.

    Raises:
        DefinitionError: All problems of the file.
        OSError: There is no file.
    """
    stat = os.stat(folder.at(DEFINITION))
    return _remembered(folder.place, (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=1024)
def _remembered(place: str, _identity: tuple[int, ...]) -> Definition:
    return load_definition(GuestFolder(place))


def checked(folder: GuestFolder, data: bytes) -> Definition:
    """The checked definition of a file's bytes.

    Raises:
        DefinitionError: All problems of the file.
    """
    try:
        return definition_from(read_mapping(data))
    except DefinitionError as error:
        raise DefinitionError(
            [
                f"{DEFINITION}: {problem.removeprefix(DEFINITION + ': ')}"
                for problem in error.problems
            ],
            hint=f"kvmtui edit {folder.name}",
        ) from None


def save_text(folder: GuestFolder, text: str) -> None:
    """Replace the definition; the caller has checked the text and holds the lock."""
    write_atomically(folder.definition, text.encode())


def save_change(folder: GuestFolder, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Write what differs between two states into the file; comments and order survive.

    Raises:
        DefinitionError: The file cannot be changed safely by program; it is as before.
    """
    from kvmtui.guest.editing import edit_text

    text = read_definition_file(folder).decode("utf-8")
    save_text(folder, edit_text(text, old, new))
