"""Which samples stand in which column of a graph, and when that was.

Samples have numbers, and columns hold whole groups of them, so that a graph that moves on
shows the same cells one place further left. It moves by whole cells, when all samples of
the next one are there: with two samples in a cell that is at every second sample.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.tui.widgets.plot import mean

Values = Sequence[float | None]
"""Samples, newest last; None or NaN where there is no figure."""

_MOST = 1e21
_LABEL_GAP = 3
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TICKS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 3, 6, 12)),
    *(_DAY * count for count in (1, 2, 7, 14, 28, 91, 364)),
)


class Axis(NamedTuple):
    """The time axis of a graph; graphs of one axis show the same time in the same column.

    Attributes:
        sample_s: Seconds between samples.
        edge: The number of samples before the right edge: later ones wait for their cell.
        edge_s: When the last of them was taken, in seconds since 1970.
        merged: Samples in a column.
        held: Columns that a sample takes, where there is room for more than one.
    """

    sample_s: float
    edge: int
    edge_s: float
    merged: int
    held: int

    @property
    def cell_s(self) -> float:
        """Seconds in a cell."""
        return 2 * self.merged * self.sample_s / self.held

    def cell_at(self, when_s: float, cells: int) -> int:
        """The cell of a time, counted from the right edge; the nearest of those there are."""
        cell = math.floor((self.edge_s - when_s) / self.cell_s)
        return max(0, min(cell, cells - 1))

    def middle_s(self, cell: int) -> float:
        """The time in the middle of a cell that is counted from the right edge."""
        return self.edge_s - (cell + 0.5) * self.cell_s


def axis_for(
    span_s: float | None, sample_s: float, cells: int, taken: int, newest_s: float
) -> Axis:
    """The axis on which a span of time fills a number of cells.

    More than the span is shown where whole samples do not fill the cells evenly.

    Args:
        span_s: Seconds; None for two samples in each cell.
        sample_s: Seconds between samples.
        cells: The width of the graph.
        taken: How many samples were ever taken.
        newest_s: When the newest was, in seconds since 1970.

    Raises:
        ValueError: A time or a span that is no number of seconds.
    """
    if not (0 < sample_s < math.inf and (span_s is None or 0 < span_s < math.inf)):
        raise ValueError(f"no time axis: {span_s} s of samples every {sample_s} s")
    if not math.isfinite(newest_s):
        raise ValueError(f"no time: {newest_s}")
    columns = 2 * max(cells, 1)
    merged = held = 1
    if span_s is not None:
        wanted = max(span_s / sample_s, 1.0)
        merged = max(math.ceil(wanted / columns - 1e-9), 1)
        held = max(int(columns / wanted + 1e-9), 1)
    step = 2 * merged
    edge = taken // step * step
    return Axis(sample_s, edge, newest_s - (taken - edge) * sample_s, merged, held)


def known(value: float | None) -> float | None:
    """A value that can be drawn: not NaN, not infinite, not below nothing.

    A rate below nothing is a counter that went back: no figure. What is above 10^21 is none.
    """
    return float(value) if value is not None and 0 <= value <= _MOST else None


def _merge(values: Values, peaks: bool) -> float | None:
    found = [known(value) for value in values]
    if peaks:
        return max((value for value in found if value is not None), default=None)
    return mean(found)


def _samples(values: Values, taken: int, first: int, last: int) -> Values:
    """The samples with numbers [first, last), as far as they are there."""
    oldest = taken - len(values)
    return values[max(first - oldest, 0) : max(last - oldest, 0)]


def columns_of(
    values: Values, taken: int, axis: Axis, cells: int, *, peaks: bool = False
) -> list[float | None]:
    """What stands in the columns of a graph, two in a cell, from left to right.

    Args:
        values: Samples.
        taken: How many were ever taken, these with them.
        axis: Of the graph.
        cells: The width of the graph.
        peaks: Whether a column shows the greatest of its samples rather than their mean.
    """
    groups = -(-2 * cells // axis.held)
    found: list[float | None] = []
    for group in range(groups):
        last = axis.edge - group * axis.merged
        value = _merge(_samples(values, taken, last - axis.merged, last), peaks)
        found += [value] * axis.held
    return found[: 2 * cells][::-1]


def reading(
    values: Values, taken: int, axis: Axis, cell: int, *, peaks: bool = False
) -> float | None:
    """What stands in one cell, counted from the right edge; None for a gap."""
    last = axis.edge - 2 * cell // axis.held * axis.merged
    first = axis.edge - ((2 * cell + 1) // axis.held + 1) * axis.merged
    return _merge(_samples(values, taken, first, last), peaks)


def _clock(when_s: float, form: str) -> str:
    """A local time; empty where the calendar does not reach."""
    try:
        return time.strftime(form, time.localtime(when_s))
    except (OverflowError, OSError, ValueError):
        return ""


def cell_time(axis: Axis, cell: int) -> str:
    """When the newest sample of a cell was taken: with seconds where they tell cells apart,
    with the day where it is another than at the right edge."""
    when = axis.edge_s - cell * axis.cell_s
    form = "%H:%M:%S" if axis.cell_s < _MINUTE else "%H:%M"
    if _clock(when, "%x") != _clock(axis.edge_s, "%x"):
        form = f"%d %b {form}"
    return _clock(when, form)


def time_line(axis: Axis, cells: int) -> str:
    """The clock below a graph: round times, each under the cell that it belongs to."""
    for tick in _TICKS:
        form = "%H:%M:%S" if tick < _MINUTE else "%H:%M" if tick < _DAY else "%d %b"
        if tick / axis.cell_s >= len(_clock(0.0, form)) + _LABEL_GAP:
            break
    else:
        return ""
    line = [" "] * cells
    if not _clock(axis.edge_s, form):
        return ""
    east_s = time.localtime(axis.edge_s).tm_gmtoff
    when = (axis.edge_s + east_s) // tick * tick - east_s
    while when > axis.edge_s - cells * axis.cell_s:
        label = _clock(when, form)
        start = cells - 1 - axis.cell_at(when, cells) - len(label) // 2
        if 0 <= start <= cells - len(label):
            line[start : start + len(label)] = label
        when -= tick
    return "".join(line).rstrip()
