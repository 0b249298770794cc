"""The life of the app: a clean end when the terminal goes, within a limit.

Textual has no handler for SIGHUP and SIGTERM: it would die without leaving the alternate
screen, or, with SIGHUP ignored, spin for ever on a terminal that is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping

TERMINAL_LOOK_S = 1.0
"""How often the app looks whether its terminal is still there: nohup swallows SIGHUP."""

LEAVE_LIMIT_S = 4.0
"""How long leaving may take: a link that stands or a disk that hangs holds nobody here."""
_LIMIT = "kvmtui-limit"


_FROM_AFAR = ("sshd", "mosh-server", "dropbear")
_MOST_ANCESTORS = 32


def came_over_ssh(environment: Mapping[str, str], proc: str = "/proc") -> bool:
    """Whether our terminal is at the other end of SSH.

    ``sudo`` and ``su -`` drop ``SSH_CONNECTION``; then the processes above us say it
    (names and parents of ``/proc/PID/stat``).
    """
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return True
    pid = os.getppid()
    for _ in range(_MOST_ANCESTORS):
        try:
            with open(f"{proc}/{pid}/stat", "rb") as file:
                head, _, rest = file.read().rpartition(b")")
            pid = int(rest.split()[1])
        except (OSError, ValueError, IndexError):
            return False
        if head.partition(b"(")[2].decode("utf-8", "replace").startswith(_FROM_AFAR):
            return True
        if pid <= 1:
            return False
    return False


def end_on_signals(end: Callable[[int], None]) -> None:
    """Call ``end`` with the exit status when the terminal closes or we are told to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, end, 128 + number)


def terminal_is_there() -> bool:
    """Whether our terminal can still be asked for its settings."""
    import termios

    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return False
    return True


def leave_within_limit(status: int, give_back: Callable[[], None]) -> None:
    """End the program at the limit, should leaving not have ended it by then.

    Args:
        status: Its exit status.
        give_back: Called before, to give the terminal back without waiting.
    """

    def leave() -> None:
        try:
            give_back()
        finally:
            os._exit(status)

    limit = threading.Timer(LEAVE_LIMIT_S, leave)
    limit.name, limit.daemon = _LIMIT, True
    limit.start()


def threads_left() -> bool:
    """Whether a thread still waits for something, once the app has ended."""
    ours = threading.main_thread()
    return any(one is not ours and one.name != _LIMIT for one in threading.enumerate())
