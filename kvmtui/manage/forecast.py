"""When the storage of guests' disks will be full, at the growth of the last days."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import growth, recorded, storage_days, watch_state
from kvmtui.manage.summaries import Summaries
from kvmtui.stats.figure_file import Day
from kvmtui.stats.history import HOST
from kvmtui.stats.host import mount_of, nearest_folder
from kvmtui.text import visible

DAYS = 7.0
_DAY_S = 86400.0
LEAST_DAYS = 3
_LEAST_S = LEAST_DAYS * _DAY_S
_FURTHEST_DAYS = 366.0
_MOST_GUESTS = 5


class GuestGrowth(NamedTuple):
    """A guest whose disks grow."""

    name: str
    bytes_per_day: float


class Forecast(NamedTuple):
    """What becomes of a storage; None where it is not known."""

    mount: str
    size_bytes: int
    free_bytes: int
    bytes_per_day: float | None
    """How fast it fills; below 0 where it empties."""
    over_days: float | None
    """Of how many days that is the mean, 3 to 8."""
    full_at: float | None
    """Seconds since 1970; None where it does not fill within a year, too."""
    guests: tuple[GuestGrowth, ...] = ()
    """Whose disks grow, the fastest first; told with the home's."""
    is_watched: bool = False
    """Whether a watch runs, which keeps what it is made from."""

    @property
    def words(self) -> str:
        """The forecast in words."""
        if self.bytes_per_day is None or self.over_days is None:
            days = f"the figures of {LEAST_DAYS} days, which kvmtui watch keeps"
            return f"{self.mount}: not known when it is full: it takes {days}"
        past = f"the last {round(self.over_days)} days"
        if self.bytes_per_day < 1:
            return f"{self.mount} has not grown in {past}"
        pace = f"at the growth of {past} ({format_size(round(self.bytes_per_day))} a day)"
        if self.full_at is None:
            return f"{self.mount} is not full within a year {pace}"
        when = time.localtime(self.full_at)
        return f"{self.mount} is full on {when.tm_mday} {time.strftime('%b', when)} {pace}"


def growth_per_day(days: Sequence[Day], now: Day) -> tuple[float, float] | None:
    """Bytes a day since the sample that is nearest to seven days ago, and over how many days.

    Returns:
        None where no sample is at least three days old and at most eight.
    """
    ages = [(now.time - one.time, one) for one in days]
    past = [(age, one) for age, one in ages if _LEAST_S <= age <= (DAYS + 1) * _DAY_S]
    if not past:
        return None
    age_s, before = min(past, key=lambda pair: abs(pair[0] - DAYS * _DAY_S))
    over_days = age_s / _DAY_S
    return (now.used_bytes - before.used_bytes) / over_days, over_days


def forecast_of(mount: str, days: Sequence[Day], now: Day) -> Forecast:
    """What becomes of a storage that was used so on other days and is used so now."""
    free = now.size_bytes - now.used_bytes
    same_disk = [one for one in days if one.size_bytes == now.size_bytes]
    found = growth_per_day(same_disk, now)
    if found is None:
        return Forecast(mount, now.size_bytes, free, None, None, None)
    per_day, over_days = found
    full_at = None
    if per_day >= 1 and free / per_day <= _FURTHEST_DAYS:
        full_at = now.time + free / per_day * _DAY_S
    return Forecast(mount, now.size_bytes, free, per_day, over_days, full_at)


def forecasts(library: Library, *, now: float | None = None) -> tuple[Forecast, ...]:
    """The home's file system, then others with guests' disks; may wait for the home's disk.

    Raises:
        OSError: It does not answer.
    """
    measured = growth.measure(library)
    moment = time.time() if now is None else now
    place = nearest_folder(str(library.home))
    kept = storage_days.read_days(library)
    home = visible(mount_of(place), limit=100)
    found = [
        forecast_of(home, _days(library, HOST, ""), measured[HOST]._replace(time=moment))._replace(
            guests=_growing(library, moment)
        )
    ]
    for mount, day in sorted(growth.mounts_of(measured).items()):
        found.append(forecast_of(mount, kept.get(mount, ()), day._replace(time=moment)))
    watched = watch_state.is_watched(library)
    return tuple(one._replace(is_watched=watched) for one in found)


def _growing(library: Library, now: float) -> tuple[GuestGrowth, ...]:
    found = []
    summaries = Summaries(library)
    with contextlib.suppress(OSError, KvmtuiError):
        for name in library.names():
            days = _days(library, name, recorded.identity_of(library, name, summaries))
            recent = [one for one in days if 0 <= now - one.time <= 2 * _DAY_S]
            grown = growth_per_day(days, recent[-1]) if recent else None
            if grown is not None and grown[0] >= 1:
                found.append(GuestGrowth(name, grown[0]))
    found.sort(key=lambda one: -one.bytes_per_day)
    return tuple(found[:_MOST_GUESTS])


def _days(library: Library, name: str, identity: str) -> tuple[Day, ...]:
    with contextlib.suppress(OSError):
        content = recorded.read(library, name, identity)
        if content is not None:
            return content.days
    return ()
