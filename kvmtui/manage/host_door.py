"""The host's part of the Fleet's door: under what guests run here, and what is wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.door import Door

if TYPE_CHECKING:
    from kvmtui.host.accelerator import Progress, Verdict
    from kvmtui.manage import checking, forecast, hosting, machine, watching
else:
    checking = Later("kvmtui.manage.checking")
    forecast = Later("kvmtui.manage.forecast")
    hosting = Later("kvmtui.manage.hosting")
    machine = Later("kvmtui.manage.machine")
    watching = Later("kvmtui.manage.watching")

Told = Callable[["Progress"], None]
"""Is told of a measurement as it goes on."""


def _nobody(_progress: Progress) -> None:
    pass


class HostDoor(Door):
    """What is asked of the host."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._known_verdict: Verdict | None = None

    async def verdict(self, told: Told = _nobody) -> Verdict:
        """Under what guests run here; measured when it never was.

        Args:
            told: Called on the loop before each candidate that is measured.

        Raises:
            HostError: QEMU is missing.
        """
        return await self._verdict(told, again=False)

    async def measure(self, told: Told) -> Verdict:
        """Measure the accelerators anew and keep the verdict.

        Cancelling ends the candidate that runs; the verdict that was kept stays.

        Args:
            told: Called on the loop before each candidate.

        Raises:
            HostError: QEMU is missing.
        """
        return await self._verdict(told, again=True)

    async def _verdict(self, told: Told, *, again: bool) -> Verdict:
        loop = asyncio.get_running_loop()
        given_up = threading.Event()

        def hear(progress: Progress) -> None:
            if not given_up.is_set():
                told(progress)

        def tell(progress: Progress) -> None:
            # A loop that is closed has nobody to tell.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(hear, progress)

        try:
            self._known_verdict = await self._read(
                lambda: hosting.verdict_for(
                    self.library, again=again, told=tell, cancelled=given_up.is_set
                )
            )
        finally:
            given_up.set()
        return self._known_verdict

    async def check(self) -> checking.Report:
        """As `checking.check_host`; measures nothing, and knows the verdict of this session.

        Raises:
            OSError: The checks could not be run.
        """
        known = self._known_verdict
        return await self._read(lambda: checking.check_host(self.library, known=known))

    async def stand(self) -> machine.Stand:
        """As `machine.stand`."""
        return await self._read(lambda: machine.stand(self.library))

    async def forecasts(self) -> tuple[forecast.Forecast, ...]:
        """As `forecast.forecasts`."""
        return await self._read(lambda: forecast.forecasts(self.library))

    async def watched(self) -> watching.Overview:
        """As `watching.overview`: whether a watch runs, and what it keeps."""
        return await self._read(lambda: watching.overview(self.library))

    async def storage(self) -> machine.Storage:
        """As `machine.storage`."""
        return await self._read(lambda: machine.storage(self.library))
