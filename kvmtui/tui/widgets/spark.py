"""Graphs of one line: inside a table, and with a label and a value."""

from __future__ import annotations

from collections.abc import Iterable

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, fit, width_of
from kvmtui.tui.widgets.axis import Axis, Values, columns_of
from kvmtui.tui.widgets.plot import plot

QUIET_UNDER = 0.04
"""The share of the top under which a table draws nothing."""
_LEAST_PLOT = 4
_GAP = 2


def sparkline(
    values: Values,
    width: int,
    top: float,
    glyphs: Glyphs,
    *,
    quiet_under: float | None = None,
    taken: int | None = None,
) -> Line:
    """A line of two samples a cell, the newest at the right.

    Args:
        values: Samples, newest last; None or NaN, and what is below nothing, is a gap.
        width: In cells.
        top: What a full cell means, in the unit of the values. Without one above 0 there is
            no scale, and nothing is drawn.
        glyphs: What the terminal can draw.
        quiet_under: The share of the top under which nothing is drawn, as in tables
            (``QUIET_UNDER``). None: all that is known has a base line.
        taken: How many samples were ever taken. With it the newest one waits until its cell
            has both of its samples, so that the line moves at every second sample and half as
            many cells are sent. None: ``values`` has them all.
    """
    if width <= 0 or not 0 < top < float("inf"):
        return ()
    count = len(values) if taken is None else taken
    edge = count if taken is None else count // 2 * 2
    columns = columns_of(values, count, Axis(1.0, edge, 0.0, 1, 1), width)
    shares = [None if value is None else value / top for value in columns]
    least = float("-inf") if quiet_under is None else quiet_under
    text = plot(shares, 1, glyphs, quiet_under=least)[0]
    return (Span(text, "graph"),)


def labelled(
    label: Iterable[Span],
    values: Values,
    value: Iterable[Span],
    width: int,
    top: float,
    glyphs: Glyphs,
    *,
    label_width: int = 10,
    value_width: int = 6,
    taken: int | None = None,
) -> Line:
    """``Read      ⣀⣀⣠⣤⣴⣶⣤⣄⣀⣀  1.1M``: a graph of one line with its label and its value.

    Where there is no room for four cells of the graph, label and value stand alone.

    Args:
        label: Cut to its width.
        values: As `sparkline` has them.
        value: Set to the right.
        width: Of the whole, in cells.
        top: What a full cell means.
        glyphs: What the terminal can draw.
        label_width: So that graphs stand in one column.
        value_width: The same for the values; a longer one takes from the graph.
        taken: As `sparkline` has it.
    """
    value = tuple(value)
    value_width = max(value_width, width_of(value))
    room = width - label_width - _GAP - value_width
    if room < _LEAST_PLOT:
        return fit((*fit(label, label_width), *value), width)
    drawn = sparkline(values, room, top, glyphs, taken=taken)
    gap = Span(" " * _GAP)
    return (*fit(label, label_width), *fit(drawn, room), gap, *fit(value, value_width, right=True))
