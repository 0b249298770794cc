"""Figures of this machine: processors, memory, a file system."""

from __future__ import annotations

import os
import shutil
import socket
from typing import NamedTuple

from kvmtui.stats import rates
from kvmtui.stats.host_traffic import TrafficMeter


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
    stolen_percent: float | None = None
    """Share of the processors' time that the machine below took away, 0 to 100, where this
    one is itself a guest (``steal`` of ``/proc/stat``); as `cpu_percent` otherwise."""
    disk_read_bytes_per_s: float | None = None
    """Of all drives of the machine together (`host_traffic`), as the next three."""
    disk_write_bytes_per_s: float | None = None
    net_receive_bytes_per_s: float | None = None
    net_transmit_bytes_per_s: float | None = None


class HostMeter:
    """This machine, read again and again.

    Args:
        home: The folder whose file system is measured.
    """

    def __init__(self, home: str | os.PathLike[str]) -> None:
        self._home = os.fspath(home)
        self._ticks: tuple[int, int, int] | None = None
        self._traffic = TrafficMeter()

    def read(self) -> HostFigures:
        """The figures now; may wait for a slow file system."""
        memory = _memory_bytes()
        place = nearest_folder(self._home)
        try:
            free = shutil.disk_usage(place).free
        except OSError:
            free = None
        cpu_percent, stolen_percent = self._cpu_percents()
        traffic = self._traffic.read(rates.now())
        return HostFigures(
            name=socket.gethostname().split(".")[0],
            cpu_percent=cpu_percent,
            memory_used_bytes=memory["MemTotal"] - memory["MemAvailable"],
            memory_total_bytes=memory["MemTotal"],
            mount=mount_of(place),
            disk_free_bytes=free,
            stolen_percent=stolen_percent,
            disk_read_bytes_per_s=traffic[0],
            disk_write_bytes_per_s=traffic[1],
            net_receive_bytes_per_s=traffic[2],
            net_transmit_bytes_per_s=traffic[3],
        )

    def _cpu_percents(self) -> tuple[float | None, float | None]:
        """The share of the ticks since the last reading that were busy, and stolen."""
        before, self._ticks = self._ticks, _ticks()
        if before is None or any(map(int.__lt__, self._ticks, before)):
            return None, None
        busy, passed, stolen = map(int.__sub__, self._ticks, before)
        if passed <= 0:
            return None, None
        return 100 * busy / passed, 100 * stolen / passed


def _ticks() -> tuple[int, int, int]:
    """The busy ticks of all processors, all ticks, and those that were stolen (busy too).

    A guest's are among the user's.
    """
    with open("/proc/stat") as file:
        counts = file.readline().split()[1:9]
    user, nice, system, idle, waiting, irq, soft, stolen = map(int, counts)
    busy = user + nice + system + irq + soft + stolen
    return busy, busy + idle + waiting, stolen


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
