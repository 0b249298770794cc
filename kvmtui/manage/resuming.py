"""Letting guests go on that QEMU paused on a full disk, once there is room again.

Only those whose definition says ``on_full: resume``, and only where the disk itself said
that it had no room (``BLOCK_IO_ERROR`` with ``nospace``): a disk that fails otherwise is a
person's to look at.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage import power
from kvmtui.manage.definitions import remembered_definition
from kvmtui.manage.guest_threads import GuestThreads
from kvmtui.manage.views import LiveGuest
from kvmtui.qemu.events import read_events, tail_offset

_ROOM_BYTES = 256 << 20
_ROOM_PART = 20
_FIRST_AGAIN_S, _LONGEST_AGAIN_S = 5.0, 900.0
_TAIL_BYTES = 256 << 10


def room_needed(size_bytes: int) -> int:
    """How much must be free: 256 MiB, or a twentieth of a small file system."""
    return min(_ROOM_BYTES, size_bytes // _ROOM_PART)


def paused_for_room(folder: GuestFolder) -> bool:
    """Whether the last error of a disk was that it has no room."""
    nospace = False
    for event, _ in read_events(folder.events, start=tail_offset(folder.events, _TAIL_BYTES)):
        if event.name == "BLOCK_IO_ERROR":
            nospace = event.data.get("nospace") is True
    return nospace


def has_room(folder: GuestFolder) -> bool:
    """Whether every file system with a disk of the guest has room again; may wait for a disk.

    Raises:
        OSError, DefinitionError: That cannot be told.
    """
    for disk in remembered_definition(folder).disks:
        path = folder.resolve(disk.file)
        if disk.read_only or path.startswith("/dev/"):
            continue
        space = os.statvfs(os.path.dirname(os.path.realpath(path)))
        if space.f_bavail * space.f_frsize < room_needed(space.f_blocks * space.f_frsize):
            return False
    return True


class Resumer:
    """Looks at paused guests now and then, in a thread: a disk that hangs holds up nobody.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, library: Library, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._clock = clock
        self._threads = GuestThreads("kvmtui-resume")
        self._again: dict[str, tuple[float, float]] = {}

    def close(self) -> None:
        """Let what is under way end by its own limits."""
        self._threads.close()

    def step(self, guests: Mapping[str, LiveGuest]) -> list[tuple[str, str]]:
        """Look at those that are paused on an error; what was done, by guest, in words."""
        told = self._threads.take_done()
        paused = {name for name, live in guests.items() if live.view.state == "io-error"}
        for name in self._again.keys() - paused - self._threads.busy:
            del self._again[name]
        for name in paused - self._threads.busy:
            due, pause_s = self._again.get(name, (0.0, _FIRST_AGAIN_S))
            if self._clock() >= due:
                later_s = min(2 * pause_s, _LONGEST_AGAIN_S)
                self._again[name] = (self._clock() + pause_s, later_s)
                self._threads.begin(name, self._try)
        return told

    def _try(self, name: str) -> str:
        """Resume a guest if it is time; what was done, empty for nothing."""
        folder = self._library.place(name)
        try:
            if remembered_definition(folder).on_full != "resume" or not paused_for_room(folder):
                return ""
            if not has_room(folder):
                # Until there is, looking is cheap: no need to be patient.
                self._again[name] = (self._clock() + _FIRST_AGAIN_S, _FIRST_AGAIN_S)
                return ""
            return asyncio.run(power.resume(self._library, name)).message
        except (KvmtuiError, OSError) as error:
            return as_told(name, error).message
