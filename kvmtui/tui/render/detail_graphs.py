"""The figures of the guest under the cursor over the last minute, beside the list and below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.guest.units import format_size
from kvmtui.manage.views import LiveGuest
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.figures import BYTES_PER_S
from kvmtui.tui.spans import Line, Span, fit, width_of
from kvmtui.tui.trends import Trend, Trends
from kvmtui.tui.widgets.axis import Axis, columns_of, known
from kvmtui.tui.widgets.plot import plot
from kvmtui.tui.widgets.scale import Scale
from kvmtui.tui.widgets.spark import labelled, sparkline

LABEL, VALUE = 10, 10
_CPU_ROWS = 3
_SAMPLES = 60
_RATES = (
    ("Read", "disk_read"),
    ("Write", "disk_write"),
    ("Receive", "net_in"),
    ("Send", "net_out"),
)


class Graphs(NamedTuple):
    """The last minute of one guest."""

    cpu: Trend
    rates: tuple[tuple[str, Trend, float], ...]
    """What each is called, its samples, and what a full cell means."""


class Scales:
    """The scales of one guest's rates, which do not jump from one look to the next."""

    def __init__(self) -> None:
        self._subject = ""
        self._graphs: Graphs | None = None
        self._scales: dict[str, Scale] = {}

    def graphs_of(self, live: LiveGuest, trends: Trends) -> Graphs | None:
        """A guest's last minute; None where it does not run."""
        name = live.view.name
        if live.view.pid is None:
            self._graphs = None
            return None
        cpu = trends.of(name, "cpu", "1min", _SAMPLES)
        if name != self._subject:
            self._subject, self._scales = name, {}
        elif self._graphs is not None and self._graphs.cpu.taken == cpu.taken:
            return self._graphs
        rates = []
        for label, key in _RATES:
            trend = trends.of(name, key, "1min", _SAMPLES)
            scale = self._scales.setdefault(key, Scale(BYTES_PER_S))
            peak = max((value for one in trend.values if (value := known(one))), default=None)
            rates.append((label, trend, scale.fit(peak, trend.newest_s)))
        self._graphs = Graphs(cpu, tuple(rates))
        return self._graphs


def cpu_lines(live: LiveGuest, graphs: Graphs, width: int, glyphs: Glyphs) -> list[Line]:
    """An area of three rows, with what is its top at its right, and the figure below."""
    room = _room(width)
    full = 100 * (live.view.cpus or 1)
    trend = graphs.cpu
    columns = columns_of(trend.values, trend.taken, Axis(1.0, trend.taken, 0.0, 1, 1), room)
    shares = [None if value is None else value / full for value in columns]
    areas = plot(shares, _CPU_ROWS, glyphs)
    now = "" if live.cpu_percent is None else f"{live.cpu_percent:.0f} %"
    right = (f"{full} %", *[""] * (_CPU_ROWS - 2), now)
    lines: list[Line] = []
    for number, (area, text) in enumerate(zip(areas, right, strict=True)):
        last = number == _CPU_ROWS - 1
        lines.append(
            (
                Span(("CPU" if last else "").ljust(LABEL), "muted"),
                Span(area, "graph"),
                Span(text.rjust(VALUE - 2), "text" if last else "muted"),
            )
        )
    return lines


def rate_lines(graphs: Graphs, live: LiveGuest, width: int, glyphs: Glyphs) -> list[Line]:
    """A line for what it reads, writes, receives and sends; empty where that is not known."""
    lines = []
    for (label, trend, top), now in zip(graphs.rates, _rates(live), strict=True):
        value: Line = ()
        if now is not None:
            value = (Span(format_size(round(now)).rjust(4)), Span(" /s", "muted"))
        lines.append(
            (
                Span(label.ljust(LABEL), "muted"),
                *fit(sparkline(trend.values, _room(width), top, glyphs), _room(width)),
                Span(" "),
                *value,
            )
        )
    return lines


def _room(width: int) -> int:
    """The cells of a graph between its label and its value."""
    return max(width - LABEL - VALUE - 1, 4)


def _rates(live: LiveGuest) -> tuple[float | None, ...]:
    found = live.figures
    if found is None:
        return (None,) * len(_RATES)
    return (
        found.disk_read_bytes_per_s,
        found.disk_write_bytes_per_s,
        found.net_receive_bytes_per_s,
        found.net_transmit_bytes_per_s,
    )


_GROUP, _GROUP_GAP = 23, 3


def below_line(live: LiveGuest, graphs: Graphs, width: int, glyphs: Glyphs) -> Line:
    """CPU, disks and networks side by side, as far as there is room."""
    read, write, receive, send = _rates(live)
    cpu = "" if live.cpu_percent is None else f"{live.cpu_percent:.0f}%"
    groups: list[tuple[str, Sequence[float], str, float]] = []
    groups.append(("CPU", graphs.cpu.values, cpu, 100.0 * (live.view.cpus or 1)))
    for label, first, now in (("Disk", 0, (read, write)), ("Net", 2, (receive, send))):
        pair = graphs.rates[first : first + 2]
        both = added(pair[0][1].values, pair[1][1].values)
        whole = sum(one for one in now if one is not None)
        text = "" if None in now else f"{format_size(round(whole))}/s"
        groups.append((label, both, text, max(pair[0][2], pair[1][2])))
    line: list[Span] = []
    for label, values, text, top in groups:
        if width_of(line) + bool(line) * _GROUP_GAP + _GROUP > width:
            break
        line += [Span(" " * _GROUP_GAP)] if line else []
        name, value = (Span(label, "muted"),), (Span(text),)
        line += labelled(name, values, value, _GROUP, top, glyphs, label_width=5, value_width=5)
    return tuple(line)


def added(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Both together; not known where one is not."""
    pairs = zip(first, second, strict=False)
    return [one + other if one == one and other == other else math.nan for one, other in pairs]
