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
        self._first = True

    def read(self) -> HostFigures:
        """The figures now; may wait for a slow file system."""
        import psutil

        percent = psutil.cpu_percent(None)
        memory = psutil.virtual_memory()
        place = self._nearest()
        try:
            free = shutil.disk_usage(place).free
        except OSError:
            free = None
        first, self._first = self._first, False
        return HostFigures(
            name=socket.gethostname().split(".")[0],
            cpu_percent=None if first else percent,
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            mount=_mount_of(place),
            disk_free_bytes=free,
        )

    def _nearest(self) -> str:
        """The home, or the nearest folder above it that exists."""
        place = self._home
        while not os.path.exists(place) and place != "/":
            place = os.path.dirname(place)
        return place


def _mount_of(place: str) -> str:
    place = os.path.realpath(place)
    while not os.path.ismount(place):
        place = os.path.dirname(place)
    return place
