"""All guests, looked at again and again at little cost.

A round costs four stats and one read for each guest. Only a guest whose files or
process changed is looked at anew, and one whose QEMU does not answer is asked in a
thread of its own, so it holds up nobody else. What costs QMP is sampled only of the
guests that somebody looks at (`sampling`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from kvmtui.guest.folder import DEFINITION, EVENTS, HISTORY, INSTALL, RUN, START_RECORD
from kvmtui.guest.folder import GuestFolder as GuestFolder
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.image_story import read_image_work
from kvmtui.manage.looking import Look, ask_open_ones
from kvmtui.manage.operations import INSTALLS, read_home_story, read_operations
from kvmtui.manage.recorded import Recorded, identity_of, sign_of
from kvmtui.manage.summaries import Summaries
from kvmtui.manage.views import GuestView, LiveGuest, OperationView
from kvmtui.manage.wanted import Wanted
from kvmtui.stats import rates
from kvmtui.stats.counters import Counters
from kvmtui.stats.history import (
    HOST,
    MOST_DRIVES,
    MOST_INTERFACES,
    MOST_VCPUS,
    History,
    of_drive,
    of_interface,
)
from kvmtui.stats.meter import ProcessMeter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kvmtui.manage import last_minutes, sampled, sampling
    from kvmtui.manage.last_minutes import LastMinutes
    from kvmtui.stats import figure_file
    from kvmtui.stats.figures import Figures
    from kvmtui.stats.history import Series, Span
    from kvmtui.stats.host import HostFigures
    from kvmtui.stats.rates import Moment
else:
    figure_file = Later("kvmtui.stats.figure_file")
    last_minutes = Later("kvmtui.manage.last_minutes")
    sampled = Later("kvmtui.manage.sampled")
    sampling = Later("kvmtui.manage.sampling")

_SIGNS = (DEFINITION, HISTORY, EVENTS, INSTALL, f"{RUN}/{START_RECORD}")
_AGAIN_S = 15.0
_ASK_AGAIN_S = 2.0
_PATIENCE_S = 0.15
_MOST_ASKED = 8
_LET_GO_S = 1.0

Signature = tuple[tuple[int, int, int] | None, ...]


class _Watched:
    """One guest between two rounds."""

    def __init__(self, folder: GuestFolder, clock: Callable[[], Moment]) -> None:
        self.folder = folder
        self._clock = clock
        self._signs = tuple(folder.at(name) for name in _SIGNS)
        self.signature: Signature = ()
        self.looked = 0.0
        self.view: GuestView | None = None
        self.meter: ProcessMeter | None = None
        self.process_state = ""
        self.cpu_percent: float | None = None
        self.operations: list[OperationView] = []
        self.asked: Future[Look] | None = None

    @property
    def under_way(self) -> OperationView | None:
        running = (one for one in reversed(self.operations) if one.result == "running")
        return next((one for one in running if one.verb != INSTALLS), None)

    def sign(self) -> Signature:
        """What changes when anything about the guest does: its files' inode, time and size."""
        return tuple(map(sign_of, self._signs))

    def sample(self) -> bool:
        """Read the process' figures; whether it is as it was (and not gone)."""
        if self.meter is None or self.view is None:
            return True
        reading = self.meter.read()
        if reading is None or reading[0].state in "ZX":
            return False
        figures, self.cpu_percent = reading
        stopped = (figures.state in "Tt") != (self.process_state in ("T", "t"))
        self.process_state = figures.state
        self.view = self.view._replace(
            memory_resident_bytes=figures.resident_bytes, uptime_s=int(figures.uptime_s)
        )
        return not stopped

    def take(self, view: GuestView) -> None:
        """Take over what was seen."""
        self.view = view
        if self.meter is not None and self.meter.pid != view.pid:
            self.drop_meter()
        if self.meter is None and view.pid is not None:
            with contextlib.suppress(OSError):
                self.meter = ProcessMeter(view.pid, self._clock)
                self.sample()

    def drop_meter(self) -> None:
        if self.meter is not None:
            self.meter.close()
        self.meter, self.cpu_percent, self.process_state = None, None, ""

    def live(self, figures: Figures | None) -> LiveGuest | None:
        if self.view is None:
            return None
        view = self.view
        if figures is not None and figures.addresses:
            view = view._replace(addresses=figures.addresses)
        return LiveGuest(view, self.cpu_percent, self.under_way, figures)


class Watch:
    """The guests of one home, round after round; used by one thread at a time.

    Args:
        clock: Tells the moment.
        keeps: Whether a guest's history outlives its run.

    Attributes:
        wanted: Who looks at which guests' figures.
        history: What was sampled of the guests that run.
        recorded: What `watch` has recorded, of the guests that somebody asks for.
    """

    def __init__(
        self, library: Library, clock: Callable[[], Moment] = rates.now, *, keeps: bool = False
    ) -> None:
        self._library = library
        self._clock = clock
        self._keeps = keeps
        self.recorded = Recorded(library)
        self._busy = threading.Lock()
        self._sampler: sampling.Sampler | None = None
        self.wanted = Wanted()
        self.history = History()
        self._summaries = Summaries(library)
        self._guests: dict[str, _Watched] = {}
        self._crashed: dict[str, LastMinutes | None] = {}
        self._deletions: list[OperationView] = []
        self._image_work: list[OperationView] = []
        self._home_sign: object = None
        self._askers = ThreadPoolExecutor(_MOST_ASKED, "kvmtui-ask")

    def close(self) -> None:
        """Close what is open; questions under way are left to end by their limits."""
        self._askers.shutdown(wait=False, cancel_futures=True)
        if self._busy.acquire(timeout=_LET_GO_S):
            self._close_sampler()
            for guest in self._guests.values():
                guest.drop_meter()
            self._busy.release()

    def let_go(self) -> None:
        """Let go of all monitors, until the next round: nobody will read them for a while.

        May be called beside a round, and then waits for it a second at the most.
        """
        if self._busy.acquire(timeout=_LET_GO_S):
            self._close_sampler()
            self._busy.release()

    def _close_sampler(self) -> None:
        if self._sampler is not None:
            self._sampler.close()

    def operations(self) -> list[OperationView]:
        """The operations of all guests and images, as of the last round; newest first."""
        found = [one for guest in self._guests.values() for one in guest.operations]
        found += [*self._deletions, *self._image_work]
        return sorted(found, key=lambda one: one.begun, reverse=True)

    def round(self) -> dict[str, LiveGuest]:
        """Look at all guests.

        Raises:
            OSError, KvmtuiError: The home cannot be read.
        """
        with self._busy:
            found = self._round()
            self.recorded.refresh(self._summaries, int(self._clock()[1]))
            return found

    def series(self, name: str | None, key: str, span: Span, width: int, more: int = 0) -> Series:
        """As `History.series`, with what was recorded where nothing is known here."""
        told = HOST if name is None else name
        behind = self.recorded.of(told)
        now = int(self._clock()[1])
        return self.history.series(told, key, span, width, more, behind=behind, now=now)

    def is_recorded(self, name: str) -> bool:
        """Whether a watch has recorded figures of a guest; asked from now on."""
        return self.recorded.of(name) is not None

    def identity(self, name: str) -> str:
        """As `recorded.identity_of`; used between rounds."""
        return identity_of(self._library, name, self._summaries)

    def counters(self, name: str) -> Counters | None:
        """A guest's raw counters as of the last round; None where it does not run."""
        guest = self._guests.get(name)
        if guest is None or guest.meter is None:
            return None
        told = None if self._sampler is None else self._sampler.counters(name)
        return Counters(guest.meter.cpu_s, guest.meter.uptime_s, *(told or ((), ())))

    def last_minutes(self, name: str) -> LastMinutes | None:
        """The figures of the minutes before a trouble that the last round found, told once."""
        return self._crashed.pop(name) if name in self._crashed else self._minutes(name)

    def _minutes(self, name: str) -> LastMinutes | None:
        now = figure_file.stamp_now(int(self._clock()[1]))
        return last_minutes.from_memory(name, self.history, now)

    def _round(self) -> dict[str, LiveGuest]:
        self._crashed.clear()
        self._read_home_story()
        names = self._library.names()
        for gone in self._guests.keys() - set(names):
            self._guests.pop(gone).drop_meter()
            self.history.forget(gone)
        now = time.monotonic()
        anew = []
        for name in names:
            guest = self._guests.get(name)
            if guest is None:
                guest = self._guests[name] = _Watched(self._library.place(name), self._clock)
            if self._is_due(guest, now):
                anew.append(guest)
        self._look_anew(anew, now)
        figures = self._figures(names)
        found = ((name, self._guests[name].live(figures.get(name))) for name in names)
        return {name: live for name, live in found if live is not None}

    def _figures(self, names: Iterable[str]) -> dict[str, Figures]:
        """Sample the guests that somebody looks at, and keep what is known of all that run."""
        running = {name: one for name in names if (one := self._guests[name]).meter is not None}
        wanted = self.wanted.of(running.keys())
        found: dict[str, Figures] = {}
        if wanted and self._sampler is None:
            self._sampler = sampling.Sampler(self._clock)
        if self._sampler is not None:
            processes = {}
            for name in wanted:
                meter = running[name].meter
                assert meter is not None
                processes[name] = sampled.Process(running[name].folder, meter.pid)
            self._sampler.round(wanted, processes)
            for name in wanted:
                figures = self._sampler.figures(name, running[name].cpu_percent)
                if figures is not None:
                    found[name] = figures
        second = int(self._clock()[1])
        for name in names:
            if name not in running:
                if self._keeps:
                    self.history.rest(name, second)
                else:
                    self._forget(name)
                continue
            values = [("cpu", running[name].cpu_percent)]
            if name in found:
                values += _kept(found[name])
                if wanted[name] == "detail":
                    values += _kept_of_each(found[name])
            self.history.record(name, second, values)
        return found

    def _forget(self, name: str) -> None:
        """Drop the history of a guest that does not run, but for the report of a crash."""
        view = self._guests[name].view
        if view is not None and view.state == "crashed" and self.history.knows(name):
            self._crashed[name] = self._minutes(name)
        self.history.forget(name)

    def keep_host(self, host: HostFigures) -> None:
        """Keep what was read of this machine in the history."""
        values = [
            ("cpu", host.cpu_percent),
            ("stolen", host.stolen_percent),
            ("memory_used", host.memory_used_bytes),
            ("disk_read", host.disk_read_bytes_per_s),
            ("disk_write", host.disk_write_bytes_per_s),
            ("net_in", host.net_receive_bytes_per_s),
            ("net_out", host.net_transmit_bytes_per_s),
        ]
        self.history.record(HOST, int(self._clock()[1]), values)

    def _read_home_story(self) -> None:
        sign = sign_of(str(self._library.history))
        changed, self._home_sign = sign != self._home_sign, sign
        with contextlib.suppress(OSError):
            if changed:
                self._deletions = read_home_story(self._library)
            if changed or any(one.result == "running" for one in self._image_work):
                self._image_work = read_image_work(self._library)

    def _is_due(self, guest: _Watched, now: float) -> bool:
        same_process = guest.sample()
        self._collect(guest)
        signature = guest.sign()
        changed = signature != guest.signature
        guest.signature = signature
        if guest.view is None or changed or not same_process or guest.under_way is not None:
            return True
        patience_s = _AGAIN_S if guest.view.answers else _ASK_AGAIN_S
        return now - guest.looked >= patience_s

    def _collect(self, guest: _Watched) -> None:
        """Take the answer of a question that was asked in a thread."""
        if guest.asked is None or not guest.asked.done():
            return
        future, guest.asked = guest.asked, None
        if not future.cancelled() and future.exception() is None:
            guest.take(future.result().view())

    def _look_anew(self, guests: list[_Watched], now: float) -> None:
        looks = []
        for guest in guests:
            guest.looked = now
            with contextlib.suppress(OSError):
                guest.operations = read_operations(guest.folder)
            if guest.asked is None:
                looks.append((guest, Look(guest.folder, self._summaries.get(guest.folder))))
        ask_open_ones([look for _, look in looks], patience_s=_PATIENCE_S)
        for guest, look in looks:
            if look.state:
                guest.take(look.view())
                continue
            guest.asked = self._askers.submit(_asked, look)
            if guest.view is None:
                guest.take(look.presumed().view())


def _kept(figures: Figures) -> list[tuple[str, float | None]]:
    """What the history keeps of a guest, besides its CPU."""
    return [
        ("wait", figures.wait_ms_per_s),
        ("memory_used", figures.memory_guest_used_bytes),
        ("disk_read", figures.disk_read_bytes_per_s),
        ("disk_write", figures.disk_write_bytes_per_s),
        ("disk_latency", figures.disk_latency_ms),
        ("net_in", figures.net_receive_bytes_per_s),
        ("net_out", figures.net_transmit_bytes_per_s),
    ]


def _kept_of_each(figures: Figures) -> list[tuple[str, float | None]]:
    """What it keeps of each processor, drive and interface."""
    percents = figures.vcpu_percents[:MOST_VCPUS]
    values: list[tuple[str, float | None]] = [
        (f"vcpu{index}", percent) for index, percent in enumerate(percents)
    ]
    for disk in figures.disks[:MOST_DRIVES]:
        operations = (disk.read_ops_per_s, disk.write_ops_per_s)
        known = [one for one in operations if one is not None]
        values += [
            (of_drive(disk.name, "read"), disk.read_bytes_per_s),
            (of_drive(disk.name, "write"), disk.write_bytes_per_s),
            (of_drive(disk.name, "ops"), sum(known) if len(known) == len(operations) else None),
            (of_drive(disk.name, "p99"), disk.p99_ms),
        ]
    for card in figures.networks[:MOST_INTERFACES]:
        values += [
            (of_interface(card.name, "in"), card.receive_bytes_per_s),
            (of_interface(card.name, "out"), card.transmit_bytes_per_s),
            (of_interface(card.name, "drops"), card.drops_per_s),
        ]
    return values


def _asked(look: Look) -> Look:
    ask_open_ones([look])
    return look
