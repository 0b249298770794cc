"""What a round of the app over many guests costs: nobody looking, all columns, all detail."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Protocol

from kvmtui.guest.library import Library
from kvmtui.manage.live import Watch
from tests.bench.libvirt import Domains, NoDomains, daemon

_SIZE = "64M"
_ROUNDS, _TURNS, _PAUSE_S = 15, 3, 0.3
_LIBVIRT_ROUNDS = 5


class Guests(Protocol):
    """A home full of guests."""

    home: Path
    names: list[str]

    def call(self, *words: str) -> str: ...
    def create(self) -> None: ...
    def end(self) -> None: ...


def _give_disks(guests: Guests) -> None:
    """A disk, a balloon and a user network for each: what a table has columns for."""
    first = guests.home / "disk.qcow2"
    guests.call("create", "maker", "--memory", "16M", "--disk", f"{first},size={_SIZE}")
    for name in guests.names:
        copy = guests.home / f"{name}.qcow2"
        shutil.copyfile(first, copy)
        disks = f"disks=[{{file: {copy}}}]"
        guests.call("set", name, disks, "balloon=true", "networks=[{type: user}]")
    guests.call("delete", "maker", "--yes", "--keep-disks")


def _cost(watch: Watch) -> tuple[float, float]:
    """Milliseconds of CPU and of time that a round takes; medians."""
    watch.round()
    cpu, passed = [], []
    for _ in range(_ROUNDS):
        time.sleep(_PAUSE_S)
        began, used = time.perf_counter(), time.thread_time()
        watch.round()
        cpu.append(time.thread_time() - used)
        passed.append(time.perf_counter() - began)
    return statistics.median(cpu) * 1000, statistics.median(passed) * 1000


def measure(guests: Guests) -> None:
    """Print what rounds cost with all guests paused."""
    guests.create()
    try:
        _give_disks(guests)
        guests.call("start", "--all")
        guests.call("pause", "--all")
        watch = Watch(Library(guests.home))
        found: dict[str, list[tuple[float, float]]] = {"nobody": [], "columns": [], "detail": []}
        for _ in range(_TURNS):
            for level, costs in found.items():
                watch.wanted.want("bench", None, None if level == "nobody" else level)  # type: ignore[arg-type]
                for _ in range(3):
                    watch.round()
                    time.sleep(_PAUSE_S)
                costs.append(_cost(watch))
        watch.close()
        theirs = _libvirts(guests)
    finally:
        guests.end()
    load = os.getloadavg()[0]
    print(f"A round over {len(guests.names)} paused guests (load of the machine {load:.1f}):")
    for level, costs in found.items():
        cpu, passed = (statistics.median(one[side] for one in costs) for side in (0, 1))
        goal = {"nobody": "2.7", "columns": "10"}.get(level, "")
        goal = goal and f" (goal {goal})"
        print(f"  {level:8} {cpu:5.1f} ms of CPU{goal}, {passed:4.0f} ms until all have answered")
        if level == "columns" and theirs:
            print(
                f"  {'':8} libvirtd and virsh domstats of as many: {theirs * 1000:.0f} ms of CPU;"
            )
            print(f"  {'':8} {cpu / theirs / 1000:.3f} of that (goal 0.125)")


def _libvirts(guests: Guests) -> float | None:
    """The CPU in seconds that libvirt takes for the same of as many; None without it."""
    # libvirt runs its guests as a user of its own, who may not look into our home.
    with tempfile.TemporaryDirectory(prefix="kvmtui-bench-") as folder:
        os.chmod(folder, 0o755)
        disks = []
        for name in guests.names:
            disk = f"{folder}/{name}.qcow2"
            shutil.copyfile(guests.home / f"{name}.qcow2", disk)
            os.chmod(disk, 0o666)
            disks.append(disk)
        try:
            with daemon() as pid, Domains(len(disks), disks) as domains:
                domains.stats_cpu_s(pid)
                return statistics.median(domains.stats_cpu_s(pid) for _ in range(_LIBVIRT_ROUNDS))
        except NoDomains as why:
            print(f"  no libvirt to compare: {why}")
            return None
