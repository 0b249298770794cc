"""What all keepers of panes have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.spans import Line

if TYPE_CHECKING:
    from textual.timer import Timer

    from kvmtui.tui.screens.main import MainScreen


class Keeper:
    """Gives a pane what is known, and does what its keys ask for.

    Args:
        screen: Where the pane stands: its timers and workers, its message line.
        pane: The pane that is kept.
        fleet: Who is asked.
        keys: The keys in force.
    """

    def __init__(self, screen: MainScreen, pane: Pane, fleet: Fleet, keys: Keys) -> None:
        self._screen = screen
        self._fleet = fleet
        self._keys = keys
        self.pane = pane
        """The pane that is kept."""
        self._every: Timer | None = None

    def _begin_every(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something again and again from now on, where that is not so already."""
        if self._every is None:
            self._every = self._screen.set_interval(seconds, call)

    def _end_every(self) -> None:
        """Do it no more."""
        if self._every is not None:
            self._every.stop()
            self._every = None

    def begin(self) -> None:
        """The main screen stands."""

    def open(self) -> None:
        """The pane is seen from now on."""

    def close(self) -> None:
        """The pane is out of sight: nothing is asked for it any more."""

    def fill(self) -> None:
        """Give the pane, which is seen, what is known now."""

    def take_changes(self, changed: Changed) -> None:
        """Guests are new, other or gone."""

    def asked(self, request: Pane.Asked) -> None:
        """A pane asks for something; only the pane's own keeper knows it."""

    def perform(self, action_id: str) -> None:
        """Do an action of the pane."""

    def go_up(self) -> bool:
        """Esc gives up what is under way here; whether there was something."""
        return False

    @property
    def chosen(self) -> list[str]:
        """The guests that an action would be for."""
        return []

    def idle_actions(self) -> list[str]:
        """The actions of the pane that could do nothing now."""
        return []

    def refusal(self, action_id: str) -> str:
        """Why an action of the pane can do nothing now; empty where it can."""
        return ""

    def bar(self) -> list[tuple[str, str]] | None:
        """Keys of its own for the key bar; None: those of its actions."""
        return None

    def standing(self) -> Line:
        """What stands in the message line while nothing else is said."""
        return ()

    def count(self) -> str:
        """What stands behind the pane's name in row 0, muted."""
        return ""

    badge_stays = True
    """Whether the sign is there in 80 columns too: trouble is, what runs is not."""

    def badge(self, glyphs: Glyphs) -> Line:
        """The sign behind the pane's name in row 0."""
        return ()


class LookingKeeper(Keeper):
    """Has one look at a time; asked for meanwhile, it is had once more."""

    LOOKS: str
    """The group of its workers."""

    def __init__(self, screen: MainScreen, pane: Pane, fleet: Fleet, keys: Keys) -> None:
        super().__init__(screen, pane, fleet, keys)
        self._looking = False
        self._again = False

    def look(self) -> None:
        """Look now, or once more when the present look is over."""
        self._again = True
        if not self._looking:
            self._looking = True
            self._screen.run_worker(self._look(), group=self.LOOKS)

    async def _look(self) -> None:
        try:
            while self._again:
                self._again = False
                await self.look_once()
        finally:
            self._looking = False

    async def look_once(self) -> object:
        """One look."""
        raise NotImplementedError
