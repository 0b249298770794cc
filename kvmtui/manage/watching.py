"""What watches a home: whether it does, what keeps it running, and making it so.

By the same means as guests start with the host (`starters`): a unit of systemd, else a line
of cron, whose watch is started right away too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import NamedTuple

from kvmtui.errors import HostError
from kvmtui.guest.folder import FIGURES
from kvmtui.guest.library import Library
from kvmtui.host.boot import Problem
from kvmtui.host.boot_cron import BootCron
from kvmtui.host.boot_watch import WatchUnit
from kvmtui.manage import hosting, watch_state
from kvmtui.manage.forecast import Forecast, forecasts
from kvmtui.manage.operation import exclusive
from kvmtui.manage.starters import program
from kvmtui.manage.watch_state import State
from kvmtui.qemu.process import command_line_of
from kvmtui.qemu.scope import is_systemd_here

_LOCK = ".autostart.lock"
_ENABLE = "kvmtui watch enable"
_UP_LIMIT_S = 20.0
_END_LIMIT_S = 20.0
_PAUSE_S = 0.05


class Overview(NamedTuple):
    """Whether a home is watched, and what keeps it so."""

    running: bool
    state: State | None
    """What the watch tells of itself."""
    mechanism: str
    """systemd or cron."""
    starter: str
    """The unit's name, or whose line it is."""
    file: str | None
    in_place: bool
    """Whether it starts with the host."""
    problems: tuple[Problem, ...]
    files: int
    """How many guests have a file of figures."""
    files_bytes: int
    storages: tuple[Forecast, ...]
    """The home's file system first, then others with guests' disks; none where the home's
    does not answer."""


def _starter(library: Library) -> WatchUnit | BootCron:
    if is_systemd_here():
        return WatchUnit(library.root, program())
    return BootCron(library.root, program(), "watch")


def is_in_place(library: Library) -> bool:
    """Whether the host's start starts a watch of this home: by files alone."""
    return _starter(library).is_in_place()


def overview(library: Library) -> Overview:
    """What there is; may wait for a slow disk."""
    starter = _starter(library)
    in_place = starter.is_in_place()
    found = starter.problems() if in_place else []
    files, files_bytes = _files(library)
    storages: tuple[Forecast, ...] = ()
    with contextlib.suppress(OSError):
        storages = forecasts(library)
    return Overview(
        running=watch_state.is_watched(library),
        state=watch_state.read_state(library),
        mechanism=starter.mechanism,
        starter=starter.name,
        file=starter.file,
        in_place=in_place,
        problems=tuple(Problem(one.what, one.remedy or _ENABLE) for one in found),
        files=files,
        files_bytes=files_bytes,
        storages=storages,
    )


def _files(library: Library) -> tuple[int, int]:
    count = size = 0
    for name in library.names():
        with contextlib.suppress(OSError):
            size += os.stat(library.place(name).at(FIGURES)).st_size
            count += 1
    with contextlib.suppress(OSError):
        size += os.stat(library.at(FIGURES)).st_size
    return count, size


def enable(library: Library) -> list[str]:
    """Have the host keep a watch, from now on; one that runs is begun anew.

    Returns:
        What was done, in words.

    Raises:
        HostError: The host cannot be made to; nothing is left of it.
    """
    hosting.make_home(library)
    with exclusive(library.at(_LOCK), "what starts with the host"):
        starter = _starter(library)
        stood = starter.is_in_place()
        ran = watch_state.is_watched(library)
        notes = starter.install()
        if isinstance(starter, WatchUnit):
            # One that somebody started by hand would keep the unit's out.
            if ran and not stood:
                _end(library)
            before = watch_state.read_state(library)
            if ran:
                starter.restart()
            _await_up(library, before and before.pid, starter.journal)
        else:
            _end(library)
            _begin(library)
    what = "is begun anew" if ran else "runs"
    done = f"a watch of {library.root} {what}, and starts with the host by {starter.name}"
    return [done, *notes]


def disable(library: Library) -> list[str]:
    """Have no watch any more, now and at the host's start; what was recorded stays.

    Returns:
        What was done, in words.

    Raises:
        HostError: It cannot be taken away, or does not end.
    """
    starter = _starter(library)
    if not os.path.isdir(library.root):
        return [_gone(starter.remove(), False, starter.name)]
    with exclusive(library.at(_LOCK), "what starts with the host"):
        removed = starter.remove()
        ended = _end(library)
    return [_gone(removed, ended, starter.name)]


def _gone(removed: bool, ended: bool, name: str) -> str:
    if not removed and not ended:
        return "nobody watches, and nothing starts a watch with the host"
    words = [f"{name} is removed"] if removed else []
    words += ["the watch is ended"] if ended else []
    return ", ".join(words)


def _begin(library: Library) -> None:
    """Start a watch that outlives this program and its terminal.

    Raises:
        HostError: It does not come up.
    """
    words = [*program(), "--home", library.root, "--quiet", "watch", "run"]
    try:
        # Named by its lock from then on; whoever reaps it is not waited for.
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    except OSError as error:
        raise HostError(f"a watch cannot be started: {error.strerror}") from None
    _await_up(library, None, "kvmtui watch run tells why", process)


def _await_up(
    library: Library,
    before: int | None,
    hint: str,
    process: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait until a watch tells of itself.

    Args:
        before: The process of the one before.
        process: Its own, where it is a child.

    Raises:
        HostError: It does not come up.
    """
    deadline = time.monotonic() + _UP_LIMIT_S
    while (state := watch_state.read_state(library)) is None or state.pid == before:
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() >= deadline:
            raise HostError("the watch did not come up", hint=hint)
        time.sleep(_PAUSE_S)


def _end(library: Library) -> bool:
    """End the watch that runs; whether one did.

    Raises:
        HostError: It does not end.
    """
    if not watch_state.is_watched(library):
        return False
    deadline = time.monotonic() + _END_LIMIT_S
    asked = False
    while watch_state.is_watched(library):
        asked = asked or _ask_to_end(library)
        if time.monotonic() >= deadline:
            raise HostError(
                "the watch that runs does not end", hint="kvmtui watch status tells its process"
            )
        time.sleep(_PAUSE_S)
    return True


def _ask_to_end(library: Library) -> bool:
    """SIGTERM to the watch, by a pidfd that was opened before it was looked at."""
    state = watch_state.read_state(library)
    if state is None:
        return False
    try:
        pidfd = os.pidfd_open(state.pid)
    except OSError:
        return False
    try:
        if b"watch" not in command_line_of(state.pid) or not watch_state.is_watched(library):
            return False
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        return True
    except OSError:
        return False
    finally:
        os.close(pidfd)
