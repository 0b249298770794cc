"""Keeps the Activity pane."""

from __future__ import annotations

from kvmtui.errors import KvmtuiError
from kvmtui.manage.image_story import REMEDY
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.keepers.base import Keeper
from kvmtui.tui.panes.activity import ActivityPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.spans import Line, Span


class ActivityKeeper(Keeper):
    """Shows the operations of each round."""

    pane: ActivityPane

    def fill(self) -> None:
        """Show the operations; those that run go on."""
        self.pane.take(self._fleet.operations)

    def asked(self, request: Pane.Asked) -> None:
        """Show the output of an operation: the log of its guest."""
        if not isinstance(request, ActivityPane.OutputRequested):
            return
        if request.operation.image:
            if request.operation.result == "failed" and request.operation.message:
                message, _, hint = request.operation.message.partition(REMEDY)
                failure = KvmtuiError(message, hint=hint)
                self._screen.tell_failure(request.operation.image, failure)
                return
            told = request.operation.message or "work on an image has no output but this row"
            self._screen.tell(told)
            return
        name = request.operation.guest
        if name in self._fleet.guests:
            self._screen.kvmtui.open_guest(name, "log")
        else:
            self._screen.refuse(f"{name} is gone")

    def perform(self, action_id: str) -> None:
        """Show failures alone, or cancel what is under the cursor."""
        at = self.pane.under_cursor
        if action_id == "activity.failures":
            self.pane.switch_failures()
        elif action_id == "activity.cancel" and at is not None:
            self._screen.kvmtui.desk.cancel(at)

    def idle_actions(self) -> list[str]:
        """Only what runs can be cancelled."""
        at = self.pane.under_cursor
        return [] if at is not None and at.result == "running" else ["activity.cancel"]

    def badge(self, glyphs: Glyphs) -> Line:
        """How many operations are under way."""
        running = sum(one.result == "running" for one in self._fleet.operations)
        return (Span(f"{glyphs.under_way}{running}", "warn"),) if running else ()
