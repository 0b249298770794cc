"""How an installation goes on: by what the guest did, whoever notices it first."""

from __future__ import annotations

import asyncio
import contextlib
import os

from kvmtui.errors import BusyError, KvmtuiError, StateError
from kvmtui.guest import history
from kvmtui.guest.editing import Change
from kvmtui.guest.folder import EVENTS, HISTORY, INSTALL_INITRD, INSTALL_KERNEL, SEED
from kvmtui.guest.install_record import (
    ASKS,
    DISK,
    INSTALLED,
    MEDIUM,
    InstallRecord,
    forget_install,
    read_install,
    write_install,
)
from kvmtui.manage import story
from kvmtui.manage.living import live_pid
from kvmtui.manage.operation import locked
from kvmtui.manage.views import Outcome
from kvmtui.qemu.events import read_events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.guest.definition import Definition
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library

_MOST_IDLE_RESETS = 3
_SHUT_DOWN = "the guest shut itself down; is it installed?"
GIVEN_UP = "it is given up"
"""The trouble of a guest that is being left as it is."""
_STOPPED = ("host-qmp-quit", "host-signal", "killed", "host-ui")


def medium_words(record: InstallRecord) -> str:
    names = [os.path.basename(file) for file in record.media if file != SEED]
    return " and ".join(["its kernel"] * record.kernel + names)


def tell(folder: GuestFolder, record: InstallRecord, step: str, text: str) -> None:
    """A line in the guest's story; a full disk does not hold up the installation."""
    line: dict[str, object] = {"phase": "install", "id": record.id, "step": step, "text": text}
    line |= {"user": history.acting_user(), "pid": os.getpid()}
    with contextlib.suppress(OSError):
        history.append(folder.at(HISTORY), line)


def asking(name: str) -> str:
    return f"{name} shut itself down while it was being installed: is it installed?"


def answers(name: str) -> str:
    return f"kvmtui install {name} --done, or {name} --again"


def ready_to_start(folder: GuestFolder, disks: list[str]) -> InstallRecord | None:
    """What a start has to know of the installation; the caller holds the guest's lock.

    Raises:
        StateError: It waits for an answer.
    """
    record = read_install(folder)
    if record is None or record.stage == INSTALLED:
        return record
    if record.trouble == ASKS:
        raise StateError(asking(folder.name), hint=answers(folder.name))
    return record._replace(disks=[_look(path) for path in disks])


def _look(path: str) -> list[object]:
    try:
        found = os.stat(path)
    except OSError:
        return [path, None, None]
    return [path, found.st_mtime_ns, found.st_blocks]


def about_to_start(folder: GuestFolder, record: InstallRecord, run: str) -> None:
    """A run of the guest is about to begin; the caller holds the guest's lock.

    Whoever comes after us, should we be killed, knows it by ``run/start.json``.
    """
    write_install(folder, record._replace(run=run, start=True))


def started(folder: GuestFolder, record: InstallRecord, run: str) -> None:
    """A run of the guest has begun; the caller holds the guest's lock."""
    if record.stage == INSTALLED:
        _finish(folder, record)
        return
    if record.trouble:
        tell(folder, record, "again", "again from " + medium_words(record))
    write_install(folder, record._replace(run=run, start=False, trouble=""))


def forget_answers(folder: GuestFolder, record: InstallRecord) -> None:
    """Delete what only the installation needed; the caller holds the guest's lock."""
    answers = (SEED,) if record.secret else ()
    for name in (INSTALL_KERNEL, INSTALL_INITRD, *answers):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder.at(name))


def _finish(folder: GuestFolder, record: InstallRecord) -> None:
    forget_answers(folder, record)
    forget_install(folder)
    tell(folder, record, "installed", "done")


def settle(library: Library, name: str) -> Outcome | None:
    """Let an installation go on, where its guest has done something; None for nothing to do.

    Raises:
        KvmtuiError: It cannot go on: the guest did not start, or its definition was not changed.
    """
    folder = library.folder(name)
    record = read_install(folder)
    if record is None:
        return None
    try:
        with locked(folder, limit_s=0.2):
            record = _judge(folder)
    except BusyError:
        return None
    if record is None or record.trouble or not (record.stage == INSTALLED or record.start):
        return None
    try:
        return go_on(library, folder, record)
    except BusyError:
        # A QEMU whose kvmtui was killed may just be coming up.
        return None


def _judge(folder: GuestFolder) -> InstallRecord | None:
    """Move the record on by what the guest did; the caller holds the guest's lock."""
    record = read_install(folder)
    if record is None or record.trouble or record.stage == INSTALLED:
        return record
    start = folder.start_record()
    if start is None or start.get("run") != record.run:
        return record
    never_came_up = record
    record = record._replace(start=False)
    if live_pid(folder, start, None) is not None:
        left = record.reboots - (_resets(folder) if record.stage == DISK else 0)
        if record.stage != DISK or left > 0:
            return record
        return _moved(folder, record._replace(stage=INSTALLED, start=False), "disk", "")
    ended = story.last_stop_of_record(folder)
    return never_came_up if ended is None else _after_run(folder, record, ended)


def _resets(folder: GuestFolder) -> int:
    """How often the guest restarted itself in this run."""
    return sum(
        event.name == "RESET" and event.data.get("reason") == "guest-reset"
        for event, _ in read_events(folder.at(EVENTS))
    )


def _after_run(folder: GuestFolder, record: InstallRecord, ended: story.LastStop) -> InstallRecord:
    """The record after a run, by how it ended."""
    if ended.reason == "guest-shutdown":
        return _moved(folder, record._replace(trouble=ASKS), "trouble", _SHUT_DOWN)
    if ended.reason != "guest-reset":
        stopped = ended.reason in _STOPPED
        words = "it was stopped" if stopped else ended.words
        return _moved(folder, record._replace(trouble=words), "trouble", words)
    if record.stage == MEDIUM and not _wrote(record):
        idle = record.idle_resets + 1
        words = f"restarted {idle} times and wrote to no disk"
        if idle >= _MOST_IDLE_RESETS:
            return _moved(folder, record._replace(trouble=f"it {words}"), "trouble", f"it {words}")
        again = record._replace(idle_resets=idle, start=True)
        return _moved(folder, again, "again", "the guest restarted before it wrote to a disk")
    left = record.reboots - 1
    if left > 0:
        moved = record._replace(stage=DISK, reboots=left, start=True)
        return _moved(folder, moved, "disk", "the guest restarted and goes on from its disk")
    return _moved(folder, record._replace(stage=INSTALLED, start=True), "disk", "")


def _wrote(record: InstallRecord) -> bool:
    """Whether a run wrote to a disk; of what cannot be told it did."""
    for path, time, blocks in record.disks:
        now = _look(str(path))
        if None in (time, now[1]) or now[1:] != [time, blocks] or str(path).startswith("/dev/"):
            return True
    return not record.disks


def _moved(folder: GuestFolder, record: InstallRecord, step: str, text: str) -> InstallRecord:
    write_install(folder, record)
    if text:
        tell(folder, record, step, text)
    return record


def go_on(library: Library, folder: GuestFolder, record: InstallRecord) -> Outcome:
    """Take the medium out where it has done its work, and start the guest where it is due."""
    from kvmtui.manage import starting

    name = folder.name
    running = live_pid(folder, folder.start_record(), None) is not None
    try:
        note = _take_out(library, folder, record, running) if record.stage == INSTALLED else ""
        if record.start and not running:
            outcome = starting.start_now(library, name)
            waits = _let_it_boot(folder) if record.stage == MEDIUM and not record.kernel else ""
            note = "\n".join(filter(None, (outcome.note, waits)))
            words = started_words(name, record)
            return outcome._replace(verb="install", message=words, note=note)
    except BusyError:
        raise
    except KvmtuiError as error:
        with locked(folder):
            _give_up_starting(folder, error.message)
        raise
    if record.stage == INSTALLED:
        with locked(folder):
            _finish(folder, record)
    return Outcome(name, "install", True, f"{name} is installed", note)


def _let_it_boot(folder: GuestFolder) -> str:
    """Press the key that its CD waits for; what a person has to do where that did not help."""
    from kvmtui.manage import install_prompt
    from kvmtui.manage.definitions import load_definition

    if not install_prompt.waits_for_key(load_definition(folder)):
        return ""
    if install_prompt.press_until_it_boots(folder):
        return ""
    return (
        f"{folder.name} has not booted from its CD: look at its screen, and press a key where it"
        f" asks for one (kvmtui type {folder.name} --keys ret)"
    )


def started_words(name: str, record: InstallRecord) -> str:
    if record.stage == INSTALLED:
        return f"{name} is installed and runs from its disk"
    source = "its disk" if record.stage == DISK else medium_words(record)
    return f"{name} is being installed: it runs from {source}"


def _give_up_starting(folder: GuestFolder, why: str) -> None:
    """Nobody tries again what just failed, until a person says so."""
    record = read_install(folder)
    if record is not None:
        _moved(folder, record._replace(trouble=why, start=False), "trouble", why)


def _take_out(library: Library, folder: GuestFolder, record: InstallRecord, running: bool) -> str:
    """Let the definition be without the medium; what is in a drive of a running guest too.

    Done again after a crash in the middle it changes nothing.
    """
    from kvmtui.manage import changing, media
    from kvmtui.manage.definitions import load_definition

    definition = load_definition(folder)
    changes = _emptied(definition, record.media)
    drives = [f"cdrom{change.path[1]}" for change in changes]
    if record.kernel and definition.kernel is not None:
        changes += _without_kernel(definition)
    if changes:
        changing.change(library, folder.name, changes)
    notes = []
    for drive in drives if running else ():
        try:
            asyncio.run(media.eject(library, folder.name, drive=drive, force=True))
        except KvmtuiError as error:
            notes.append(f"{folder.name}: {drive} was not emptied: {error.message}")
    return "\n".join(notes)


def take_answers_out(library: Library, folder: GuestFolder) -> bool:
    """Let the definition be without answers and the installer's own kernel; whether it had any.

    A guest that runs keeps what it has open; done again it changes nothing.

    Raises:
        KvmtuiError: The definition was not changed.
    """
    from kvmtui.manage import changing
    from kvmtui.manage.definitions import load_definition

    definition = load_definition(folder)
    changes = _emptied(definition, (SEED,))
    if definition.kernel == INSTALL_KERNEL or definition.initrd == INSTALL_INITRD:
        changes += _without_kernel(definition)
    if changes:
        changing.change(library, folder.name, changes)
    return bool(changes)


def _emptied(definition: Definition, media: Sequence[str]) -> list[Change]:
    """The changes that leave drives empty in which these are."""
    return [
        Change(["cdroms", index, "file"], "")
        for index, drive in enumerate(definition.cdroms)
        if drive.file in media
    ]


def _without_kernel(definition: Definition) -> list[Change]:
    keys = [key for key in ("append", "initrd", "kernel") if getattr(definition, key) is not None]
    return [Change([key], "") for key in keys]
