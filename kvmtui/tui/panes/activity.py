"""The Activity pane: what is and was done, by this and every other kvmtui."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from kvmtui.manage.views import OperationView
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.panes.install_screen import InstallScreen
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render import activity as render
from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable

_WIDE, _ROOMY, _NARROW = 120, 96, 80
_MOVING: tuple[str, ...] = ("rate", "left")


def _columns(width: int, moving: bool) -> tuple[Column, ...]:
    """Rate and time left stand there only while something has them."""
    wide, narrow = width >= _WIDE, width < _NARROW
    least = 9 if narrow else 14
    columns = (
        Column("started", "Started", 12, drop=4),
        Column("what", "  What", 38 if wide else 14 if narrow else 20 if width < _ROOMY else 24),
        Column("guest", "Guest", 8 if narrow else 12 if width < _ROOMY else 14),
        Column(
            *("progress", "Progress", 30),
            flexible=True,
            least=least,
            most=72,
            sortable=False,
            spills=True,
        ),
        Column("rate", "Rate", 4, right=True, sortable=False, drop=2),
        Column("left", "Left", 6, right=True, sortable=False, drop=3),
        Column("by", "By", 10, drop=1),
    )
    gone = () if moving else _MOVING
    # Where it is narrow a reason says more than who asked.
    gone += () if width >= _ROOMY else ("by",)
    return tuple(one for one in columns if one.id not in gone)


_MOST = 500


class ActivityPane(ListPane):
    """Operations of all guests, running ones first."""

    DEFAULT_CSS = "ActivityPane { layout: vertical; } ActivityPane LineTable { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("activity"))
    PLACE = "activity"
    TITLE = "Activity"
    SORTABLE = render.SORTABLE

    class OutputRequested(ListPane.Asked):
        """Enter on an operation: go to its guest's log."""

        def __init__(self, operation: OperationView) -> None:
            super().__init__()
            self.operation = operation

    class CursorRests(ListPane.Asked):
        """The cursor is on another operation."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(_columns(_WIDE, False), table_id="operations", marks=False, id=id)
        self.table.set_empty([(Span("Nothing runs, nothing has run."),)])
        self.install_screen = InstallScreen(id="install-screen")
        """The display of the guest under the cursor while it is being installed."""
        self._operations: list[OperationView] = []
        self._failures = False
        self._columns_are: tuple[int, bool] | None = None
        self._shown: dict[str, OperationView] = {}

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.install_screen

    @property
    def counts(self) -> tuple[int, int]:
        """How many operations are shown, of how many."""
        return len(self._shown), len(self._operations)

    def take(self, operations: list[OperationView]) -> None:
        """Show the operations as they are now."""
        self._operations = operations
        self.show()

    def draw_rows(self) -> None:
        """Show the operations that fit the filter; times go on."""
        arranged = render.arranged(
            self._operations, text=self.filter, failures=self._failures, sort=self._sort
        )[:_MOST]
        self._shown = {f"{one.guest}/{one.id}": one for one in arranged}
        glyphs, now = self.app.glyphs, time.time()  # type: ignore[attr-defined]
        moving = any(one.percent is not None for one in arranged if one.result == "running")
        columns = _columns(self.size.width, moving)
        if (self.size.width, moving) != self._columns_are:
            self._columns_are = (self.size.width, moving)
            self.table.set_columns(columns)
        width = self.size.width
        bar_cells = 22 if width >= _WIDE else 3 if width < _NARROW else 8
        rows = []
        for key, one in self._shown.items():
            cells = render.operation_cells(one, glyphs, now, bar_cells)
            rows.append(Row(key, tuple(cells[column.id] for column in columns)))
        self.table.set_sort(self._sort, descending=self._sort == "started")
        self.table.set_rows(rows)

    def on_resize(self) -> None:
        """Where it is wide there is room for what is done to which image."""
        self._columns_are = None
        self.install_screen.fit(*self.size)
        self.show()

    def cursor_moved(self, key: str | None) -> None:
        """What is shown of its guest follows."""
        self.post_message(self.CursorRests())

    @property
    def under_cursor(self) -> OperationView | None:
        """The operation under the cursor."""
        key = self.table.cursor_key
        return self._shown.get(key) if key is not None else None

    def switch_failures(self) -> None:
        """Show failures only, or all again."""
        self._failures = not self._failures
        self.show()

    @on(LineTable.RowOpened)
    def _row_opened(self, event: LineTable.RowOpened) -> None:
        event.stop()
        if self.under_cursor is not None:
            self.post_message(self.OutputRequested(self.under_cursor))
