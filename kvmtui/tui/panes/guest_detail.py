"""The guest under the cursor, beside the list or below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.render import detail as render
from kvmtui.tui.render.detail import Scene
from kvmtui.tui.render.detail_graphs import Scales
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.trends import Trends
from kvmtui.tui.widgets.base import LineWidget, Part, Parts
from kvmtui.tui.widgets.text_view import rule

if TYPE_CHECKING:
    from kvmtui.manage.detail import GuestDetail

Place = Literal["beside", "below", "off"]

BESIDE_WIDTH = 46
BELOW_HEIGHT = 6


class DetailView(LineWidget):
    """Draws what it is given; asks for nothing but the guest's figures over time."""

    def __init__(self, trends: Trends, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trends = trends
        self._scales = Scales()
        self._place: Place = "off"
        self._live: LiveGuest | None = None
        self._detail: GuestDetail | None = None
        self._now = 0.0
        self._lines: list[Line] = []

    def put(self, place: Place) -> None:
        """Stand beside the list, below it, or not at all."""
        self._place = place
        self.display = place != "off"
        beside = place == "beside"
        self.styles.width = BESIDE_WIDTH if beside else "1fr"
        self.styles.height = "1fr" if beside else BELOW_HEIGHT
        self._draw()

    def take(self, live: LiveGuest | None, now: float) -> None:
        """The guest to show; None for none.

        Args:
            now: Seconds since 1970.
        """
        if live is None or self._live is None or live.view.name != self._live.view.name:
            self._detail = None
        self._live, self._now = live, now
        self._draw()

    def move(self, now: float) -> None:
        """A round is over: graphs move on."""
        self._now = now
        self._draw()

    def take_detail(self, detail: GuestDetail | None) -> None:
        """What was gathered of the guest; ignored when the cursor has moved on."""
        if detail is None or (self._live is not None and detail.name == self._live.view.name):
            self._detail = detail
            self._draw()

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        self._draw()

    def _draw(self) -> None:
        self._lines = self._made()
        self.show_changes()

    def _made(self) -> list[Line]:
        width, height = self.size
        if self._live is None or self._place == "off" or width < 10:
            return []
        glyphs = self.glyphs
        graphs = self._scales.graphs_of(self._live, self._trends)
        if self._place == "below":
            scene = Scene(width - 2, glyphs, self._now)
            lines = render.below(self._live, self._detail, graphs, scene, height - 1)
            return [rule(self._live.view.name, width, glyphs), *map(_indented, lines)]
        scene = Scene(width - 3, glyphs, self._now)
        return render.beside(self._live, self._detail, graphs, scene, height)

    def paint(self, y: int, width: int) -> Parts:
        """A line of the detail; beside the list a rule parts the two."""
        line = self._lines[y] if y < len(self._lines) else ()
        if self._place == "beside":
            line = (Span(f"{self.glyphs.rule_down} ", "line"), *line)
        return (Part(line),)


def _indented(line: Line) -> Line:
    return (Span(" "), *line)
