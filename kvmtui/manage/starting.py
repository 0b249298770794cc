"""Starting a guest: from its definition to a QEMU whose monitors are ready.

Plain blocking functions: a start waits for QEMU and nothing else, so `Fleet` runs them
in threads and the command line runs one without asyncio.
"""

from __future__ import annotations

import contextlib
import os
import time

from kvmtui import light_json as json
from kvmtui.durable import (
    give_to_owner_of,
    make_folder,
    open_regular,
    reading,
    try_lock,
    write_atomically,
)
from kvmtui.errors import (
    BusyError,
    DefinitionError,
    HostError,
    LaunchError,
    StateError,
)
from kvmtui.guest import history
from kvmtui.guest.folder import (
    CONSOLE_LOG,
    EVENTS,
    INSTALL,
    QEMU_LOG,
    RUN,
    RUN_LOCK,
    START_RECORD,
)
from kvmtui.host.paths import autostart_unit
from kvmtui.manage import choosing, hosting, image_below, needs, story
from kvmtui.manage.command_lines import CommandLine
from kvmtui.manage.image_records import records
from kvmtui.manage.living import live_pid
from kvmtui.manage.operation import Operation, locked, told
from kvmtui.manage.twins import clashes_of_start
from kvmtui.manage.views import Outcome
from kvmtui.qemu import events, launch
from kvmtui.qemu.process import await_release
from kvmtui.qemu.scope import is_systemd_here, scope_name
from kvmtui.qemu.scope import obstacle as scope_obstacle
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library
    from kvmtui.guest.wants import Wants
    from kvmtui.manage.choosing import Choice
    from kvmtui.qemu.spawn import RunUser

_CONSOLE_LARGEST_BYTES = 64 << 20
_CONSOLE_KEPT_BYTES = 16 << 20
_SETTLE_LIMIT_S = 20.0
_RUN_LOCK_LIMIT_S = 2.0


def start(library: Library, name: str) -> Outcome:
    """Start a guest and wait until its monitors are ready.

    One that is being installed goes on with that first. A guest that runs is left as it
    is. When it does not come up no process is left.

    Raises:
        DefinitionError: Its definition is not valid.
        HostError: QEMU, memory or a port is missing.
        ImageError: A file of the guest is missing.
        LaunchError: QEMU did not come up.
        BusyError: Another kvmtui is at work on it.
    """
    if os.path.exists(library.folder(name).at(INSTALL)):
        from kvmtui.manage import install_steps

        install_steps.settle(library, name)
    return start_now(library, name)


def start_now(library: Library, name: str) -> Outcome:
    """As `start`, whatever an installation waits for."""
    folder = library.folder(name)
    settle_cut_off(library, name)
    with locked(folder):
        pid = _settle(library, folder)
        if pid is not None:
            return Outcome(name, "start", False, f"{name} runs already (pid {pid})")
        with told(folder, "start", needs_room=True) as operation:
            return _start(library, folder, operation)


def settle_cut_off(library: Library, name: str) -> None:
    """Let the definition say which disk is in force, where work that moved it was cut off.

    Raises:
        StateError: It cannot be settled now; a start might take the wrong image.
    """
    found = [record for record, held in records(library) if not held]
    if not found:
        return
    from kvmtui.manage import image_work

    image_work.sweep_now(library)
    for record, held in records(library):
        live = record.get("live")
        if not held and isinstance(live, list) and name in live[2:3]:
            raise StateError(
                f"{name} was not started: image {live[1]} of its disk was cut off, and cannot "
                "be settled yet",
                hint=f"see that its folder can be written to: {library.at('work')}",
            )


def _settle(library: Library, folder: GuestFolder) -> int | None:
    """The pid of a live QEMU, once one that is coming up or leaving has done so."""
    deadline = time.monotonic() + _SETTLE_LIMIT_S
    while True:
        record = folder.start_record()
        uuid = None if record else _defined_uuid(library, folder)
        pid = live_pid(folder, record, uuid)
        if pid is not None or await_release(folder.at(RUN_LOCK), 0.05):
            return pid
        if time.monotonic() >= deadline:
            raise BusyError(
                f"{folder.name}: a QEMU of it is neither ready nor gone",
                hint=f"kvmtui logs {folder.name} --qemu",
            )


def _take_run_lock(folder: GuestFolder) -> int:
    """Take the lock that QEMU inherits; who only looks at it holds it for an instant."""
    deadline = time.monotonic() + _RUN_LOCK_LIMIT_S
    while True:
        lock = try_lock(folder.at(RUN_LOCK), owner_folder=folder.place)
        if lock is not None:
            return lock
        if time.monotonic() >= deadline:
            raise BusyError(f"{folder.name}: a QEMU of it is still there")
        time.sleep(0.02)


def _defined_uuid(library: Library, folder: GuestFolder) -> str | None:
    try:
        return CommandLine(library, folder).wants.uuid
    except DefinitionError:
        return None


def _start(library: Library, folder: GuestFolder, operation: Operation) -> Outcome:
    line = CommandLine(library, folder)
    wants = line.wants
    install = None
    if os.path.exists(folder.at(INSTALL)):
        from kvmtui.manage import install_steps

        install = install_steps.ready_to_start(folder, list(map(folder.resolve, wants.disks)))
    if wants.tpm:
        from kvmtui.manage import platform

        platform.end_left_over(folder)
    needs.check_host(folder, wants)
    below = image_below.notes_of_start(library, folder, wants)
    ensure_firmware_variables(folder, wants)
    argv, choice = line.built()
    # One that just comes up, after its kvmtui was killed, has its sockets in what is emptied now.
    os.close(_take_run_lock(folder))
    story.close_run(folder)
    _prepare_run(folder)
    record = _start_record(folder, wants, choice)
    if install is not None:
        from kvmtui.manage import install_steps

        install_steps.about_to_start(folder, install, str(record["run"]))
    try:
        note = _bring_up(library, folder, wants, argv, record)
    except LaunchError as error:
        from kvmtui.manage.explaining import explained

        _forget_run(folder)
        raise explained(library, folder, wants, error) from None
    if install is not None:
        from kvmtui.manage import install_steps

        install_steps.started(folder, install, str(record["run"]))
    operation.result["accelerator"] = choice.accelerator
    message = f"{folder.name} runs under {choice.accelerator}"
    note = "\n".join(filter(None, [*below, note]))
    return Outcome(folder.name, "start", True, message, note)


def _bring_up(
    library: Library,
    folder: GuestFolder,
    wants: Wants,
    argv: list[str],
    record: dict[str, object],
) -> str:
    """Start QEMU with all that it inherits; what the user should know of how it runs."""
    user = hosting.run_user(library)
    systemd = is_systemd_here()
    missed = (systemd and scope_obstacle(user)) or ""
    with contextlib.ExitStack() as stack:
        fifo = events.prepare(folder.at(RUN), folder.at(EVENTS))
        stack.callback(os.close, fifo)
        needs.check_room(folder)
        run_lock = _take_run_lock(folder)
        stack.callback(os.close, run_lock)
        _write_record(folder, record)
        request = launch.Launch(
            argv=argv,
            run=folder.at(RUN),
            log=folder.at(QEMU_LOG),
            inherited=(fifo, run_lock),
            user=user,
            scope=scope_name(folder.name) if systemd and not missed else None,
            description=f"kvmtui guest {folder.name}",
            ended_by=autostart_unit(library.root) if systemd else "",
        )
        if wants.tpm:
            from kvmtui.manage import platform

            stack.enter_context(platform.tpm_beside(folder, request))
        missed = launch.launch(request) or missed
    if request.scope and not missed:
        record["scope"] = request.scope
        _write_record(folder, record)
    return _notes(library, folder, wants, user, missed)


def _notes(
    library: Library, folder: GuestFolder, wants: Wants, user: RunUser | None, no_scope: str
) -> str:
    """What the user should know of how QEMU runs, a line each."""
    notes = clashes_of_start(library, folder, wants)
    if wants.limits:
        from kvmtui.manage import disk_limits

        notes += disk_limits.set_at_start(folder, wants)
    notes += filter(None, [choosing.warning(library, wants.arch, wants.accelerator)])
    if os.geteuid() == 0 and user is None:
        home = visible(library.root, limit=4200)
        notes.append(
            f"QEMU runs as root; to change that: useradd --system kvmtui && chown -R kvmtui: {home}"
        )
    if no_scope:
        notes.append(f"QEMU stays in this session, in no scope of its own; {no_scope}")
    return "\n".join(notes)


def ensure_firmware_variables(folder: GuestFolder, wants: Wants) -> None:
    """Make the guest's own UEFI variables from the template, once.

    Raises:
        HostError: The firmware or qemu-img is missing.
        StateError: Its variables have no keys, and Secure Boot is asked for.
    """
    if wants.uefi:
        from kvmtui.manage import platform

        platform.ensure_firmware_variables(folder, wants)


@contextlib.contextmanager
def image_tools() -> Iterator[None]:
    """Add the install command to the failure when qemu-img is missing."""
    try:
        yield
    except HostError as error:
        from kvmtui.host.packages import install_hint

        raise HostError(error.message, hint=install_hint("qemu-img")) from None


def _prepare_run(folder: GuestFolder) -> None:
    """An empty ``run/``, an empty ``qemu.log``, and a console log within its bound."""
    run = folder.at(RUN)
    if os.path.islink(run):
        os.unlink(run)
    make_folder(run)
    with os.scandir(run) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                import shutil

                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    fd = open_regular(folder.at(QEMU_LOG), flags)
    give_to_owner_of(folder.place, fd)
    os.close(fd)
    _bound_console_log(folder)


def _console_size(folder: GuestFolder) -> int:
    try:
        return os.stat(folder.at(CONSOLE_LOG)).st_size
    except FileNotFoundError:
        return 0


def _bound_console_log(folder: GuestFolder) -> None:
    """Keep the log's end; a FIFO in its place would hold QEMU up, and is refused."""
    with contextlib.suppress(FileNotFoundError), reading(folder.at(CONSOLE_LOG)) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _CONSOLE_LARGEST_BYTES:
            file.seek(size - _CONSOLE_KEPT_BYTES)
            write_atomically(folder.at(CONSOLE_LOG), file.read())


def _start_record(folder: GuestFolder, wants: Wants, choice: Choice) -> dict[str, object]:
    return {
        "run": os.urandom(8).hex(),
        "time": history.iso_time(),
        "boot_id": history.boot_id(),
        "uuid": wants.uuid,
        "initial": "running",
        "accelerator": choice.accelerator,
        "cpu": wants.cpu or choice.cpu,
        "accelerator_reason": choice.reason(wants.cpu),
        "console_offset": _console_size(folder),
        "scope": None,
    }


def _write_record(folder: GuestFolder, record: dict[str, object]) -> None:
    path = folder.at(RUN, START_RECORD)
    write_atomically(path, json.dumps(record).encode(), durable=False)


def _forget_run(folder: GuestFolder) -> None:
    """The run did not come up: its record would tell of one that crashed."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(folder.at(RUN, START_RECORD))
