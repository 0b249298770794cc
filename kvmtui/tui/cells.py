"""The difference between two screens, cell by cell, as what a terminal must be sent.

A wide character owns the cell after it, whose own text is then empty; combining marks
belong to the character before them. Neither is ever written in part.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import split_graphemes
from rich.segment import Segment

from kvmtui.tui.scrolls import shift_of
from kvmtui.tui.sgr import PLAIN, Look, Looks, transition

_UNKNOWN = "\x00"
"""The text of a cell that may hold anything. No widget's cell has it: see `_FORBIDDEN`."""
_WIDEST_GAP = 4
_FORBIDDEN: dict[int, int | None] = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0))),
    **dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}
"""Control and direction characters have no cell and would drive the terminal; a surrogate
has one and cannot be encoded. Widgets show none of them: this is the last guard."""


Part = tuple[int, int, list[Segment], int, int]
"""A part of a line, as arguments of `Frame.draw`."""


class Row(NamedTuple):
    """The cells of a line, or of a part of one."""

    texts: list[str]
    looks: list[Look]


@functools.lru_cache(maxsize=2048)
def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """The marks that belong to the cell before a text, and the text's own cells."""
    text = text.translate(_FORBIDDEN)
    marks = ""
    cells: list[str] = []
    for start, end, width in split_graphemes(text)[0]:
        if width:
            cells.append(text[start:end])
            cells.extend([""] * (width - 1))
        else:
            marks += text[start:end]
    return marks, tuple(cells)


def _attach(texts: list[str], marks: str) -> None:
    """Add what has no cell of its own to the last character."""
    if texts and marks:
        owner = len(texts) - 1
        while owner and not texts[owner]:
            owner -= 1
        texts[owner] += marks


def cells_of(segments: Iterable[Segment], looks: Looks) -> Row:
    """The cells of a line of segments.

    A control segment (a picture's bytes) takes no cell: it is sent as it is, with the
    character before it, or with the first one of the line.
    """
    row = Row([], [])
    lead = ""
    for text, style, control in segments:
        if control:
            lead += "" if row.texts else text
            _attach(row.texts, text)
            continue
        if text.isascii() and text.isprintable():
            row.texts.extend(text)
            row.looks.extend([looks.of(style)] * len(text))
        else:
            marks, cells = _split(text)
            _attach(row.texts, marks)
            row.texts.extend(cells)
            row.looks.extend([looks.of(style)] * len(cells))
    if lead and row.texts:
        row.texts[0] = lead + row.texts[0]
    return row


class Shadow:
    """What the terminal shows, as far as it was told by us."""

    def __init__(self) -> None:
        self.width = 0
        self.rows: list[Row] = []

    @property
    def known(self) -> bool:
        """Whether anything is known since the last `forget`."""
        return bool(self.rows)

    def fit(self, width: int, height: int) -> bool:
        """Take a size; a new one makes everything unknown. False: it was this one."""
        if (width, height) == (self.width, len(self.rows)):
            return False
        self.width = width
        self.rows = [Row([_UNKNOWN] * width, [PLAIN] * width) for _ in range(height)]
        return True

    def forget(self) -> None:
        """The terminal may show anything: the next frame is drawn in full."""
        self.rows = []

    def forget_part(self, x: int, y: int, width: int, height: int) -> None:
        """The terminal may show anything in some cells: the next frame draws them."""
        for row in self.rows[y : y + height]:
            row.texts[x : x + width] = [_UNKNOWN] * len(row.texts[x : x + width])

    def erase(self) -> None:
        """The terminal shows nothing but blanks."""
        for row in self.rows:
            row.texts[:] = [" "] * self.width
            row.looks[:] = [PLAIN] * self.width


def _joined(new: Row, before: int, start: int) -> bool:
    """Whether to write the unchanged cells between two changes rather than to move."""
    if start - before - 1 > _WIDEST_GAP:
        return False
    look = new.looks[before]
    if any(found is not look and found != look for found in new.looks[before + 1 : start]):
        return False
    return len("".join(new.texts[before + 1 : start]).encode()) <= _WIDEST_GAP


def changed_runs(old: Row, x: int, new: Row, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The runs of cells to write, as [first, last) in the new row.

    Args:
        x: The cell of the old row at which the new one begins.
        start: The first cell of the new row that may be written.
        stop: The cell after the last.
    """
    old_texts = old.texts[x + start : x + stop]
    old_looks = old.looks[x + start : x + stop]
    if new.texts[start:stop] == old_texts and new.looks[start:stop] == old_looks:
        return
    first = last = -1
    cells = zip(new.texts[start:stop], old_texts, new.looks[start:stop], old_looks, strict=False)
    for at, (text, old_text, look, old_look) in enumerate(cells, start):
        if text == old_text and (look is old_look or look == old_look):
            continue
        if first < 0:
            first = at
        elif at > last + 1 and not _joined(new, last, at):
            yield first, last + 1
            first = at
        last = at
    yield first, last + 1


class Frame:
    """One frame in the making: compares parts of lines with the shadow and updates it."""

    def __init__(self, shadow: Shadow, looks: Looks) -> None:
        self._shadow = shadow
        self._looks = looks
        self._out: list[str] = []
        self._rows: dict[int, Row] = {}
        self._look = PLAIN
        self._x = self._y = -1

    def erase(self) -> None:
        """Blank the terminal: for a screen of mostly plain blanks that is the cheapest."""
        self._out.append("\x1b[m\x1b[2J")
        self._shadow.erase()

    def draw(self, y: int, x: int, segments: list[Segment], start: int, stop: int) -> None:
        """Send what differs in one part of a line.

        Args:
            x: The column of the part's first cell.
            segments: The whole part; it must live as long as the frame.
            start: The first column that may be written.
            stop: The column after the last.
        """
        if not 0 <= y < len(self._shadow.rows):
            return
        new = self._row(segments, self._shadow.width - x)
        self._draw_row(y, x, new, max(start - x, 0), min(stop - x, len(new.texts)))

    def _draw_row(self, y: int, x: int, new: Row, start: int, stop: int) -> None:
        old = self._shadow.rows[y]
        drawn = 0
        for first, last in changed_runs(old, x, new, start, stop):
            if last > drawn:
                first, drawn = self._whole(y, x, new, max(first, drawn), last)
                self._write(y, x + first, new, first, drawn)

    def scroll(self, parts: Iterable[Part]) -> None:
        """Have the terminal move what has only moved up, and draw what else is in its rows.

        Args:
            parts: All that will be drawn, as arguments of `draw`.
        """
        new = self._whole_rows(parts)
        found = shift_of(self._shadow.rows, new, _UNKNOWN)
        if found is None:
            return
        top, bottom, steps = found
        rows, width = self._shadow.rows, self._shadow.width
        wanted = {y: new.get(y) or _copied(rows[y]) for y in range(top, bottom + 1)}
        region = f"\x1b[m\x1b[{top + 1};{bottom + 1}r\x1b[{bottom + 1}H"
        self._out.append(region + "\n" * steps + "\x1b[r")
        self._look, self._y = PLAIN, -1
        blank = [Row([" "] * width, [PLAIN] * width) for _ in range(steps)]
        rows[top : bottom + 1] = rows[top + steps : bottom + 1] + blank
        for y, row in wanted.items():
            self._draw_row(y, 0, row, 0, width)

    def _whole_rows(self, parts: Iterable[Part]) -> dict[int, Row]:
        """Whole rows as they will be, of those that are drawn in part."""
        found: dict[int, Row] = {}
        for y, x, segments, start, stop in parts:
            if not 0 <= y < len(self._shadow.rows):
                continue
            row = found.get(y)
            if row is None:
                row = found[y] = _copied(self._shadow.rows[y])
            part = self._row(segments, self._shadow.width - x)
            start, stop = max(start, x), min(stop, x + len(part.texts))
            if start >= stop:
                continue
            if start and not row.texts[start]:
                row.texts[start - 1] = " "
            if stop < len(row.texts) and not row.texts[stop]:
                row.texts[stop] = " "
            row.texts[start:stop] = part.texts[start - x : stop - x]
            row.looks[start:stop] = part.looks[start - x : stop - x]
        return found

    def _row(self, segments: list[Segment], width: int) -> Row:
        """The cells of a part, cut at the screen's edge; made once for all its changes."""
        row = self._rows.get(id(segments))
        if row is None:
            row = self._rows[id(segments)] = cells_of(segments, self._looks)
            if 0 < width < len(row.texts) and not row.texts[width]:
                row.texts[width - 1] = " "
            del row.texts[max(width, 0) :], row.looks[max(width, 0) :]
        return row

    def _whole(self, y: int, x: int, new: Row, first: int, last: int) -> tuple[int, int]:
        """Widen a run so that no wide character, old or new, is cut by its ends."""
        old = self._shadow.rows[y]
        while first > 0 and not (new.texts[first] and old.texts[x + first]):
            first -= 1
        if first == 0 and x and not old.texts[x]:
            self._halve(y, x - 1)
        count = len(new.texts)
        while last < count and not (new.texts[last] and old.texts[x + last]):
            last += 1
        if last == count and x + last < self._shadow.width and not old.texts[x + last]:
            self._halve(y, x + last)
        return first, last

    def _halve(self, y: int, x: int) -> None:
        """Write a blank where a part beside this one had a half of a wide character."""
        look = self._shadow.rows[y].looks[x]
        self._write(y, x, Row([" "], [look]), 0, 1)

    def _write(self, y: int, x: int, new: Row, first: int, last: int) -> None:
        """Write cells [first, last) of a row at a place."""
        old = self._shadow.rows[y]
        old.texts[x : x + last - first] = new.texts[first:last]
        old.looks[x : x + last - first] = new.looks[first:last]
        for at, text in enumerate(new.texts[first:last], x):
            if text:
                self._put(y, at, text, new.looks[first + at - x])
            else:
                self._x += 1
        if self._x >= self._shadow.width:
            self._y = -1

    def _put(self, y: int, x: int, text: str, look: Look) -> None:
        if (y, x) != (self._y, self._x):
            self._move(y, x)
        if look is not self._look and not (text == " " and look.ground == self._look.ground):
            self._out.append(transition(self._look, look))
            self._look = look
        self._out.append(text)
        self._x = x + 1
        if len(text) > 1:
            # Terminals differ in how far such a character moves their cursor.
            self._y = -1
            if "\x1b" in text:
                self._out.append("\x1b[m")
                self._look = PLAIN

    def _move(self, y: int, x: int) -> None:
        steps = x - self._x
        if y == self._y and steps > 0:
            self._out.append("\x1b[C" if steps == 1 else f"\x1b[{steps}C")
        else:
            self._out.append(moved_to(x, y))
        self._x, self._y = x, y

    def text(self) -> str:
        """All that is to be sent; empty when nothing differs. The style ends plain."""
        if self._out and self._look is not PLAIN:
            self._out.append(transition(self._look, PLAIN))
            self._look = PLAIN
        return "".join(self._out)


def _copied(row: Row) -> Row:
    return Row(list(row.texts), list(row.looks))


def moved_to(x: int, y: int) -> str:
    """The escape sequence that puts the cursor on a cell."""
    if not x:
        return f"\x1b[{y + 1}H" if y else "\x1b[H"
    return f"\x1b[{y + 1};{x + 1}H"
