"""What a file system, or another filling of a partition, says of itself: hostile bytes, bounded."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from typing import NamedTuple

from kvmtui.text import visible

HEAD_BYTES = 128 << 10
"""How much of a partition's beginning has all that is looked at; btrfs has it at 64 KiB."""
_LARGEST_BYTES = 1 << 63


class FileSystem(NamedTuple):
    """What a partition holds."""

    kind: str
    """As ``blkid`` calls it: ext4, xfs, btrfs, vfat, ntfs, swap, crypto_LUKS, LVM2_member …"""
    label: str = ""
    uuid: str = ""
    size_bytes: int | None = None
    """What it says that it spans; None where it does not."""


def find_file_system(head: bytes) -> FileSystem | None:
    """What the beginning of a partition, or of a whole disk, holds; None where nothing is known."""
    head = head[:HEAD_BYTES].ljust(HEAD_BYTES, b"\0")
    for look in _LOOKS:
        found = look(head)
        if found is not None:
            return found
    return None


def _text(data: bytes, encoding: str = "utf-8") -> str:
    return visible(data.split(b"\0")[0].decode(encoding, "replace").strip(), limit=60)


def _uuid(data: bytes) -> str:
    return str(uuid.UUID(bytes=data)) if any(data) else ""


def _size(count: int, unit: int) -> int | None:
    size = count * unit
    return size if 0 < size < _LARGEST_BYTES else None


def _luks(head: bytes) -> FileSystem | None:
    if head[:6] != b"LUKS\xba\xbe":
        return None
    label = _text(head[24:72]) if head[6:8] == b"\0\2" else ""
    return FileSystem("crypto_LUKS", label, _text(head[168:208]))


def _xfs(head: bytes) -> FileSystem | None:
    if head[:4] != b"XFSB":
        return None
    block, blocks = struct.unpack_from(">IQ", head, 4)
    return FileSystem("xfs", _text(head[108:120]), _uuid(head[32:48]), _size(blocks, block))


def _lvm(head: bytes) -> FileSystem | None:
    for sector in range(4):
        label = head[sector * 512 : sector * 512 + 512]
        if label[:8] == b"LABELONE" and label[24:32] == b"LVM2 001":
            return FileSystem("LVM2_member", "", _text(label[32:64]))
    return None


def _ext(head: bytes) -> FileSystem | None:
    block = head[1024:2048]
    if block[56:58] != b"\x53\xef":
        return None
    compatible, incompatible = struct.unpack_from("<II", block, 92)
    blocks, shift = struct.unpack_from("<I", block, 4)[0], struct.unpack_from("<I", block, 24)[0]
    if incompatible & 0x80:
        blocks |= struct.unpack_from("<I", block, 336)[0] << 32
    kind = "ext2"
    if incompatible & (0x40 | 0x80 | 0x200):
        kind = "ext4"
    elif compatible & 4:
        kind = "ext3"
    size = _size(blocks, 1024 << shift) if shift <= 6 else None
    return FileSystem(kind, _text(block[120:136]), _uuid(block[104:120]), size)


def _btrfs(head: bytes) -> FileSystem | None:
    block = head[65536:69632]
    if block[64:72] != b"_BHRfS_M":
        return None
    total = struct.unpack_from("<Q", block, 112)[0]
    return FileSystem("btrfs", _text(block[299:555]), _uuid(block[32:48]), _size(total, 1))


def _swap(head: bytes) -> FileSystem | None:
    if head[4086:4096] not in (b"SWAPSPACE2", b"SWAP-SPACE"):
        return None
    pages = struct.unpack_from("<I", head, 1028)[0]
    return FileSystem("swap", _text(head[1052:1068]), _uuid(head[1036:1052]), _size(pages, 4096))


def _raid(head: bytes) -> FileSystem | None:
    if head[4096:4100] != b"\xfc\x4e\x2b\xa9" and head[:4] != b"\xfc\x4e\x2b\xa9":
        return None
    start = 4096 if head[4096:4100] == b"\xfc\x4e\x2b\xa9" else 0
    name = _text(head[start + 32 : start + 64])
    return FileSystem("linux_raid_member", name, _uuid(head[start + 16 : start + 32]))


def _microsoft(head: bytes) -> FileSystem | None:
    """NTFS, exFAT and FAT, all with the boot sector's end mark."""
    if head[510:512] != b"\x55\xaa":
        return None
    sector = struct.unpack_from("<H", head, 11)[0]
    if head[3:11] == b"NTFS    ":
        sectors, serial = struct.unpack_from("<Q", head, 40)[0], head[72:80]
        return FileSystem("ntfs", "", serial[::-1].hex().upper(), _size(sectors, sector))
    if head[3:11] == b"EXFAT   ":
        sectors, shift = struct.unpack_from("<Q", head, 72)[0], head[108]
        size = _size(sectors, 1 << shift) if 9 <= shift <= 12 else None
        return FileSystem("exfat", "", _serial(head[100:104]), size)
    for at, kinds in ((82, (b"FAT32   ",)), (54, (b"FAT16   ", b"FAT12   ", b"FAT     "))):
        if head[at : at + 8] in kinds:
            few, many = struct.unpack_from("<H", head, 19)[0], struct.unpack_from("<I", head, 32)[0]
            label = _text(head[at - 11 : at], "latin-1")
            label = "" if label == "NO NAME" else label
            return FileSystem(
                "vfat", label, _serial(head[at - 15 : at - 11]), _size(few or many, sector)
            )
    return None


def _serial(data: bytes) -> str:
    text = data[::-1].hex().upper()
    return f"{text[:4]}-{text[4:]}" if any(data) else ""


def _iso(head: bytes) -> FileSystem | None:
    if head[32769:32774] != b"CD001":
        return None
    blocks = struct.unpack_from("<I", head, 32768 + 80)[0]
    return FileSystem("iso9660", _text(head[32808:32840]), "", _size(blocks, 2048))


def _squashfs(head: bytes) -> FileSystem | None:
    if head[:4] != b"hsqs":
        return None
    return FileSystem("squashfs", "", "", _size(struct.unpack_from("<Q", head, 40)[0], 1))


_LOOKS: tuple[Callable[[bytes], FileSystem | None], ...] = (
    _luks,
    _xfs,
    _lvm,
    _raid,
    _btrfs,
    _ext,
    _swap,
    _iso,
    _squashfs,
    _microsoft,
)
