"""What was sampled, kept in fixed memory: ten minutes by the second, a day by the minute.

A figure of one guest takes 6,960 bytes (600 seconds, and mean and maximum of 1,440
minutes, two bytes each) and some 600 of administration: about 60 kB for a guest of one
processor whose every figure is known, at most 185 kB with 16 processors. A figure takes
none until it is first known. Each drive and each interface that somebody looked at takes
another 20 to 30 kB, and a guest never more than 1.2 MB. Kept are logarithms, exact to 0.03 %.
"""

from __future__ import annotations

import functools
import math
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, NamedTuple

    Span = Literal["1min", "10min", "24h"]
else:
    from kvmtui.light import NamedTuple

SECONDS, MINUTES = 600, 1440
MOST_VCPUS = 16
"""Of how many processors of a guest the history is kept."""
KEYS = (
    "cpu",
    "wait",
    "memory_used",
    "disk_read",
    "disk_write",
    "disk_latency",
    "net_in",
    "net_out",
)
"""The figures of a guest: percent, ms/s, bytes, bytes/s, ms. Besides them ``vcpu0`` … and, of
what was looked at closely, those that `of_drive` and `of_interface` name."""
MOST_DRIVES, MOST_INTERFACES = 26, 8
"""Of how many of its drives and interfaces."""
MOST_FIGURES = 160
"""How many figures of a guest are kept at once: its own, and four of each drive and interface
while these are looked at. Of more the one that was not known for the longest goes."""
HOST = ""
"""The name under which the host's own figures are kept; no guest has it."""

_LONGEST_FILL_S = 90
_UNKNOWN, _ZERO, _FIRST = 0, 1, 2
_STEPS, _LEAST = 1300, -10
_MOST_CODE = 65535


def of_drive(name: str, figure: Literal["read", "write", "ops", "p99"]) -> str:
    """The key of a drive's figure: bytes/s, bytes/s, reads and writes a second, ms."""
    return f"drive {name} {figure}"


def of_interface(name: str, figure: Literal["in", "out", "drops"]) -> str:
    """The key of an interface's figure: bytes/s, bytes/s, packets a second."""
    return f"interface {name} {figure}"


class Series(NamedTuple):
    """A figure over time, newest last."""

    step_s: int
    """How long each value is for, in seconds."""
    values: array[float]
    """Mean of each step; NaN where it is not known."""
    peaks: array[float]
    """The highest known within each step; NaN where none is."""
    number: int = 0
    """Of the newest step, counted from the clock's zero: it goes on by one with each step, and
    the newest is not over yet."""


def _encode(value: float) -> int:
    if value < 2.0**_LEAST:
        return _ZERO
    return min(_MOST_CODE, _FIRST + round((math.log2(value) - _LEAST) * _STEPS))


@functools.lru_cache(maxsize=8192)
def _decode(code: int) -> float:
    if code <= _ZERO:
        return math.nan if code == _UNKNOWN else 0.0
    return float(2.0 ** ((code - _FIRST) / _STEPS + _LEAST))


class _Track:
    """One figure of one guest."""

    __slots__ = (
        "_count",
        "_means",
        "_minute",
        "_minute_count",
        "_minute_peak",
        "_minute_sum",
        "_peaks",
        "_second",
        "_seconds",
        "_sum",
    )

    def __init__(self, second: int) -> None:
        self._seconds = array("H", bytes(2 * SECONDS))
        self._means = array("H", bytes(2 * MINUTES))
        self._peaks = array("H", bytes(2 * MINUTES))
        self._second, self._sum, self._count = second, 0.0, 0
        self._minute = second // 60
        self._minute_sum, self._minute_count, self._minute_peak = 0.0, 0, 0.0

    def record(self, second: int, value: float, covered: int) -> None:
        """Keep a value.

        Args:
            covered: For how many seconds it holds, ``second`` included.
        """
        if second > self._second:
            self._advance(second, value, covered)
        self._sum += value
        self._count += 1
        self._seconds[second % SECONDS] = _encode(self._sum / self._count)

    def _advance(self, second: int, value: float, covered: int) -> None:
        if self._count:
            self._add(self._second // 60, self._sum / self._count)
        first_known = second - covered + 1
        code = _encode(value) if covered > 1 else _UNKNOWN
        for slot in range(max(self._second + 1, second - SECONDS + 1), second):
            known = slot >= first_known
            self._seconds[slot % SECONDS] = code if known else _UNKNOWN
            if known:
                self._add(slot // 60, value)
        self._second, self._sum, self._count = second, 0.0, 0

    def _add(self, minute: int, value: float) -> None:
        """Take a whole second into the minute's mean and maximum."""
        if minute != self._minute:
            self._keep_minute()
            for slot in range(max(self._minute + 1, minute - MINUTES + 1), minute + 1):
                self._means[slot % MINUTES] = self._peaks[slot % MINUTES] = _UNKNOWN
            self._minute = minute
            self._minute_sum, self._minute_count, self._minute_peak = 0.0, 0, 0.0
        self._minute_sum += value
        self._minute_count += 1
        if value > self._minute_peak:
            self._minute_peak = value

    def _keep_minute(self) -> None:
        if self._minute_count:
            slot = self._minute % MINUTES
            self._means[slot] = _encode(self._minute_sum / self._minute_count)
            self._peaks[slot] = _encode(self._minute_peak)

    @property
    def second(self) -> int:
        """When it was last known."""
        return self._second

    def seconds_in(self, slots: range) -> list[float]:
        """The means of those of some seconds that are known."""
        kept, newest = self._seconds, self._second
        oldest = newest - SECONDS + 1
        return [
            _decode(code)
            for slot in slots
            if oldest <= slot <= newest and (code := kept[slot % SECONDS]) != _UNKNOWN
        ]

    def minute_at(self, minute: int) -> tuple[float, float]:
        """Mean and maximum of a minute; the present one's are of the seconds so far."""
        if not self._minute - MINUTES < minute <= self._minute:
            return math.nan, math.nan
        if minute == self._minute:
            self._keep_minute()
        slot = minute % MINUTES
        return _decode(self._means[slot]), _decode(self._peaks[slot])


class _Kept:
    """All figures of one guest."""

    __slots__ = ("second", "tracks")

    def __init__(self, second: int) -> None:
        self.second = second
        self.tracks: dict[str, _Track] = {}

    def make_room(self) -> None:
        """Where there are `MOST_FIGURES`, drop what was not known for the longest time."""
        if len(self.tracks) >= MOST_FIGURES:
            del self.tracks[min(self.tracks, key=lambda key: self.tracks[key].second)]


class History:
    """The history of many guests and of the host, in memory.

    Times are whole seconds of a clock that goes on while the machine is suspended
    (``CLOCK_BOOTTIME``), so a suspended day is a gap of a day.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def record(self, name: str, second: int, values: Iterable[tuple[str, float | None]]) -> None:
        """Keep what was sampled.

        A value holds for the whole time since the last call, as a rate does; after more
        than 90 s for its own second alone. None is not known: nothing is kept.
        """
        kept = self._kept.get(name)
        if kept is None:
            kept = self._kept[name] = _Kept(second)
        covered = second - kept.second
        if not 0 < covered <= _LONGEST_FILL_S:
            covered = 1
        kept.second = max(second, kept.second)
        for key, value in values:
            if value is None:
                continue
            track = kept.tracks.get(key)
            if track is None:
                kept.make_room()
                track = kept.tracks[key] = _Track(second)
            track.record(kept.second, value, covered)

    def forget(self, name: str) -> None:
        """Drop a guest that does not run any more."""
        self._kept.pop(name, None)

    def series(self, name: str, key: str, span: Span, width: int, more: int = 0) -> Series:
        """One figure over time.

        Args:
            key: One of `KEYS`, or ``vcpu0`` ….
            width: The most values that are wanted; steps grow so that the span fits.
            more: How many older steps are wanted besides.

        Returns:
            As many values as the span has steps, at most ``width``, and ``more``. Steps begin
            at whole multiples of their length, so a graph moves and does not flicker.
        """
        slots = {"1min": 60, "10min": SECONDS, "24h": MINUTES}[span]
        unit_s = 60 if span == "24h" else 1
        group = -(-slots // max(1, width))
        count = -(-slots // group) + more
        nothing = array("d", [math.nan]) * count
        kept = self._kept.get(name)
        track = kept.tracks.get(key) if kept is not None else None
        if kept is None or track is None:
            number = 0 if kept is None else kept.second // unit_s // group
            return Series(group * unit_s, nothing, nothing, number)
        newest = kept.second // unit_s
        values, peaks = array("d"), array("d")
        for step in range(newest // group - count + 1, newest // group + 1):
            slots_of = range(step * group, min((step + 1) * group, newest + 1))
            if unit_s == 1:
                means = highest = track.seconds_in(slots_of)
            else:
                both = [one for slot in slots_of if (one := track.minute_at(slot))[0] == one[0]]
                means, highest = [one[0] for one in both], [one[1] for one in both]
            values.append(sum(means) / len(means) if means else math.nan)
            peaks.append(max(highest) if highest else math.nan)
        return Series(group * unit_s, values, peaks, newest // group)
