"""Where a qcow2 image keeps what: bytes in, plain values out."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple
else:
    from kvmtui.light import NamedTuple


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
    lazy_refcounts: bool
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
        lazy_refcounts=version >= 3 and bool(number(head, 80, 8, "big") & 1),
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
