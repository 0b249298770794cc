"""Knowing a guest's process: by QEMU's lock on its pid file, never by a number alone.

A stale pid file is no running guest, a reused pid is never signalled, and a folder
copied on the same host is another guest, since its pid file is another file.
The standard library alone: `list` does this for each guest.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import time

from kvmtui.durable import read_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

_FLOCK = "hhqqi"
"""struct flock in native layout: type, whence, start, length, pid."""


def lock_holder(pid_file: str | Path) -> int | None:
    """Who holds QEMU's lock on a pid file (``fcntl(F_GETLK)``): its pid, or None.

    Answers "nobody" at once after a kill -9. 0 means a process of another pid namespace.
    """
    try:
        fd = os.open(pid_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return None if kind == fcntl.F_UNLCK else int(pid)


def find_process(pid_file: str, uuid: str) -> int | None:
    """The pid of the guest's live QEMU, or None.

    Args:
        pid_file: The guest's ``run/pid``.
        uuid: The guest's UUID, which must stand on that process' command line.
    """
    pid = lock_holder(pid_file)
    if not pid:
        return None
    try:
        arguments = command_line_of(pid)
    except OSError:
        return None
    if uuid.encode() not in arguments:
        return None
    return pid if _same_pid_file(arguments, pid_file) else None


def command_line_of(pid: int) -> list[bytes]:
    """The arguments of a live process (``/proc/PID/cmdline``).

    Raises:
        OSError: It is gone.
    """
    return read_small(f"/proc/{pid}/cmdline").split(b"\0")[:-1]


def _same_pid_file(arguments: list[bytes], pid_file: str) -> bool:
    """Hard-linked copies of a folder share the lock; then the command line decides."""
    try:
        named = arguments[arguments.index(b"-pidfile") + 1]
    except (ValueError, IndexError):
        return False
    if named == os.fsencode(pid_file):
        return True
    try:
        return os.path.samefile(os.path.dirname(named), os.path.dirname(os.fsencode(pid_file)))
    except OSError:
        return True


class ProcessHandle:
    """A live QEMU held by a pidfd that was opened before the process was verified.

    Use `hold_process`; close it by ``with``.
    """

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd

    def __enter__(self) -> ProcessHandle:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.pidfd)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this very process; one that is gone is fine."""
        import signal

        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def wait(self, limit_s: float) -> bool:
        """Wait until the process has ended; False when the limit came first."""
        return bool(select.select([self.pidfd], [], [], max(0.0, limit_s))[0])


def hold_process(find: Callable[[], int | None]) -> ProcessHandle | None:
    """Hold the guest's live QEMU; None when there is none.

    Args:
        find: Finds and verifies the process; asked again once the pidfd is open.
    """
    pid = find()
    if not pid:
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    if find() != pid:
        os.close(pidfd)
        return None
    return ProcessHandle(pid, pidfd)


def search_process(pid_file: str, uuid: str | None) -> int | None:
    """The pid of a QEMU whose pid file was taken away under it, by all command lines.

    Args:
        uuid: The guest's UUID; None when it is not known.
    """
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            arguments = command_line_of(int(entry))
        except OSError:
            continue
        words = {b"-pidfile", os.fsencode(pid_file)}
        if words.issubset(arguments) and (uuid is None or uuid.encode() in arguments):
            return int(entry)
    return None


def is_held(lock_file: str) -> bool:
    """Whether a process holds the run lock that QEMU inherits."""
    try:
        fd = os.open(lock_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def await_release(lock_file: str, limit_s: float) -> bool:
    """Wait until no process holds the run lock; False at the limit."""
    deadline = time.monotonic() + limit_s
    while is_held(lock_file):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
