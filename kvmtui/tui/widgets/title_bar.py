"""The first row of every screen: the panes, the host's name and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual import events
from textual.message import Message

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.widgets.base import LineWidget, Part, Parts

LEAST_GAP = 2
"""The fewest cells between the tabs and what stands at the right."""


class Tab(NamedTuple):
    """One pane."""

    id: str
    key: str
    title: str
    total: str = ""
    """Behind the title, where there is room."""
    badge: Line = ()
    """A sign behind it: something is wrong, something runs."""
    badge_stays: bool = False
    """Whether the badge is shown in 80 columns too."""


class Figure(NamedTuple):
    """One figure of the host, and how it is written where there is less room."""

    long: Line
    short: Line = ()
    """Empty: it goes where there is less room."""


class _Style(NamedTuple):
    """One way to write the row, from roomy to narrow."""

    gap: int = 1
    """Cells between the tabs, besides the blank at both sides of each."""
    counts: bool = True
    badges: bool = True
    all_badges: bool = True
    host: bool = False
    long: bool = False
    figures: int = 9
    others: bool = True
    """Whether the tabs that are not active are shown."""
    alarm: bool = False


class _Placed(NamedTuple):
    id: str
    x: int
    part: Part


class TitleBar(LineWidget):
    """Tabs at the left, host and figures at the right.

    Where it is narrow the host's name goes first, then gaps, counts and words become
    shorter, then figures go, and at last all tabs but the active one.
    """

    DEFAULT_CSS = "TitleBar { height: 1; width: 1fr; }"

    class TabClicked(Message):
        """A click on a tab."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._tabs: tuple[Tab, ...] = ()
        self._active = ""
        self._host = ""
        self._figures: tuple[Figure, ...] = ()
        self._alarm: Line = ()

    def set_tabs(self, tabs: Sequence[Tab], active: str) -> None:
        """Show these panes, one of them as the one that is open."""
        self._tabs, self._active = tuple(tabs), active
        self.show_changes()

    def set_figures(self, host: str, figures: Sequence[Figure]) -> None:
        """Show the host's name and its figures, the most important first."""
        self._host, self._figures = host, tuple(figures)
        self.show_changes()

    def set_alarm(self, line: Line) -> None:
        """What stands for the line with trouble where there is no room for it: ``▲2``."""
        self._alarm = line
        self.show_changes()

    def on_click(self, event: events.Click) -> None:
        for placed in self._lay_out(self.size.width)[0]:
            if placed.x <= event.x < placed.x + width_of(placed.part.line):
                self.post_message(self.TabClicked(placed.id))

    def paint(self, y: int, width: int) -> Parts:
        tabs, right = self._lay_out(width)
        parts: list[Part] = []
        x = 0
        for placed in tabs:
            parts += [Part((Span(" " * (placed.x - x)),)), placed.part]
            x = placed.x + width_of(placed.part.line)
        blank = max(width - 1 - width_of(right) - x, 0)
        return (*parts, Part((Span(" " * blank), *right)))

    def _lay_out(self, width: int) -> tuple[tuple[_Placed, ...], Line]:
        """The roomiest way to write it that fits."""
        for style in _styles():
            tabs = self._placed(style)
            right = self._right(style)
            end = tabs[-1].x + width_of(tabs[-1].part.line) if tabs else 1
            if end + (LEAST_GAP + width_of(right) if right else 0) < width:
                break
        return tabs, right

    def _placed(self, style: _Style) -> tuple[_Placed, ...]:
        placed: list[_Placed] = []
        x = 1
        for tab in self._tabs:
            active = tab.id == self._active
            if not active and not style.others:
                continue
            part = tab_part(tab, style, active, self.glyphs)
            placed.append(_Placed(tab.id, x, part))
            x += width_of(part.line) + style.gap
        if style.alarm and self._alarm and placed:
            placed.append(_Placed(placed[-1].id, x + 1, Part(self._alarm)))
        return tuple(placed)

    def _right(self, style: _Style) -> Line:
        lines = [figure.long if style.long else figure.short for figure in self._figures]
        lines = [line for line in lines if line][: style.figures]
        if style.host and self._host:
            lines.insert(0, (Span(self._host, bold=True),))
        spans: list[Span] = []
        for line in lines:
            if spans:
                spans.append(Span(" " * (3 if style.long else 2)))
            spans += line
        return tuple(spans)


def _styles() -> Iterator[_Style]:
    yield _Style(host=True, long=True)
    yield _Style(long=True)
    compact = _Style(gap=0, counts=False)
    yield compact
    yield compact._replace(all_badges=False)
    yield compact._replace(all_badges=False, figures=1)
    narrow = _Style(gap=1, badges=False, others=False, alarm=True)
    for figures in (9, 1, 0):
        yield narrow._replace(figures=figures)
    yield narrow._replace(figures=0, counts=False, alarm=False)


def tab_part(tab: Tab, style: _Style, active: bool, glyphs: Glyphs) -> Part:
    """One tab with a cell at both sides; in ASCII the active one is in brackets."""
    words = f" {tab.title}" + (f" {tab.total}" if style.counts and tab.total else "")
    badge: Line = ()
    if tab.badge and style.badges and (style.all_badges or tab.badge_stays):
        badge = (Span(" "), *tab.badge)
    left, right = ("[", "]") if active and glyphs.name == "ascii" else (" ", " ")
    spans = (
        Span(left),
        Span(tab.key, "accent", bold=True),
        Span(words, "text" if active else "muted"),
        *badge,
        Span(right),
    )
    return Part(spans, "tab" if active else "bg")
