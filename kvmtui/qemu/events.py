"""The event recorder: QEMU itself writes every QMP event to a file, with nobody there.

A monitor on a pipe chardev: ``run/events.in`` is a FIFO, ``run/events.out`` a link to
``../events.jsonl``. ``qmp_capabilities`` lies in the FIFO before QEMU starts, through a
descriptor that QEMU inherits, so there is no gap if the starter dies in between.
The standard library alone: `list` reads the tail of this file for each guest.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from kvmtui import light_json as json
from kvmtui.durable import give_to_owner_of, open_regular
from kvmtui.guest.history import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

LARGEST_BYTES = 16 << 20
"""Beyond this the record's head is cut off by a hole."""
AGENT_PORT = "agentport"
"""Id of the guest agent's port in VSERPORT_CHANGE."""
_RESERVED_AT_START = 1 << 20
_RESERVED_AHEAD = 256 << 10
_BLOCK = 64 << 10
_RESERVE, _PUNCH = 0x4030582A, 0x4030582B
"""FS_IOC_RESVSP64 and FS_IOC_UNRESVSP64 of linux/falloc.h: any file system's fallocate."""
_SPACE = "=hh4xqqiI16x"
"""struct space_resv: type, whence, start, length."""
_NEGOTIATE = b'{"execute":"qmp_capabilities"}\n'

_CANNOT = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY)
_STATE_EVENTS = (b'"event": "STOP"', b'"event": "RESUME"', b'"event": "SHUTDOWN"')


class Event:
    """One QMP event.

    Attributes:
        time: Seconds since 1970, by the host's clock.
        name: Such as ``SHUTDOWN``.
        data: Its members; guest-made text in it is hostile.
    """

    __slots__ = ("data", "name", "time")

    def __init__(self, time: float, name: str, data: dict[str, Any]) -> None:
        self.time = time
        self.name = name
        self.data = data


def prepare(run: str, record: str) -> int:
    """Lay out the recorder for a new run; the record of the last one is emptied.

    1 MiB of the disk is reserved: on a full disk QEMU would silently drop the very
    STOP that tells of it.

    Returns:
        A descriptor of the FIFO that QEMU must inherit.

    Raises:
        OSError: No room, or no right to write here.
    """
    fd = open_regular(record, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
    try:
        give_to_owner_of(os.path.dirname(record), fd)
        _reserve(fd, 0)
    finally:
        os.close(fd)
    pipe = f"{run}/events.in"
    os.mkfifo(pipe, 0o600)
    give_to_owner_of(run, pipe)
    os.symlink(f"../{os.path.basename(record)}", f"{run}/events.out")
    give_to_owner_of(run, f"{run}/events.out")
    fifo = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    os.write(fifo, _NEGOTIATE)
    return fifo


def _reserve(fd: int, offset: int) -> None:
    """Reserve room from ``offset`` on; the file stays as long as it is."""
    _space(fd, _RESERVE, offset, _RESERVED_AT_START)


def _space(fd: int, request: int, offset: int, length: int) -> None:
    """``fallocate(2)`` by its ioctl: calling the function would take ctypes, 1.4 ms to import.

    A file system that cannot do it is left as it is.
    """
    space = struct.pack(_SPACE, 0, os.SEEK_SET, offset, length, 0, 0)
    try:
        fcntl.ioctl(fd, request, space)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def keep_bounds(record: str, *, largest_bytes: int = LARGEST_BYTES) -> None:
    """Reserve room ahead of QEMU's writing, and punch a hole where the record is too long.

    Called by whoever reads a live guest's record; costs one stat when all is well.
    """
    stat = os.stat(record)
    allocated = stat.st_blocks * 512
    if allocated <= largest_bytes and _room_ahead(stat) >= _RESERVED_AHEAD:
        return
    fd = open_regular(record, os.O_RDWR | os.O_NOFOLLOW)
    try:
        if allocated > largest_bytes:
            punch_head(fd, max(0, stat.st_size - largest_bytes // 2))
        if _room_ahead(stat) < _RESERVED_AHEAD:
            _reserve(fd, stat.st_size)
    finally:
        os.close(fd)


def _room_ahead(stat: os.stat_result) -> int:
    """What is allocated beyond the end, at the least; a file with a hole looks smaller."""
    return stat.st_blocks * 512 - stat.st_size


def punch_head(fd: int, end: int) -> None:
    """Free the blocks before an offset; the file stays as long as it is, and reads as zeros.

    A file system that cannot do it leaves it as it is.

    Raises:
        OSError: The disk refuses.
    """
    _space(fd, _PUNCH, 0, end // 4096 * 4096)


def data_from(fd: int, offset: int) -> int:
    """Where data begins that is not punched out, from an offset on."""
    try:
        return os.lseek(fd, offset, os.SEEK_DATA)
    except OSError:
        return offset


def _first_data(fd: int) -> int:
    return data_from(fd, 0)


def tail_offset(record: Path | str, tail_bytes: int) -> int:
    """Where the last bytes of a record begin, behind its hole; the line this cuts is skipped."""
    try:
        fd = open_regular(record, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        size = os.fstat(fd).st_size
        return max(size - tail_bytes, min(_first_data(fd), size))
    finally:
        os.close(fd)


def last_state_event(record: str) -> tuple[str | None, bool]:
    """The last of STOP, RESUME and SHUTDOWN in a record, read from its end.

    Event names stand between plain quotes; quotes in what a guest says are escaped,
    so no guest can forge one.

    Returns:
        The event's name or None, and whether QEMU ever wrote to the record.
    """
    try:
        fd = open_regular(record, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None, False
    try:
        size = os.fstat(fd).st_size
        end, overlap = size, b""
        start_of_data = _first_data(fd) if size > _BLOCK else 0
        while end > start_of_data:
            start = max(start_of_data, end - _BLOCK)
            block = os.pread(fd, end - start, start) + overlap
            position, event = max((block.rfind(name), name) for name in _STATE_EVENTS)
            if position >= 0:
                return event.split(b'"')[3].decode(), True
            overlap, end = block[:32], start
        return None, size > 0
    finally:
        os.close(fd)


def read_events(record: Path | str, *, start: int = 0) -> Iterator[tuple[Event, int]]:
    """The events of a record, oldest first, each with the offset behind it.

    A line that does not parse (a write that was cut short by a full disk) is read from
    its last ``{"timestamp"``; a torn last line is not yet written.

    Args:
        start: Offset to begin at, as given by an earlier call.
    """
    try:
        fd = open_regular(record, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(fd, "rb") as file:
        if start == 0:
            start = _first_data(fd)
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            event = _parse(line)
            if event is not None:
                yield event, start


def event_entry(event: Event) -> dict[str, Any]:
    """An event as a guest's history keeps it."""
    return {"time": iso_time(event.time), "event": event.name, "data": event.data}


def _parse(line: bytes) -> Event | None:
    message = _json(line)
    if message is None:
        message = _json(line[line.rfind(b'{"timestamp"') :])
    try:
        stamp = message["timestamp"]
        seconds = stamp["seconds"] + stamp["microseconds"] / 1e6
        return Event(seconds, str(message["event"]), dict(message.get("data", {})))
    except (KeyError, TypeError, ValueError):
        return None


def _json(line: bytes) -> Any:
    try:
        return json.loads(line.strip(b"\0 \r\n"))
    except ValueError:
        return None
