"""Boxes to read: lines that are scrolled where they do not fit, over the screen."""

from __future__ import annotations

from kvmtui.tui.screens.overlay import Overlay
from kvmtui.tui.spans import Line, Span, fit
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.framed import framed

_CLOSES = ("escape", "q")
_STEPS = {"j": 1, "down": 1, "k": -1, "up": -1}


class PagesScreen(Overlay):
    """A box with one text, or one of several pages."""

    WIDTH = 80

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self._room = 1

    def heading(self) -> str:
        """In the upper edge."""
        raise NotImplementedError

    def lines(self, width: int) -> list[Line]:
        """What is read, no line wider than ``width``."""
        raise NotImplementedError

    def foot(self) -> Line:
        """What the keys do."""
        raise NotImplementedError

    def least_rows(self) -> int:
        """How many rows the box has at least, so that it stands still as pages are turned."""
        return 0

    def rows(self, width: int, height: int) -> list[Parts]:
        """The lines that are seen, in their frame."""
        lines = self.lines(width - 4)
        self._room = room = max(height - 2, 1)
        self._top = max(0, min(self._top, len(lines) - room))
        seen = lines[self._top : self._top + room]
        seen += [()] * (min(self.least_rows(), room) - len(seen))
        below = len(lines) - self._top - room
        foot = self.foot()
        if below > 0:
            foot = (*foot, Span(f"   {below} more below", "muted"))
        rows: list[Parts] = [(Part(fit(line, width - 4)),) for line in seen]
        return framed(rows, width, self.kvmtui.glyphs, title=self.heading(), foot=foot)

    def key(self, key: str, character: str | None) -> None:
        """Scroll, or leave."""
        if key in _CLOSES:
            self.dismiss("")
        elif key in _STEPS:
            self._top += _STEPS[key]
        elif key in ("pagedown", "pageup"):
            self._top += (self._room - 1) * (1 if key == "pagedown" else -1)
        elif key in ("g", "home"):
            self._top = 0
        elif key in ("G", "end"):
            self._top = 1 << 30

    def key_foot(self, *pairs: tuple[str, str]) -> Line:
        """Keys and what they do, for `foot`."""
        spans: list[Span] = []
        for key, does in pairs:
            spans += [Span("   ")] if spans else []
            spans += [Span(key, "accent", bold=True), Span(f" {does}", "muted")]
        return tuple(spans)
