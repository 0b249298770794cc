"""The scale of a graph: a round number above all that is drawn, which does not jump."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_STEPS = (1, 2, 3, 4, 6, 8)
_FALLS_AFTER_S = 60.0


class Unit(NamedTuple):
    """What the values of a graph are."""

    base: int
    """1024 for bytes, 1000 for all else: where the next prefix begins."""
    least: float
    """The least top of a scale, so that next to nothing does not look like much."""
    text: Callable[[float], str]
    """A value in at most five cells, without its unit."""
    suffix: str = ""
    """What follows a value that is read: ``/s``, `` %``."""


def round_top(peak: float, unit: Unit) -> float:
    """The least round number that is no less: 1, 2, 3, 4, 6 or 8 times a power of ten.

    Of bytes it is that many K, M and so on: 800K, then 1M.

    Args:
        peak: In the unit, at most 10^21.
        unit: Says where to begin.
    """
    top = prefix = unit.least
    while True:
        for power in (1, 10, 100):
            for step in _STEPS:
                top = step * power * prefix
                if top >= peak:
                    return top
        prefix *= unit.base


class Scale:
    """The top of a graph that moves: it rises at once and falls after a minute below it."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._top = unit.least
        self._lower = 0.0
        self._below_since: float | None = None

    def fit(self, peak: float | None, at_s: float) -> float:
        """The top for what is to be drawn.

        Args:
            peak: The greatest value; None while there is none.
            at_s: The time of the newest sample. A clock that was set back begins the minute
                anew.
        """
        if peak is None:
            return self._top
        wanted = round_top(peak, self._unit)
        if wanted >= self._top:
            self._top, self._below_since = wanted, None
        elif self._below_since is None or at_s < self._below_since:
            self._lower, self._below_since = wanted, at_s
        else:
            self._lower = max(self._lower, wanted)
            if at_s - self._below_since >= _FALLS_AFTER_S:
                self._top, self._below_since = self._lower, None
        return self._top
