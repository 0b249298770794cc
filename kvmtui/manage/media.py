"""CD drives of a guest: what is in them, putting in another, taking out."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Any, NamedTuple

from kvmtui.errors import CommandRefused, ImageError, MonitorError, StateError
from kvmtui.guest.editing import Change
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage import changing
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.media_fit import cd_doubt
from kvmtui.manage.power import is_running, monitors_of, running_session
from kvmtui.manage.views import Outcome
from kvmtui.qemu.monitor import Monitor, command_session
from kvmtui.text import visible

_LIMIT_S = 30.0


class Drive(NamedTuple):
    """A CD drive."""

    name: str
    """``cdrom0``, ``cdrom1`` …, in the order of the definition."""
    file: str | None
    """What is in it now; None when empty, or while the guest does not run."""
    defined: str | None
    """What the definition says is in it at a start."""
    locked: bool
    """Whether the guest holds its tray shut."""
    open: bool
    """Whether its tray is open."""


async def drives(library: Library, name: str) -> list[Drive]:
    """The guest's CD drives, as they are now where it runs.

    Raises:
        KvmtuiError: There is no such guest, or its QEMU does not answer.
    """
    folder = library.folder(name)
    defined = [cdrom.file for cdrom in load_definition(folder).cdroms]
    now: dict[str, dict[str, Any]] = {}
    if is_running(library, folder):
        async with command_session(monitors_of(folder), f"kvmtui device {name}") as monitor:
            now = await _drives_now(monitor)
    names = [f"cdrom{index}" for index in range(len(defined))]
    names += [one for one in sorted(now) if one not in names]
    found = []
    for index, one in enumerate(names):
        told = now.get(one, {})
        found.append(
            Drive(
                name=one,
                file=_file_in(told),
                defined=defined[index] if index < len(defined) else None,
                locked=bool(told.get("locked")),
                open=bool(told.get("tray_open")),
            )
        )
    return found


async def _drives_now(monitor: Monitor) -> dict[str, dict[str, Any]]:
    """QMP ``query-block`` of the CD drives, by their names."""
    found = {}
    for one in await monitor.execute("query-block"):
        name = str(one.get("qdev", "")).rsplit("/", 1)[-1]
        parts = [part for part in str(one.get("qdev", "")).split("/") if part.startswith("cdrom")]
        if one.get("removable") and (name.startswith("cdrom") or parts):
            found[parts[0] if parts else name] = one
    return found


def _file_in(told: dict[str, Any]) -> str | None:
    inserted = told.get("inserted")
    if not isinstance(inserted, dict):
        return None
    image = inserted.get("image")
    file = image.get("filename") if isinstance(image, dict) else inserted.get("file")
    return str(file) if file else None


async def insert(
    library: Library,
    name: str,
    file: str,
    *,
    drive: str = "cdrom0",
    force: bool = False,
    save: bool = False,
) -> Outcome:
    """Put a CD image into a drive, in place of what is in it.

    Args:
        file: Absolute path.
        force: Open a tray that the guest holds shut.
        save: Let the definition say so too.

    Raises:
        StateError: There is no such drive, the guest holds it shut, or it does not run.
        ImageError: There is no such image.
    """
    check_image(file)
    folder = library.folder(name)
    running = is_running(library, folder)
    _refuse_unsaved(folder, running, save)
    shown = visible(os.path.basename(file))
    if running:
        arguments = {"filename": file, "format": "raw", "read-only-mode": "read-only"}
        async with running_session(library, folder, "insert") as (monitor, operation):
            await _change(monitor, folder, drive, "blockdev-change-medium", arguments, force)
            operation.result |= {"drive": drive, "file": file}
    note = _save(library, folder, drive, file) if save else _differs(running)
    note = "\n".join(filter(None, (cd_doubt(file), note)))
    return Outcome(name, "device insert", True, f"{name}: {shown} is in {drive}", note)


async def eject(
    library: Library, name: str, *, drive: str = "cdrom0", force: bool = False, save: bool = False
) -> Outcome:
    """Take the CD out of a drive.

    Raises:
        StateError: As `insert`.
    """
    folder = library.folder(name)
    running = is_running(library, folder)
    _refuse_unsaved(folder, running, save)
    changed = True
    if running:
        async with running_session(library, folder, "eject") as (monitor, operation):
            told = await _drive(monitor, folder, drive)
            changed = told.get("inserted") is not None
            operation.result |= {"drive": drive, "changed": changed}
            if changed:
                await _change(monitor, folder, drive, "eject", {}, force)
    note = _save(library, folder, drive, None) if save else _differs(running and changed)
    message = f"{name}: {drive} is empty" + ("" if changed else " already")
    return Outcome(name, "device eject", changed, message, note)


def check_image(file: str) -> None:
    try:
        mode = os.stat(file).st_mode
    except OSError as error:
        raise ImageError(f"{visible(file)}: {error.strerror}") from None
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        raise ImageError(f"{visible(file)} is no image")


def _refuse_unsaved(folder: GuestFolder, running: bool, save: bool) -> None:
    if not running and not save:
        raise StateError(
            f"{folder.name} does not run", hint="add --save to change its definition alone"
        )


def _differs(changed: bool) -> str:
    return "the next start has what the definition says; --save changes that too" if changed else ""


async def _drive(monitor: Monitor, folder: GuestFolder, drive: str) -> dict[str, Any]:
    """What QEMU says of a drive.

    Raises:
        StateError: There is none of this name.
    """
    known = await _drives_now(monitor)
    if drive in known:
        return known[drive]
    if known:
        raise StateError(
            f"{folder.name} has no CD drive '{visible(drive, limit=40)}'",
            hint=f"choose {', '.join(sorted(known))}",
        )
    raise StateError(
        f"{folder.name} has no CD drive", hint=f"kvmtui set {folder.name} 'cdroms=[{{}}]'"
    )


async def _change(
    monitor: Monitor,
    folder: GuestFolder,
    drive: str,
    command: str,
    arguments: dict[str, Any],
    force: bool,
) -> None:
    """Run a command that opens the drive's tray.

    Raises:
        StateError: The guest holds it shut.
    """
    told = await _drive(monitor, folder, drive)
    locked = told.get("locked") and not told.get("tray_open")
    shut = StateError(
        f"{folder.name} holds the tray of {drive} shut: it uses the CD",
        hint="unmount it in the guest, or add --force",
    )
    if locked and not force:
        raise shut
    wanted: dict[str, Any] = {"id": drive, **arguments}
    if locked:
        # Older QEMUs know no force in blockdev-change-medium: the tray is opened first.
        await monitor.execute("blockdev-open-tray", {"id": drive, "force": True}, limit_s=_LIMIT_S)
    elif command == "eject" and force:
        wanted["force"] = True
    try:
        await monitor.execute(command, wanted, limit_s=_LIMIT_S)
    except CommandRefused as error:
        if "is locked" in error.description or "is not open" in error.description:
            raise shut from None
        raise
    old = told.get("inserted")
    node = old.get("node-name") if isinstance(old, dict) else None
    if isinstance(node, str) and not node.startswith("#"):
        # The node of the command line is held by nobody now, and its file need not stay open.
        with contextlib.suppress(MonitorError):
            await monitor.execute("blockdev-del", {"node-name": node})


def _save(library: Library, folder: GuestFolder, drive: str, file: str | None) -> str:
    """Let the definition say what is in a drive.

    Raises:
        StateError: It has no such drive.
    """
    count = len(load_definition(folder).cdroms)
    number = drive.removeprefix("cdrom")
    if not number.isdecimal() or int(number) >= count:
        raise StateError(
            f"{folder.name}'s definition has no CD drive '{visible(drive, limit=40)}'",
            hint=f"kvmtui set {folder.name} 'cdroms=[{{}}]'",
        )
    change = Change(["cdroms", int(number), "file"], file or "")
    changing.change(library, folder.name, [change])
    return ""
