"""The rows of a table, its cursor, marks and scroll place; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kvmtui.tui.spans import Line


class Row(NamedTuple):
    """One row: its key is what the cursor and the marks hold on to."""

    key: str
    cells: Sequence[Line]
    """One for each column, also for those that are too narrow to be shown."""
    muted: bool = False
    """All of it is grey: it is off, or its figures are old."""

    def cell(self, number: int) -> Line:
        """The cell of a column; empty where the row has none yet."""
        return self.cells[number] if number < len(self.cells) else ()


class Rows:
    """The rows in the order of their owner, and where one stands among them.

    The cursor stays on its key when rows are sorted, filtered or removed, and on its line
    of the screen where it can; when its row is gone, the nearest neighbour has it.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.cursor = -1
        """The index of the row with the cursor; -1 without rows."""
        self.top = 0
        """The index of the first row that is seen."""
        self.marked: set[str] = set()
        self.seen = 1
        """How many rows can be seen at once."""
        self._index: dict[str, int] = {}

    @property
    def key(self) -> str | None:
        """The key of the row with the cursor."""
        return self.rows[self.cursor].key if self.rows else None

    def index_of(self, key: str) -> int | None:
        """Where a key's row is."""
        return self._index.get(key)

    def replace(self, rows: Sequence[Row]) -> None:
        """Take other rows; keys that are gone lose their mark."""
        index = {row.key: number for number, row in enumerate(rows)}
        cursor, top = self._found_again(index), self._top_again(index)
        if self.rows and self.top <= self.cursor < self.top + self.seen:
            top = cursor - (self.cursor - self.top)
        self.rows, self._index = list(rows), index
        self.marked &= index.keys()
        self.cursor = min(cursor, len(rows) - 1)
        self.scroll_to(top)

    def _found_again(self, index: Mapping[str, int]) -> int:
        """Where the cursor's row is now, or the row nearest to it that is left."""
        below = self.rows[max(self.cursor, 0) :]
        above = self.rows[: max(self.cursor, 0)]
        for row in (*below, *reversed(above)):
            if row.key in index:
                return index[row.key]
        return min(max(self.cursor, 0), max(len(index) - 1, 0))

    def _top_again(self, index: Mapping[str, int]) -> int:
        """Where the first seen row is now."""
        for row in self.rows[self.top :]:
            if row.key in index:
                return index[row.key]
        return self.top

    def put(self, key: str, cells: Mapping[int, Line]) -> bool:
        """Change cells of one row; whether anything differs now."""
        number = self._index.get(key)
        if number is None:
            return False
        row = self.rows[number]
        new = tuple(cells.get(i, cell) for i, cell in enumerate(row.cells))
        if new == row.cells:
            return False
        self.rows[number] = row._replace(cells=new)
        return True

    def scroll_to(self, top: int) -> None:
        """Let a row be the first seen; the cursor stays where it is."""
        self.top = max(min(top, len(self.rows) - self.seen), 0)

    def show_cursor(self) -> None:
        """Scroll as little as brings the cursor into sight."""
        low = self.cursor - self.seen + 1
        self.scroll_to(max(min(self.top, self.cursor), low))

    def go(self, index: int) -> None:
        """Put the cursor on a row, or on the first or last where there is no such row."""
        self.cursor = max(min(index, len(self.rows) - 1), 0 if self.rows else -1)
        self.show_cursor()

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or take its mark, and go to the next."""
        if self.key is not None:
            self.marked ^= {self.key}
            self.go(self.cursor + 1)

    def toggle_all(self) -> None:
        """Mark all rows; where all are, unmark them."""
        keys = {row.key for row in self.rows}
        self.marked = set() if self.marked == keys else keys
