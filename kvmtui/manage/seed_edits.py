"""Files of a seed that a person edits before there is a guest; kept in memory alone.

An edited file is used as it is, whatever the fields say later. So each remembers what the
fields made when it was edited: once they make something else, that is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal, NamedTuple

from kvmtui.errors import DefinitionError, ImageError, KvmtuiError
from kvmtui.guest.answers import Answers
from kvmtui.guest.seed_image import MOST_BYTES
from kvmtui.manage import seeding
from kvmtui.manage.install_login import told_lines
from kvmtui.text import visible

Standing = Literal["fine", "warning", "problem"]


class Edit(NamedTuple):
    """One edited file."""

    content: bytes
    made: bytes
    """A digest of what the fields made when it was edited."""
    fault: str = ""
    """Why its reader would not take it; empty where it would."""


Edits = Mapping[tuple[str, str], Edit]
"""By the kind of answer file and the file's name."""
NONE: Edits = {}


class SeedFile(NamedTuple):
    """A file of the seed to be, for people."""

    name: str
    lines: tuple[str, ...]
    """Without a password's hash."""
    is_text: bool
    """Whether it can be edited."""
    is_edited: bool
    standing: Standing
    said: str
    """What is to be said of an edited file."""


class SeedView(NamedTuple):
    """The seed to be."""

    kind: str
    files: tuple[SeedFile, ...]
    first: str
    """The file that people write."""
    notes: tuple[str, ...]


class EditedSeed(NamedTuple):
    """How the edited files of one seed stand, in words of a few cells."""

    names: tuple[str, ...]
    standing: Standing
    words: str


def view(made: Answers, kind: str, edits: Edits) -> SeedView:
    """A seed with its edited files.

    Args:
        made: As the fields make it.
    """
    own = contents(edits, kind)
    files = seeding.with_own(made, kind, own, checked=False).files
    shown = tuple(_file(name, data, made, kind, edits) for name, data in files.items())
    return SeedView(
        kind, shown, seeding.main_file(files), tuple(visible(one, limit=400) for one in made.notes)
    )


def _file(name: str, data: bytes, made: Answers, kind: str, edits: Edits) -> SeedFile:
    is_text = seeding.is_replaceable(made.files, kind, name)
    edit = edits.get((kind, name))
    if edit is None:
        return SeedFile(name, tuple(told_lines(data)), is_text, False, "fine", "")
    standing, said = _standing(name, edit, made)
    return SeedFile(name, tuple(told_lines(data)), is_text, True, standing, said)


def _standing(name: str, edit: Edit, made: Answers | None) -> tuple[Standing, str]:
    if edit.fault:
        return "problem", edit.fault
    if made is not None and digest(made.files.get(name, b"")) != edit.made:
        return "warning", f"{visible(name)} is as edited: it no longer follows the fields"
    return "fine", f"{visible(name)} is as edited"


def edited(edits: Edits, kind: str, made: Answers | None) -> EditedSeed | None:
    """How the edited files of a kind stand; None where there are none.

    Args:
        made: As the fields make it; None where that cannot be known.
    """
    found = {name: edit for (of, name), edit in edits.items() if of == kind}
    if not found:
        return None
    told = [_standing(name, edit, made) for name, edit in found.items()]
    worst = next(
        (one for wanted in ("problem", "warning") for one in told if one[0] == wanted), told[0]
    )
    if worst[0] == "fine" and len(told) > 1:
        worst = ("fine", f"{len(told)} files are as edited")
    return EditedSeed(tuple(found), *worst)


def contents(edits: Edits, kind: str) -> dict[str, bytes]:
    """What stands in the edited files of a kind."""
    return {name: edit.content for (of, name), edit in edits.items() if of == kind}


def take(edits: Edits, kind: str, name: str, content: bytes, made: bytes) -> Edits:
    """The edits with one more; none of a file that is again as the fields make it.

    Args:
        made: What the fields make.
    """
    rest = without(edits, kind, name)
    if content == made:
        return rest
    return {**rest, (kind, name): Edit(content, digest(made), fault_of(name, content))}


def without(edits: Edits, kind: str, name: str) -> Edits:
    """The edits without one: the file is again as the fields make it."""
    return {key: edit for key, edit in edits.items() if key != (kind, name)}


def fault_of(name: str, content: bytes) -> str:
    """Why a file's reader would not take it, with its line; empty where it would."""
    try:
        if len(content) > MOST_BYTES:
            raise ImageError(f"{visible(name)}: more than {MOST_BYTES >> 20} MiB")
        seeding.check_file(name, content)
    except DefinitionError as error:
        return error.problems[0]
    except KvmtuiError as error:
        return error.message
    return ""


def digest(data: bytes) -> bytes:
    """What two contents are compared by; nothing of a hash is kept besides."""
    return hashlib.sha256(data).digest()
