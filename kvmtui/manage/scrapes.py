"""What metrics are made of: a round's views and counters, of a watch or on demand."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

from kvmtui.guest.library import Library
from kvmtui.manage.forecast import Forecast, forecasts
from kvmtui.manage.live import Watch
from kvmtui.manage.views import LiveGuest
from kvmtui.stats import rates
from kvmtui.stats.counters import Counters

_OWNER = "kvmtui exporter"
_FRESH_S = 0.9
_ROUNDS = 4
_FORECAST_EVERY_S = 300.0
IDLE_S = 120.0
"""How long after a scrape the guests' monitors are held for the next one."""


class Snapshot(NamedTuple):
    """What one round found."""

    time: float
    """Seconds since 1970."""
    guests: Mapping[str, LiveGuest]
    counters: Mapping[str, Counters | None]
    storages: tuple[Forecast, ...]
    """The home's file system first; none where they are not known."""


class OnDemand:
    """Looks at all guests when somebody scrapes, and not else; for any number of threads.

    Those who come at once, or within a second, share one look.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._watch = Watch(library)
        self._watch.wanted.want(_OWNER, None, "columns")
        self._lock = threading.Lock()
        self._last: tuple[float, Snapshot] | None = None
        self._forecasts: tuple[float, tuple[Forecast, ...]] = (-_FORECAST_EVERY_S, ())

    def close(self) -> None:
        """Let go of all guests."""
        self._watch.close()

    def rest(self) -> None:
        """Let go of the monitors where nobody has scraped for a while; called now and then."""
        if self._lock.acquire(blocking=False):
            try:
                if self._last is not None and time.monotonic() - self._last[0] > IDLE_S:
                    self._last = None
                    self._watch.let_go()
            finally:
                self._lock.release()

    def snapshot(self) -> Snapshot:
        """All guests now.

        Raises:
            OSError, KvmtuiError: The home cannot be read.
        """
        with self._lock:
            now = time.monotonic()
            if self._last is None or now - self._last[0] > _FRESH_S:
                self._last = (time.monotonic(), self._look())
            return self._last[1]

    def _look(self) -> Snapshot:
        """Two rounds at least: an agent that the first one asks has answered by the second."""
        for number in range(_ROUNDS):
            guests = self._watch.round()
            counters = {name: self._watch.counters(name) for name in guests}
            if number and all(map(_is_settled, guests.values())):
                break
            time.sleep(rates.SHORTEST_S + 0.01)
        return Snapshot(time.time(), guests, counters, self._storages())

    def _storages(self) -> tuple[Forecast, ...]:
        now = time.monotonic()
        if now - self._forecasts[0] >= _FORECAST_EVERY_S:
            self._forecasts = (now, ())
            with contextlib.suppress(OSError):
                self._forecasts = (now, forecasts(self._library))
        return self._forecasts[1]


def _is_settled(live: LiveGuest) -> bool:
    """Whether a guest has answered, or will not."""
    return live.view.pid is None or (live.figures is not None and not live.figures.missing)
