"""What storage takes, measured beside the rounds of `watch`: a disk that hangs holds up nobody."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import remembered_definition
from kvmtui.manage.image_waiting import Patience
from kvmtui.stats.figure_file import Day
from kvmtui.stats.history import HOST
from kvmtui.stats.host import mount_of, nearest_folder
from kvmtui.text import visible

EVERY_S = 300.0

Measured = dict[str, Day]
"""By guest; the file system of the home under `HOST`, others by where they are mounted."""

_LIMIT_S = 2.0
_patience = Patience()


def measure(library: Library) -> Measured:
    """What the disks of each guest take, the home's file system, and others with disks on them.

    A guest's are the blocks of its images, those elsewhere included, and so not devices. May
    wait for the home's disk; another one that does not answer in time is left out.

    Raises:
        OSError: The home's does not answer.
    """
    place = nearest_folder(str(library.home))
    home_device = os.stat(place).st_dev
    found = {HOST: _space(place)}
    elsewhere: dict[int, str] = {}
    for name in library.names():
        folder = library.place(name)
        with contextlib.suppress(KvmtuiError, OSError):
            paths = [folder.resolve(one.file) for one in remembered_definition(folder).disks]
            disks = [(path, _status(path, str(folder.path))) for path in paths]
            for path, status in disks:
                if status.st_dev != home_device and stat.S_ISREG(status.st_mode):
                    elsewhere.setdefault(status.st_dev, os.path.dirname(path))
            if disks:
                used = sum(status.st_blocks * 512 for _, status in disks)
                found[name] = Day(time.time(), used, 0)
    for where in elsewhere.values():
        with contextlib.suppress(OSError):
            storage = _patience.within(_LIMIT_S, where, functools.partial(_storage, where))
            if storage is not None:
                found[storage[0]] = storage[1]
    return found


def mounts_of(measured: Mapping[str, Day]) -> dict[str, Day]:
    """The file systems beside the home's, by where they are mounted."""
    return {name: day for name, day in measured.items() if name.startswith("/")}


def _status(path: str, own: str) -> os.stat_result:
    """A disk's status; one elsewhere than in the guest's own folder is not waited for long."""
    where = os.path.dirname(path)
    if where == own:
        return os.stat(path)
    found = _patience.within(_LIMIT_S, where, functools.partial(os.stat, path))
    if found is None:
        raise TimeoutError
    return found


def _space(place: str) -> Day:
    space = os.statvfs(place)
    size = space.f_blocks * space.f_frsize
    return Day(time.time(), size - space.f_bavail * space.f_frsize, size)


def _storage(place: str) -> tuple[str, Day]:
    return visible(mount_of(place), limit=100), _space(place)


class Growth:
    """The measurement, every five minutes in a thread of its own.

    Args:
        clock: Seconds that only grow.

    Attributes:
        measured: The newest.
    """

    def __init__(self, library: Library, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "kvmtui-growth")
        self._under_way: Future[Measured] | None = None
        self._next = clock()
        self.measured: Measured = {}

    def close(self) -> None:
        """Let a measurement that hangs be."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def step(self) -> Measured:
        """Begin one when it is time, take it when it is there; the newest."""
        if self._under_way is not None:
            if not self._under_way.done():
                return self.measured
            with contextlib.suppress(OSError, KvmtuiError):
                self.measured = self._under_way.result()
            self._under_way = None
        elif self._clock() >= self._next:
            self._next = self._clock() + EVERY_S
            self._under_way = self._thread.submit(measure, self._library)
        return self.measured
