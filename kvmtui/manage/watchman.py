"""`kvmtui watch`: the view of all guests without a face, for as long as it is let.

Each round samples all guests, as the interface does. What that brings is kept in files
(`recording`), judged (`thresholds`, noted in the guests' stories), and told as metrics. Logs
are kept within bounds, guests that wait for room are resumed, crashes get a report. Nothing
else of kvmtui needs it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from kvmtui.errors import BusyError, KvmtuiError, as_told
from kvmtui.guest import history
from kvmtui.guest.folder import CONSOLE_LOG, QEMU_LOG
from kvmtui.guest.library import Library
from kvmtui.host.settings import Settings
from kvmtui.manage import thresholds, watch_state
from kvmtui.manage.forecast import forecast_of
from kvmtui.manage.growth import Growth, mounts_of
from kvmtui.manage.install_settling import Settler
from kvmtui.manage.live import Watch
from kvmtui.manage.operation import locked
from kvmtui.manage.recording import Recorder
from kvmtui.manage.reporting import Reporter
from kvmtui.manage.resuming import Resumer
from kvmtui.manage.scrapes import Snapshot
from kvmtui.manage.storage_days import StorageDays
from kvmtui.manage.views import LiveGuest
from kvmtui.qemu import log_bounds
from kvmtui.stats import rates
from kvmtui.stats.figure_file import Day, Stamp, stamp_now
from kvmtui.stats.history import HOST
from kvmtui.stats.host import HostMeter, mount_of, nearest_folder
from kvmtui.text import visible

ACTOR = "watch"
"""Who does it, in the guests' stories."""
_OWNER = "kvmtui watch"
_BOUND_EVERY_S = 5.0
_TELL_EVERY_S = 60.0
_CLOSED_PAUSE_S = 5.0
_MOST_PENDING = 20
_MOST_FAULTS = 20


class Watchman:
    """Watches one home; used by one thread.

    Args:
        settings: Its interval and thresholds.
        tell: Is told what a person should know, in a line.
        stamp: Tells the moment.
    """

    def __init__(
        self,
        library: Library,
        settings: Settings,
        tell: Callable[[str], None],
        *,
        clock: Callable[[], rates.Moment] = rates.now,
        stamp: Callable[[], Stamp] = stamp_now,
    ) -> None:
        self._library, self._settings, self._tell = library, settings, tell
        self._clock, self._stamp = clock, stamp
        self._since = history.iso_time()
        self._watch = Watch(library, clock, keeps=True)
        self._watch.wanted.want(_OWNER, None, "columns")
        self._host = HostMeter(library.home)
        self._recorder = Recorder(library, self._watch, stamp)
        self._growth = Growth(library)
        self._storage_days = StorageDays(library)
        self._resumer = Resumer(library)
        self._settler = Settler(library)
        self._reporter = Reporter(library, self._watch.history, stamp)
        self._holding = thresholds.Holding(settings.thresholds.for_s)
        self._pending: dict[str, deque[dict[str, Any]]] = {}
        self._known: set[str] = set()
        self._told_faults: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._bound_due = 0.0
        self._days: dict[str, Day] = {}
        self.metrics: str | None = None
        """Where metrics are told."""
        self.snapshot: Snapshot | None = None
        """What the last round found, for metrics."""
        self._recorder.begin()

    def run(self, ended: threading.Event) -> None:
        """Round after round until it is ended; then what is not written yet is."""
        due = told = time.monotonic()
        self._tell_state()
        with history.acting_as(ACTOR):
            while not ended.is_set():
                pause_s = self._settings.interval
                try:
                    self.round()
                    self._mend("home")
                except (OSError, KvmtuiError) as error:
                    self._fault("home", as_told("", error).message)
                    pause_s = max(pause_s, _CLOSED_PAUSE_S)
                if time.monotonic() - told >= _TELL_EVERY_S:
                    told = time.monotonic()
                    self._tell_state()
                due = max(due + pause_s, time.monotonic())
                ended.wait(due - time.monotonic())
            self.close()

    def close(self) -> None:
        """Write what is not written yet, and let go of all."""
        self._recorder.finish(self._days)
        self._growth.close()
        self._resumer.close()
        self._settler.close()
        self._reporter.close()
        self._watch.close()

    def fault(self, subject: str, text: str) -> None:
        """Something that it cannot do, told once until it is another."""
        self._fault(subject, text)

    def _fault(self, subject: str, text: str) -> None:
        if self._told_faults.get(subject) != text and len(self._told_faults) < 10000:
            self._told_faults[subject] = text
            self._tell(text)
        self._faults[subject] = text

    def _mend(self, subject: str) -> None:
        self._faults.pop(subject, None)
        self._told_faults.pop(subject, None)

    def round(self) -> None:
        """Look once at all guests.

        Raises:
            OSError, KvmtuiError: The home cannot be read; the next round may.
        """
        host = self._host.read()
        self._watch.keep_host(host)
        guests = self._watch.round()
        now = self._clock()[0]
        self._days = self._growth.step()
        self._keep_storages()
        self._forget_gone(guests)
        self._recorder.round(guests, self._days)
        for name, live in guests.items():
            with self._costs_one(name):
                self._look_at(name, live, now)
        self._judge_storage(now)
        if now >= self._bound_due:
            self._bound_due = now + _BOUND_EVERY_S
            self._bound_logs(guests)
        for _, words in [*self._resumer.step(guests), *self._settler.step(guests)]:
            self._tell(words)
        self._report(guests)
        self._snap(guests)
        self._tell_faults_of_files()

    @contextlib.contextmanager
    def _costs_one(self, name: str) -> Any:
        """What goes wrong with one guest hurts no other."""
        try:
            yield
        except FileNotFoundError:
            # Deleted or renamed a moment ago.
            pass
        except (OSError, KvmtuiError) as error:
            self._fault(f"guest {name}", as_told(name, error).message)
        else:
            self._mend(f"guest {name}")

    def _forget_gone(self, guests: Mapping[str, LiveGuest]) -> None:
        for gone in self._known - guests.keys():
            self._pending.pop(gone, None)
            self._holding.forget(gone)
        self._known = set(guests)
        for subject in [one for one in self._faults if one.startswith("guest ")]:
            if subject.split(" ")[1] not in guests:
                self._mend(subject)

    def _look_at(self, name: str, live: LiveGuest, now: float) -> None:
        if live.view.pid is None:
            self._holding.forget(name)
        else:
            overs = thresholds.over(self._settings.thresholds, live)
            self._note(name, self._holding.take(name, overs, now))
        if self._pending.get(name):
            self._write_notes(name)

    def _report(self, guests: Mapping[str, LiveGuest]) -> None:
        for told in self._reporter.step(guests):
            if told.text:
                self._tell(told.text)
            subject = f"guest {told.name} report"
            if told.fault:
                self._fault(subject, told.fault)
            else:
                self._mend(subject)

    def _note(self, name: str, notes: list[thresholds.Note]) -> None:
        for note in notes:
            pending = self._pending.setdefault(name, deque(maxlen=_MOST_PENDING))
            line: dict[str, Any] = {"time": history.iso_time(), "phase": "note"}
            line |= {"what": note.what, "begins": note.begins, "text": note.text}
            if note.value is not None:
                line |= {"value": round(note.value, 1), "limit": note.limit}
            pending.append(line)
            self._tell(f"{name}: {note.text}" if name != HOST else note.text)

    def _write_notes(self, name: str) -> None:
        """Put notes into the guest's story; one that is being worked on is for a later round."""
        folder, pending = self._library.place(name), self._pending[name]
        with contextlib.suppress(BusyError), locked(folder, limit_s=0):
            while pending:
                history.append(folder.history, pending[0])
                pending.popleft()

    def _keep_storages(self) -> None:
        self._storage_days.take(mounts_of(self._days))
        if self._storage_days.fault:
            self._fault("storage", f"growth of storage is not kept: {self._storage_days.fault}")
        else:
            self._mend("storage")

    def _judge_storage(self, now: float) -> None:
        storages = mounts_of(self._days)
        if HOST in self._days:
            storages[HOST] = self._days[HOST]
        for mount, _ in self._holding.all_told():
            if mount.startswith("/") and mount not in storages:
                self._holding.forget(mount)
        for mount, day in storages.items():
            free = day.size_bytes - day.used_bytes
            limits = self._settings.thresholds
            found = thresholds.storage_over(limits, day.size_bytes, free, mount)
            self._note(HOST, self._holding.take(mount, [] if found is None else [found], now))
        pending = self._pending.get(HOST)
        # On a full disk it is written once there is room again.
        with contextlib.suppress(OSError):
            while pending:
                history.append(self._library.history, pending[0])
                pending.popleft()

    def _bound_logs(self, guests: Mapping[str, LiveGuest]) -> None:
        for name, live in guests.items():
            if live.view.pid is None:
                continue
            folder = self._library.place(name)
            for log in (CONSOLE_LOG, QEMU_LOG):
                subject = f"guest {name} {log}"
                try:
                    bounded = log_bounds.bound(folder.at(log))
                except OSError as error:
                    self._fault(subject, as_told(name, error).message)
                    continue
                if bounded:
                    self._mend(subject)
                else:
                    why = "its file system cannot punch holes"
                    self._fault(subject, f"{name}: {log} grows beyond its bound: {why}")

    def _snap(self, guests: Mapping[str, LiveGuest]) -> None:
        counters = {name: self._watch.counters(name) for name in guests}
        storages = []
        if (day := self._days.get(HOST)) is not None:
            mount = visible(mount_of(nearest_folder(self._library.root)), limit=100)
            storages.append(forecast_of(mount, self._recorder.days(HOST), day))
        for mount, day in mounts_of(self._days).items():
            storages.append(forecast_of(mount, self._storage_days.of(mount), day))
        self.snapshot = Snapshot(time.time(), guests, counters, tuple(storages))

    def _tell_faults_of_files(self) -> None:
        for name, text in self._recorder.faults.items():
            self._fault(f"figures {name}", f"figures of {name or 'the host'} are not kept: {text}")
        for subject in [one for one in self._faults if one.startswith("figures ")]:
            if subject.removeprefix("figures ") not in self._recorder.faults:
                self._mend(subject)

    def _tell_state(self) -> None:
        over = [f"{name or 'the host'}: {what}" for name, what in self._holding.all_told()]
        watch_state.tell(
            self._library,
            watch_state.State(
                pid=os.getpid(),
                since=self._since,
                seen=history.iso_time(),
                guests=len(self.snapshot.guests) if self.snapshot else 0,
                metrics=self.metrics,
                faults=tuple(self._faults.values())[:_MOST_FAULTS],
                over=tuple(over[:_MOST_FAULTS]),
            ),
        )
