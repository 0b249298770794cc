"""The Guests pane: the list, and the guest under the cursor beside or below it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.panes.guest_detail import DetailView, Place
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render import guests as render
from kvmtui.tui.spans import Line
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from kvmtui.manage.detail import GuestDetail

DetailChoice = Literal["auto", "beside", "below", "off"]

_WIDE, _WIDEST, _LOW, _NARROW = 120, 180, 20, 80
_SETTLED_S = 0.08

_COLUMNS = (
    Column("name", "  Name", 16, flexible=True, least=14, most=24),
    Column("state", "State", 13),
    Column("cpus", "vCPU", 3, right=True, drop=6),
    Column("cpu", "CPU%", 4, right=True),
    Column("memory", "Memory", 9, drop=7),
    Column("up", "Up", 5, right=True, drop=3),
    Column("acc", "Acc", 3, drop=1),
)
_MORE_COLUMNS = (
    Column("address", "Address", 15, sortable=False),
    Column("tags", "Tags", 16, sortable=False),
)


class GuestsPane(ListPane):
    """All guests of the home.

    It asks for nothing itself: what a person wants leaves as a message.
    """

    DEFAULT_CSS = """
    GuestsPane { layout: horizontal; }
    GuestsPane.below { layout: vertical; }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("guests"))
    PLACE = "guests"
    TITLE = "Guests"
    SORTABLE = render.SORTABLE

    class ActionRequested(ListPane.Asked):
        """An action was asked for, on these guests."""

        def __init__(self, action_id: str, names: list[str]) -> None:
            super().__init__()
            self.action_id = action_id
            self.names = names

    class DetailWanted(ListPane.Asked):
        """The cursor has come to rest on a guest."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, detail: DetailChoice = "auto", id: str | None = None) -> None:
        super().__init__(_COLUMNS, table_id="guests", marks=True, id=id)
        self.detail = DetailView(id="detail")
        """The guest under the cursor."""
        self._detail_choice = detail
        self._guests: Mapping[str, LiveGuest] = {}
        self._kvm_serves = ""
        self._shown: dict[str, dict[str, Line]] = {}

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.detail

    # What comes down.

    def take(self, guests: Mapping[str, LiveGuest]) -> None:
        """Show the guests as they are now."""
        self._guests = guests
        self.show()

    def take_detail(self, detail: GuestDetail | None) -> None:
        """Show what was gathered of the guest under the cursor."""
        self.detail.take_detail(detail)

    def take_verdict(self, kvm_serves: str) -> None:
        """Emulation is told of where KVM would serve."""
        if kvm_serves != self._kvm_serves:
            self._kvm_serves = kvm_serves
            self.show()

    def set_empty(self, lines: list[Line]) -> None:
        """What stands there while there are no guests."""
        self.table.set_empty(lines)

    @property
    def chosen(self) -> list[str]:
        """The guests that an action is for: the marked ones, else the one under the cursor."""
        table = self.table
        if table.marked:
            return [row.key for row in table.rows if row.key in table.marked]
        return [table.cursor_key] if table.cursor_key is not None else []

    @property
    def counts(self) -> tuple[int, int]:
        """How many guests are shown, of how many."""
        return len(self._shown), len(self._guests)

    # Drawing.

    def draw_rows(self) -> None:
        """Show the guests that fit the filter, and the one under the cursor."""
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        arranged = render.arranged(self._guests, text=self.filter, sort=self._sort)
        cells = {
            live.view.name: render.row_cells(live, glyphs, kvm_serves=self._kvm_serves)
            for live in arranged
        }
        table = self.table
        table.set_sort(self._sort, descending=self._sort not in ("name", "state"))
        if list(cells) != list(self._shown):
            table.set_rows([self._row(live, cells[live.view.name]) for live in arranged])
        else:
            self._update(cells)
        self._shown = cells
        self._show_detail()

    def _update(self, cells: Mapping[str, Mapping[str, Line]]) -> None:
        for name, new in cells.items():
            old = self._shown[name]
            changed = {column: line for column, line in new.items() if old.get(column) != line}
            if changed:
                self.table.update_cells(name, {c: changed[c] for c in self._ids() if c in changed})

    def _row(self, live: LiveGuest, cells: Mapping[str, Line]) -> Row:
        return Row(live.view.name, tuple(cells[column] for column in self._ids()))

    def _ids(self) -> Iterable[str]:
        return [column.id for column in self._columns()]

    def _columns(self) -> tuple[Column, ...]:
        return _COLUMNS + _MORE_COLUMNS if self.size.width >= _WIDEST else _COLUMNS

    def _show_detail(self) -> None:
        key = self.table.cursor_key
        self.detail.take(self._guests.get(key) if key is not None else None, time.time())

    # Size.

    def on_resize(self) -> None:
        """Put the detail where there is room for it."""
        place = self._place()
        self.set_class(place == "below", "below")
        self.detail.put(place)
        self.table.set_columns(self._columns())
        self._shown = {}
        self.show()

    def _place(self) -> Place:
        width, height = self.size
        roomy = height + 4 >= _LOW and width >= _NARROW
        if self._detail_choice in ("beside", "below", "off"):
            return self._detail_choice if roomy or self._detail_choice == "off" else "off"
        if not roomy:
            return "off"
        return "beside" if width >= _WIDE else "below"

    # What a person does.

    def cursor_moved(self, key: str | None) -> None:
        """Ask for the detail of a guest that the cursor stays on."""
        if key is not None:
            self.set_timer(_SETTLED_S, lambda: self._settled(key))

    def _settled(self, key: str) -> None:
        if self.table.cursor_key == key:
            self._show_detail()
            self.post_message(self.DetailWanted(key))

    @on(LineTable.RowOpened)
    def _row_opened(self, event: LineTable.RowOpened) -> None:
        event.stop()
        self.post_message(self.ActionRequested("guest.open", [event.key]))
