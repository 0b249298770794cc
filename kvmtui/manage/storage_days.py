"""What file systems with guests' disks took on the last days, kept by `watch` in the home.

Those of the home's own file system are in its `figures.bin`; this is of all the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from kvmtui import light_json as json
from kvmtui.durable import reading, write_atomically
from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.library import Library
from kvmtui.stats import figure_file
from kvmtui.stats.figure_file import Day
from kvmtui.text import visible

FILE = "storage.json"
_MOST = 64
_MOST_BYTES = 1 << 18
_FORGOTTEN_S = figure_file.DAYS * 86400.0


def with_day(days: tuple[Day, ...], day: Day | None, now: float) -> tuple[Day, ...]:
    """The days with one more sample: the last of each day stays, none of the future."""
    past = tuple(one for one in days if one.time <= now)
    if day is None:
        return past
    if past and int(past[-1].time // 86400) == int(day.time // 86400):
        past = past[:-1]
    return (*past, day)[-figure_file.DAYS :]


def read_days(library: Library) -> dict[str, tuple[Day, ...]]:
    """The days of each file system by where it is mounted; none where the file is no good."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        with reading(library.at(FILE)) as file:
            found: dict[str, Any] = json.loads(file.read(_MOST_BYTES))
        return {
            visible(mount, limit=100): tuple(
                Day(float(moment), int(used), int(size))
                for moment, used, size in days[-figure_file.DAYS :]
            )
            for mount, days in list(found.items())[:_MOST]
        }
    return {}


class StorageDays:
    """The days of a home's other file systems; the only one who writes them.

    Attributes:
        fault: Why they could not be written; empty where they were.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._days = read_days(library)
        self._taken: Mapping[str, Day] = {}
        self.fault = ""

    def of(self, mount: str) -> tuple[Day, ...]:
        """The days of one file system."""
        return self._days.get(mount, ())

    def take(self, measured: Mapping[str, Day]) -> None:
        """Keep a new measurement, by where each is mounted."""
        if measured == self._taken:
            return
        self._taken = dict(measured)
        now = max((day.time for day in measured.values()), default=0.0)
        days = {mount: with_day(self.of(mount), day, now) for mount, day in measured.items()}
        # One that no guest uses today may be used again tomorrow.
        for mount, kept in self._days.items():
            if mount not in days and kept and now - kept[-1].time < _FORGOTTEN_S:
                days[mount] = kept
        self._days = dict(list(days.items())[:_MOST])
        try:
            data = json.dumps({mount: list(map(list, kept)) for mount, kept in self._days.items()})
            write_atomically(self._library.at(FILE), data.encode(), durable=False)
            self.fault = ""
        except (OSError, KvmtuiError) as error:
            self.fault = as_told("", error).message
