"""The CD drives of a guest as a form: which image is in one, or that it is to be empty."""

from __future__ import annotations

import os

from kvmtui.errors import ImageError, StateError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import media
from kvmtui.manage.forms import FormField, Values
from kvmtui.manage.media import Drive
from kvmtui.manage.power import is_running
from kvmtui.manage.views import Outcome
from kvmtui.text import visible

_FILE = "Path of a CD's image; empty takes the CD out."
_DRIVE = "Which drive: cdrom0 is the first of the definition."
_FORCE = "Opens a tray that the guest holds shut because it uses the CD."
_SAVE = "Changes the definition too, so that the next start has it; else it is for this run."


async def fields(library: Library, name: str) -> list[FormField]:
    """The form, filled in with what is in the drives now.

    Raises:
        StateError: There is no drive.
        KvmtuiError: There is no such guest, or its QEMU does not answer.
    """
    found = await media.drives(library, name)
    if not found:
        hint = f"kvmtui set {name} 'cdroms=[{{}}]', and start it anew"
        raise StateError(f"{name} has no CD drive", hint=hint)
    running = is_running(library, library.folder(name))
    first = found[0]
    file = (first.file if running else first.defined) or ""
    made = [FormField("file", "CD", "text", file, (), _FILE)]
    if len(found) > 1:
        names = tuple(one.name for one in found)
        made.insert(0, FormField("drive", "Drive", "choice", names[0], names, _DRIVE))
    if running:
        made.append(FormField("force", "By force", "switch", "no", (), _FORCE))
        made.append(FormField("save", "Keep it", "switch", "no", (), _SAVE))
    return made


def told_of(drive: Drive, *, running: bool) -> str:
    """What is in a drive, in words."""
    file = drive.file if running else drive.defined
    words = visible(file, limit=200) if file else "empty"
    if running and drive.open:
        return f"{words}, its tray is open"
    return f"{words}, held shut by the guest" if running and drive.locked else words


async def told_of_drive(library: Library, name: str, drive: str) -> str:
    """What is in a drive now, in words; empty where there is none of this name.

    Raises:
        KvmtuiError: There is no such guest, or its QEMU does not answer.
    """
    running = is_running(library, library.folder(name))
    for one in await media.drives(library, name):
        if one.name == drive:
            return told_of(one, running=running)
    return ""


def check_file(text: str) -> tuple[bool, str]:
    """Whether it may be put in, and a few words."""
    text = text.strip()
    if not text:
        return True, "the drive is empty then"
    path = os.path.expanduser(text)
    if not os.path.isabs(path):
        return False, "a whole path is needed, from / on"
    try:
        media.check_image(path)
    except ImageError as error:
        return False, error.message.removeprefix(f"{visible(path)}: ")
    return True, format_size(os.stat(path).st_size) if os.path.isfile(path) else "a device"


async def change(library: Library, name: str, values: Values) -> Outcome:
    """Put in what the form says, or take out.

    Raises:
        KvmtuiError: As `media.insert` and `media.eject`.
    """
    drive, file = values.get("drive", "cdrom0"), values["file"].strip()
    force = values.get("force") == "yes"
    save = values.get("save", "yes") == "yes"
    if not file:
        return await media.eject(library, name, drive=drive, force=force, save=save)
    path = os.path.expanduser(file)
    return await media.insert(library, name, path, drive=drive, force=force, save=save)
