"""Lines of which as many are seen as there is room for."""

from __future__ import annotations

from textual import events

from kvmtui.tui.widgets.base import LineWidget

WHEEL_LINES = 3


class ScrolledLines(LineWidget):
    """Scrolls by actions and by the wheel; whose keys do it says who inherits."""

    _top = 0

    @property
    def top(self) -> int:
        """How many lines are above the first seen one."""
        return self._top

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def action_scroll(self, lines: int) -> None:
        self._go(self._top + lines)

    def action_page(self, pages: int) -> None:
        self._go(self._top + pages * max(self.size.height - 1, 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(self.line_count)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._top + WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._top - WHEEL_LINES)

    def _go(self, top: int) -> None:
        """Have a line be the first seen one, as far as there are lines below it."""
        self._top = max(min(top, self.line_count - self.size.height), 0)
        self.show_changes()
