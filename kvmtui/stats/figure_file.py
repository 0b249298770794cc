"""A guest's figures in a file of fixed size, whole whenever its writer is killed.

`FILE_BYTES` are two banks of `BANK_BYTES`, written in turn and each with a checksum: what is
cut short leaves the other bank, which is a minute older. Both are reserved at first, so a
disk that is full later does not stop it. A file that is damaged, short or of somebody else
is as good as none: it is ours, and made anew by the next write. All numbers little-endian:

    8s  "kvmtuiF1"      Q  number of the write      16s  whose: a UUID
    16s boot_id         d  time.time                q    CLOCK_BOOTTIME, seconds, at the write
    q   the second that was recorded last
    16 × (d time.time, Q bytes used, Q bytes of size): the last sample of each of 16 days
    8 × (q second, q minute, H seconds of that minute, then codes: 600 seconds, mean and
         maximum of 1,440 minutes), in the order of `history.KEYS` or `HOST_KEYS`
    I   CRC-32 of all before
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import sys
import time
import uuid
import zlib
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.durable import give_to_owner_of
from kvmtui.stats.history import KEYS, MINUTES, SECONDS, Dump, TrackDump

DAYS = 16
HOST_KEYS = ("cpu", "stolen", "memory_used", "disk_read", "disk_write", "net_in", "net_out")
_MAGIC = b"kvmtuiF1"
_HEADER = struct.Struct("<8sQ16s16sdqq")
_DAY = struct.Struct("<dQQ")
_TRACK = struct.Struct("<qqH")
_CODES = SECONDS + 2 * MINUTES
_TRACK_BYTES = _TRACK.size + 2 * _CODES
_USED_BYTES = _HEADER.size + DAYS * _DAY.size + len(KEYS) * _TRACK_BYTES + 4
BANK_BYTES = -(-_USED_BYTES // 4096) * 4096
FILE_BYTES = 2 * BANK_BYTES
_NO_SECOND = -(1 << 62)
_FURTHEST_S = 1 << 40


class Day(NamedTuple):
    """What was used of a storage, as of one moment of a day."""

    time: float
    """Seconds since 1970."""
    used_bytes: int
    size_bytes: int
    """Of the file system; for a guest the sizes of its disks, 0 where not known."""


class Stamp(NamedTuple):
    """A moment by both clocks."""

    wall: float
    """Seconds since 1970."""
    second: int
    """Seconds of ``CLOCK_BOOTTIME``."""
    boot: bytes
    """Which start of the machine the second is of."""


class Content(NamedTuple):
    """What a file tells."""

    sequence: int
    owner: bytes
    stamp: Stamp
    dump: Dump
    days: tuple[Day, ...]

    def shift_s(self, now: Stamp) -> int | None:
        """How far the seconds of now are ahead of those in the file.

        Within one start of the machine its own clock tells, whoever sets the other one.

        Returns:
            None where that cannot be told: the file is of another start, and of a time
            that has not come yet.
        """
        if not self._is_in_order():
            return None
        if self.stamp.boot == now.boot:
            return 0 if self.stamp.second <= now.second + 1 else None
        age_s = now.wall - self.stamp.wall
        if not 0 <= age_s < _FURTHEST_S:
            return None
        return now.second - round(age_s) - self.stamp.second

    def _is_in_order(self) -> bool:
        """Whether nothing in it is newer than itself."""
        last = self.dump.second
        return last <= self.stamp.second + 1 and all(
            track.second <= last and 0 <= track.second // 60 - track.minute <= MINUTES
            for track in self.dump.tracks.values()
        )


def stamp_now(second: int | None = None) -> Stamp:
    """This moment.

    Args:
        second: Of ``CLOCK_BOOTTIME``, where the caller has read it.
    """
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = uuid.UUID(file.read().strip()).bytes
    if second is None:
        second = int(time.clock_gettime(time.CLOCK_BOOTTIME))
    return Stamp(time.time(), second, boot)


def owner_of(identity: str) -> bytes:
    """Whose a file is, as it is written there."""
    try:
        return uuid.UUID(identity).bytes
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, identity).bytes


def _codes(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _array(data: bytes) -> array[int]:
    values = array("H", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def packed(content: Content, keys: Sequence[str] = KEYS) -> bytes:
    """One bank."""
    stamp = content.stamp
    head = (_MAGIC, content.sequence, content.owner, stamp.boot, stamp.wall, stamp.second)
    parts = [_HEADER.pack(*head, content.dump.second)]
    days = [*content.days[-DAYS:], *[Day(0.0, 0, 0)] * DAYS][:DAYS]
    parts += [_DAY.pack(*day) for day in days]
    for index in range(len(KEYS)):
        track = content.dump.tracks.get(keys[index]) if index < len(keys) else None
        if track is None:
            parts += [_TRACK.pack(_NO_SECOND, 0, 0), bytes(2 * _CODES)]
            continue
        parts.append(_TRACK.pack(track.second, track.minute, track.minute_count))
        parts += [_codes(track.seconds), _codes(track.means), _codes(track.peaks)]
    data = b"".join(parts)
    return (data + zlib.crc32(data).to_bytes(4, "little")).ljust(BANK_BYTES, b"\0")


def unpacked(data: bytes, keys: Sequence[str] = KEYS) -> Content | None:
    """What a bank tells; None where it is not whole."""
    end = _USED_BYTES - 4
    if len(data) < _USED_BYTES or not data.startswith(_MAGIC):
        return None
    if zlib.crc32(data[:end]) != int.from_bytes(data[end:_USED_BYTES], "little"):
        return None
    _, sequence, owner, boot, wall, second, recorded = _HEADER.unpack_from(data)
    days = [Day(*_DAY.unpack_from(data, _HEADER.size + index * _DAY.size)) for index in range(DAYS)]
    tracks = {}
    offset = _HEADER.size + DAYS * _DAY.size
    for key in keys:
        newest, minute, count = _TRACK.unpack_from(data, offset)
        at = offset + _TRACK.size
        offset += _TRACK_BYTES
        if newest == _NO_SECOND:
            continue
        codes = _array(data[at:offset])
        seconds, minutes = codes[:SECONDS], codes[SECONDS:]
        parts = (seconds, minutes[:MINUTES], minutes[MINUTES:])
        tracks[key] = TrackDump(newest, minute, count, *parts)
    known = tuple(day for day in days if 0 < day.time < _FURTHEST_S)
    return Content(sequence, owner, Stamp(wall, second, boot), Dump(recorded, tracks), known)


def read(path: str, owner: bytes | None, keys: Sequence[str] = KEYS) -> Content | None:
    """The newest whole bank of a file; None where there is none, or it is another's.

    Args:
        owner: Whose it must be; None for anyone's.

    Raises:
        OSError: The file is there, and its disk does not answer.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            data = os.pread(fd, FILE_BYTES, 0)
        finally:
            os.close(fd)
        banks = [unpacked(data[at : at + BANK_BYTES], keys) for at in (0, BANK_BYTES)]
        found = [bank for bank in banks if bank is not None and owner in (None, bank.owner)]
        return max(found, key=lambda bank: bank.sequence, default=None)
    return None


def write(path: str, content: Content, keys: Sequence[str] = KEYS) -> None:
    """Write the bank whose turn it is; the caller is the only one who writes.

    Raises:
        OSError: It cannot be; what was there is still there.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise FileExistsError(17, "is no file", path)
        if found.st_size != FILE_BYTES:
            _reserve(fd, path, found.st_size)
        data, at = packed(content, keys), content.sequence % 2 * BANK_BYTES
        while data:
            written = os.pwrite(fd, data, at)
            data, at = data[written:], at + written
    finally:
        os.close(fd)


def _reserve(fd: int, path: str, before_bytes: int) -> None:
    """Give the file its size and its room on the disk, or leave it as it was."""
    try:
        os.posix_fallocate(fd, 0, FILE_BYTES)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, min(before_bytes, FILE_BYTES))
        raise
    os.ftruncate(fd, FILE_BYTES)
    if before_bytes == 0:
        give_to_owner_of(os.path.dirname(path), fd)
