"""The partition table of a disk, read by ourselves: hostile bytes, every figure bounded."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable
from typing import NamedTuple

from kvmtui.qemu.file_systems import HEAD_BYTES, FileSystem, find_file_system
from kvmtui.text import visible

Read = Callable[[int, int], bytes]
"""Reads so many bytes of a disk from an offset on; fewer at its end."""

MOST_PARTITIONS = 128
"""How many are told, and looked into."""
_LARGEST_ENTRY_BYTES = 4096
_SECTORS = (512, 4096)
_EXTENDED = (0x05, 0x0F, 0x85)
_BOOT_CODE_BYTES = 440
_BIOS_KINDS = ("BIOS boot", "FreeBSD boot")
_GPT_KINDS = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root x86-64",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root arm64",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux boot",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Windows data",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Windows reserved",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
    "83bd6b9d-7f41-11dc-be0b-001560b84f0f": "FreeBSD boot",
    "516e7cb6-6ecf-11d6-8ff8-00022d09712b": "FreeBSD UFS",
    "516e7cba-6ecf-11d6-8ff8-00022d09712b": "FreeBSD ZFS",
}
_MBR_KINDS = {
    0x01: "FAT12",
    0x04: "FAT16",
    0x06: "FAT16",
    0x07: "NTFS or exFAT",
    0x0B: "FAT32",
    0x0C: "FAT32",
    0x0E: "FAT16",
    0x27: "Windows recovery",
    0x82: "Linux swap",
    0x83: "Linux",
    0x8E: "Linux LVM",
    0xA5: "FreeBSD",
    0xEF: "EFI system",
    0xFD: "Linux RAID",
}


class Partition(NamedTuple):
    """One partition."""

    number: int
    start_bytes: int
    size_bytes: int
    kind: str
    """What the table says that it is for; not yet what is in it."""
    name: str
    file_system: FileSystem | None
    trouble: str
    """Such as ``beyond the end of the disk``; empty where nothing is wrong."""


class Table(NamedTuple):
    """What a disk is divided into."""

    kind: str
    """``gpt``, ``mbr``, or ``none``."""
    partitions: tuple[Partition, ...]
    file_system: FileSystem | None
    """What the disk holds as a whole, where it has no table."""
    trouble: str
    boot: tuple[str, ...] = ()
    """Of ``bios`` and ``uefi``: by what it is made to boot, as far as its table says."""


class _Entry(NamedTuple):
    number: int
    start: int
    size: int
    kind: str
    name: str = ""


def read_table(read: Read, size_bytes: int) -> Table:
    """Read a disk's partition table, and what is in each partition.

    Args:
        size_bytes: The size of the disk.
    """
    head = read(0, HEAD_BYTES)
    whole = find_file_system(head)
    if whole is not None and whole.kind != "iso9660":
        return Table("none", (), whole, "")
    gpt = _read_gpt(read, head, size_bytes)
    if gpt is not None:
        entries, trouble = gpt
        boot = _boot_ways(entries, bios=any(one.kind in _BIOS_KINDS for one in entries))
        return Table("gpt", _looked_into(read, entries, size_bytes), None, trouble, boot)
    if head[510:512] == b"\x55\xaa":
        entries, trouble = _read_mbr(read, head, size_bytes)
        if entries:
            boot = _boot_ways(entries, bios=any(head[:_BOOT_CODE_BYTES]))
            return Table("mbr", _looked_into(read, entries, size_bytes), None, trouble, boot)
    return Table("none", (), whole, "")


def _boot_ways(entries: list[_Entry], *, bios: bool) -> tuple[str, ...]:
    uefi = any(entry.kind == "EFI system" for entry in entries)
    return (*(["bios"] if bios else []), *(["uefi"] if uefi else []))


def _looked_into(read: Read, entries: list[_Entry], disk_bytes: int) -> tuple[Partition, ...]:
    found = []
    for entry in entries[:MOST_PARTITIONS]:
        trouble, inside = "", None
        if entry.start + entry.size > disk_bytes:
            trouble = "beyond the end of the disk"
        if entry.start < disk_bytes and not entry.kind.startswith("extended"):
            inside = find_file_system(read(entry.start, min(HEAD_BYTES, entry.size)))
        found.append(
            Partition(
                entry.number, entry.start, entry.size, entry.kind, entry.name, inside, trouble
            )
        )
    return tuple(found)


def _read_gpt(read: Read, head: bytes, size_bytes: int) -> tuple[list[_Entry], str] | None:
    """The entries of a GPT, from its copy at the end where the first is damaged."""
    is_seen = False
    for sector in _SECTORS:
        places = [(sector, "")]
        if size_bytes > 3 * sector:
            places.append((size_bytes // sector * sector - sector, "read from its copy at the end"))
        for place, trouble in places:
            if trouble and not (is_seen or _is_protective(head)):
                continue
            header = head[place : place + 92] if place < 8192 else read(place, 92)
            is_seen = is_seen or header[:8] == b"EFI PART"
            entries = _gpt_entries(read, header, sector)
            if entries is not None:
                return entries, trouble
    return ([], "its GPT is damaged") if is_seen else None


def _is_protective(head: bytes) -> bool:
    return head[510:512] == b"\x55\xaa" and 0xEE in (head[446 + 16 * i + 4] for i in range(4))


def _gpt_entries(read: Read, header: bytes, sector: int) -> list[_Entry] | None:
    if len(header) < 92 or header[:8] != b"EFI PART":
        return None
    length, checksum = struct.unpack_from("<II", header, 12)
    plain = header[:16] + bytes(4) + header[20:92]
    if length != 92 or zlib.crc32(plain) != checksum:
        return None
    at, count, size, entries_checksum = struct.unpack_from("<QIII", header, 72)
    if not 128 <= size <= _LARGEST_ENTRY_BYTES or not 0 < count <= 1024 or at > 1 << 52:
        return None
    data = read(at * sector, count * size)
    if len(data) != count * size or zlib.crc32(data) != entries_checksum:
        return None
    found = []
    for index in range(count):
        entry = data[index * size : (index + 1) * size]
        if not any(entry[:16]):
            continue
        first, last = struct.unpack_from("<QQ", entry, 32)
        if last < first or last > 1 << 52:
            continue
        kind = str(uuid.UUID(bytes_le=entry[:16]))
        name = entry[56:128].decode("utf-16-le", "replace").split("\0")[0]
        found.append(
            _Entry(
                index + 1,
                first * sector,
                (last - first + 1) * sector,
                _GPT_KINDS.get(kind, kind),
                visible(name, limit=40),
            )
        )
    return found


def _read_mbr(read: Read, head: bytes, size_bytes: int) -> tuple[list[_Entry], str]:
    found: list[_Entry] = []
    extended = 0
    for number, (kind, start, count) in enumerate(_mbr_entries(head), 1):
        if not kind or not count:
            continue
        name = "extended" if kind in _EXTENDED else _mbr_kind(kind)
        found.append(_Entry(number, start * 512, count * 512, name))
        if kind in _EXTENDED and not extended:
            extended = start
    trouble = ""
    if extended:
        logical, trouble = _logical(read, extended, size_bytes)
        found += logical
    return found, trouble


def _mbr_entries(sector: bytes) -> list[tuple[int, int, int]]:
    """Kind, first sector and count of sectors of the four places."""
    return [
        (sector[at + 4], *struct.unpack_from("<II", sector, at + 8)) for at in (446, 462, 478, 494)
    ]


def _mbr_kind(kind: int) -> str:
    return _MBR_KINDS.get(kind, f"type {kind:02x}")


def _logical(read: Read, extended: int, size_bytes: int) -> tuple[list[_Entry], str]:
    """The partitions in an extended one, which are a chain that may have no end."""
    found: list[_Entry] = []
    seen: set[int] = set()
    at = extended
    while len(found) < MOST_PARTITIONS:
        if at in seen or at * 512 >= size_bytes:
            return found, "the chain of logical partitions is damaged"
        seen.add(at)
        sector = read(at * 512, 512)
        if len(sector) < 512 or sector[510:512] != b"\x55\xaa":
            return found, "the chain of logical partitions is damaged"
        (kind, start, count), (_, following, more), *_ = _mbr_entries(sector)
        if kind and count:
            place = (at + start) * 512
            found.append(_Entry(5 + len(found), place, count * 512, _mbr_kind(kind)))
        if not following or not more:
            break
        at = extended + following
    return found, ""
