"""What panes of one list share: filter, sort, what is shown, and rest while out of sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.table import LineTable


class ListPane(Pane):
    """A pane around one table.

    Args:
        columns: Of the table.
        table_id: The table's id.
        marks: Whether rows can be marked.
    """

    SORTABLE: ClassVar[tuple[str, ...]]
    """The columns by which it can be sorted, in the order of the key; the first at first."""

    def __init__(
        self, columns: Sequence[Column], *, table_id: str, marks: bool, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.table = LineTable(columns, marks=marks, id=table_id)
        """The list."""
        self._filter = ""
        self._sort = self.SORTABLE[0]

    def compose(self) -> ComposeResult:
        yield self.table

    @property
    def counts(self) -> tuple[int, int]:
        """How many rows are shown, of how many."""
        raise NotImplementedError

    def draw_rows(self) -> None:
        """Filter, sort and show the rows; for the panes to say."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the rows."""
        self.draw_rows()

    def take_focus(self) -> None:
        """The keys are the list's."""
        self.screen.set_focus(self.table)

    @property
    def filter(self) -> str:
        """The text by which rows are chosen."""
        return self._filter

    def set_filter(self, text: str) -> None:
        """Show only rows with this text."""
        self._filter = text
        self.show()

    def sort_next(self) -> str:
        """Sort by the next column; returns its name."""
        order = self.SORTABLE
        column = order[(order.index(self._sort) + 1) % len(order)]
        self.sort_by(column)
        return column

    def sort_by(self, column: str) -> None:
        """Sort by a column."""
        self._sort = column
        self.show()

    def cursor_moved(self, key: str | None) -> None:
        """The cursor is on another row; for the panes that follow it."""

    @on(LineTable.CursorMoved)
    def _cursor_moved(self, event: LineTable.CursorMoved) -> None:
        event.stop()
        self.post_message(self.ChoiceChanged())
        self.cursor_moved(event.key)

    @on(LineTable.MarksChanged)
    def _marks_changed(self, event: LineTable.MarksChanged) -> None:
        event.stop()
        self.post_message(self.ChoiceChanged())

    @on(LineTable.SortRequested)
    def _sort_requested(self, event: LineTable.SortRequested) -> None:
        event.stop()
        if event.column in self.SORTABLE:
            self.sort_by(event.column)
