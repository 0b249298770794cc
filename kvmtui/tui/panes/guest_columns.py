"""The columns of the guests' table, and the line of each guest's last minute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line
from kvmtui.tui.trends import Trend, Trends
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.spark import QUIET_UNDER, sparkline

WIDE, WIDEST = 120, 180
MINUTE_WIDTH, MINUTE_NARROW = 10, 8
FIGURES = ("disk", "net", "wait")
"""The columns whose figures are asked of QEMU."""
_STEPS = 2 * MINUTE_WIDTH

_COLUMNS = (
    Column("name", "  Name", 16, flexible=True, least=14, most=24),
    Column("state", "State", 13),
    Column("cpus", "vCPU", 3, right=True, drop=7),
    Column("cpu", "CPU%", 4, right=True),
    Column("minute", "1 min", MINUTE_WIDTH, sortable=False, drop=6),
    Column("memory", "Memory", 9, drop=8),
    Column("disk", "Disk/s", 5, right=True, drop=5),
    Column("net", "Net/s", 4, right=True, drop=3),
    Column("wait", "Wait%", 4, right=True, drop=1),
    Column("up", "Up", 5, right=True, drop=4),
    Column("acc", "Acc", 3, drop=2),
)
_MORE_COLUMNS = (
    Column("address", "Address", 15, sortable=False),
    Column("tags", "Tags", 16, sortable=False),
)


def columns_for(width: int, sort: str) -> tuple[Column, ...]:
    """The columns of a pane: all that may be shown, from left to right.

    Args:
        width: Of the whole pane.
        sort: What the rows are sorted by: that column stays, however narrow it is.
    """
    found = _COLUMNS + _MORE_COLUMNS if width >= WIDEST else _COLUMNS
    minute = MINUTE_WIDTH if width >= WIDE else MINUTE_NARROW
    return tuple(
        column._replace(
            width=minute if column.id == "minute" else column.width,
            drop=0 if column.id == sort else column.drop,
        )
        for column in found
    )


class Minutes:
    """The CPU of each guest's last minute, drawn only for those that are seen.

    A cell is two samples of three seconds, and all lines move together every six.
    """

    def __init__(self, trends: Trends) -> None:
        self._trends = trends
        self._taken: dict[str, int] = {}
        self._lines: dict[str, Line] = {}

    def line(self, name: str) -> Line:
        """What was drawn of a guest; empty where nothing was."""
        return self._lines.get(name, ())

    def draw(self, guests: Sequence[LiveGuest], width: int, glyphs: Glyphs) -> list[str]:
        """Draw these guests' lines where they moved, or were not seen before.

        All guests are sampled in the same moment: where one has not moved, none has.

        Returns:
            Whose line is another one now.
        """
        first = next((live.view.name for live in guests if live.view.name in self._taken), None)
        moved = first is None or self._trend(first).taken != self._taken[first]
        changed = []
        for live in guests:
            name = live.view.name
            runs = live.view.pid is not None and bool(live.view.cpus)
            if runs and name in self._taken and not moved:
                continue
            line = self._line(live, width, glyphs) if runs else ()
            if not runs:
                self._taken.pop(name, None)
            if self._lines.get(name, ()) != line:
                self._lines[name] = line
                changed.append(name)
        return changed

    def _trend(self, name: str) -> Trend:
        return self._trends.of(name, "cpu", "1min", _STEPS)

    def _line(self, live: LiveGuest, width: int, glyphs: Glyphs) -> Line:
        trend = self._trend(live.view.name)
        self._taken[live.view.name] = trend.taken
        top = 100.0 * (live.view.cpus or 1)
        line = sparkline(
            trend.values, width, top, glyphs, quiet_under=QUIET_UNDER, taken=trend.taken
        )
        return line if line and line[0].text.strip() else ()

    def keep(self, names: Iterable[str]) -> None:
        """Forget all other guests."""
        kept = set(names)
        for name in self._lines.keys() - kept:
            del self._lines[name]
        for name in self._taken.keys() - kept:
            del self._taken[name]

    def forget(self) -> None:
        """Draw all anew: they are of another width."""
        self._taken.clear()
        self._lines.clear()
