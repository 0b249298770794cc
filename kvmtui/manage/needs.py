"""What a guest needs of this host before it is started: files, memory, ports, networks, room."""

from __future__ import annotations

import errno
import os
import stat

from kvmtui.errors import HostError, ImageError
from kvmtui.host import resources
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.wants import Wants

_LEAST_ROOM_BYTES = 256 << 10


def check_host(folder: GuestFolder, wants: Wants) -> None:
    """Refuse what cannot come up here: too much memory, missing files, taken ports.

    Raises:
        HostError, ImageError: With what is missing.
    """
    check_memory(wants)
    remedy = f"put the file back, or name another: kvmtui edit {folder.name}"
    check_files(folder, wants, remedy=remedy)
    if wants.tpm:
        from kvmtui.manage import platform

        platform.check_tpm()
    for kind, name in wants.interfaces:
        if not resources.interface_exists(name):
            raise HostError(f"{folder.name}: there is no {kind} {name} on this host")
    for protocol, address, port in wants.ports:
        _check_port(folder, protocol, address, port)


def _check_port(folder: GuestFolder, protocol: str, address: str, port: int) -> None:
    try:
        free = resources.port_is_free(protocol, address, port)
    except OSError as error:
        raise HostError(
            f"{folder.name}: port {port} on {address} cannot be used: {error.strerror}"
        ) from None
    if not free:
        raise HostError(
            f"{folder.name}: port {port} on {address} is taken",
            hint=f"ss -lnp 'sport = :{port}'",
        )


def check_memory(wants: Wants) -> None:
    """Refuse more memory than the host has.

    Raises:
        HostError: With both figures.
    """
    total = resources.total_memory_bytes()
    if wants.memory_bytes > total:
        from kvmtui.guest.units import format_size

        raise HostError(
            f"{format_size(wants.memory_bytes)} of memory are more than "
            f"the host's {format_size(total)}"
        )


def check_files(folder: GuestFolder, wants: Wants, *, remedy: str = "") -> None:
    """Refuse a definition whose files are not there.

    Args:
        remedy: What can be done about one that is missing.

    Raises:
        ImageError: Names the key and the file.
    """
    named = [(f"disks[{i}]", file) for i, file in enumerate(wants.disks)]
    named += [(f"cdroms[{i}]", file) for i, file in enumerate(wants.cdroms) if file]
    named += [(key, file) for key in ("kernel", "initrd") if (file := getattr(wants, key))]
    for key, file in named:
        path = folder.resolve(file)
        if not os.path.exists(path):
            told = f"{folder.name}: {key}: {visible(path)} does not exist"
            raise ImageError(told, hint=remedy)
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
            raise ImageError(f"{folder.name}: {key}: {visible(path)} is no file or block device")
    _check_distinct(folder, wants)
    check_formats(folder, wants)
    check_chains(folder, wants)
    if wants.secrets or wants.vnc_secret:
        from kvmtui.manage import image_secrets

        image_secrets.check_files(folder, wants)


def check_formats(folder: GuestFolder, wants: Wants) -> None:
    """Refuse a qcow2 file that is called raw: the guest's first write would destroy it.

    The other way round QEMU refuses by itself.

    Raises:
        ImageError: Names the key and the file.
    """
    for index in wants.raw_disks:
        path = folder.resolve(wants.disks[index])
        if resources.has_qcow2_header(path):
            raise ImageError(
                f"{folder.name}: disks[{index}]: {visible(path)} is called raw, but is qcow2: "
                "written as raw it would be destroyed",
                hint=f"give disks[{index}] the format qcow2",
            )


def check_chains(folder: GuestFolder, wants: Wants) -> None:
    """Refuse a disk that leads QEMU to a file in no folder of images, or to no file at all.

    Of an image that stands alone this is one read of its header.

    Raises:
        ImageError: Names the key, the image and what it names.
    """
    for index, file in enumerate(wants.disks):
        path = folder.resolve(file)
        if index in wants.raw_disks or resources.stands_alone(path):
            continue
        from kvmtui.manage import disk_chains

        disk_chains.check_disk(folder, index, path)


def _check_distinct(folder: GuestFolder, wants: Wants) -> None:
    """Refuse two disks that are one file under two names."""
    seen: dict[tuple[int, int], int] = {}
    for index, file in enumerate(wants.disks):
        found = os.stat(folder.resolve(file))
        first = seen.setdefault((found.st_dev, found.st_ino), index)
        if first != index:
            raise ImageError(
                f"{folder.name}: disks[{index}] is the same file as disks[{first}]: {visible(file)}"
            )


def check_room(folder: GuestFolder) -> None:
    """Refuse a file system on which QEMU could not even write its pid.

    Raises:
        OSError: ENOSPC.
    """
    room = os.statvfs(folder.place)
    if room.f_bavail * room.f_frsize < _LEAST_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder.place)
