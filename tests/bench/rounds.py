"""What a round of the app over many guests costs: nobody looking, all columns, all detail."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Protocol

from kvmtui.guest.library import Library
from kvmtui.manage.live import Watch

_SIZE = "64M"
_ROUNDS, _TURNS, _PAUSE_S = 15, 3, 0.3


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
    finally:
        guests.end()
    load = os.getloadavg()[0]
    print(f"A round over {len(guests.names)} paused guests (load of the machine {load:.1f}):")
    for level, costs in found.items():
        cpu, passed = (statistics.median(one[side] for one in costs) for side in (0, 1))
        goal = {"nobody": "2.7", "columns": "10"}.get(level, "")
        goal = goal and f" (goal {goal})"
        print(f"  {level:8} {cpu:5.1f} ms of CPU{goal}, {passed:4.0f} ms until all have answered")
