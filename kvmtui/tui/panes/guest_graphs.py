"""The page of a guest's graphs."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.binding import BindingType

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.render.guest_graphs import Page, bands_of, first_trend
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.trends import SPANS, TimeSpan, Trends
from kvmtui.tui.widgets.sheet import Sheet


class GuestGraphs(Sheet):
    """All graphs of one guest; draws anew only where they move.

    Args:
        trends: Figures over time.
    """

    BINDINGS: ClassVar[list[BindingType]] = list(bindings("graphs"))

    def __init__(self, trends: Trends, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trends = trends
        self._span: TimeSpan = "1min"
        self._live: LiveGuest | None = None
        self._stolen: float | None = None
        self._drawn_for: object = None
        self._held_at = ""

    @property
    def span(self) -> TimeSpan:
        """The time that is shown."""
        return self._span

    def take(self, live: LiveGuest, stolen_percent: float | None) -> None:
        """A round is over.

        Args:
            stolen_percent: What the machine below took of the host's processors.
        """
        other = self._live is None or live.view.name != self._live.view.name
        self._live, self._stolen = live, stolen_percent
        self._fill(at_once=other)

    def zoom(self, step: int) -> None:
        """Show a longer or shorter time."""
        at = SPANS.index(self._span) + step
        if 0 <= at < len(SPANS):
            self._span = SPANS[at]
            self.read(None)
            self._fill(at_once=True)

    def hold(self, held: bool) -> None:
        """Stand still, or go on."""
        self._held_at = time.strftime("%H:%M:%S", time.localtime(time.time()))
        super().hold(held)

    def on_resize(self) -> None:
        """As many samples as there are columns now."""
        self._drawn_for = None
        self._fill(at_once=True)

    def standing(self, hold_key: str) -> Line:
        """What stands above it."""
        if not self.held:
            return ()
        return (Span(f" held at {self._held_at}", "warn"), Span(f"  {hold_key} goes on", "muted"))

    def _fill(self, *, at_once: bool = False) -> None:
        """Draw, where another second of samples is over or something else is other."""
        live = self._live
        if live is None or self.size.width < 2:
            return
        page = Page(live, self._trends, self._span, self.size.width, self.glyphs, self._stolen)
        figures = live.figures
        drawn_for = (
            page.subject,
            page.width,
            self.glyphs,
            live.view.pid,
            first_trend(page).taken,
            figures is not None and (len(figures.disks), len(figures.networks), figures.missing),
        )
        if drawn_for == self._drawn_for and not at_once:
            return
        self._drawn_for = drawn_for
        self.show(bands_of(page), at_once=at_once)
