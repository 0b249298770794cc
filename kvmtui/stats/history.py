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
    from collections.abc import Iterable, Mapping
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


class TrackDump(NamedTuple):
    """One figure at rest: codes, newest last."""

    second: int
    """Of the newest of its seconds."""
    minute: int
    """Of the newest of its minutes."""
    minute_count: int
    """How many seconds that minute's mean is of."""
    seconds: array[int]
    means: array[int]
    peaks: array[int]


class Dump(NamedTuple):
    """All figures of one guest at rest."""

    second: int
    """When anything was recorded last."""
    tracks: Mapping[str, TrackDump]


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

    def dump(self) -> TrackDump:
        """All that is kept, as plain values."""
        self._keep_minute()
        newest, minute = self._second % SECONDS + 1, self._minute % MINUTES + 1
        return TrackDump(
            self._second,
            self._minute,
            min(self._minute_count, _MOST_CODE),
            self._seconds[newest:] + self._seconds[:newest],
            self._means[minute:] + self._means[:minute],
            self._peaks[minute:] + self._peaks[:minute],
        )

    @classmethod
    def of(cls, dump: TrackDump, shift_s: int) -> _Track:
        """A track as it was dumped, on a clock that is ahead by so many seconds."""
        second = dump.second + shift_s
        minute = dump.minute + second // 60 - dump.second // 60
        track = cls(second)
        track._minute = minute
        at, at_minute = SECONDS - second % SECONDS - 1, MINUTES - minute % MINUTES - 1
        track._seconds = dump.seconds[at:] + dump.seconds[:at]
        track._means = dump.means[at_minute:] + dump.means[:at_minute]
        track._peaks = dump.peaks[at_minute:] + dump.peaks[:at_minute]
        mean, peak = dump.means[-1], dump.peaks[-1]
        if dump.minute_count and mean != _UNKNOWN and peak != _UNKNOWN:
            track._minute_count = dump.minute_count
            track._minute_sum = _decode(mean) * dump.minute_count
            track._minute_peak = _decode(peak)
        return track

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

    def knows(self, name: str) -> bool:
        """Whether anything is kept of a guest."""
        return name in self._kept

    def names(self) -> list[str]:
        """Those of whom anything is kept."""
        return list(self._kept)

    def rest(self, name: str, second: int) -> None:
        """Nothing is known of a guest now; a value that comes later holds from then on only."""
        kept = self._kept.get(name)
        if kept is not None:
            kept.second = max(second, kept.second)

    def dump(self, name: str) -> Dump | None:
        """All that is kept of a guest; None where nothing is."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        return Dump(kept.second, {key: track.dump() for key, track in kept.tracks.items()})

    def restore(self, name: str, dump: Dump, shift_s: int = 0) -> None:
        """Keep of a guest what was dumped, in place of what is kept.

        Args:
            shift_s: How far the clock is ahead of the one it was recorded by.
        """
        kept = _Kept(dump.second + shift_s)
        kept.tracks = {key: _Track.of(track, shift_s) for key, track in dump.tracks.items()}
        self._kept[name] = kept

    def _track(self, name: str, key: str) -> _Track | None:
        kept = self._kept.get(name)
        return kept.tracks.get(key) if kept is not None else None

    def series(
        self,
        name: str,
        key: str,
        span: Span,
        width: int,
        more: int = 0,
        *,
        behind: History | None = None,
        now: int | None = None,
    ) -> Series:
        """One figure over time.

        Args:
            key: One of `KEYS`, or ``vcpu0`` ….
            width: The most values that are wanted; steps grow so that the span fits.
            more: How many older steps are wanted besides.
            behind: Tells what is not known here, by the same clock.
            now: The last second, where nothing is recorded of the guest here.

        Returns:
            As many values as the span has steps, at most ``width``, and ``more``. Steps begin
            at whole multiples of their length, so a graph moves and does not flicker.
        """
        slots = {"1min": 60, "10min": SECONDS, "24h": MINUTES}[span]
        unit_s = 60 if span == "24h" else 1
        group = -(-slots // max(1, width))
        count = -(-slots // group) + more
        nothing = array("d", [math.nan]) * count
        tracks = [one._track(name, key) for one in (self, behind) if one is not None]
        found_tracks = [track for track in tracks if track is not None]
        kept = self._kept.get(name)
        last = kept.second if kept is not None else now
        number = 0 if last is None else last // unit_s // group
        if last is None or not found_tracks:
            return Series(group * unit_s, nothing, nothing, number)
        newest = last // unit_s
        values, peaks = array("d"), array("d")
        for step in range(number - count + 1, number + 1):
            slots_of = range(step * group, min((step + 1) * group, newest + 1))
            means, highest = _known(found_tracks, slots_of, unit_s)
            values.append(sum(means) / len(means) if means else math.nan)
            peaks.append(max(highest) if highest else math.nan)
        return Series(group * unit_s, values, peaks, number)


def _known(tracks: list[_Track], slots: range, unit_s: int) -> tuple[list[float], list[float]]:
    """Means and maxima of those slots that are known, each by the first track that knows it."""
    if unit_s == 60:
        both = [
            one
            for slot in slots
            if (one := next((at for t in tracks if (at := t.minute_at(slot))[0] == at[0]), None))
        ]
        return [one[0] for one in both], [one[1] for one in both]
    if len(tracks) == 1:
        means = tracks[0].seconds_in(slots)
        return means, means
    means = []
    for slot in slots:
        means += next(filter(None, (t.seconds_in(range(slot, slot + 1)) for t in tracks)), [])
    return means, means
