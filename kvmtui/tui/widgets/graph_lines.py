"""A graph as lines: title and value, an area with its scale, the clock below.

One series stands on the base line. Of two the first stands on it and the second hangs from
it, on one scale: that needs no colour and no second kind of sign, and reads the same in
braille, blocks and ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, crop, fit, shorten, width_of
from kvmtui.tui.widgets.axis import Axis, Values, cell_time, columns_of, reading, time_line
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.plot import Columns, plot
from kvmtui.tui.widgets.scale import Scale, Unit

_MARGIN, _LABELS = 1, 6
_LABELS_FROM = 30
_CLOCK_FROM = 4
_TITLE_GAP, _LEAST_VALUE = 2, 8


class Series(NamedTuple):
    """One line of values."""

    name: str
    """Shown where there are two: ``read``, ``write``."""
    values: Values
    now: str = ""
    """What it is now, after the name where there is room; the caller's words."""


class GraphView(NamedTuple):
    """All that a graph shows.

    Attributes:
        title: What it is.
        value: What it is now, set to the right; the caller's words.
        series: One or two, each of samples newest last, None or NaN where there is no figure.
        unit: Of the values.
        sample_s: Seconds between samples.
        newest_s: When the newest samples were taken, in seconds since 1970.
        span_s: Seconds from edge to edge; None for two samples in each cell.
        top: A scale that is known, such as all vCPUs; what is above it is cut. None: a round
            number above what is drawn.
        empty: Why there is nothing yet, where there is nothing.
        peaks: Whether a column of several samples shows the greatest (delays) rather than
            their mean (rates).
        labels: Whether the scale is written at the left, where there is room.
        clock: Whether the time is written below, where there is room.
        taken: How many samples were ever taken, the same for all graphs of a screen, so that
            they move together. None: the graph counts by ``newest_s``.
        subject: Whose figures they are. Another subject's scale is its own, and it is shown at
            once, also where the graph is held.
    """

    title: Line
    value: Line
    series: Sequence[Series]
    unit: Unit
    sample_s: float
    newest_s: float
    span_s: float | None = None
    top: float | None = None
    empty: str = ""
    peaks: bool = False
    labels: bool = True
    clock: bool = False
    taken: int | None = None
    subject: str = ""


class Layout(NamedTuple):
    """Where the parts of a graph are."""

    width: int
    left: int
    """Cells before the area."""
    rows: int
    """Of the area; 0 where there is room for the title only."""
    split: int
    """The rows of them that stand on the base line."""
    clock: bool

    @property
    def cells(self) -> int:
        """The width of the area."""
        return max(self.width - self.left, 0)

    def has(self, x: int, y: int) -> bool:
        """Whether a cell of the graph belongs to its area."""
        return self.left <= x < self.width and 0 < y <= self.rows


class Now(NamedTuple):
    """What a graph is drawn with beside its view."""

    layout: Layout
    axis: Axis
    taken: int
    top: float
    glyphs: Glyphs
    cursor: int | None = None
    """The cell that is read, counted from the right edge."""
    focused: bool = False
    held: bool = False


def layout_of(view: GraphView, width: int, height: int) -> Layout:
    """The parts that fit: an area needs a row for each series, its clock a fourth row."""
    two = len(view.series) > 1
    clock = view.clock and height > _CLOCK_FROM
    rows = max(height - 1 - clock, 0)
    rows = 0 if rows < 1 + two or width <= _MARGIN else rows
    labels = view.labels and width >= _LABELS_FROM
    left = _MARGIN + (_LABELS if labels else 0)
    return Layout(width, left, rows, (rows + 1) // 2 if two else rows, clock and rows > 0)


def columns(view: GraphView, axis: Axis, taken: int, cells: int) -> list[Columns]:
    """What is drawn of each series, in its unit."""
    return [columns_of(one.values, taken, axis, cells, peaks=view.peaks) for one in view.series]


def peak_of(drawn: Sequence[Columns]) -> float | None:
    """The greatest value drawn; None where there is none."""
    values = [value for one in drawn for value in one if value is not None]
    return max(values, default=None)


class Measures(NamedTuple):
    """Where a graph's parts are, and which samples stand in its cells."""

    layout: Layout
    axis: Axis
    taken: int


class Looks(NamedTuple):
    """How a graph looks besides what it shows."""

    glyphs: Glyphs
    cursor_s: float | None = None
    """The time that is read, in seconds since 1970."""
    focused: bool = False
    held: bool = False


def drawn_lines(view: GraphView, measures: Measures, scale: Scale, looks: Looks) -> list[Parts]:
    """The lines of a graph from top to bottom.

    Args:
        scale: Its own, which it keeps from one drawing to the next.
    """
    layout, axis, taken = measures
    drawn = columns(view, axis, taken, layout.cells)
    top = scale.fit(peak_of(drawn), view.newest_s)
    if view.top is not None and 0 < view.top < float("inf"):
        top = view.top
    cursor = None
    if looks.cursor_s is not None and layout.cells:
        cursor = axis.cell_at(looks.cursor_s, layout.cells)
    now = Now(layout, axis, taken, top, looks.glyphs, cursor, looks.focused, looks.held)
    return graph_lines(view, drawn, now)


def area_cells(width: int, *, labels: bool = True) -> int:
    """The cells that a graph of a width has for its area."""
    return max(width - _MARGIN - (_LABELS if labels and width >= _LABELS_FROM else 0), 1)


def graph_lines(view: GraphView, drawn: Sequence[Columns], now: Now) -> list[Parts]:
    """The lines of a graph from top to bottom, as many as its layout has."""
    lines: list[Parts] = [(Part(_title(view, now)),)]
    if not now.layout.rows:
        return lines
    if peak_of(drawn) is None:
        return lines + _empty(view, now)
    lines += _area(view, drawn, now)
    if now.layout.clock:
        text = " " * now.layout.left + time_line(now.axis, now.layout.cells)
        lines.append((Part((Span(text, "muted"),)),))
    return lines


def _title(view: GraphView, now: Now) -> Line:
    """What it is, at the left; what it is now, or was where the cursor stands, at the right.

    Of two series the figures stand with the names. The names are never given up, since they
    say which is which.
    """
    two = len(view.series) > 1
    texts, right = [one.now for one in view.series], view.value
    if now.cursor is not None:
        texts = [_reading(view, one, now, now.cursor) for one in view.series]
        right = (Span(cell_time(now.axis, now.cursor), "muted"),)
        right += () if two else (Span("  "), Span(texts[0], bold=True))
    elif now.held:
        right = (Span(f"held {cell_time(now.axis, 0)}  ", "warn"), *right)
    bar = Span(now.glyphs.cursor, "accent") if now.focused else Span(" ")
    room = now.layout.width - _MARGIN
    gap = _TITLE_GAP if right else 0
    left = view.title
    if two:
        left += _legend(view, now.glyphs, texts)
        if width_of(left) + gap + width_of(right) > room:
            if now.cursor is None:
                left = view.title + _legend(view, now.glyphs, ["", ""])
            elif width_of(left) <= room:
                # The time that is read is the same in all graphs of a page.
                right, gap = (), 0
    left = crop(left, max(room - _LEAST_VALUE, room // 2) if right else room)
    right = crop(right, room - width_of(left) - gap)
    return (bar, *fit(left, room - width_of(right)), *right)


def _legend(view: GraphView, glyphs: Glyphs, texts: Sequence[str]) -> Line:
    """Which of two series is which, with its figure."""
    line: list[Span] = []
    for sign, one, text in zip((glyphs.up, glyphs.down), view.series, texts, strict=True):
        line.append(Span(f"  {sign} {one.name}", "muted"))
        line.append(Span(f" {text}" if text else ""))
    return tuple(line)


def _reading(view: GraphView, one: Series, now: Now, cell: int) -> str:
    """What stands in a cell."""
    value = reading(one.values, now.taken, now.axis, cell, peaks=view.peaks)
    return now.glyphs.none if value is None else view.unit.text(value) + view.unit.suffix


def _empty(view: GraphView, now: Now) -> list[Parts]:
    """Why there is nothing, in the middle of where it would be."""
    layout = now.layout
    lines: list[Parts] = [()] * (layout.rows + layout.clock)
    text = shorten(view.empty, layout.width - 2 * _MARGIN)
    blank = " " * max((layout.width - cell_len(text)) // 2, 0)
    lines[(layout.rows - 1) // 2] = (Part((Span(blank + text, "muted"),)),)
    return lines


def _area(view: GraphView, drawn: Sequence[Columns], now: Now) -> list[Parts]:
    layout = now.layout
    shares = [[None if value is None else value / now.top for value in one] for one in drawn]
    texts = plot(shares[0], layout.split, now.glyphs)
    if len(shares) > 1:
        texts += plot(shares[1], layout.rows - layout.split, now.glyphs, hanging=True)
    labels = _scale(view, now)
    return [
        (Part((Span(label, "muted"),)), *_row(text, now.cursor))
        for label, text in zip(labels, texts, strict=True)
    ]


def _scale(view: GraphView, now: Now) -> list[str]:
    """What stands before each row: the top, and nothing at the base line."""
    layout = now.layout
    labels = [""] * layout.rows
    if layout.left > _MARGIN:
        top = shorten(view.unit.text(now.top), _LABELS - 1)
        labels[layout.split - 1] = "0"
        if len(view.series) > 1:
            labels[-1] = top
        labels[0] = top
    return [f"{label.rjust(layout.left - 1)} " for label in labels]


def _row(text: str, cursor: int | None) -> Parts:
    """A row of the area; the cell that is read has another ground and the colour of text, since
    a full cell shows no ground."""
    if cursor is None:
        return (Part((Span(text, "graph"),)),)
    at = len(text) - 1 - cursor
    return (
        Part((Span(text[:at], "graph"),)),
        Part((Span(text[at]),), "cursor"),
        Part((Span(text[at + 1 :], "graph"),)),
    )
