"""Keeps the Guests pane."""

from __future__ import annotations

from kvmtui.errors import KvmtuiError
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.keepers.base import Keeper
from kvmtui.tui.panes.guests import GuestsPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.render import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.tui.screens.main import MainScreen

_OWNER = "guests"


class GuestsKeeper(Keeper):
    """Shows the guests as they change; what a person does with one goes to the desk."""

    pane: GuestsPane

    def __init__(self, screen: MainScreen, pane: GuestsPane, fleet: Fleet, keys: Keys) -> None:
        super().__init__(screen, pane, fleet, keys)
        self._wanted = ""
        self._gathered_for: object = None

    @property
    def chosen(self) -> list[str]:
        """The marked guests, or the one under the cursor."""
        return self.pane.chosen

    def fill(self) -> None:
        """A round is over: graphs move, and figures are asked for where they are seen."""
        self.pane.move_graphs()
        self._want()

    def close(self) -> None:
        """The pane is out of sight: nothing is asked for it any more."""
        self._fleet.want_figures(_OWNER, set(), None)

    def _want(self) -> None:
        """Have QEMU asked for the figures that are seen, and for no others."""
        seen = self._screen.pane is self.pane and self._screen.is_answering
        names = self.pane.asked_of_qemu if seen else set()
        self._fleet.want_figures(_OWNER, names, "columns" if names else None)

    def bar(self) -> list[tuple[str, str]] | None:
        """The ways to a first guest, while there is none."""
        if self._fleet.guests:
            return None
        ways = {"guest.new": "new", "guest.demo": "try the demo"}
        ways |= {"pane.host": "host", "app.quit": "quit"}
        return [(self._keys.of(action_id), words) for action_id, words in ways.items()]

    def count(self) -> str:
        """How many guests there are."""
        return str(len(self._fleet.guests) or "")

    def open(self) -> None:
        """Look at the guest that was wanted meanwhile, or at the one under the cursor."""
        self.go_to_wanted()
        self._follow_cursor()

    def take_changes(self, changed: Changed) -> None:
        """Show the guests; gather the detail anew where the one under the cursor changed."""
        self.pane.take(self._fleet.guests)
        if self._screen.pane is self.pane:
            self.go_to_wanted()
            if self.pane.table.cursor_key in changed:
                self._follow_cursor()

    def asked(self, request: Pane.Asked) -> None:
        """Gather a detail, or hand an action to the desk."""
        if isinstance(request, GuestsPane.DetailWanted):
            self._gather_detail(request.name)
        elif isinstance(request, GuestsPane.ActionRequested):
            self._screen.kvmtui.desk.perform(request.action_id, request.names)

    def perform(self, action_id: str) -> None:
        """Do something with the chosen guests."""
        self._screen.kvmtui.desk.perform(action_id, self.pane.chosen)

    # The detail.

    def _follow_cursor(self) -> None:
        """Gather the detail of the guest under the cursor where it is not that any more."""
        at_cursor = self.pane.table.cursor_key
        if at_cursor is not None and self._gathered_for != self._fleet.standing(at_cursor):
            self._gather_detail(at_cursor)

    def _gather_detail(self, name: str) -> None:
        self._screen.run_worker(self._gather(name), group="detail", exclusive=True)

    async def _gather(self, name: str) -> None:
        self._gathered_for = self._fleet.standing(name)
        try:
            self.pane.take_detail(await self._fleet.detail(name))
        except (KvmtuiError, OSError):
            self.pane.take_detail(None)

    # Moving about.

    def show_guest(self, name: str) -> None:
        """Put the cursor on a guest, now or as soon as it is there."""
        self._wanted = name
        self.go_to_wanted()

    def go_to_wanted(self) -> None:
        """Put the cursor on the guest that was wanted, if it is there by now."""
        if self._wanted in self._fleet.guests and self._screen.pane is self.pane:
            self.pane.table.go_to(self._wanted)
            self._wanted = ""

    def next_trouble(self, *, from_top: bool) -> bool:
        """Put the cursor on the next guest in trouble; False where none is behind it."""
        names = [row.key for row in self.pane.table.rows]
        key = self.pane.table.cursor_key
        start = names.index(key) + 1 if key in names and not from_top else 0
        for name in names[start:]:
            live = self._fleet.guests.get(name)
            if live is not None and frame.in_trouble(live):
                self.pane.table.go_to(name)
                return True
        return False
