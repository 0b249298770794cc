"""A failure, told over the list until it has been seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from kvmtui.tui.spans import Line, Span, crop, fit, width_of
from kvmtui.tui.widgets.base import LineWidget, Part, Parts
from kvmtui.tui.widgets.expiry import Clock, Expiry, clock
from kvmtui.tui.widgets.wrapping import wrap_all

STANDS_S = 30.0
MOST_LINES = 4
MOST_WIDTH = 66


class Spot(NamedTuple):
    """Where a toast stands in the area it lies over."""

    x: int
    y: int
    width: int
    height: int


class FailureToast(LineWidget):
    """Two to four lines at the bottom right of its parent, on the layer ``above``.

    It takes no focus: who has the keys closes it with Esc. It is never over the line
    with the cursor.

    Args:
        clock: In seconds; for tests.
    """

    DEFAULT_CSS = """
    FailureToast { layer: above; position: absolute; width: 1; height: 1; display: none; }
    """

    class ToastClosed(Message):
        """It is gone: by Esc, a click, or because its time is over."""

    def __init__(
        self, *, clock: Clock = clock, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._said: tuple[Line, ...] = ()
        self._lines: tuple[Line, ...] = ()
        self._more = 0
        self._avoid: int | None = None
        self._area = Size()
        self._expiry = Expiry(self, self.close, clock)

    @property
    def shown(self) -> bool:
        """Whether a failure is told now."""
        return bool(self._said)

    def show(self, lines: Sequence[Line], *, avoid_y: int | None = None) -> None:
        """Tell a failure; one that is still told goes, and is counted.

        Args:
            lines: What happened, then why and what helps.
            avoid_y: The line of the parent with the cursor.
        """
        self._more += self.shown
        self._said = tuple(lines)
        self._avoid = avoid_y
        self._expiry.set_in(STANDS_S)
        self._place()

    def avoid(self, y: int | None) -> None:
        """The cursor may be on another line of the parent now, which may have another size."""
        resized = isinstance(self.parent, Widget) and self.parent.size != self._area
        if y != self._avoid or resized:
            self._avoid = y
            self._place()

    def close(self) -> None:
        """Take it away."""
        if self.shown:
            self._said, self._more = (), 0
            self._expiry.set(None)
            self.display = False
            self.post_message(self.ToastClosed())

    def tick(self) -> None:
        """Take it away if its time is over."""
        self._expiry.check()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.close()

    def _place(self) -> None:
        if not self.shown or not isinstance(self.parent, Widget):
            return
        area = self._area = self.parent.size
        text_width = min(MOST_WIDTH, area.width - 4)
        lines = wrap_all(self._said, max(text_width, 1))
        self._lines = lines if len(lines) <= MOST_LINES else (*lines[: MOST_LINES - 1], lines[-1])
        widest = max(map(width_of, (self._title(), *self._lines[1:])))
        spot = spot_for(widest + 2, len(self._lines), area.width, area.height, self._avoid)
        self.styles.offset = (spot.x, spot.y)
        self.styles.width, self.styles.height = spot.width, spot.height
        self.display = True
        self.refresh()

    def _title(self) -> Line:
        """The first line, with what is at its right."""
        return (*self._lines[0], Span("   "), *self._corner())

    def _corner(self) -> Line:
        more = (Span(f"+{self._more} in Activity   ", "muted"),) if self._more else ()
        return (*more, Span("Esc", "accent", bold=True), Span(" ×", "muted"))

    def paint(self, y: int, width: int) -> Parts:
        if y >= len(self._lines):
            return ()
        line = self._lines[y]
        room = width - 2
        if y == 0:
            corner = self._corner()
            room = max(room - width_of(corner) - 1, 1)
            line = (*_bold(fit(line, room)), Span(" "), *corner)
        else:
            line = crop(line, room)
        return (Part((Span(self.glyphs.cursor, "err"), Span(" "), *line)),)


def _bold(line: Line) -> Line:
    return tuple(span if span.glyph else span._replace(bold=True) for span in line)


def spot_for(
    width: int, height: int, area_width: int, area_height: int, avoid_y: int | None
) -> Spot:
    """The bottom right, or the place nearest to it that leaves a line free.

    Where neither the part below that line nor the one above is high enough, the higher one
    is taken and the toast is cut.
    """
    width = min(width, area_width)
    x = area_width - width
    bottom = max(area_height - height, 0)
    if avoid_y is None or not bottom <= avoid_y < area_height:
        return Spot(x, bottom, width, min(height, area_height))
    if avoid_y >= height:
        return Spot(x, avoid_y - height, width, height)
    below = area_height - avoid_y - 1
    if below > avoid_y:
        return Spot(x, avoid_y + 1, width, below)
    return Spot(x, 0, width, avoid_y)
