"""This machine over the last minute."""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.guest.units import format_size
from kvmtui.manage.fleet import HostFigures
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.figures import BYTES_PER_S
from kvmtui.tui.spans import Line, Span, fit, width_of
from kvmtui.tui.trends import Trend, Trends
from kvmtui.tui.widgets.axis import known
from kvmtui.tui.widgets.scale import Scale
from kvmtui.tui.widgets.spark import labelled, sparkline

_LABEL, _VALUE = 11, 14
_SAMPLES = 60
_RATES = (
    ("Disk read", "disk_read"),
    ("Disk write", "disk_write"),
    ("Net in", "net_in"),
    ("Net out", "net_out"),
)
_GROUP, _GROUP_GAP = 23, 3


class HostGraphs:
    """Draws it; keeps the scales.

    Args:
        trends: Figures over time.
    """

    def __init__(self, trends: Trends) -> None:
        self._trends = trends
        self._scales = {key: Scale(BYTES_PER_S) for _, key in _RATES}

    def lines(self, host: HostFigures | None, width: int, glyphs: Glyphs) -> list[Line]:
        """CPU, drives and network cards, a line each; those that are known."""
        if host is None:
            return []
        room = max(min(width - _LABEL - _VALUE - 1, _SAMPLES // 2), 8)
        lines = []
        for row in self._rows(host):
            value: Line = (Span(row.now.rjust(5)), Span(row.after, "muted"))
            drawn = fit(sparkline(row.trend.values, room, row.top, glyphs), room)
            lines.append((Span(row.label.ljust(_LABEL), "muted"), *drawn, Span(" "), *value))
        return lines

    def short(self, host: HostFigures | None, width: int, glyphs: Glyphs) -> list[Line]:
        """CPU and drives side by side, as far as there is room."""
        line: list[Span] = []
        for row in self._rows(host) if host is not None else ():
            if width_of(line) + bool(line) * _GROUP_GAP + _GROUP > width:
                break
            line += [Span(" " * _GROUP_GAP)] if line else []
            label, value = (Span(row.label.split()[-1], "muted"),), (Span(row.now),)
            line += labelled(label, row.trend.values, value, _GROUP, row.top, glyphs, label_width=6)
        return [tuple(line)] if line else []

    def _rows(self, host: HostFigures) -> list[_Row]:
        trend = self._trends.of(None, "cpu", "1min", _SAMPLES)
        now = "" if host.cpu_percent is None else f"{host.cpu_percent:.0f} %"
        stolen = host.stolen_percent
        after = f"  {stolen:.0f} % stolen" if stolen is not None and stolen >= 1 else ""
        rows = [_Row("CPU", trend, 100.0, now, after)]
        figures = (
            host.disk_read_bytes_per_s,
            host.disk_write_bytes_per_s,
            host.net_receive_bytes_per_s,
            host.net_transmit_bytes_per_s,
        )
        for (label, key), rate in zip(_RATES, figures, strict=True):
            if rate is None:
                continue
            trend = self._trends.of(None, key, "1min", _SAMPLES)
            peak = max((value for one in trend.values if (value := known(one))), default=None)
            top = self._scales[key].fit(peak, trend.newest_s)
            rows.append(_Row(label, trend, top, format_size(round(rate)), " /s"))
        return rows


class _Row(NamedTuple):
    """A figure: its label, its samples, what a full cell means, what it is now."""

    label: str
    trend: Trend
    top: float
    now: str
    after: str
