"""One guest that is looked at: what QEMU is asked about it, and what its answers amount to."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.guest.folder import AGENT, RUN, GuestFolder
from kvmtui.manage.addresses import addresses_in
from kvmtui.qemu.agent_polls import AgentPoll
from kvmtui.qemu.process import command_line_of
from kvmtui.stats import answers, network, queues, rates
from kvmtui.stats.disks import NO_DISKS, DisksMeter
from kvmtui.stats.figures import DiskFigures, Figures, NetworkFigures
from kvmtui.stats.threads import NO_THREADS, ThreadsMeter

if TYPE_CHECKING:
    from kvmtui.manage.wanted import Level
    from kvmtui.qemu.held import Question
    from kvmtui.stats.answers import DiskCounters
    from kvmtui.stats.network import TapCounters
    from kvmtui.stats.rates import Moment

_AGAIN_ROUNDS = 15
"""Processors and taps may be plugged in and out: every so many rounds they are asked for anew."""
_TAPS_AGAIN_ROUNDS = 60
"""The same of taps, where it was started with none: it takes a look at all its descriptors."""
_STALE_S = 10.0
_AGENT_STALE_S = 15.0
_DRIVES, _THREADS, _EXITS = "drives", "threads", "exits"
_BALLOON, _INTERVAL, _SET = "balloon", "interval", "set"


class Process(NamedTuple):
    """A running guest, as a round of `live` knows it."""

    folder: GuestFolder
    pid: int


class _Memory:
    """The guest's own word on its memory, and whether it still gives it."""

    def __init__(self) -> None:
        self._has_balloon: bool | None = None
        self._interval_s: int | None = None
        self._updated: int | None = None
        self._seen: Moment | None = None
        self.used_bytes: int | None = None

    def questions(self) -> list[Question]:
        if self._has_balloon is None:
            return [(_INTERVAL, answers.ASK_BALLOON_INTERVAL)]
        if not self._has_balloon:
            return []
        asked = [(_BALLOON, answers.ASK_BALLOON)]
        if self._interval_s == 0:
            # Only where nobody set it. It stays: others may read by it too.
            self._interval_s = answers.BALLOON_INTERVAL_S
            asked.insert(0, (_SET, answers.SET_BALLOON_INTERVAL))
        return asked

    def take(self, found: Mapping[str, bytes], moment: Moment) -> None:
        """Take the answers; what the driver did not renew for 10 s is old and not known.

        Whether it renews it is told by another time than before. Only the first answer has
        its time compared with the clock, so that one sample can have the figure too.
        """
        if _INTERVAL in found:
            self._interval_s = answers.read_number(found[_INTERVAL])
            self._has_balloon = self._interval_s is not None
        state = answers.read_balloon(found[_BALLOON]) if _BALLOON in found else None
        if state is None:
            self.used_bytes = None
            return
        if state.updated != self._updated:
            is_new = self._updated is not None
            if is_new or abs(time.time() - state.updated) < _STALE_S:
                self._seen, self.used_bytes = moment, state.used_bytes
            self._updated = state.updated
        limit_s = max(_STALE_S, 3.0 * (self._interval_s or 0))
        if self._seen is None or moment[1] - self._seen[1] > limit_s:
            self.used_bytes = None


class _Exits:
    """Exits of all processors to KVM, over time."""

    def __init__(self) -> None:
        self._is_counted = True
        self._last: tuple[int, Moment] | None = None
        self.per_s: float | None = None

    def questions(self) -> list[Question]:
        return [(_EXITS, answers.ASK_EXITS)] if self._is_counted else []

    def take(self, found: Mapping[str, bytes], moment: Moment) -> None:
        count = answers.read_exits(found[_EXITS]) if _EXITS in found else None
        if _EXITS in found and count is None:
            self._is_counted = False
        last, self._last = self._last, None if count is None else (count, moment)
        if count is None or last is None:
            self.per_s = None
            return
        self.per_s = rates.per_second(last[0], count, rates.passed_s(last[1], moment))


class Sampled:
    """One guest, for as long as its process lives.

    Attributes:
        level: How closely it is looked at.
        namespace: The network namespace of its taps.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.level: Level = "columns"
        self.namespace = network.namespace_of(process.pid)
        # Not all in the same round.
        self._rounds = process.pid
        self._memory = _Memory()
        self._exits = _Exits()
        self._threads: ThreadsMeter | None = None
        self._thread_rates = NO_THREADS
        self._disks = DisksMeter()
        self._all_disks = NO_DISKS
        self._each_disk: tuple[DiskFigures, ...] = ()
        self._without_histogram: set[str] = set()
        self._given_histogram: set[str] = set()
        self._taps: tuple[str, ...] | None = None
        self._interfaces, self._macs, cards = _interfaces_of(process.pid)
        self._agent: AgentPoll | None = None
        self._agent_told: Moment | None = None
        self._addresses: tuple[str, ...] = ()
        self._networks = network.NetworksMeter()
        self._each_network: tuple[NetworkFigures, ...] = ()
        self._queues = queues.QueuesMeter(process.pid, cards)
        self._each_queue: tuple[NetworkFigures, ...] = ()

    @property
    def counters(self) -> tuple[tuple[DiskCounters, ...], tuple[tuple[str, TapCounters], ...]]:
        """What its drives and interfaces have counted, as of the last round."""
        return self._disks.last, self._networks.last if self._each_network else ()

    @property
    def has_taps(self) -> bool:
        """Whether it is plugged into taps of the host, looked for anew now and then."""
        again = _AGAIN_ROUNDS if self._taps else _TAPS_AGAIN_ROUNDS
        if self._interfaces and (self._taps is None or self._rounds % again == 0):
            self._taps = network.taps_of(self.process.pid) or ()
        return bool(self._taps)

    def close(self) -> None:
        """Close its files, and give the agent's channel back."""
        if self._agent is not None:
            self._agent.close()
        if self._threads is not None:
            self._threads.close()
            self._threads = None

    def questions(self) -> list[Question]:
        """What QEMU is asked in this round, and told to keep."""
        asked: list[Question] = [(_DRIVES, answers.ASK_DRIVES), *self._memory.questions()]
        if self._threads is None or self._rounds % _AGAIN_ROUNDS == 0:
            asked.append((_THREADS, answers.ASK_PROCESSORS))
        if self.level == "detail":
            asked += self._exits.questions()
            for drive in sorted(self._without_histogram - self._given_histogram):
                asked.append((_SET, answers.set_histogram(drive)))
                self._given_histogram.add(drive)
            if not self._each_network:
                asked += self._queues.questions()
        return asked

    def read_host(self, counters: Mapping[str, network.TapCounters], moment: Moment) -> None:
        """Read what the host counts: threads and taps.

        Args:
            counters: Those of the interfaces of its network namespace.
        """
        if self._threads is not None:
            self._thread_rates = self._threads.read(moment)
        if self._taps:
            self._each_network = self._networks.take(self._taps or (), counters, moment)
        elif self._macs:
            self._ask_agent(moment)
        self._rounds += 1

    def _ask_agent(self, now: Moment) -> None:
        """Cards of which the host has no counters: the guest agent's, where there is one."""
        if self._agent is None:
            folder = self.process.folder
            question, purpose = answers.ASK_CARDS, "kvmtui figures"
            self._agent = AgentPoll(folder.at(RUN), folder.place, AGENT, question, purpose)
        came = self._agent.step()
        if came is not None:
            line, asked = came
            cards = answers.read_cards(line, self._macs)
            moment = (asked, asked + now[1] - now[0])
            self._each_network = self._networks.take(self._macs, cards, moment)
            self._agent_told = now
            self._addresses = addresses_in(line)
        elif self._agent_told is not None and now[1] - self._agent_told[1] > _AGENT_STALE_S:
            self._each_network, self._agent_told, self._addresses = (), None, ()

    def take(self, found: Mapping[str, bytes], moment: Moment, now: Moment) -> None:
        """Take QEMU's answers; those that are missing leave their figures empty.

        Args:
            moment: When they came.
            now: This moment.
        """
        if _THREADS in found:
            self._take_threads(answers.read_threads(found[_THREADS]) or (), now)
        self._memory.take(found, moment)
        self._exits.take(found, moment)
        self._each_queue = self._queues.take(found, moment)
        is_close = self.level == "detail"
        line = found.get(_DRIVES)
        drives = None if line is None else answers.read_drives(line, closely=is_close)
        if drives is None:
            self._disks.forget()
            self._all_disks, self._each_disk = NO_DISKS, ()
            return
        self._all_disks, self._each_disk = self._disks.take(drives, moment)
        if is_close:
            self._without_histogram = {one.name for one in drives if not one.boundaries_ns}

    def _take_threads(self, threads: tuple[int, ...], now: Moment) -> None:
        if self._threads is not None and self._threads.threads == threads:
            return
        if self._threads is not None:
            self._threads.close()
            self._threads = None
        self._thread_rates = NO_THREADS
        with contextlib.suppress(OSError):
            self._threads = ThreadsMeter(self.process.pid, threads)
            self._threads.read(now)

    def figures(self, cpu_percent: float | None, missing: str) -> Figures:
        """What the round found.

        Args:
            cpu_percent: Of the whole process.
            missing: Why QEMU did not answer; empty where it did.
        """
        is_close = self.level == "detail"
        disks = self._all_disks
        received, sent = network.together(self._each_network, self._interfaces)
        return Figures(
            cpu_percent,
            self._thread_rates.percents,
            self._thread_rates.wait_ms_per_s,
            self._memory.used_bytes,
            disks.read_bytes_per_s,
            disks.write_bytes_per_s,
            disks.read_ops_per_s,
            disks.write_ops_per_s,
            disks.latency_ms,
            disks.p99_ms,
            received,
            sent,
            self._exits.per_s,
            self._each_disk if is_close else (),
            (self._each_network or self._each_queue) if is_close else (),
            missing,
            self._addresses,
        )


def _interfaces_of(pid: int) -> tuple[int | None, tuple[str, ...], tuple[queues.Card, ...]]:
    """How many interfaces a guest was started with, its cards' MAC addresses, those of virtio.

    By its command line; None where that cannot be read.
    """
    try:
        arguments = command_line_of(pid)
    except OSError:
        return None, (), ()
    macs, cards = [], []
    for option, value in zip(arguments, arguments[1:], strict=False):
        if option == b"-device" and value.startswith(b"{"):
            with contextlib.suppress(ValueError):
                device = json.loads(value)
                if "netdev" in device:
                    macs.append(str(device.get("mac", "")).lower())
                    if str(device.get("driver")).startswith("virtio-net"):
                        cards.append(queues.Card(str(device.get("id", "")), macs[-1]))
    count = arguments.count(b"-netdev") + arguments.count(b"-nic")
    return count, tuple(macs), tuple(cards)
