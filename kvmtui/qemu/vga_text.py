"""The VGA text screen: text memory found by the picture it makes.

Text memory (at 0xb8000) is 32 KiB, of which a screen is a part: Linux scrolls by
moving where it begins. The registers that say so can be read only by changing another, which
a guest may be using at that moment. So nothing is touched: the picture (``screendump``) is cut
into cells, and the begin is right where equal characters have equal pictures. A graphics mode
has no such place, which is how it is told apart.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Set
from typing import NamedTuple

from kvmtui.qemu.monitor import Monitor
from kvmtui.qemu.picture import Picture

TEXT_ADDRESS = 0xB8000
WINDOW_BYTES = 32 << 10
_COLUMNS = (80, 40, 132, 90, 100, 94, 160)
_CELL_HEIGHTS = (16, 8, 14, 15, 12, 10, 11, 22, 32)
_CELL_WIDTHS = (9, 8, 16, 18)
_MOST_WRONG = 0.04
_SURE = 5
"""No wrong place of a real screen has so few cells that do not fit."""
_LOW = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
_TABLE = _LOW + bytes(range(32, 127)).decode() + "⌂" + bytes(range(128, 256)).decode("cp437")
GLYPHS = _TABLE.replace("\xa0", " ")
"""Code page 437 as it is drawn: 256 characters, each printable."""
_BLANK = frozenset(b"\0 \xff")
_BIOS_MODE = 0x449
_BIOS_TEXT_MODES = (0, 1, 2, 3, 7)


class Place(NamedTuple):
    """Where in text memory the screen is, and its size."""

    offset: int
    """In bytes."""
    columns: int
    rows: int

    @property
    def size_bytes(self) -> int:
        """What the screen takes of the memory."""
        return self.columns * self.rows * 2


class TextScreen(NamedTuple):
    """A text screen."""

    columns: int
    rows: int
    cells: bytes
    """Character (code page 437) and attribute, two bytes a cell, row by row."""
    cursor: tuple[int, int] | None = None
    """Column and row; None where it is hidden, or was not seen."""

    def line(self, row: int) -> str:
        """One row as text, trailing blanks included."""
        width = self.columns * 2
        return "".join(GLYPHS[c] for c in self.cells[row * width : (row + 1) * width : 2])

    def lines(self) -> list[str]:
        """All rows as text, without trailing blanks."""
        return [self.line(row).rstrip() for row in range(self.rows)]

    def attributes(self, row: int) -> bytes:
        """The attributes of a row: foreground in the low four bits, background above."""
        width = self.columns * 2
        return self.cells[row * width + 1 : (row + 1) * width : 2]


async def is_text_by_bios(monitor: Monitor) -> bool:
    """Whether the BIOS last set a text mode: all that tells an empty one from empty graphics."""
    return (await monitor.memory.read(_BIOS_MODE, 1))[0] in _BIOS_TEXT_MODES


class _Cells:
    """A picture cut into cells."""

    def __init__(self, picture: Picture, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        width, height = picture.width // columns * 3, picture.height // rows
        stride = picture.width * 3
        self.bitmaps: list[bytes] = []
        rgb = picture.rgb
        for row in range(rows):
            lines = [
                rgb[(row * height + y) * stride : (row * height + y + 1) * stride]
                for y in range(height)
            ]
            for at in range(0, columns * width, width):
                self.bitmaps.append(b"".join([line[at : at + width] for line in lines]))
        colours = {bitmap: _colours(bitmap) for bitmap in set(self.bitmaps)}
        self.is_plain = [colours[bitmap] == 1 for bitmap in self.bitmaps]
        self.is_text = sum(colours[bitmap] > 2 for bitmap in self.bitmaps) < len(self.bitmaps) / 50
        """Whether next to no cell has more than a foreground and a background."""

    def wrong(self, cells: bytes, most: int) -> list[int]:
        """The cells whose picture is not that of their character; more than ``most`` is enough.

        Args:
            cells: Text memory from where the screen may begin.
        """
        found = []
        pictures: dict[int, Counter[bytes]] = defaultdict(Counter)
        words = struct.unpack_from(f"<{len(self.bitmaps)}H", cells)
        for index, word in enumerate(words):
            code = word & 0xFF
            hidden = (word >> 8) & 0xF == word >> 12
            if (code in _BLANK or hidden) != self.is_plain[index] and (
                code in _BLANK or (0x20 < code < 0x7F and not hidden)
            ):
                found.append(index)
                if len(found) > most:
                    return found
            else:
                pictures[word][self.bitmaps[index]] += 1
        usual = {word: counter.most_common(1)[0][0] for word, counter in pictures.items()}
        seen = set(found)
        found += [
            index
            for index, word in enumerate(words)
            if index not in seen and self.bitmaps[index] != usual[word]
        ]
        return found


def _colours(bitmap: bytes) -> int:
    """How many colours it has: 1, 2, or 3 for any more."""
    first = bitmap[:3]
    count = len(bitmap) // 3
    if bitmap == first * count:
        return 1
    return min(3, len({bitmap[at : at + 3] for at in range(0, len(bitmap), 3)}))


def sizes_of(picture: Picture) -> list[tuple[int, int]]:
    """The text sizes, columns and rows, that a picture of this size may have."""
    found = []
    for width in _CELL_WIDTHS:
        for height in _CELL_HEIGHTS:
            if picture.width % width or picture.height % height:
                continue
            size = picture.width // width, picture.height // height
            fits = size[0] * size[1] * 2 <= WINDOW_BYTES and size[1] >= 12
            if size[0] in _COLUMNS and fits and size not in found:
                found.append(size)
    return found


def locate(
    memory: bytes,
    picture: Picture,
    before: Place | None = None,
    *,
    empty_is_text: bool = True,
    unsettled: Set[int] = frozenset(),
) -> tuple[Place, tuple[int, int] | None] | None:
    """Find the text screen that a picture shows.

    Args:
        memory: All of text memory.
        before: Where it was last.
        empty_is_text: Whether a picture of nothing is taken for a text screen.
        unsettled: The cells of that place which changed meanwhile: they need not fit.

    Returns:
        Its place, and the cursor's; None where the picture is of no text mode.
    """
    best: tuple[float, Place, list[int]] | None = None
    for columns, rows in sizes_of(picture):
        cells = _Cells(picture, columns, rows)
        if not cells.is_text:
            continue
        if all(cells.is_plain) and (picture.height > 400 or not empty_is_text):
            continue
        found = _begin(cells, memory, before, unsettled)
        if found is None:
            continue
        start, wrong = found
        codes = memory[start : start + columns * rows * 2 : 2]
        shown = len(codes.translate(None, bytes(_BLANK)))
        if not shown and (picture.height > 400 or not empty_is_text):
            continue
        if len(wrong) > max(1, shown // 2):
            # Blank memory under a picture of next to nothing: no text that is seen says so.
            continue
        share = len(wrong) / (columns * rows)
        if best is None or share < best[0]:
            best = share, Place(start, columns, rows), wrong
        if len(wrong) <= _SURE:
            break
    if best is None:
        return None
    return best[1], _cursor(best[2], best[1].columns)


def _begin(
    cells: _Cells, memory: bytes, before: Place | None, unsettled: Set[int]
) -> tuple[int, list[int]] | None:
    """Where a screen of this size begins in memory, and the cells that do not fit."""
    columns, rows = cells.columns, cells.rows
    size = columns * rows * 2
    most = max(2, int(columns * rows * _MOST_WRONG))
    starts = list(range(0, WINDOW_BYTES - size + 1, columns * 2))
    if before is not None and (before.columns, before.rows) == (columns, rows):
        starts.sort(key=lambda start: abs(start - before.offset))
    best: tuple[int, list[int]] | None = None
    for start in starts:
        wrong = cells.wrong(memory[start : start + size], most)
        if before is not None and start == before.offset:
            wrong = [index for index in wrong if index not in unsettled]
        if len(wrong) <= most and (best is None or len(wrong) < len(best[1])):
            best = start, wrong
            if len(wrong) <= _SURE:
                break
    return best


def _cursor(wrong: list[int], columns: int) -> tuple[int, int] | None:
    """The one cell that looks otherwise than its character."""
    return (wrong[0] % columns, wrong[0] // columns) if len(wrong) == 1 else None
