"""Starting a process that outlives us: in its own session, with only the files it is given.

``subprocess`` does all of this and costs 3.4 ms to import. A program without threads, such as
`start` of one guest, can do without: its own working folder and umask may change for an
instant while ``posix_spawn`` runs.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

_UMASK = 0o077
_SIGPIPE, _SIGXFSZ = 13, 25
"""Python ignores both, and what is ignored stays so in a child."""


class RunUser(NamedTuple):
    """The user that QEMU is executed as; by the parent, before exec."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str


def spawn(
    argv: Sequence[str], folder: str, output: int, inherited: Sequence[int], user: RunUser | None
) -> int:
    """Start a process in a session of its own: a closing terminal does not reach it.

    Args:
        folder: Its working folder.
        output: Descriptor of its standard output and error; its input is empty.
        inherited: The only other descriptors that it gets, under the same numbers.
        user: Who it runs as; None: as ourselves.

    Returns:
        Its pid; the caller waits for it.

    Raises:
        OSError: It cannot be run.
    """
    if user is not None or "threading" in sys.modules:
        return _spawn_beside_threads(argv, folder, output, inherited, user)
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    # To itself: that takes away close-on-exec.
    actions += [(os.POSIX_SPAWN_DUP2, fd, fd) for fd in inherited]
    actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in _leaking(inherited)]
    with _standing_in(folder):
        return os.posix_spawnp(
            argv[0],
            list(argv),
            os.environ,
            file_actions=actions,
            setsid=True,
            setsigdef=[_SIGPIPE, _SIGXFSZ],
        )


@contextlib.contextmanager
def _standing_in(folder: str) -> Iterator[None]:
    """Change this program's working folder and umask for an instant."""
    before = os.open(".", os.O_PATH | os.O_CLOEXEC)
    umask = os.umask(_UMASK)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(before)
        os.umask(umask)
        os.close(before)


def _leaking(inherited: Sequence[int]) -> list[int]:
    """Descriptors of our own caller that a child would get, and a daemon hold for ever."""
    found = []
    for entry in os.listdir("/proc/self/fd"):
        fd = int(entry)
        try:
            if fd > 2 and fd not in inherited and os.get_inheritable(fd):
                found.append(fd)
        except OSError:
            continue
    return found


def _spawn_beside_threads(
    argv: Sequence[str],
    folder: str,
    output: int,
    inherited: Sequence[int],
    user: RunUser | None,
) -> int:
    import subprocess

    process = subprocess.Popen(
        argv,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=inherited,
        start_new_session=True,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=user.groups if user else None,
        umask=_UMASK,
    )
    # The caller waits for the pid, not by this object.
    process.returncode = 0
    return process.pid


def wait_for(pid: int, limit_s: float) -> int | None:
    """Wait for a child of ours: its exit status, negative for a signal.

    At the limit it is killed, and the answer is None.
    """
    pidfd = os.pidfd_open(pid)
    try:
        ended = bool(select.select([pidfd], [], [], limit_s)[0])
    finally:
        os.close(pidfd)
    if not ended:
        os.kill(pid, 9)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) if ended else None
