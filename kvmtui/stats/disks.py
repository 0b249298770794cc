"""Rates of a guest's drives between two answers of ``query-blockstats``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kvmtui.stats import rates
from kvmtui.stats.answers import DiskCounters
from kvmtui.stats.figures import DiskFigures

if TYPE_CHECKING:
    from kvmtui.stats.rates import Moment

NO_DISKS = DiskFigures("", None, None, None, None, None, None, None, 0)
"""What is known where nothing is."""


class DisksMeter:
    """The drives of one guest, over time."""

    def __init__(self) -> None:
        self._moment: Moment | None = None
        self._last: dict[str, DiskCounters] = {}

    @property
    def last(self) -> tuple[DiskCounters, ...]:
        """The last answer."""
        return tuple(self._last.values())

    def forget(self) -> None:
        """An answer did not come: the next one gives no rates."""
        self._moment, self._last = None, {}

    def take(
        self, counters: Sequence[DiskCounters], moment: Moment
    ) -> tuple[DiskFigures, tuple[DiskFigures, ...]]:
        """Rates since the last answer: of all drives together, and of each.

        A drive that is new, or whose counters went back, has none and is not in the sum;
        without any drive the sum is not known.
        """
        passed = rates.passed_s(self._moment, moment)
        last, self._moment = self._last, moment
        self._last = {one.name: one for one in counters}
        pairs = [(last[one.name], one) for one in counters if one.name in last]
        pairs = [pair for pair in pairs if not _went_back(*pair)]
        if passed is None:
            pairs = []
        known = {after.name: _rates(before, after, passed) for before, after in pairs}
        each = [
            known.get(one.name) or NO_DISKS._replace(name=one.name, errors=one.errors)
            for one in counters
        ]
        if len(pairs) == 1:
            return known[pairs[0][0].name], tuple(each)
        return _together(pairs, passed), tuple(each)


def _went_back(before: DiskCounters, after: DiskCounters) -> bool:
    return (
        after.read_bytes < before.read_bytes
        or after.write_bytes < before.write_bytes
        or after.read_ops < before.read_ops
        or after.write_ops < before.write_ops
        or after.busy_ns < before.busy_ns
    )


def _rates(before: DiskCounters, after: DiskCounters, passed: float | None) -> DiskFigures:
    if after == before and passed is not None:
        return DiskFigures(after.name, 0.0, 0.0, 0.0, 0.0, 0.0, None, None, after.errors)
    return DiskFigures(
        after.name,
        rates.per_second(before.read_bytes, after.read_bytes, passed),
        rates.per_second(before.write_bytes, after.write_bytes, passed),
        rates.per_second(before.read_ops, after.read_ops, passed),
        rates.per_second(before.write_ops, after.write_ops, passed),
        rates.per_second(before.flush_ops, after.flush_ops, passed),
        _latency_ms(before, after),
        _p99_ms(before, after),
        after.errors,
    )


def _together(
    pairs: Sequence[tuple[DiskCounters, DiskCounters]], passed: float | None
) -> DiskFigures:
    """All drives as one; those with the same boundaries share a histogram."""
    if not pairs:
        return NO_DISKS
    before, after = (_sum([pair[side] for pair in pairs]) for side in (0, 1))
    return _rates(before, after, passed)


def _sum(counters: Sequence[DiskCounters]) -> DiskCounters:
    first = counters[0]
    shared = all(one.boundaries_ns == first.boundaries_ns for one in counters)
    bins = map(sum, zip(*(one.bins for one in counters), strict=True)) if shared else ()
    return DiskCounters(
        "",
        sum(one.read_bytes for one in counters),
        sum(one.write_bytes for one in counters),
        sum(one.read_ops for one in counters),
        sum(one.write_ops for one in counters),
        sum(one.flush_ops for one in counters),
        sum(one.busy_ns for one in counters),
        sum(one.ended_ops for one in counters),
        sum(one.errors for one in counters),
        first.boundaries_ns if shared else (),
        tuple(bins),
    )


def _latency_ms(before: DiskCounters, after: DiskCounters) -> float | None:
    ended = after.ended_ops - before.ended_ops
    return (after.busy_ns - before.busy_ns) / ended / 1e6 if ended > 0 else None


def _p99_ms(before: DiskCounters, after: DiskCounters) -> float | None:
    """The upper boundary of the bin in which the 99th of 100 operations fell.

    None where nothing ended, the histogram was begun anew, or it took longer than the
    last boundary, beyond which only that is known.
    """
    if not after.boundaries_ns or before.boundaries_ns != after.boundaries_ns:
        return None
    fell = [new - old for old, new in zip(before.bins, after.bins, strict=True)]
    total = sum(fell)
    if total <= 0 or min(fell) < 0:
        return None
    seen = 0
    for boundary, count in zip(after.boundaries_ns, fell, strict=False):
        seen += count
        if seen >= 0.99 * total:
            return boundary / 1e6
    return None
