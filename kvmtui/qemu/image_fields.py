"""Where the formats of disk images keep what: bytes in, plain values out."""

from __future__ import annotations

import re
from typing import NamedTuple

from kvmtui.qemu.qcow2_fields import number

_EXTENT = re.compile(
    rb'^(?:RW|RDONLY|NOACCESS)[ \t]+(\d{1,18})[ \t]+\w+(?:[ \t]+"([^"\r\n]{0,1023})")?',
    re.MULTILINE,
)
_PARENT = re.compile(rb'^parentFileNameHint[ \t]*=[ \t]*"([^"\r\n]{1,1023})"', re.MULTILINE)
_MOST_EXTENTS = 256
_VHDX_METADATA = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
_VHDX_SIZE = bytes.fromhex("2442a52f1bcd7648b2115dbed83bf4b8")
_VPC_SIZED = (b"win ", b"qem2", b"d2v ", b"tap\0", b"CTXS", b"wa\0\0")
"""Programs whose disks have the size that the footer states, not that of its geometry."""
_VPC_LARGEST_GEOMETRY = 65535 * 16 * 255


class Descriptor(NamedTuple):
    """The text that describes a VMDK."""

    size_bytes: int | None
    extents: tuple[str, ...]
    parent: str | None


def vmdk_descriptor(text: bytes) -> Descriptor:
    """Read the text of a VMDK: its extents, their sum, its parent."""
    sectors, names = 0, []
    for match in list(_EXTENT.finditer(text))[:_MOST_EXTENTS]:
        sectors += int(match[1])
        if match[2] is not None:
            names.append(match[2].decode("utf-8", "surrogateescape"))
    parent = _PARENT.search(text)
    return Descriptor(
        size_bytes=sectors * 512 or None,
        extents=tuple(names),
        parent=parent[1].decode("utf-8", "surrogateescape") if parent else None,
    )


def vpc_size(footer: bytes) -> int:
    """The size of a VHD as QEMU takes it: the geometry's, but for some programs' disks."""
    size = number(footer, 48, 8, "big")
    cylinders, heads, sectors = number(footer, 56, 2, "big"), footer[58], footer[59]
    geometry = cylinders * heads * sectors
    if footer[28:32] in _VPC_SIZED or geometry >= _VPC_LARGEST_GEOMETRY:
        return size
    return geometry * 512


def vhdx_metadata_place(regions: bytes) -> int | None:
    """Where the metadata of a VHDX begins, from its region table."""
    if not regions.startswith(b"regi"):
        return None
    for index in range(min(number(regions, 8, 4, "little"), 64)):
        entry = regions[16 + 32 * index : 48 + 32 * index]
        if entry[:16] == _VHDX_METADATA:
            return number(entry, 16, 8, "little")
    return None


def vhdx_size_place(metadata: bytes) -> int | None:
    """Where in its metadata a VHDX keeps its virtual size."""
    if not metadata.startswith(b"metadata"):
        return None
    for index in range(min(number(metadata, 10, 2, "little"), 64)):
        entry = metadata[32 + 32 * index : 64 + 32 * index]
        if entry[:16] == _VHDX_SIZE:
            return number(entry, 16, 4, "little")
    return None
