"""Keeps the Activity pane."""

from __future__ import annotations

from kvmtui.errors import KvmtuiError
from kvmtui.manage.image_story import REMEDY
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.keepers.base import Keeper
from kvmtui.tui.keepers.install_screens import InstallScreens
from kvmtui.tui.panes.activity import ActivityPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.spans import Line, Span


class ActivityKeeper(Keeper):
    """Shows the operations of each round."""

    pane: ActivityPane
    badge_stays = False

    def begin(self) -> None:
        """Nothing is looked at before the pane is seen."""
        view, key = self.pane.install_screen, self._keys.of("activity.screen")
        self._screens = InstallScreens(self._screen, view, self._fleet, key)

    def fill(self) -> None:
        """Show the operations; those that run go on."""
        self.pane.take(self._fleet.operations)
        self._follow_cursor()

    def close(self) -> None:
        """Nobody sees what is being installed."""
        self._screens.follow("")

    def _follow_cursor(self) -> None:
        at = self.pane.under_cursor
        self._screens.follow(at.guest if at is not None else "")

    def asked(self, request: Pane.Asked) -> None:
        """Show the output of an operation, the log of its guest; follow the cursor."""
        if isinstance(request, ActivityPane.CursorRests) and self._screen.pane is self.pane:
            self._follow_cursor()
        if not isinstance(request, ActivityPane.OutputRequested):
            return
        operation = request.operation
        if operation.result == "failed" and operation.message:
            message, _, hint = operation.message.partition(REMEDY)
            failure = KvmtuiError(message, hint=hint)
            self._screen.tell_failure(operation.image or operation.guest, failure)
            return
        if operation.image:
            told = operation.message or "work on an image has no output but this row"
            self._screen.tell(told)
            return
        name = operation.guest
        if name in self._fleet.guests:
            self._screen.kvmtui.open_guest(name, "log")
        else:
            self._screen.refuse(f"{name} is gone")

    def perform(self, action_id: str) -> None:
        """Show failures alone, cancel what is under the cursor, or show its guest's screen."""
        at = self.pane.under_cursor
        if action_id == "activity.output":
            self.pane.table.action_open()
        elif action_id == "activity.failures":
            self.pane.switch_failures()
        elif action_id == "activity.cancel" and at is not None:
            self._screen.kvmtui.desk.cancel(at)
        elif action_id == "activity.screen" and at is not None:
            self._screen.kvmtui.desk.perform("guest.screen", [at.guest] if at.guest else [])

    def idle_actions(self) -> list[str]:
        """Only what runs can be cancelled, only a guest that runs has a screen."""
        at = self.pane.under_cursor
        idle = [] if at is not None and at.result == "running" else ["activity.cancel"]
        idle += [] if at is not None else ["activity.output"]
        live = self._fleet.guests.get(at.guest) if at is not None else None
        return idle if live is not None and live.view.pid else [*idle, "activity.screen"]

    def badge(self, glyphs: Glyphs) -> Line:
        """How many operations are under way."""
        running = sum(one.result == "running" for one in self._fleet.operations)
        return (Span(f"{glyphs.under_way}{running}", "warn"),) if running else ()
