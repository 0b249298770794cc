"""Figures of this machine: processors, memory, a file system."""

from __future__ import annotations

import os
import shutil
import socket
from typing import NamedTuple


class HostFigures(NamedTuple):
    """One reading."""

    name: str
    cpu_percent: float | None
    """All processors together, 0 to 100, since the last reading (``/proc/stat``); None at
    the first."""
    memory_used_bytes: int
    """Total less what is available (``/proc/meminfo``)."""
    memory_total_bytes: int
    mount: str
    """Where the file system of the home is mounted."""
    disk_free_bytes: int | None
    """What a plain user may still write there (``statvfs``); None where it does not answer."""


class HostMeter:
    """This machine, read again and again.

    Args:
        home: The folder whose file system is measured.
    """

    def __init__(self, home: str | os.PathLike[str]) -> None:
        self._home = os.fspath(home)
        self._ticks: tuple[int, int] | None = None

    def read(self) -> HostFigures:
        """The figures now; may wait for a slow file system."""
        memory = _memory_bytes()
        place = nearest_folder(self._home)
        try:
            free = shutil.disk_usage(place).free
        except OSError:
            free = None
        return HostFigures(
            name=socket.gethostname().split(".")[0],
            cpu_percent=self._cpu_percent(),
            memory_used_bytes=memory["MemTotal"] - memory["MemAvailable"],
            memory_total_bytes=memory["MemTotal"],
            mount=mount_of(place),
            disk_free_bytes=free,
        )

    def _cpu_percent(self) -> float | None:
        """The share of the ticks since the last reading in which a processor was busy."""
        before, self._ticks = self._ticks, _ticks()
        if before is None or self._ticks[1] <= before[1]:
            return None
        return 100 * (self._ticks[0] - before[0]) / (self._ticks[1] - before[1])


def _ticks() -> tuple[int, int]:
    """The busy ticks of all processors, and all of them; a guest's are among the user's."""
    with open("/proc/stat") as file:
        counts = file.readline().split()[1:9]
    user, nice, system, idle, waiting, irq, soft, stolen = map(int, counts)
    busy = user + nice + system + irq + soft + stolen
    return busy, busy + idle + waiting


def _memory_bytes() -> dict[str, int]:
    """The figures of ``/proc/meminfo``."""
    with open("/proc/meminfo") as file:
        pairs = (line.split(":") for line in file)
        return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def nearest_folder(place: str) -> str:
    """The folder itself, or the nearest above it that exists."""
    while not os.path.exists(place) and place not in ("", "/"):
        place = os.path.dirname(place)
    return place or "/"


def mount_of(place: str) -> str:
    """Where the file system of a folder is mounted."""
    place = os.path.realpath(place)
    while not os.path.ismount(place):
        place = os.path.dirname(place)
    return place
