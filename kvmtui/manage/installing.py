"""Installing a guest: a state machine in its folder, which outlives every kvmtui.

The first boot is from the medium, and QEMU ends instead of restarting the guest
(``-action reboot=shutdown``). Why it ended is in the recorder's events, so whoever comes next
knows how it goes on: a restart means that the medium has done its work, and the guest is
started from its disk, with the medium taken out; a shutdown means that a person is asked; all
else is trouble that is told. Systems that restart more often while they are installed keep
the medium, and are counted by the events of the run from the disk.
"""

from __future__ import annotations

import os

from kvmtui.errors import StateError
from kvmtui.guest import history
from kvmtui.guest.folder import HISTORY, INSTALL, SEED
from kvmtui.guest.install_record import (
    ASKS,
    INSTALLED,
    MEDIUM,
    InstallRecord,
    forget_install,
    read_install,
    write_install,
)
from kvmtui.guest.names import check_name, is_name
from kvmtui.manage.install_steps import (
    GIVEN_UP,
    answers,
    asking,
    forget_answers,
    go_on,
    medium_words,
    started_words,
    take_answers_out,
    tell,
)
from kvmtui.manage.install_steps import settle as settle
from kvmtui.manage.living import live_pid
from kvmtui.manage.operation import locked
from kvmtui.manage.views import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kvmtui.guest.definition import Definition
    from kvmtui.guest.first_login import FirstLogin
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library

MOST_REBOOTS = 20


def create(
    library: Library,
    name: str,
    plain: dict[str, Any],
    *,
    text: str | None = None,
    reboots: int | None = None,
    wants: FirstLogin | None = None,
    own: Mapping[str, bytes] | None = None,
) -> Outcome:
    """Define a guest that is about to be installed: all of it is there, or nothing.

    Args:
        plain, text: As `creating.create`; its media are the CDs, or else the kernel. The
            profile of its ``os`` is laid under it.
        wants: Install it without questions, with these answers.
        own: A person's own files, in the place of those that would be made of `wants`. Nobody
            knows what is in them: they are kept no longer than a password's hash.
        reboots: How often the guest restarts itself until it is installed; None: as the
            profile says, else once.

    Raises:
        StateError: It has nothing to be installed from, or no disk to be installed to.
        KvmtuiError: As `creating.create`, and as `unattended`.
    """
    from kvmtui.guest.validation import definition_from
    from kvmtui.manage import creating, profiles

    check_name(name)
    files: Mapping[str, bytes | creating.Writer] = {}
    if wants is None:
        plain, notes = profiles.laid_under(creating.prepare(plain))
    else:
        from kvmtui.manage.unattended import unattended

        plain, files, notes, _ = unattended(name, plain, wants, own)
    if reboots is None:
        reboots = _usual_reboots(plain.get("os"))
    answers = [SEED] if wants is not None else []
    record = _first_record(name, definition_from(creating.prepare(plain)), reboots, answers)
    secret = wants is not None and (wants.password_hash is not None or bool(own))
    record = record._replace(secret=secret)

    def begin(folder: GuestFolder) -> None:
        write_install(folder, record)
        tell(folder, record, "begun", "from " + medium_words(record))

    made = creating.create(library, name, plain, text=text, files=files, also=begin)
    return made._replace(note="\n".join(filter(None, (*notes, made.note))))


def _usual_reboots(os_id: object) -> int:
    from kvmtui.manage import profiles

    found = profiles.profiles().find(os_id) if isinstance(os_id, str) else None
    return 1 if found is None else max(1, found.reboots)


def _first_record(
    name: str, definition: Definition, reboots: int, answers: list[str]
) -> InstallRecord:
    media = [drive.file for drive in definition.cdroms if drive.file and drive.file != SEED]
    if not media and definition.kernel is None:
        raise StateError(
            f"{name} has nothing to be installed from", hint=f"kvmtui install {name} --iso FILE"
        )
    if all(disk.read_only for disk in definition.disks):
        raise StateError(
            f"{name} has no disk to be installed to", hint=f"kvmtui install {name} --disk 20G"
        )
    if not 1 <= reboots <= MOST_REBOOTS:
        raise StateError(f"{name}: reboots are from 1 to {MOST_REBOOTS}")
    kernel = definition.kernel is not None
    return InstallRecord(os.urandom(6).hex(), MEDIUM, media + answers, kernel, reboots)


def done(library: Library, name: str) -> Outcome:
    """A person says that it is installed: the medium is taken out, and it runs from its disk.

    Raises:
        StateError: It is not being installed, or runs from its medium.
    """
    folder = library.folder(name)
    with locked(folder):
        record = _under_way(folder)
        running = live_pid(folder, folder.start_record(), None) is not None
        if running and record.stage == MEDIUM:
            raise StateError(
                f"{name} runs from {medium_words(record)}",
                hint=f"restart it inside, or kvmtui stop {name} first",
            )
        record = record._replace(stage=INSTALLED, trouble="", start=not running)
        write_install(folder, record)
    return go_on(library, folder, record)


def again(library: Library, name: str) -> Outcome:
    """Start anew from the medium.

    Raises:
        StateError: It is not being installed, or runs.
    """
    folder = library.folder(name)
    with locked(folder):
        record = _under_way(folder)
        if live_pid(folder, folder.start_record(), None) is not None:
            raise StateError(f"{name} runs", hint=f"kvmtui stop {name}")
        if record.stage != INSTALLED:
            record = record._replace(stage=MEDIUM)
        record = record._replace(trouble="", start=True, idle_resets=0)
        write_install(folder, record)
        tell(folder, record, "again", "again from " + medium_words(record))
    return go_on(library, folder, record)


def keep(library: Library, name: str) -> Outcome:
    """Leave the guest as it is: from now on it is one like any other.

    Its medium stays in its drive. What was put there for the installation goes, as after a
    normal end: the answers, and the installer's own kernel, which would begin anew with them.

    Raises:
        StateError: It is not being installed.
        KvmtuiError: Its definition was not changed; nothing is forgotten.
    """
    folder = library.folder(name)
    with locked(folder):
        record = _under_way(folder)._replace(start=False, trouble=GIVEN_UP)
        # Nobody goes on with it from here.
        write_install(folder, record)
    had = take_answers_out(library, folder)
    with locked(folder):
        forget_answers(folder, record)
        forget_install(folder)
        tell(folder, record, "kept", "given up, the guest is left as it is")
    gone = "; what answered its installer is taken out" if had else ""
    return Outcome(name, "install", True, f"{name} is left as it is, its medium too{gone}")


def _under_way(folder: GuestFolder) -> InstallRecord:
    record = read_install(folder)
    if record is None:
        raise StateError(
            f"{folder.name} is not being installed", hint=f"kvmtui start {folder.name}"
        )
    return record


def standing(library: Library, name: str) -> Outcome:
    """Where an installation stands, in words; `settle` it first.

    Raises:
        StateError: It waits for a person, who is told for what.
    """
    folder = library.folder(name)
    record = read_install(folder)
    if record is None:
        return Outcome(name, "install", False, _past(folder))
    if record.trouble == ASKS:
        raise StateError(asking(name), hint=answers(name))
    if record.trouble:
        raise StateError(
            f"{name} is not installed: {record.trouble}",
            hint=f"kvmtui install {name} --again, --done or --keep",
        )
    if live_pid(folder, folder.start_record(), None) is None:
        return Outcome(name, "install", False, f"{name} is about to be started")
    return Outcome(name, "install", False, started_words(name, record) + _stands(library, folder))


def _stands(library: Library, folder: GuestFolder) -> str:
    """Whether a person let it stand still.

    Raises:
        StateError: It stands still by itself.
    """
    from kvmtui.manage import looking, resuming

    name, state = folder.name, looking.look_at(library, folder.name).state
    if state == "io-error":
        full = resuming.paused_for_room(folder)
        why = "there is no room left for its disk" if full else "its disk cannot be read or written"
        raise StateError(
            f"{name} stands still while it is being installed: {why}",
            hint=f"{'make room' if full else f'kvmtui why {name}'}, then kvmtui resume {name}",
        )
    if state == "crashed":
        raise StateError(
            f"{name} stands broken while it is being installed",
            hint=f"kvmtui why {name}; kvmtui stop {name}, then kvmtui install {name} --again",
        )
    return ", and is paused" if state == "paused" else ""


def is_under_way(library: Library, name: str) -> bool:
    """Whether a guest is being installed."""
    return read_install(library.folder(name)) is not None


def settle_if_any(library: Library, name: str) -> Outcome | None:
    """As `settle`, of whatever is called so; None where there is no such guest."""
    if not is_name(name) or not os.path.exists(library.place(name).at(INSTALL)):
        return None
    return settle(library, name)


def trouble_of(folder: GuestFolder, record: InstallRecord) -> str:
    """What a person has to know or do, for a list; empty where it goes on by itself."""
    if record.trouble == ASKS:
        return f"shut itself down while it was being installed: {answers(folder.name)}"
    return f"is not installed: {record.trouble}" if record.trouble else ""


def _past(folder: GuestFolder) -> str:
    lines = [line for line in history.read(folder.at(HISTORY)) if line.get("phase") == "install"]
    if not lines:
        return f"{folder.name} was not installed by kvmtui"
    when, step = lines[-1].get("time"), lines[-1].get("step")
    return f"{folder.name} {'is installed' if step == 'installed' else 'was left as it is'}, {when}"
