"""Rates of counters over the time that really passed, or none at all."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    Moment = tuple[float, float]
    """Seconds of ``CLOCK_MONOTONIC`` and of ``CLOCK_BOOTTIME``; the second goes on while
    the machine is suspended. Neither moves when somebody sets the clock."""

SHORTEST_S = 0.15
"""Two readings closer than this give no rate: the kernel counts CPU in ticks of 10 ms."""
LONGEST_S = 90.0
"""Two readings further apart than this have a gap between them."""
_SUSPENDED_S = 0.5


def now() -> Moment:
    """This moment."""
    return time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)


def passed_s(before: Moment | None, after: Moment) -> float | None:
    """Seconds between two readings.

    Returns:
        None where a rate over them would not be true: there was no reading before, the
        machine was suspended in between, or nobody read for more than `LONGEST_S`.
    """
    if before is None:
        return None
    passed = after[0] - before[0]
    if not 0 < passed <= LONGEST_S or after[1] - before[1] - passed > _SUSPENDED_S:
        return None
    return passed


def per_second(before: float | None, after: float | None, passed: float | None) -> float | None:
    """The rate of one counter.

    Returns:
        None where a reading is missing, or the counter went back (it was reset).
    """
    if before is None or after is None or passed is None or after < before:
        return None
    return (after - before) / passed
