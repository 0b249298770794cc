"""Figures over time as graphs take them: whole steps only, and how often they move.

Every graph moves by whole cells of two samples, all of them at the same moment. Where the
line to the terminal is short of room they move half as often, or less (`slower`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from kvmtui.manage.fleet import Series

    Source = Callable[[str | None, str, "TimeSpan", int, int], Series]

TimeSpan = Literal["1min", "10min", "24h"]
SPANS: tuple[TimeSpan, ...] = ("1min", "10min", "24h")
SPAN_S: dict[TimeSpan, float] = {"1min": 60.0, "10min": 600.0, "24h": 86400.0}
SPAN_WORDS: dict[TimeSpan, str] = {"1min": "1 min", "10min": "10 min", "24h": "24 h"}
_CELL = 2
_DRIFT_S = 0.75


class Trend(NamedTuple):
    """A figure over time, of steps that are over; newest last."""

    values: Sequence[float]
    """NaN where it is not known."""
    peaks: Sequence[float]
    taken: int
    """The number of the newest step: a multiple of those by which graphs move."""
    step_s: int
    newest_s: float
    """When that step ended, in seconds since 1970."""

    @property
    def last(self) -> float | None:
        """The newest value; None where it is not known."""
        value = self.values[-1] if len(self.values) else math.nan
        return None if math.isnan(value) else value

    @property
    def is_known(self) -> bool:
        """Whether there is anything to draw."""
        return any(value == value for value in self.values)


class Trends:
    """Reads figures over time.

    Args:
        source: `Fleet.series`.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._offset_s: float | None = None
        self.slower = 1
        """By how much less often graphs move than they could: 1, 2, 4 …"""

    def of(self, name: str | None, key: str, span: TimeSpan, columns: int) -> Trend:
        """A figure over time.

        Args:
            name: A guest; None for this machine.
            key: As `Fleet.series` has it.
            columns: How many values there is room for.
        """
        step = _CELL * self.slower
        found = self._source(name, key, span, columns, step)
        beyond = 1 + found.number % step
        taken = found.number - beyond + 1
        newest_s = taken * found.step_s + self._offset()
        return Trend(found.values[:-beyond], found.peaks[:-beyond], taken, found.step_s, newest_s)

    def _offset(self) -> float:
        """From the clock of the samples, which never jumps, to the time of day.

        The two are read one after the other: only where they differ anew is it taken over, so
        that no time on the screen flickers.
        """
        offset_s = wall_offset_s()
        if self._offset_s is None or abs(offset_s - self._offset_s) > _DRIFT_S:
            self._offset_s = offset_s
        return self._offset_s


def wall_offset_s() -> float:
    """Seconds since 1970 at which the samples' clock was at zero."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
