"""Short QMP sessions without asyncio: claimed, a few commands, given back.

For threads at work on images and for a start that sets limits: they take whatever monitor
is free, the one for commands first, and hold it under two seconds.
"""

from __future__ import annotations

import contextlib
import os
import time

from kvmtui.errors import ConnectionLost, MonitorError
from kvmtui.guest.folder import MONITORS, RUN
from kvmtui.qemu.claims import claim
from kvmtui.qemu.plain import PlainMonitor, connect_below
from kvmtui.qemu.silence import taken, unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.guest.folder import GuestFolder

GREETING_LIMIT_S = 1.0
COMMAND_LIMIT_S = 10.0
_ALL_TAKEN_LIMIT_S = 5.0


@contextlib.contextmanager
def brief_session(
    folder: GuestFolder, purpose: str, *, limit_s: float = COMMAND_LIMIT_S
) -> Iterator[PlainMonitor]:
    """Take a monitor of a guest for a few short commands.

    Args:
        purpose: Who wants it, for those who then find it taken.
        limit_s: The longest wait for one answer.

    Raises:
        BusyError: All are taken; names who holds them.
        MonitorTimeout: Nobody holds them, but QEMU does not answer.
        MonitorError: Nobody listens there: QEMU is gone.
    """
    deadline = time.monotonic() + _ALL_TAKEN_LIMIT_S
    while True:
        silent = 0
        for name in reversed(MONITORS):
            with contextlib.ExitStack() as stack:
                lock = claim(folder.place, name, purpose)
                if lock is None:
                    continue
                stack.callback(os.close, lock)
                monitor = _open(folder, name, stack)
                if monitor is None:
                    silent += 1
                    continue
                monitor.limit_s = limit_s
                try:
                    yield monitor
                except OSError as error:
                    if error.filename is not None:
                        raise
                    raise ConnectionLost("QEMU closed its monitor") from None
                return
        if silent == len(MONITORS):
            raise unanswered(folder.place)
        if time.monotonic() >= deadline:
            raise taken(folder.place, MONITORS)
        time.sleep(0.05)


def _open(folder: GuestFolder, name: str, stack: contextlib.ExitStack) -> PlainMonitor | None:
    """Connect and negotiate; None when no greeting comes (a foreign client)."""
    try:
        connection = connect_below(folder.at(RUN), name, blocking=False)
    except BlockingIOError:
        return None
    except OSError as error:
        raise MonitorError(f"QEMU's monitor {name} cannot be reached: {error.strerror}") from None
    stack.callback(connection.close)
    connection.setblocking(True)
    monitor = PlainMonitor(connection.fileno(), connection.fileno(), limit_s=GREETING_LIMIT_S)
    try:
        monitor.greet()
    except (MonitorError, OSError, KeyError, ValueError):
        return None
    return monitor
