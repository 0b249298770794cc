"""The part of a round that costs QMP: asked of the guests that somebody looks at.

A guest that does not answer costs its own figures only. What ``/proc`` alone tells of
every guest is in `live`.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kvmtui.guest.folder import MONITORS, RUN
from kvmtui.manage.sampled import Process, Sampled
from kvmtui.qemu.held import HeldMonitors
from kvmtui.stats import network, rates
from kvmtui.stats.figures import Figures

if TYPE_CHECKING:
    from kvmtui.manage.wanted import Level
    from kvmtui.stats.answers import DiskCounters
    from kvmtui.stats.network import TapCounters
    from kvmtui.stats.rates import Moment

PATIENCE_S = 0.25
"""How long a round waits for all answers together."""
_MOST_OPEN_FILES = 1 << 16


class Sampler:
    """Samples the guests that somebody looks at; used by one thread at a time.

    A session is held with each of them, and let go when nobody looks any more.

    Args:
        clock: Tells the moment.
        purpose: Who asks, for those who find a monitor taken.
    """

    def __init__(
        self, clock: Callable[[], Moment] = rates.now, purpose: str = "kvmtui figures"
    ) -> None:
        self._clock = clock
        self._monitors = HeldMonitors(purpose)
        self._sampled: dict[str, Sampled] = {}
        self._missing: dict[str, str] = {}
        self._last: Moment | None = None

    def close(self) -> None:
        """Let go of all monitors and files."""
        for name in list(self._sampled):
            self._leave(name)

    def levels(self) -> dict[str, Level]:
        """The guests that were sampled in the last round, and how closely."""
        return {name: one.level for name, one in self._sampled.items()}

    def round(self, wanted: Mapping[str, Level], processes: Mapping[str, Process]) -> None:
        """Ask the guests that are wanted and wait for them, `PATIENCE_S` at the most."""
        for name in [name for name in self._sampled if name not in wanted]:
            self._leave(name)
        if not wanted:
            return
        moment = self._clock()
        if self._last is not None and 0 <= moment[0] - self._last[0] < rates.SHORTEST_S:
            wanted = {name: wanted[name] for name in wanted if self._is_new(name, processes[name])}
        else:
            self._last = moment
        asked = [self._prepared(name, wanted[name], processes[name]) for name in wanted]
        self._monitors.send({one.process.folder.name: one.questions() for one in asked})
        self._read_host(asked)
        self._monitors.wait(PATIENCE_S)
        now = self._clock()
        for one in asked:
            self._take(one, now)

    def _is_new(self, name: str, process: Process) -> bool:
        """Whether nothing was asked of a process yet: a guest may have been started again."""
        sampled = self._sampled.get(name)
        return sampled is None or sampled.process.pid != process.pid

    def _prepared(self, name: str, level: Level, process: Process) -> Sampled:
        """The guest's state, begun anew for another process, its session where there is one."""
        if self._is_new(name, process):
            if name in self._sampled:
                self._leave(name)
            if not self._sampled:
                _allow_many_files()
            self._sampled[name] = Sampled(process)
        sampled = self._sampled[name]
        sampled.level = level
        folder = process.folder
        self._monitors.hold(name, folder.at(RUN), folder.place, MONITORS)
        return sampled

    def _read_host(self, asked: list[Sampled]) -> None:
        """Threads and taps, while QEMU is at work; each network namespace is read once."""
        ours = network.namespace_of("self")
        counters: dict[int, dict[str, network.TapCounters]] = {}
        for one in asked:
            found: Mapping[str, network.TapCounters] = {}
            if one.has_taps:
                space = one.namespace or ours
                if space not in counters:
                    where = "self" if space == ours else one.process.pid
                    counters[space] = network.read_counters(where)
                found = counters[space]
            one.read_host(found, self._clock())

    def _take(self, one: Sampled, now: Moment) -> None:
        name = one.process.folder.name
        held = self._monitors.held(name)
        # When its last answer came, on both clocks.
        came = held.answered if held.answers else now[0]
        one.take(held.answers, (came, came + now[1] - now[0]), now)
        self._missing[name] = held.trouble

    def _leave(self, name: str) -> None:
        self._monitors.leave(name)
        self._sampled.pop(name).close()
        self._missing.pop(name, None)

    def figures(self, name: str, cpu_percent: float | None) -> Figures | None:
        """A guest's figures as of the last round; None where nobody looks at it.

        Args:
            cpu_percent: Of its whole process.
        """
        one = self._sampled.get(name)
        return None if one is None else one.figures(cpu_percent, self._missing.get(name, ""))

    def counters(
        self, name: str
    ) -> tuple[tuple[DiskCounters, ...], tuple[tuple[str, TapCounters], ...]] | None:
        """What a guest's drives and interfaces have counted; None where nobody looks at it."""
        one = self._sampled.get(name)
        return None if one is None else one.counters


def _allow_many_files() -> None:
    """Raise the soft limit of open files: a guest takes three, and one for each processor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
