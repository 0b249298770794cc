"""The figures of the minutes before a trouble, for its report: from memory, or `figures.bin`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from kvmtui.guest.history import iso_time
from kvmtui.manage import recorded
from kvmtui.stats.history import KEYS, MINUTES

if TYPE_CHECKING:
    from kvmtui.guest.library import Library
    from kvmtui.manage.recorded import PastFigures
    from kvmtui.stats.figure_file import Stamp
    from kvmtui.stats.history import History, Span

_SPANS: tuple[tuple[Span, int, int], ...] = (("10min", 120, 120), ("24h", MINUTES, 60))
"""Ten minutes by five seconds; where nothing is known of them, up to 60 minutes of the day."""


class LastMinutes(NamedTuple):
    """What is known of some time, oldest first."""

    step_s: int
    rows: list[tuple[float, list[float | None]]]
    """When each step begins, in seconds since 1970, and its figures as `KEYS` has them."""

    def document(self, until: float) -> dict[str, Any] | None:
        """As columns, up to a moment; None where nothing is known before it."""
        rows = [row for row in self.rows if row[0] <= until]
        if not rows:
            return None
        columns = zip(*(values for _, values in rows), strict=True)
        return {
            "step_s": self.step_s,
            "times": [iso_time(begin) for begin, _ in rows],
            **{key: list(values) for key, values in zip(KEYS, columns, strict=True)},
        }


def from_memory(name: str, history: History, now: Stamp) -> LastMinutes | None:
    """What a history has of a guest, up to now; None where it has nothing."""
    for span, width, most in _SPANS:
        found = _rows(recorded.figures_of(name, history, span, width, now), math.inf)
        if found.rows:
            return found._replace(rows=found.rows[-most:])
    return None


def from_file(library: Library, name: str, until: float) -> LastMinutes | None:
    """What a watch has recorded of a guest, up to a moment; None where there is nothing.

    Raises:
        OSError: The disk does not answer.
    """
    for span, width, most in _SPANS:
        past = recorded.past_figures(library, name, span, width)
        if past is None:
            return None
        found = _rows(past, until)
        if found.rows:
            return found._replace(rows=found.rows[-most:])
    return None


def _rows(past: PastFigures, until: float) -> LastMinutes:
    series = [past.series[key].values for key in KEYS]
    count = len(series[0])
    rows = []
    for index in range(count):
        begin = past.last - (count - 1 - index) * past.step_s
        values = [one[index] for one in series]
        if begin <= until and not all(map(math.isnan, values)):
            rows.append((begin, [None if math.isnan(one) else round(one, 1) for one in values]))
    return LastMinutes(past.step_s, rows)
