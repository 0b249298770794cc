"""What a guest needs of this host before it is started: files, memory, ports, networks, room."""

from __future__ import annotations

import errno
import os
import stat

from kvmtui.errors import HostError, ImageError
from kvmtui.guest.definition import Definition
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.units import format_size
from kvmtui.host import resources
from kvmtui.qemu import image
from kvmtui.text import visible

_LEAST_ROOM_BYTES = 256 << 10


def check_host(folder: GuestFolder, definition: Definition) -> None:
    """Refuse what cannot come up here: too much memory, missing files, taken ports.

    Raises:
        HostError, ImageError: With what is missing.
    """
    check_memory(definition)
    check_files(folder, definition)
    for network in definition.networks:
        name = network.bridge or network.tap
        if name is not None and not resources.interface_exists(name):
            raise HostError(f"{folder.name}: there is no {network.type} {name} on this host")
    for rule in definition.forwards():
        try:
            free = resources.port_is_free(rule.protocol, rule.host_address, rule.host_port)
        except OSError as error:
            raise HostError(
                f"{folder.name}: port {rule.host_port} on {rule.host_address} "
                f"cannot be used: {error.strerror}"
            ) from None
        if not free:
            raise HostError(
                f"{folder.name}: port {rule.host_port} on {rule.host_address} is taken",
                hint=f"ss -lnp 'sport = :{rule.host_port}'",
            )


def check_memory(definition: Definition) -> None:
    """Refuse more memory than the host has.

    Raises:
        HostError: With both figures.
    """
    total = resources.total_memory_bytes()
    if definition.memory > total:
        raise HostError(
            f"{format_size(definition.memory)} of memory are more than "
            f"the host's {format_size(total)}"
        )


def check_files(folder: GuestFolder, definition: Definition) -> None:
    """Refuse a definition whose files are not there.

    Raises:
        ImageError: Names the key and the file.
    """
    named = [(f"disks[{i}]", disk.file) for i, disk in enumerate(definition.disks)]
    named += [
        (f"cdroms[{i}]", drive.file) for i, drive in enumerate(definition.cdroms) if drive.file
    ]
    named += [(key, path) for key in ("kernel", "initrd") if (path := getattr(definition, key))]
    for key, file in named:
        path = folder.resolve(file)
        if not os.path.exists(path):
            raise ImageError(f"{folder.name}: {key}: {visible(path)} does not exist")
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
            raise ImageError(f"{folder.name}: {key}: {visible(path)} is no file or block device")
    _check_distinct(folder, definition)
    check_formats(folder, definition)


def check_formats(folder: GuestFolder, definition: Definition) -> None:
    """Refuse a qcow2 file that is called raw: the guest's first write would destroy it.

    The other way round QEMU refuses by itself.

    Raises:
        ImageError: Names the key and the file.
    """
    for index, disk in enumerate(definition.disks):
        path = folder.resolve(disk.file)
        if disk.image_format() == "raw" and image.has_qcow2_header(path):
            raise ImageError(
                f"{folder.name}: disks[{index}]: {visible(path)} is called raw, but is qcow2: "
                "written as raw it would be destroyed",
                hint=f"give disks[{index}] the format qcow2",
            )


def _check_distinct(folder: GuestFolder, definition: Definition) -> None:
    """Refuse two disks that are one file under two names."""
    seen: dict[tuple[int, int], int] = {}
    for index, disk in enumerate(definition.disks):
        found = os.stat(folder.resolve(disk.file))
        first = seen.setdefault((found.st_dev, found.st_ino), index)
        if first != index:
            raise ImageError(
                f"{folder.name}: disks[{index}] is the same file as disks[{first}]: "
                f"{visible(disk.file)}"
            )


def check_room(folder: GuestFolder) -> None:
    """Refuse a file system on which QEMU could not even write its pid.

    Raises:
        OSError: ENOSPC.
    """
    room = os.statvfs(folder.path)
    if room.f_bavail * room.f_frsize < _LEAST_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder.path))
