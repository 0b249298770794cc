"""A table of which only the changed cells of the seen rows are drawn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from kvmtui.tui.spans import Line
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table_lines import Sorted
from kvmtui.tui.widgets.table_view import TableView

WHEEL_ROWS = 3


class LineTable(TableView, can_focus=True):
    """Rows under a head, with cursor and marks.

    Order and filter are the owner's: it gives rows that are sorted and filtered already.
    The head and the line with the position stand still, so the table scrolls by itself
    and has no scrollbar.

    Args:
        columns: From left to right.
        margin: The cells before the first column: cursor, mark and a blank one.
        marks: Whether rows can be marked.
    """

    DEFAULT_CSS = "LineTable { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", id="list.down", show=False),
        Binding("k,up", "move(-1)", "up", id="list.up", show=False),
        Binding("g,home", "first", "first", id="list.first", show=False),
        Binding("G,end", "last", "last", id="list.last", show=False),
        Binding("pagedown", "page(1)", "page down", id="list.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="list.page_up", show=False),
        Binding("enter", "open", "open", id="list.open", show=False),
        Binding("space", "mark", "mark", id="list.mark", show=False),
        Binding("asterisk", "mark_all", "mark all", id="list.mark_all", show=False),
    ]

    class Happened(Message):
        """Something in a table; `@on` may choose by the table."""

        def __init__(self, table: LineTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> LineTable:
            return self.table

    class CursorMoved(Happened):
        """The cursor is on another row; on none where there are no rows."""

        def __init__(self, table: LineTable, key: str | None) -> None:
            super().__init__(table)
            self.key = key

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LineTable.CursorMoved) and message.table is self.table

    class RowOpened(Happened):
        """Enter, or a double click."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    class MarksChanged(Happened):
        """Other rows are marked than before."""

        def __init__(self, table: LineTable, keys: frozenset[str]) -> None:
            super().__init__(table)
            self.keys = keys

    class SortRequested(Happened):
        """A click on a column's head."""

        def __init__(self, table: LineTable, column: str) -> None:
            super().__init__(table)
            self.column = column

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        margin: int = 3,
        marks: bool = True,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(columns, margin=margin, id=id, classes=classes)
        self._marks = marks
        self._told: tuple[str | None, frozenset[str]] = (None, frozenset())

    # What the owner asks and sets.

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as they were given, with the cells that were updated since."""
        return self._rows.rows

    @property
    def cursor_key(self) -> str | None:
        """The key of the row with the cursor."""
        return self._rows.key

    @property
    def cursor_line(self) -> int | None:
        """The widget's line with the cursor; None where it is scrolled out of sight."""
        line = self._rows.cursor - self._rows.top
        return line + 1 if 0 <= line < self._rows.seen and self._rows.rows else None

    @property
    def marked(self) -> frozenset[str]:
        """The keys of the marked rows."""
        return frozenset(self._rows.marked)

    def set_columns(self, columns: Sequence[Column], *, margin: int | None = None) -> None:
        """Show other columns; rows with their cells follow."""
        self._columns = tuple(columns)
        self._margin = self._margin if margin is None else margin
        self._arrange()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows in this order; cursor, marks and scroll place hold on to keys."""
        self._rows.seen = self._seen(len(rows))
        self._rows.replace(rows)
        keys = {row.key for row in rows}
        self._strips = {key: made for key, made in self._strips.items() if key in keys}
        self._after()

    def update_cells(self, key: str, cells: Mapping[str, Line]) -> None:
        """Change cells of one row, by the ids of their columns."""
        numbers = {column.id: number for number, column in enumerate(self._columns)}
        if self._rows.put(key, {numbers[name]: line for name, line in cells.items()}):
            index = self._rows.index_of(key)
            if index is not None and 0 <= index - self._rows.top < self._rows.seen:
                self.show_changes(only=index - self._rows.top + 1)

    def set_sort(self, column: str | None, *, descending: bool = False) -> None:
        """Say in the head what the rows are sorted by."""
        self._sorted = Sorted(column, descending)
        self.show_changes(only=0)

    def set_empty(self, lines: Sequence[Line], *, headless: bool = False) -> None:
        """What stands there instead of rows, below the head or in its place too."""
        self._empty, self._headless = tuple(lines), headless
        self.show_changes()

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        index = self._rows.index_of(key)
        if index is not None:
            self._rows.go(index)
            self._after()

    def clear_marks(self) -> None:
        """Unmark all rows."""
        self._rows.marked = set()
        self._after()

    # Keys and mouse.

    def action_move(self, rows: int) -> None:
        self._go(self._rows.cursor + rows)

    def action_page(self, pages: int) -> None:
        self._rows.scroll_to(self._rows.top + pages * self._rows.seen)
        self._go(self._rows.cursor + pages * self._rows.seen)

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._rows.rows) - 1)

    def action_open(self) -> None:
        if self._rows.key is not None:
            self.post_message(self.RowOpened(self, self._rows.key))

    def action_mark(self) -> None:
        if self._marks:
            self._rows.toggle_mark()
            self._after()

    def action_mark_all(self) -> None:
        if self._marks:
            self._rows.toggle_all()
            self._after()

    def _go(self, index: int) -> None:
        self._rows.go(index)
        self._after()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 and not self._bare:
            self._click_head(event.x)
            return
        index = self._rows.top + event.y - 1
        if 0 < event.y <= self._rows.seen and index < len(self._rows.rows):
            self._go(index)
            if event.chain == 2:
                self.action_open()

    def _click_head(self, x: int) -> None:
        for place in self._places:
            if place.column.sortable and place.reach <= x < place.x + place.width + 1:
                self.post_message(self.SortRequested(self, place.column.id))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._wheel(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._wheel(-WHEEL_ROWS)

    def _wheel(self, rows: int) -> None:
        self._rows.scroll_to(self._rows.top + rows)
        self.show_changes()

    def on_mount(self) -> None:
        self._tell()

    def on_resize(self) -> None:
        self._arrange()

    def on_focus(self) -> None:
        self.show_changes()

    def on_blur(self) -> None:
        self.show_changes()

    def _after(self) -> None:
        """Draw and tell what an action changed."""
        if self.is_mounted:
            self.show_changes()
            self._tell()

    def _tell(self) -> None:
        """Post what is new of cursor and marks."""
        key, marks = self._rows.key, self.marked
        told_key, told_marks = self._told
        self._told = (key, marks)
        if key != told_key:
            self.post_message(self.CursorMoved(self, key))
        if marks != told_marks:
            self.post_message(self.MarksChanged(self, marks))
