"""What the watch does about crashes: a report of each, also of one that was followed at once.

In a thread: a QEMU that does not show its screen, and a slow disk, hold up nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from kvmtui.errors import BusyError, KvmtuiError, as_told
from kvmtui.guest.library import Library
from kvmtui.manage import black_box, last_minutes
from kvmtui.manage.black_box import Report
from kvmtui.manage.last_minutes import LastMinutes
from kvmtui.manage.views import LiveGuest
from kvmtui.stats.figure_file import Stamp
from kvmtui.stats.history import History

_REASONS = {"crashed": "crashed", "broken": "stands broken", "io-error": "met an I/O error"}


class Told(NamedTuple):
    """What came of looking at a guest."""

    name: str
    text: str
    """Which reports were made; empty where all were there."""
    fault: str
    """Why none could be; empty where it could."""


class _Look(NamedTuple):
    seen: tuple[int | None, str]
    record: dict[str, Any]
    future: Future[list[Report]]


class Reporter:
    """Sees to it that each trouble of each guest has its report, with figures.

    Args:
        figures: What was sampled.
        stamp: Tells the moment.
    """

    def __init__(self, library: Library, figures: History, stamp: Callable[[], Stamp]) -> None:
        self._library, self._figures, self._stamp = library, figures, stamp
        self._threads = ThreadPoolExecutor(2, "kvmtui-report")
        self._under_way: dict[str, _Look] = {}
        self._runs: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, tuple[int | None, str]] = {}
        self._made: dict[str, str] = {}

    def close(self) -> None:
        """Let what is under way end by its own limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def step(self, guests: Mapping[str, LiveGuest]) -> list[Told]:
        """Look at those that are other than before; what came of earlier looks."""
        told = [one for name in list(self._under_way) if (one := self._took(name)) is not None]
        for gone in self._seen.keys() - guests.keys():
            del self._seen[gone]
            self._runs.pop(gone, None)
            self._made.pop(gone, None)
        for name, live in guests.items():
            seen = (live.view.pid, live.view.state)
            if name in self._under_way or self._seen.get(name) == seen:
                continue
            before = self._runs.get(name, {})
            record = self._library.place(name).start_record() or {}
            followed = before.get("run") not in (None, record.get("run"))
            if not followed and not black_box.trouble_of(live.view):
                self._runs[name], self._seen[name] = record, seen
                continue
            minutes = last_minutes.from_memory(name, self._figures, self._stamp())
            begun = (name, live, before if followed else None, minutes)
            future = self._threads.submit(self._look, *begun)
            self._under_way[name] = _Look(seen, record, future)
        return told

    def _took(self, name: str) -> Told | None:
        """Take what a look brought; one that failed is begun again."""
        look = self._under_way[name]
        if not look.future.done():
            return None
        del self._under_way[name]
        try:
            found = look.future.result()
        except BusyError:
            return None
        except FileNotFoundError:
            # Deleted or renamed a moment ago.
            return None
        except (OSError, KvmtuiError) as error:
            return Told(name, "", as_told(name, error).message)
        self._runs[name], self._seen[name] = look.record, look.seen
        fresh = [one for one in found if self._made.get(name) != one.path]
        if found:
            self._made[name] = found[-1].path
        lines = [f"{name} {_REASONS.get(one.reason, one.reason)}: {one.path}" for one in fresh]
        return Told(name, "; ".join(lines), "")

    def _look(
        self,
        name: str,
        live: LiveGuest,
        before: dict[str, Any] | None,
        minutes: LastMinutes | None,
    ) -> list[Report]:
        folder, found = self._library.place(name), []
        if before is not None:
            found.append(black_box.collect_followed(self._library, folder, before, minutes))
        if reason := black_box.trouble_of(live.view):
            alive = live.view.pid is not None
            collected = black_box.collect(
                self._library, folder, reason, alive=alive, minutes=minutes
            )
            found.append(collected)
        return [one for one in found if one is not None]
