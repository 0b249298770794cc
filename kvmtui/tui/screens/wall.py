"""A wall of small graphs: one figure of several guests, side by side."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.actions.registry import Keys, Place
from kvmtui.tui.render import wall as render
from kvmtui.tui.render.keys import bar_keys
from kvmtui.tui.render.wall import FIGURES, Figure, Wall
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.trends import Trends
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.sheet import Sheet
from kvmtui.tui.widgets.text_view import LineView

_LEAST_ROWS, _MOST_ROWS = 1, 8
_OWNER = "wall"


class WallScreen(AnsweringScreen):
    """One figure of several guests.

    Args:
        names: The guests; one that goes leaves the wall.
    """

    DEFAULT_CSS = """
    WallScreen { layout: vertical; }
    WallScreen #area { height: 1fr; layers: base above; }
    WallScreen #head { height: 1; }
    """
    AUTO_FOCUS = "#wall"
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("wall"))
    places: ClassVar[tuple[Place, ...]] = ("wall", "sheet")
    title_of_help = "Wall"

    def __init__(self, fleet: Fleet, keys: Keys, trends: Trends, names: list[str]) -> None:
        super().__init__()
        self.head = LineView(id="head")
        self.sheet = Sheet(choosing=True, id="wall")
        self._fleet = fleet
        self._keys = keys
        self._trends = trends
        self._names = names
        self._figure: Figure = "cpu"
        self._by_name = False
        self._rows = 2
        self._order: list[str] = []
        self._drawn_for: object = None

    def compose(self) -> ComposeResult:
        yield self.head
        with Container(id="area"):
            yield self.sheet
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Begin with what is known."""
        self._want()
        self._show()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._fleet.want_figures(_OWNER, set(), None)

    def on_resize(self, event: events.Resize) -> None:
        """As many side by side as there is room for."""
        self.call_after_refresh(self._show)

    def take_round(self, fault: str) -> None:
        """A round is over: graphs move on."""
        if self.is_mounted:
            self._want()
            self._show()

    def take_changes(self, changed: Changed) -> None:
        """Guests that are gone leave the wall."""
        self._names = [name for name in self._names if name in self._fleet.guests]
        if not self._names:
            self.dismiss()
            self.kvmtui.refuse("all these guests are gone")

    def _want(self) -> None:
        """CPU is known of every guest; what only QEMU tells is asked for where it is shown."""
        names = set(self._names) if self.is_answering and self._figure != "cpu" else set()
        self._fleet.want_figures(_OWNER, names, "columns" if names else None)

    # Drawing.

    def _guests(self) -> list[LiveGuest]:
        """The guests in their order, which changes only as the graphs move."""
        found = [self._fleet.guests[name] for name in self._names if name in self._fleet.guests]
        return render.ordered(found, self._figure, by_name=self._by_name)

    def _show(self) -> None:
        glyphs, width = self.kvmtui.glyphs, self.sheet.size.width
        if width < 2 or not self.is_mounted or not self._names:
            return
        columns = 2 * width // render.across(width)
        moved = self._trends.of(self._names[0], "cpu", render.SPAN, columns).taken
        states = [
            (name, live.view.state, live.view.pid)
            for name in self._names
            if (live := self._fleet.guests.get(name)) is not None
        ]
        drawn_for = (moved, states, self._figure, self._by_name, self._rows, width, glyphs)
        if drawn_for != self._drawn_for:
            self._drawn_for = drawn_for
            wall = Wall(self._guests(), self._trends, self._figure, self._rows, width, glyphs)
            self.sheet.show(render.bands_of(wall))
        self._show_around()

    def _show_around(self) -> None:
        order = "by name" if self._by_name else "highest first"
        more: Line = ()
        if self.sheet.held:
            more = (Span(f"   held: {self._keys.of('sheet.hold')} goes on", "warn"),)
        elif self.sheet.below:
            more = (Span(f"   {self.sheet.below} lines more below", "muted"),)
        room = self.head.size.width - width_of(more)
        glyphs = self.kvmtui.glyphs
        line = render.head_line(len(self._names), self._figure, order, glyphs, room)
        self.head.set_lines([(*line, *more)])
        keys = bar_keys(self.places, None, self.chosen, self._keys, self.kvmtui.desk)
        self.key_bar.set_keys([*keys, ("Esc", "back")], last=(self._keys.of("app.help"), "help"))

    # What a person does.

    @property
    def chosen(self) -> list[str]:
        """The guest that was chosen by j and k."""
        return [self.sheet.chosen] if self.sheet.chosen else []

    def perform(self, action_id: str) -> None:
        """Show another figure, in another order or size; open a guest."""
        if action_id == "wall.open":
            if self.sheet.chosen in self._fleet.guests:
                self.kvmtui.open_guest(self.sheet.chosen, "graphs")
            return
        if action_id.startswith("sheet."):
            self.sheet.do(action_id)
            return
        if action_id == "wall.figure":
            figures = list(FIGURES)
            self._figure = figures[(figures.index(self._figure) + 1) % len(figures)]
            self.sheet.forget_scales()
            self._want()
            self.kvmtui.look_soon()
        elif action_id == "wall.order":
            self._by_name = not self._by_name
        elif action_id in ("wall.higher", "wall.lower"):
            step = 1 if action_id == "wall.higher" else -1
            self._rows = max(_LEAST_ROWS, min(self._rows + step, _MOST_ROWS))
        self.sheet.hold(False)
        self._show()

    @on(Sheet.Chosen)
    def _chosen_changed(self) -> None:
        self._show_around()

    @on(Sheet.HoldChanged)
    def _hold_changed(self) -> None:
        self._show_around()

    @on(Sheet.CopyWanted)
    def _copy_wanted(self) -> None:
        self.copy_told(self.sheet.as_text(), "there are no figures to copy")

    @on(KeyBar.KeyClicked)
    def _key_clicked(self, event: KeyBar.KeyClicked) -> None:
        self.kvmtui.press(event.key)

    def go_up(self) -> None:
        """Back to the list."""
        self.dismiss()
