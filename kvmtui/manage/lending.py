"""A monitor for who looks at a guest for long: held while one is free, else lent for a moment.

Of a guest's monitors the last is for commands only, held under 2 s. Who finds all others taken
goes through that one, a short look at a time, until another is given up.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator

from kvmtui.errors import BusyError
from kvmtui.guest.folder import MONITORS, GuestFolder
from kvmtui.qemu.monitor import Monitor, MonitorPlace, command_session
from kvmtui.qemu.quick_monitor import QuickMonitor

SHORT_S = 1.5
"""How long one look may take where the monitor is lent."""
_AGAIN_S = 2.0


class Lender:
    """Lends a guest's monitor again and again; `close` it.

    Args:
        purpose: Who looks, for those who find it taken.
    """

    def __init__(self, folder: GuestFolder, purpose: str) -> None:
        self._purpose = purpose
        self._for_long = MonitorPlace(folder.run, folder.path, MONITORS[:-1])
        self._for_commands = MonitorPlace(folder.run, folder.path, MONITORS[-1:])
        self._stack = contextlib.AsyncExitStack()
        self._held: Monitor | None = None
        self._try_at = 0.0

    @property
    def is_held(self) -> bool:
        """Whether the monitor is held, so that a look may take its time."""
        return self._held is not None

    @contextlib.asynccontextmanager
    async def monitor(self) -> AsyncIterator[Monitor]:
        """The monitor; within `SHORT_S` where it `is_short`.

        Raises:
            MonitorError: QEMU ended, or does not answer.
            BusyError: Even the one for commands is taken, for seconds.
        """
        now = time.monotonic()
        if self._held is None and now >= self._try_at:
            self._try_at = now + _AGAIN_S
            with contextlib.suppress(BusyError):
                session = command_session(
                    self._for_long, self._purpose, patience_s=0, kind=QuickMonitor
                )
                self._held = await self._stack.enter_async_context(session)
        if self._held is not None:
            yield self._held
            return
        async with command_session(self._for_commands, self._purpose) as monitor:
            yield monitor

    async def close(self) -> None:
        """Give up what is held."""
        self._held = None
        await self._stack.aclose()


def is_short(monitor: Monitor) -> bool:
    """Whether a monitor is the one for commands."""
    return monitor.name == MONITORS[-1]
