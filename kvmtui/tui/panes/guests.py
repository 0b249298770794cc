"""The Guests pane: the list, and the guest under the cursor beside or below it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.panes.guest_columns import (
    FIGURES,
    MINUTE_NARROW,
    MINUTE_WIDTH,
    WIDE,
    Minutes,
    columns_for,
)
from kvmtui.tui.panes.guest_detail import DetailView, Place
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render import guests as render
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.trends import Trends
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from kvmtui.manage.detail import GuestDetail

DetailChoice = Literal["auto", "beside", "below", "off"]

_LOW, _NARROW = 20, 80
_SETTLED_S = 0.08


class GuestsPane(ListPane):
    """All guests of the home.

    It asks for nothing itself but for figures over time: what a person wants leaves as a
    message.

    Args:
        trends: The guests' figures over time.
        detail: Where the guest under the cursor is shown.
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

    def __init__(
        self, trends: Trends, *, detail: DetailChoice = "auto", id: str | None = None
    ) -> None:
        columns = columns_for(0, "")
        super().__init__(columns, table_id="guests", marks=True, id=id)
        self._column_ids = [column.id for column in columns]
        self.detail = DetailView(trends, id="detail")
        """The guest under the cursor."""
        self._detail_choice = detail
        self._guests: Mapping[str, LiveGuest] = {}
        self._kvm_serves = ""
        self._shown: dict[str, dict[str, Line]] = {}
        self._stale: set[str] = set()
        self._minutes = Minutes(trends)

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.detail

    # What comes down.

    def take(self, guests: Mapping[str, LiveGuest]) -> None:
        """Show the guests as they are now."""
        first = bool(guests) != bool(self._guests)
        self._guests = guests
        self._minutes.keep(guests)
        if first:
            self._put_detail()
        if guests:
            self.table.set_empty([(Span("No guest has all of these words.", "muted"),)])
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
        self.table.set_empty(lines, headless=True)

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
        """Show the guests that fit the filter, and the one under the cursor.

        Rows that are more than a screen out of sight keep their old cells until one comes near.
        """
        arranged = render.arranged(self._guests, text=self.filter, sort=self._sort)
        table = self.table
        near = set(table.keys_around(screens=1))
        cells: dict[str, dict[str, Line]] = {}
        self._stale.clear()
        for live in arranged:
            name = live.view.name
            old = self._shown.get(name)
            if old is not None and name not in near:
                self._stale.add(name)
            cells[name] = old if old is not None and name not in near else self._cells_of(live)
        table.set_sort(self._sort, descending=self._sort not in ("name", "state"))
        if list(cells) != list(self._shown):
            table.set_rows([self._row(name, row) for name, row in cells.items()])
        else:
            self._update(cells)
        self._shown = cells
        self._freshen()
        self._show_detail()

    def _cells_of(self, live: LiveGuest) -> dict[str, Line]:
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        minute = self._minutes.line(live.view.name)
        return render.row_cells(live, glyphs, kvm_serves=self._kvm_serves, minute=minute)

    def _freshen(self) -> None:
        """Draw what has come into sight, or near."""
        near = self._stale.intersection(self.table.keys_around(screens=1))
        found = {name: self._cells_of(self._guests[name]) for name in near if name in self._guests}
        self._update(found)
        self._shown |= found
        self._stale -= near
        self.draw_minutes()

    def draw_minutes(self) -> None:
        """Draw the last minute of the guests that are seen, where it moved."""
        if "minute" not in self.table.shown_columns:
            return
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        width = MINUTE_WIDTH if self.size.width >= WIDE else MINUTE_NARROW
        seen = [self._guests[name] for name in self.table.keys_around() if name in self._guests]
        for name in self._minutes.draw(seen, width, glyphs):
            line = self._minutes.line(name)
            if name in self._shown:
                self._shown[name]["minute"] = line
                self.table.update_cells(name, {"minute": line})

    def move_graphs(self) -> None:
        """A round is over: graphs move on."""
        self._freshen()
        self.detail.move(time.time())

    @property
    def asked_of_qemu(self) -> set[str]:
        """The guests of which a figure is seen that only QEMU tells, and their neighbours: they
        have it when one scrolls to them. All, where rows are sorted by such a figure."""
        if self._sort in FIGURES:
            return set(self._shown)
        found = set()
        if any(column in self.table.shown_columns for column in FIGURES):
            found = set(self.table.keys_around(screens=1))
        at = self.table.cursor_key
        return found | {at} if at is not None and self.detail.display else found

    def _update(self, cells: Mapping[str, Mapping[str, Line]]) -> None:
        for name, new in cells.items():
            old = self._shown[name]
            if new is old:
                continue
            changed = {column: line for column, line in new.items() if old.get(column) != line}
            if changed:
                self.table.update_cells(
                    name, {c: changed[c] for c in self._column_ids if c in changed}
                )

    def _row(self, name: str, cells: Mapping[str, Line]) -> Row:
        return Row(name, tuple(cells[column] for column in self._column_ids))

    def sort_by(self, column: str) -> None:
        """Sort by a column, which then stays however narrow it is."""
        self._sort = column
        self._put_columns()

    def sort_next(self) -> str:
        """Sort by the next column; returns what that is called."""
        column = super().sort_next()
        return render.SORT_WORDS.get(column, column)

    def _put_columns(self) -> None:
        columns = columns_for(self.size.width, self._sort)
        self._column_ids = [column.id for column in columns]
        self.table.set_columns(columns)
        self._shown = {}
        self.show()

    def _show_detail(self) -> None:
        key = self.table.cursor_key
        self.detail.take(self._guests.get(key) if key is not None else None, time.time())

    # Size.

    def on_resize(self) -> None:
        """Put the detail where there is room for it."""
        self._put_detail()
        self._minutes.forget()
        self._put_columns()

    def _put_detail(self) -> None:
        place = self._place()
        self.set_class(place == "below", "below")
        self.detail.put(place)

    def _place(self) -> Place:
        if not self._guests:
            return "off"
        width, height = self.size
        roomy = height + 4 >= _LOW and width >= _NARROW
        if self._detail_choice in ("beside", "below", "off"):
            return self._detail_choice if roomy or self._detail_choice == "off" else "off"
        if not roomy:
            return "off"
        return "beside" if width >= WIDE else "below"

    # What a person does.

    def cursor_moved(self, key: str | None) -> None:
        """Ask for the detail of a guest that the cursor stays on."""
        self._freshen()
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
