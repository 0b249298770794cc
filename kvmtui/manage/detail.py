"""What stands beside the list for the guest under the cursor: gathered in a few ms."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.guest.definition import Autostart, Definition
from kvmtui.guest.folder import SEED, GuestFolder
from kvmtui.guest.history import seconds_of
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.starters import starter_of
from kvmtui.manage.story import last_stop
from kvmtui.manage.timeline import TimelineEntry, timeline
from kvmtui.qemu.image import virtual_size_bytes
from kvmtui.text import visible


class DiskUse(NamedTuple):
    """A disk and what it takes."""

    file: str
    """As the definition names it."""
    image_format: str
    used_bytes: int | None
    """What the file takes on the host; None where it cannot be read."""
    size_bytes: int | None
    """What the guest sees; None where that cannot be known."""


class GuestDetail(NamedTuple):
    """A guest in more depth than its row."""

    name: str
    machine: str
    disks: tuple[DiskUse, ...]
    networks: tuple[str, ...]
    """One line each: ``user 2222:22`` or ``bridge br0``."""
    accelerator: str
    """What the definition asks for: auto, kvm or tcg."""
    protected: bool
    qemu_args: tuple[str, ...]
    directory: str
    last_stop: str
    """How its last run ended, in words; empty when it never ran."""
    problems: tuple[str, ...]
    """What is wrong with its definition; all else is empty then."""
    timeline: tuple[TimelineEntry, ...]
    """Newest first."""
    ended_at: float | None = None
    """When its last run ended, in seconds since 1970; None where nobody saw that."""
    autostart: str = ""
    """When the host's start starts it, in words; empty when it does not."""
    cdroms: tuple[str, ...] = ()
    """What is in the CD drives at a start, in words."""


_EMPTY = GuestDetail("", "", (), (), "auto", False, (), "", "", (), ())


def guest_detail(library: Library, name: str, *, entries: int = 100) -> GuestDetail:
    """Gather a guest's detail.

    Args:
        entries: How much of its timeline, newest first.

    Raises:
        KvmtuiError: There is no such guest.
    """
    folder = library.folder(name)
    found = _EMPTY._replace(name=name, directory=str(folder.path))
    with contextlib.suppress(OSError):
        told = tuple(reversed(timeline(library, name, most=entries)))
        ended = last_stop(folder, running=False)
        found = found._replace(timeline=told, last_stop=ended.words if ended else "")
        if ended is not None and ended.time is not None:
            found = found._replace(ended_at=seconds_of(ended.time))
    try:
        definition = load_definition(folder)
    except KvmtuiError as error:
        problems = getattr(error, "problems", (error.message,))
        return found._replace(problems=tuple(problems))
    starts = definition.start_with_host()
    return found._replace(
        machine=definition.machine or "",
        disks=tuple(_disk_uses(folder, definition)),
        networks=tuple(_network_lines(definition)),
        cdroms=tuple(_cd_words(drive.file) for drive in definition.cdroms),
        accelerator=definition.accelerator,
        protected=definition.protected,
        autostart=_autostart_words(library, starts) if starts else "",
        qemu_args=tuple(visible(word, limit=200) for word in definition.qemu_args),
    )


def _autostart_words(library: Library, starts: Autostart) -> str:
    if starter_of(library).is_in_place():
        return starts.words()
    return f"{starts.words()}, but nothing starts it yet: kvmtui autostart"


def _disk_uses(folder: GuestFolder, definition: Definition) -> list[DiskUse]:
    found = []
    for disk in definition.disks:
        path, image_format = folder.resolve(disk.file), disk.image_format() or "raw"
        try:
            used: int | None = os.stat(path).st_blocks * 512
        except OSError:
            used = None
        size = virtual_size_bytes(path, image_format)
        found.append(DiskUse(visible(disk.file), image_format, used, size))
    return found


def _cd_words(file: str | None) -> str:
    if not file:
        return "empty"
    words = visible(os.path.basename(file), limit=80)
    return f"{words}, for its first login" if file == SEED else words


def _network_lines(definition: Definition) -> list[str]:
    found = []
    for network in definition.networks:
        words = [network.type, network.bridge or network.tap or "", *network.forwards]
        found.append(" ".join(word for word in words if word))
    return found
