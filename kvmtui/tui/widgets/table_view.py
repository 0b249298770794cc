"""A table's lines: what is seen of the rows, and where that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.geometry import Region, Size
from textual.strip import Strip

from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.base import LineWidget, Part, Parts
from kvmtui.tui.widgets.columns import Column, Place, lay_out
from kvmtui.tui.widgets.rows import Row, Rows
from kvmtui.tui.widgets.table_lines import (
    Look,
    Sorted,
    filled,
    head_line,
    position_line,
    row_line,
)


class _RowLine(NamedTuple):
    """What a row's line on the screen was made from."""

    row: Row
    look: Look


class TableView(LineWidget):
    """Draws rows under a head; only cells that changed are drawn again."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        margin: int = 3,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._margin = margin
        self._places: tuple[Place, ...] = ()
        self._rows = Rows()
        self._sorted = Sorted()
        self._empty: tuple[Line, ...] = ()
        self._headless = False
        self._drawn: dict[int, _RowLine | Parts] = {}
        self._strips: dict[str, tuple[_RowLine, Strip]] = {}

    @property
    def _bare(self) -> bool:
        """Whether nothing but a text is shown."""
        return self._headless and not self._rows.rows

    def _seen(self, rows: int) -> int:
        """How many rows can be seen; where they do not all fit, the last line tells so."""
        height = self.size.height - 1
        return max(height - 1 if rows > height > 1 else height, 1)

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """The columns that there is room for."""
        return tuple(place.column.id for place in self._places)

    def keys_around(self, screens: int = 0) -> list[str]:
        """The keys of the rows that are seen, and of as many screens above and below."""
        rows = self._rows
        more = screens * rows.seen
        return [row.key for row in rows.rows[max(rows.top - more, 0) : rows.top + rows.seen + more]]

    def _arrange(self) -> None:
        self._places = lay_out(self._columns, self.size.width, self._margin)
        self._rows.seen = self._seen(len(self._rows.rows))
        self.forget()
        self._rows.show_cursor()
        self.refresh()

    def show_changes(self, *, only: int | None = None) -> None:
        """Draw again the cells that differ from what is on the screen.

        Args:
            only: The one line of the widget where something may differ.
        """
        if not self.is_mounted:
            return
        regions: list[Region] = []
        size = self.size
        for y in range(size.height) if only is None else range(only, only + 1):
            old, new = self._drawn.get(y), self._made_from(y, size)
            if old != new:
                self._drawn[y] = new
                regions += self._regions(y, old, new)
        if regions:
            self.refresh(*regions)

    def _regions(self, y: int, old: object, new: object) -> list[Region]:
        """Where a line differs: some cells of the same row, else all of it."""
        if isinstance(old, _RowLine) and isinstance(new, _RowLine) and _alike(old, new):
            before = {place.number: end for place, end in filled(old.row, self._places)}
            return [
                Region(place.reach, y, max(end, before.get(place.number, end)) - place.reach, 1)
                for place, end in filled(new.row, self._places)
                if old.row.cell(place.number) != new.row.cell(place.number)
                or before.get(place.number) != end
            ]
        return [Region(0, y, self.size.width, 1)]

    def _made_from(self, y: int, size: Size) -> _RowLine | Parts:
        """What a line of the widget is to be made from."""
        rows = self._rows
        index = rows.top + y - 1
        if not rows.rows:
            return self._empty_line(y)
        if y == 0:
            return head_line(self._places, self._sorted, self.glyphs)
        if y <= rows.seen and index < len(rows.rows):
            row = rows.rows[index]
            at_cursor = index == rows.cursor
            look = Look(at_cursor, at_cursor and self.has_focus, row.key in rows.marked)
            return _RowLine(row, look)
        if y == size.height - 1 and len(rows.rows) > rows.seen:
            return position_line(rows.top, rows.seen, len(rows.rows), size.width)
        return ()

    def _empty_line(self, y: int) -> Parts:
        if y == 0 and not self._headless:
            return head_line(self._places, self._sorted, self.glyphs)
        index = y if self._headless else y - 1
        line = self._empty[index] if index < len(self._empty) else ()
        return (Part((Span(" " * self._margin), *line)),)

    def render_line(self, y: int) -> Strip:
        self._drawn_with = (self.palette, self.glyphs)
        size = self.size
        made = self._drawn[y] = self._made_from(y, size)
        if not isinstance(made, _RowLine):
            return self.strip(made, size.width)
        kept = self._strips.get(made.row.key)
        if kept is not None and kept[0] == made:
            return kept[1]
        strip = self.strip(row_line(made.row, made.look, self._places, self.glyphs), size.width)
        self._strips[made.row.key] = (made, strip)
        return strip

    def forget(self) -> None:
        super().forget()
        self._drawn.clear()
        self._strips.clear()


def _alike(old: _RowLine, new: _RowLine) -> bool:
    """Whether two lines can differ in their cells only."""
    return old.look == new.look and old.row.key == new.row.key and old.row.muted == new.row.muted
