"""Looks at the display of the guest under the cursor of Activity while it is being installed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.fleet import Fleet
from kvmtui.tui.spans import Span
from kvmtui.tui.words import NO_ANSWER

if TYPE_CHECKING:
    from textual.worker import Worker

    from kvmtui.tui.panes.install_screen import InstallScreen
    from kvmtui.tui.screens.main import MainScreen

AGAIN_S = 2.0
"""How long it rests between two looks."""
_SETTLED_S = 0.1


class InstallScreens:
    """Short looks, one guest at a time, only while they are seen.

    Args:
        screen: Who runs the looks.
        view: Where they are shown.
        fleet: Who is asked.
        key: Says which key shows the whole display.
    """

    def __init__(self, screen: MainScreen, view: InstallScreen, fleet: Fleet, key: str) -> None:
        self._screen = screen
        self._view = view
        self._fleet = fleet
        self._key = key
        self._guest = ""
        self._looks: Worker[None] | None = None

    def follow(self, name: str) -> None:
        """Look at this guest from now on, if it is being installed; at none without a name."""
        live = self._fleet.guests.get(name)
        seen = live is not None and live.view.installing and live.view.pid is not None
        guest = name if seen else ""
        if guest == self._guest:
            return
        self._guest = guest
        if self._looks is not None:
            self._looks.cancel()
            self._looks = None
        self._view.follow(guest)
        if guest:
            self._looks = self._screen.run_worker(self._look(guest), group="install-screen")

    async def _look(self, name: str) -> None:
        await asyncio.sleep(_SETTLED_S)
        while True:
            if self._view.has_room and self._screen.is_current:
                await self._look_once(name)
            await asyncio.sleep(AGAIN_S)

    async def _look_once(self, name: str) -> None:
        live = self._fleet.guests.get(name)
        if live is None or not live.view.answers:
            self._view.say((Span(NO_ANSWER, "muted"),))
            return
        try:
            shown = await self._fleet.console.screen(name, cursor=False)
        except (KvmtuiError, OSError) as error:
            self._view.say((Span(as_told("screen", error).message, "muted"),))
        else:
            self._view.take(shown, self._key)
