"""This machine and what it promises: for who looks at the host."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import NamedTuple, get_args

from kvmtui.errors import HostError, KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.host.facts import Asked, Facts, ThisMachine
from kvmtui.host.machine import Machine as Machine
from kvmtui.host.machine import describe
from kvmtui.manage.views import LiveGuest
from kvmtui.qemu.binary import find_emulator, identity_of, version_of
from kvmtui.stats.host import mount_of, nearest_folder
from kvmtui.stats.pulse import Pulse as Pulse
from kvmtui.stats.pulse import read_pulse as read_pulse
from kvmtui.text import visible

_MOST_DISKS = 4096


class Emulator(NamedTuple):
    """An emulator that was found."""

    arch: str
    version: str
    """Empty where it does not tell."""


class Stand(NamedTuple):
    """The machine and its emulators."""

    machine: Machine
    emulators: tuple[Emulator, ...]
    home: str


class Promised(NamedTuple):
    """What guests were promised, against what there is; None where it is not known.

    vCPUs and memory are those of the definitions: ``now`` of the guests that have a
    process, ``all`` of every guest with a valid definition.
    """

    cpus_now: int
    cpus_all: int
    cpus: int | None
    """Processors of the host."""
    memory_now_bytes: int
    memory_all_bytes: int
    memory_bytes: int | None
    """Memory of the host."""


class Storage(NamedTuple):
    """The file system under the home, and what guests' disks on it take and may take."""

    mount: str
    size_bytes: int
    free_bytes: int
    """For a plain user (``statvfs``)."""
    disks_used_bytes: int | None
    """What the images take now (blocks of their files); None where one cannot be read."""
    disks_all_bytes: int | None
    """Their sizes as guests see them, by the images' own headers; None where one does not
    say."""


def stand(library: Library, facts: Facts | None = None) -> Stand:
    """What this machine is; asks each emulator once for its version.

    Args:
        facts: Another machine's, written down.
    """
    machine = describe(facts or ThisMachine(Asked(str(library.home))))
    return Stand(machine, tuple(_emulators()), visible(str(library.home), limit=200))


def _emulators() -> Iterable[Emulator]:
    from kvmtui.guest.definition import Architecture

    for arch in get_args(Architecture):
        try:
            path = find_emulator(arch)
            yield Emulator(arch, _version(path, identity_of(path)))
        except (HostError, OSError):
            continue


@functools.lru_cache(maxsize=16)
def _version(emulator: str, _identity: str) -> str:
    return version_of(emulator)


def promised(guests: Iterable[LiveGuest], machine: Machine | None) -> Promised:
    """What guests were promised of processors and memory."""
    views = [live.view for live in guests if live.view.cpus is not None]
    running = [view for view in views if view.pid is not None]
    return Promised(
        cpus_now=sum(view.cpus or 0 for view in running),
        cpus_all=sum(view.cpus or 0 for view in views),
        cpus=machine.threads if machine else None,
        memory_now_bytes=sum(view.memory_bytes or 0 for view in running),
        memory_all_bytes=sum(view.memory_bytes or 0 for view in views),
        memory_bytes=machine.memory_bytes if machine else None,
    )


def storage(library: Library) -> Storage:
    """Look at the home's file system and at the disks on it; may wait for a slow disk.

    Disks on other file systems are not counted, one that several guests share is once, and
    so is no more than 4096 of them.

    Raises:
        OSError: The file system does not answer.
    """
    place = nearest_folder(str(library.home))
    space, device = os.statvfs(place), os.stat(place).st_dev
    used, promised_bytes = _disks(library, device)
    return Storage(
        mount=visible(mount_of(place), limit=100),
        size_bytes=space.f_blocks * space.f_frsize,
        free_bytes=space.f_bavail * space.f_frsize,
        disks_used_bytes=used,
        disks_all_bytes=promised_bytes,
    )


def _disks(library: Library, device: int) -> tuple[int | None, int | None]:
    """What the disks on a device take, and what they may grow to."""
    from kvmtui.qemu.image import virtual_size_bytes

    used: int | None = 0
    sizes: int | None = 0
    seen: set[tuple[int, int]] = set()
    for path, image_format in _images(library):
        try:
            found = os.stat(path)
        except FileNotFoundError:
            continue
        except OSError:
            used = sizes = None
            continue
        identity = (found.st_dev, found.st_ino)
        if found.st_dev != device or identity in seen:
            continue
        seen.add(identity)
        if len(seen) > _MOST_DISKS:
            return None, None
        size = virtual_size_bytes(path, image_format)
        used = None if used is None else used + found.st_blocks * 512
        sizes = None if sizes is None or size is None else sizes + size
    return used, sizes


def _images(library: Library) -> Iterable[tuple[str, str]]:
    """Path and format of every guest's disks."""
    from kvmtui.manage.definitions import remembered_definition

    try:
        names = library.names()
    except (KvmtuiError, OSError):
        return
    for name in names:
        folder = library.place(name)
        try:
            definition = remembered_definition(folder)
        except (KvmtuiError, OSError):
            continue
        for disk in definition.disks:
            yield folder.resolve(disk.file), disk.image_format() or "raw"
