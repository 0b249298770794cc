"""A question asked in a process of its own: with a limit, and as another user.

Only from processes with a single thread: the child of a threaded one may find a lock
held for ever.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LIMIT_S = 1.5


def isolated(
    question: Callable[[], dict[str, Any]], *, user: str | None = None, limit_s: float = LIMIT_S
) -> dict[str, Any]:
    """Ask in a forked process.

    Args:
        question: Its answer must be plain enough for JSON.
        user: The user to ask as; we are root then. None: as we are.

    Raises:
        TimeoutError: No answer in time; the process was killed.
        OSError: The process died, or there is no such user.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _answer(question, user, writer)
    os.close(writer)
    try:
        data = _read(reader, limit_s)
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        # One that the kernel does not let die is left to the end of this process.
        os.waitpid(pid, 0 if _ends(pid) else os.WNOHANG)
    if not data:
        raise OSError(errno.EIO, "the probe's process died")
    answer: dict[str, Any] = json.loads(data)
    if "failure" in answer:
        raise OSError(*answer["failure"])
    return answer


def _ends(pid: int, limit_s: float = 0.5) -> bool:
    """Whether a killed process really ends soon."""
    pidfd = os.pidfd_open(pid)
    try:
        return bool(select.select([pidfd], [], [], limit_s)[0])
    finally:
        os.close(pidfd)


def _answer(question: Callable[[], dict[str, Any]], user: str | None, writer: int) -> None:
    """The child's whole life."""
    try:
        try:
            if user is not None:
                _become(user)
            told = question()
        except OSError as error:
            told = {"failure": [error.errno, error.strerror]}
        os.write(writer, json.dumps(told).encode())
    finally:
        os._exit(0)


def _become(name: str) -> None:
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise OSError(errno.ENOENT, f"there is no user {name}") from None
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _read(reader: int, limit_s: float) -> bytes:
    """One answer: it is short, so it comes in one piece."""
    if not select.select([reader], [], [], limit_s)[0]:
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {limit_s:g} s")
    return os.read(reader, 1 << 16)
