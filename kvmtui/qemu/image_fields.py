"""Where the formats of disk images keep what: bytes in, plain values out."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

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


def number(data: bytes, offset: int, count: int, order: Literal["little", "big"]) -> int:
    """An unsigned number; 0 where the bytes end before it."""
    return int.from_bytes(data[offset : offset + count], order)


class Qcow2(NamedTuple):
    """The header of a qcow2 image, version 2 or 3."""

    size_bytes: int
    cluster_bytes: int | None
    backing_offset: int
    backing_length: int
    backing_format: str | None
    has_data_file: bool
    data_file: str | None
    snapshots: int
    encrypted: bool
    corrupt: bool
    compression: str | None
    fault: str


def qcow2(head: bytes) -> Qcow2:
    """Read the header of a qcow2 image (QEMU's ``docs/interop/qcow2.txt``)."""
    version, bits = number(head, 4, 4, "big"), number(head, 20, 4, "big")
    incompatible = number(head, 72, 8, "big") if version >= 3 else 0
    length = number(head, 100, 4, "big") if version >= 3 else 72
    extensions = _extensions(head, length)
    backing_format = extensions.get(0xE2792ACA)
    data_file = extensions.get(0x44415441)
    compression = None
    if version >= 3:
        compression = "zstd" if incompatible & 8 and head[104:105] == b"\x01" else "zlib"
    fault = ""
    if len(head) < 72 or version not in (2, 3) or not 9 <= bits <= 21:
        fault = "has a header that makes no sense"
    return Qcow2(
        size_bytes=number(head, 24, 8, "big"),
        cluster_bytes=1 << bits if 9 <= bits <= 21 else None,
        backing_offset=number(head, 8, 8, "big"),
        backing_length=number(head, 16, 4, "big"),
        backing_format=backing_format.decode("utf-8", "replace") if backing_format else None,
        has_data_file=bool(incompatible & 4),
        data_file=data_file.decode("utf-8", "surrogateescape") if data_file else None,
        snapshots=number(head, 60, 4, "big"),
        encrypted=number(head, 32, 4, "big") != 0,
        corrupt=bool(incompatible & 2),
        compression=compression,
        fault=fault,
    )


def _extensions(head: bytes, offset: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while offset + 8 <= len(head):
        kind, length = number(head, offset, 4, "big"), number(head, offset + 4, 4, "big")
        if kind == 0:
            break
        found.setdefault(kind, head[offset + 8 : offset + 8 + min(length, 1023)])
        offset += 8 + (length + 7) // 8 * 8
    return found


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
