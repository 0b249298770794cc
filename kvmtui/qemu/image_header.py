"""What a disk image says of itself in its first bytes, read by ourselves and with bounds.

Listing never starts ``qemu-img``: a thousand headers are read in the time of one start of
it, and a hostile image can make it hang, follow a path or take all memory. Nothing that a
header names is opened here. A raw disk's bytes are its guest's own: what was recorded as raw
is never looked into.
"""

from __future__ import annotations

import os
import stat

from kvmtui.errors import ImageError
from kvmtui.guest.units import format_size
from kvmtui.light import Later
from kvmtui.qemu import qcow2_fields
from kvmtui.qemu.qcow2_fields import number
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from kvmtui.qemu import image_fields as fields
else:
    from kvmtui.light import NamedTuple

    fields = Later("kvmtui.qemu.image_fields")

SECTOR_BYTES = 512
MOST_SNAPSHOTS = 1000
"""With more than these qemu-img takes minutes, so it is not asked."""
LARGEST_BYTES = 1 << 60
"""A disk that claims more is none that anybody made."""
_HEAD_BYTES = 4096
_ISO_PLACE = 32768


class Header(NamedTuple):
    """One image as its own bytes describe it."""

    format: str
    """QEMU's name of the format, or ``iso``."""
    virtual_size_bytes: int | None = None
    """What a guest would see; None where the format does not say it in a known place."""
    backing_file: str | None = None
    """As written in the image; not to be trusted, nor shown as it is."""
    backing_format: str | None = None
    data_files: tuple[str, ...] = ()
    """Other files that hold its content: VMDK extents, a qcow2 data file."""
    snapshots: int | None = None
    """Internal snapshots; None where the format has none."""
    cluster_bytes: int | None = None
    encrypted: bool = False
    corrupt: bool = False
    """Whether QEMU itself marked it so when it met a damage."""
    compression: str | None = None
    lazy_refcounts: bool = False
    fault: str = ""
    """Why it cannot be used as it is; empty when nothing is seen."""

    @property
    def driver(self) -> str:
        """The format's name for QEMU, to which an ISO image is raw."""
        return "raw" if self.format == "iso" else self.format


class Bytes:
    """Bounded reads from one file or block device.

    Raises:
        ImageError: It is something else, such as a FIFO, or cannot be read.
    """

    def __init__(self, path: str) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise ImageError(f"{visible(path)}: {error.strerror}") from None
        mode = os.fstat(self._fd).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            os.close(self._fd)
            raise ImageError(f"{visible(path)} is neither a file nor a block device")
        self.size_bytes = os.lseek(self._fd, 0, os.SEEK_END)

    def __enter__(self) -> Bytes:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def at(self, offset: int, count: int) -> bytes:
        """Bytes from an offset on; fewer, or none, where the file ends or the disk fails."""
        if not 0 <= offset < self.size_bytes:
            return b""
        try:
            return os.pread(self._fd, min(count, 1 << 16), offset)
        except OSError:
            return b""


def read_header(path: str, recorded: str | None = None) -> Header:
    """Read what an image says of itself.

    Args:
        recorded: The format that a definition or a person names; ``raw`` is believed, so
            that nothing which a guest wrote into its disk counts.

    Raises:
        ImageError: It cannot be read, or is no file.
    """
    with Bytes(path) as data:
        if recorded == "raw" or (recorded is None and path.endswith(".raw")):
            return Header("raw", data.size_bytes)
        found = _recognised(data)
        if recorded is not None and found.driver != recorded:
            return found._replace(fault=f"is no {recorded}: its content is {found.format}")
        size = found.virtual_size_bytes
        if size is not None and size > LARGEST_BYTES and not found.fault:
            return found._replace(fault=f"claims {format_size(size)}")
        return found


def driver_of_content(path: str) -> str:
    """The format of an image that is known not to be raw, by its first bytes alone.

    Raises:
        ImageError: It cannot be read, or is no file.
    """
    with Bytes(path) as data:
        return _recognised(data).driver


def _recognised(data: Bytes) -> Header:
    head = data.at(0, _HEAD_BYTES)
    for magic, offset, reader in _READERS:
        if head[offset : offset + len(magic)] == magic:
            return reader(data, head)
    footer = data.at(data.size_bytes - SECTOR_BYTES, SECTOR_BYTES)
    if footer.startswith(b"conectix"):
        return Header("vpc", fields.vpc_size(footer))
    if footer.startswith(b"koly"):
        return Header("dmg", number(footer, 0x1EC, 8, "big") * SECTOR_BYTES or None)
    if data.at(_ISO_PLACE + 1, 5) == b"CD001":
        return Header("iso", data.size_bytes)
    return Header("raw", data.size_bytes)


def _qcow2(data: Bytes, head: bytes) -> Header:
    version = number(head, 4, 4, "big")
    if version == 1:
        backing = _named(data, number(head, 8, 8, "big"), number(head, 16, 4, "big"))
        encrypted = number(head, 36, 4, "big") != 0
        size = number(head, 24, 8, "big")
        return Header("qcow", size, backing_file=backing, encrypted=encrypted)
    found = qcow2_fields.qcow2(head)
    backing = _named(data, found.backing_offset, found.backing_length)
    data_files = (found.data_file or "?",) if found.has_data_file else ()
    fault = found.fault
    if not fault and found.snapshots > MOST_SNAPSHOTS:
        fault = f"claims {found.snapshots} snapshots"
    return Header(
        "qcow2",
        found.size_bytes,
        backing_file=backing,
        backing_format=found.backing_format,
        data_files=data_files,
        snapshots=found.snapshots,
        cluster_bytes=found.cluster_bytes,
        encrypted=found.encrypted,
        corrupt=found.corrupt,
        compression=found.compression,
        lazy_refcounts=found.lazy_refcounts,
        fault=fault,
    )


def _named(data: Bytes, offset: int, length: int) -> str | None:
    """The name of a backing file; QEMU takes at most 1023 bytes of it."""
    if not offset or not length:
        return None
    return os.fsdecode(data.at(offset, min(length, 1023))) or "?"


def _qed(data: Bytes, head: bytes) -> Header:
    backing = None
    if number(head, 16, 8, "little") & 1:
        place = number(head, 56, 4, "little")
        backing = _named(data, place, number(head, 60, 4, "little"))
    return Header("qed", number(head, 48, 8, "little"), backing_file=backing)


def _vmdk_sparse(data: Bytes, head: bytes) -> Header:
    size = number(head, 12, 8, "little") * SECTOR_BYTES
    place = number(head, 28, 8, "little") * SECTOR_BYTES
    found = fields.vmdk_descriptor(data.at(place, 1 << 16) if place else b"")
    # With a capacity of 0 QEMU takes the size and the extents from the descriptor within.
    extents = found.extents if size == 0 else ()
    return Header(
        "vmdk", size or found.size_bytes, backing_file=found.parent, data_files=tuple(extents)
    )


def _vmdk_text(data: Bytes, head: bytes) -> Header:
    found = fields.vmdk_descriptor(data.at(0, 1 << 16))
    return Header(
        "vmdk", found.size_bytes, backing_file=found.parent, data_files=tuple(found.extents)
    )


def _vmdk_old(data: Bytes, head: bytes) -> Header:
    return Header("vmdk", number(head, 12, 4, "little") * SECTOR_BYTES)


def _vdi(data: Bytes, head: bytes) -> Header:
    return Header("vdi", number(head, 0x170, 8, "little"))


def _vhdx(data: Bytes, head: bytes) -> Header:
    place = fields.vhdx_metadata_place(data.at(0x30000, 1 << 16))
    size = None
    if place is not None:
        offset = fields.vhdx_size_place(data.at(place, 1 << 16))
        if offset is not None:
            size = number(data.at(place + offset, 8), 0, 8, "little")
    return Header("vhdx", size)


def _vpc(data: Bytes, head: bytes) -> Header:
    return Header("vpc", fields.vpc_size(head))


def _luks(data: Bytes, head: bytes) -> Header:
    payload = number(head, 104, 4, "big") * SECTOR_BYTES
    size = data.size_bytes - payload if number(head, 6, 2, "big") == 1 else None
    return Header("luks", size, encrypted=True)


def _parallels(data: Bytes, head: bytes) -> Header:
    return Header("parallels", number(head, 36, 8, "little") * SECTOR_BYTES)


_READERS: tuple[tuple[bytes, int, Callable[[Bytes, bytes], Header]], ...] = (
    (b"QFI\xfb", 0, _qcow2),
    (b"QED\0", 0, _qed),
    (b"KDMV", 0, _vmdk_sparse),
    (b"COWD", 0, _vmdk_old),
    (b"# Disk DescriptorFile", 0, _vmdk_text),
    (b"\x7f\x10\xda\xbe", 0x40, _vdi),
    (b"vhdxfile", 0, _vhdx),
    (b"conectix", 0, _vpc),
    (b"LUKS\xba\xbe", 0, _luks),
    (b"WithoutFreeSpace", 0, _parallels),
    (b"WithouFreSpacExt", 0, _parallels),
)
