"""A UDF file system, read as far as Windows' media need it: its label, and one small file.

By ECMA-167 and OSTA's UDF 1.02, in sectors of 2,048 bytes. Hostile bytes: every length and
count is bounded, and nothing is followed twice.
"""

from __future__ import annotations

import struct

from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import NamedTuple

    Sector = Callable[[int], bytes]
else:
    from kvmtui.light import NamedTuple

SECTOR = 2048
_ANCHOR = 256
_MOST_DESCRIPTORS = 32
_MOST_EXTENTS = 64
_MOST_FOLDER_BYTES = 512 << 10
_PRIMARY, _ANCHOR_POINTER, _PARTITION, _LOGICAL, _END = 1, 2, 5, 6, 8
_FILE_SET, _FILE_NAME, _FILE, _EXTENDED_FILE = 256, 257, 261, 266
_IS_FOLDER, _IS_GONE, _IS_PARENT = 2, 4, 8


class Volume(NamedTuple):
    """Where things are in a UDF file system, by sectors."""

    label: str
    """As text that is safe to show."""
    start: int
    """The first sector of its partition."""
    file_set: int
    """The descriptor of its files, counted from there."""


def read_volume(sector: Sector) -> Volume | None:
    """Find the file system; None where there is none that is read here.

    Args:
        sector: Reads one sector by its number; fewer bytes where the image ends.
    """
    anchor = sector(_ANCHOR)
    if _kind(anchor) != _ANCHOR_POINTER:
        return None
    length, first = struct.unpack_from("<II", anchor, 16)
    label, start, file_set = "", None, None
    for number in range(first, first + min(length // SECTOR, _MOST_DESCRIPTORS)):
        found = sector(number)
        kind = _kind(found)
        if kind == _PRIMARY:
            label = _text(found[24:55][: found[55]])
        elif kind == _PARTITION:
            (start,) = struct.unpack_from("<I", found, 188)
        elif kind == _LOGICAL:
            block, file_set = struct.unpack_from("<I36xI", found, 212)
            if block != SECTOR:
                return None
        elif kind is None or kind == _END:
            break
    if start is None or file_set is None:
        return Volume(label, 0, -1) if label else None
    return Volume(label, start, file_set)


def read_file(sector: Sector, volume: Volume, path: Sequence[str], most_bytes: int) -> bytes:
    """The beginning of a file; empty where it is not found.

    Args:
        path: Its folders and its name, in lower case.
    """
    if volume.file_set < 0:
        return b""
    top = sector(volume.start + volume.file_set)
    if _kind(top) != _FILE_SET:
        return b""
    (place,) = struct.unpack_from("<I", top, 404)
    for index, name in enumerate(path):
        wants_folder = index < len(path) - 1
        folder = _content(sector, volume, place, _MOST_FOLDER_BYTES)
        entries = _entries(folder)
        found = [at for at, own, is_folder in entries if own == name and is_folder == wants_folder]
        if not found:
            return b""
        place = found[0]
    return _content(sector, volume, place, most_bytes)


def _kind(data: bytes) -> int | None:
    """The kind of a descriptor; None where there is no whole one."""
    if len(data) < SECTOR or sum(data[:16]) % 256 != 2 * data[4] % 256:
        return None
    return int.from_bytes(data[:2], "little") or None


def _text(field: bytes) -> str:
    """A text of OSTA's compressed Unicode, whose first byte says how it is written."""
    encoding = {8: "latin-1", 16: "utf-16-be"}.get(field[0]) if field else None
    return visible(field[1:].decode(encoding, "replace").strip(" \0")) if encoding else ""


def _content(sector: Sector, volume: Volume, place: int, most_bytes: int) -> bytes:
    """What a file or folder holds, up to a bound."""
    entry = sector(volume.start + place)
    kind = _kind(entry)
    if kind not in (_FILE, _EXTENDED_FILE):
        return b""
    lengths = 168 if kind == _FILE else 208
    flags, size = struct.unpack_from("<H20xQ", entry, 34)
    extra, used = struct.unpack_from("<II", entry, lengths)
    size = min(size, most_bytes)
    if extra > SECTOR or used > SECTOR:
        return b""
    extents = entry[lengths + 8 + extra : lengths + 8 + extra + used]
    if flags & 7 == 3:
        return extents[:size]
    step = {0: 8, 1: 16}.get(flags & 7)
    parts: list[bytes] = []
    left = size
    for at in range(0, min(len(extents), _MOST_EXTENTS * (step or 1)), step or 1):
        if step is None or at + 8 > len(extents) or left <= 0:
            break
        length, first = struct.unpack_from("<II", extents, at)
        length = min(length & 0x3FFFFFFF, left)
        for number in range(first, first + -(-length // SECTOR)):
            parts.append(sector(volume.start + number)[: min(SECTOR, left)])
            if not parts[-1]:
                return b"".join(parts)
            left -= len(parts[-1])
    return b"".join(parts)


def _entries(folder: bytes) -> Iterator[tuple[int, str, bool]]:
    """Where each entry of a folder lies, its name in lower case, whether it is a folder."""
    at = 0
    while at + 38 <= len(folder):
        kind, flags, name_bytes, place, extra = struct.unpack_from("<H16xBB4xI8xH", folder, at)
        if kind != _FILE_NAME:
            return
        start = at + 38 + extra
        if not flags & (_IS_GONE | _IS_PARENT):
            name = _text(folder[start : start + name_bytes]).lower()
            yield place, name, bool(flags & _IS_FOLDER)
        at += -(-(38 + extra + name_bytes) // 4) * 4
