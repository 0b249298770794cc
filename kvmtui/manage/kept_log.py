"""All that is kept of a guest's console log, read and searched a page at a time.

A place is where a line begins in the file. The head may be punched out: what is kept begins
where data begins. Lines are without escape sequences and blank ones; one without an end is cut.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from kvmtui.durable import open_regular
from kvmtui.guest.folder import CONSOLE_LOG
from kvmtui.guest.library import Library
from kvmtui.manage.own_thread import OwnThread
from kvmtui.qemu.events import data_from
from kvmtui.qemu.log_bounds import LARGEST_BYTES
from kvmtui.text import visible, without_escapes

MOST_FOUND = 10_000
_BLOCK_BYTES = 1 << 16
"""What is worked on at once: some milliseconds, in which no other thread has a turn."""
_COUNTED_BYTES = 1 << 20
_PAGE_BYTES = 256 << 10
_PAGE_LINES = 1000
_WIDEST, _LEAST_WIDTH = 400, 20
_SEARCH_LIMIT_S = 60.0


class Page(NamedTuple):
    """Neighbouring lines, oldest first."""

    lines: list[str]
    places: list[int]
    """Where each begins, rising."""
    is_first: bool = True
    """Whether nothing is before it."""
    is_last: bool = True


class Found(NamedTuple):
    """The lines with a text."""

    places: list[int]
    """Rising; the newest, where there are too many."""
    more: bool = False
    """Whether older ones were not looked for."""


class KeptLog:
    """The console's log of one guest; touches files in a thread of its own. `close` it.

    Every method raises StateError where the folder does not answer, OSError where the log
    is there and cannot be read.

    Args:
        width: Of a shown line, in characters; longer ones go on in the next.
    """

    def __init__(self, library: Library, name: str, *, width: int = _WIDEST) -> None:
        self._width = max(width, _LEAST_WIDTH)
        self._path = library.place(name).at(CONSOLE_LOG)
        self._thread = OwnThread(name)

    async def tail(self) -> Page:
        """The last page."""
        return await self._thread.do(lambda: _around(self._path, None, self._width))

    async def around(self, place: int) -> Page:
        """The page with a place in its middle."""
        return await self._thread.do(lambda: _around(self._path, place, self._width))

    async def count(self) -> int:
        """How many lines there are, blank ones too."""
        return await self._thread.do(lambda: count_lines(self._path))

    async def find(self, text: str) -> Found:
        """Look for a text, small and capital letters alike."""
        stop = threading.Event()
        try:
            return await self._thread.do(
                lambda: _find(self._path, text, stop), limit_s=_SEARCH_LIMIT_S
            )
        finally:
            stop.set()

    def close(self) -> None:
        """Have done with it."""
        self._thread.end(lambda: None)


def count_lines(path: str) -> int:
    """How many lines of a log are kept; none where there is no log."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return 0
    try:
        place, end = _kept(fd)
        count = 0
        while place < end and (data := os.pread(fd, _COUNTED_BYTES, place)):
            count += data.count(b"\n")
            place += len(data)
        return count
    finally:
        os.close(fd)


def _kept(fd: int) -> tuple[int, int]:
    """Where what is kept begins and ends; of a log that could not be bounded, its end."""
    size = os.fstat(fd).st_size
    return max(data_from(fd, 0), size - LARGEST_BYTES), size


def _around(path: str, place: int | None, width: int) -> Page:
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return Page([], [])
    try:
        first, end = _kept(fd)
        place = end if place is None else min(max(place, first), end)
        before, is_first = _before(fd, first, place)
        after, is_last = _after(fd, place, end)
    finally:
        os.close(fd)
    lines, places = [], []
    for at, raw in (*before, *after):
        for line in shown_lines(raw, width):
            lines.append(line)
            places.append(at)
    return Page(lines, places, is_first, is_last)


def _before(fd: int, first: int, place: int) -> tuple[list[tuple[int, bytes]], bool]:
    """The lines before a place, and whether they are all of them."""
    begin = max(first, place - _PAGE_BYTES)
    found: list[tuple[int, bytes]] = []
    while place > begin and len(found) <= _PAGE_LINES:
        place, block = _block_before(fd, first, place)
        found = _lines_of(block, place) + found
    return found[-_PAGE_LINES:], place <= first and len(found) <= _PAGE_LINES


def _after(fd: int, place: int, end: int) -> tuple[list[tuple[int, bytes]], bool]:
    """The lines from a place on, and whether they are all of them."""
    data = os.pread(fd, _PAGE_BYTES, place)
    is_last = place + len(data) >= end
    if not is_last:
        data = data[: data.rfind(b"\n") + 1] or data
    found = _lines_of(data, place)
    return found[:_PAGE_LINES], is_last and len(found) <= _PAGE_LINES


def _block_before(fd: int, first: int, end: int) -> tuple[int, bytes]:
    """The lines that end at a place, a block of them, and where they begin."""
    begin = max(first, end - _BLOCK_BYTES)
    data = os.pread(fd, end - begin, begin)
    cut = data.find(b"\n", 0, len(data) - 1) + 1 if begin > first else 0
    return begin + cut, data[cut:]


def _lines_of(block: bytes, place: int) -> list[tuple[int, bytes]]:
    found = []
    for raw in block.split(b"\n"):
        if raw.strip():
            found.append((place, raw))
        place += len(raw) + 1
    return found


def shown_lines(raw: bytes, width: int = _WIDEST) -> list[str]:
    """What is shown of a line, which may have returned to its begin; a long one is parted."""
    return [
        visible(line[at : at + width], limit=width)
        for line in _plain(raw).replace("\r", "\n").split("\n")
        if line.strip()
        for at in range(0, len(line), width)
    ]


def _plain(data: bytes) -> str:
    return without_escapes(data).replace(b"\t", b" ").decode("utf-8", "replace")


def _find(path: str, text: str, stop: threading.Event) -> Found:
    wanted = text.casefold()
    found: deque[int] = deque()
    for place, block in _blocks_back(path):
        if stop.is_set():
            break
        # Only where it is in the block at all is each line looked at.
        if wanted not in _plain(block).casefold():
            continue
        for at, raw in reversed(_lines_of(block, place)):
            if wanted in _plain(raw).casefold():
                found.appendleft(at)
        if len(found) >= MOST_FOUND:
            return Found(list(found)[-MOST_FOUND:], more=True)
    return Found(list(found))


def _blocks_back(path: str) -> Iterator[tuple[int, bytes]]:
    """All that is kept, the newest block first."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return
    try:
        first, end = _kept(fd)
        while end > first:
            end, block = _block_before(fd, first, end)
            yield end, block
    finally:
        os.close(fd)
