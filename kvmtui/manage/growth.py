"""What storage takes, measured beside the rounds of `watch`: a disk that hangs holds up nobody."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import remembered_definition
from kvmtui.stats.figure_file import Day
from kvmtui.stats.history import HOST
from kvmtui.stats.host import nearest_folder

EVERY_S = 300.0

Measured = dict[str, Day]
"""By guest; the file system of the home under `HOST`."""


def measure(library: Library) -> Measured:
    """What the disks of each guest and the home's file system take; may wait for a disk.

    A guest's are the blocks of its images, those elsewhere included, and so not devices.
    """
    space = os.statvfs(nearest_folder(str(library.home)))
    size = space.f_blocks * space.f_frsize
    found = {HOST: Day(time.time(), size - space.f_bavail * space.f_frsize, size)}
    for name in library.names():
        folder = library.place(name)
        with contextlib.suppress(KvmtuiError, OSError):
            paths = [folder.resolve(one.file) for one in remembered_definition(folder).disks]
            used = sum(os.stat(path).st_blocks * 512 for path in paths)
            if paths:
                found[name] = Day(time.time(), used, 0)
    return found


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
