"""A guest on a screen of its own: overview with its whole timeline, and its logs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from kvmtui.errors import KvmtuiError
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.tui.actions.keymap import NOT_OF_ONE, bindings
from kvmtui.tui.actions.registry import Keys, Place
from kvmtui.tui.panes.guest_graphs import GuestGraphs
from kvmtui.tui.render import detail as render
from kvmtui.tui.render.detail import Scene
from kvmtui.tui.render.guest_graphs import spans_line
from kvmtui.tui.render.keys import bar_keys
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.trends import Trends
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.sheet import Sheet
from kvmtui.tui.widgets.text_view import LineView

if TYPE_CHECKING:
    from kvmtui.manage.detail import GuestDetail

Part = Literal["overview", "graphs", "log", "qemu"]
_TITLES: dict[Part, str] = {
    "overview": "Overview",
    "graphs": "Graphs",
    "log": "Console log",
    "qemu": "QEMU's log",
}
_SHORT_TITLES: dict[Part, str] = {**_TITLES, "log": "Console", "qemu": "QEMU"}
"""Where the name would be cut otherwise."""
_OWNER = "graphs"
_LEAST_HEAD, _NARROW = 12, 80
_STATE = 11
"""Behind the name, ``  ● running``."""


class GuestScreen(AnsweringScreen):
    """One guest.

    Args:
        name: Which; J and K go to its neighbours.
        part: What is shown first.
    """

    DEFAULT_CSS = """
    GuestScreen { layout: vertical; }
    GuestScreen #area { height: 1fr; layers: base above; }
    GuestScreen #head { height: 2; }
    GuestScreen #body { height: 1fr; }
    """
    AUTO_FOCUS = "#body"
    title_of_help = "Guest"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("guests"),
        Binding("tab", "part(1)", "next part", show=False),
        Binding("shift+tab", "part(-1)", "previous part", show=False),
        Binding("J", "neighbour(1)", "next guest", show=False),
        Binding("K", "neighbour(-1)", "previous guest", show=False),
        Binding("slash", "search", "search a log", show=False),
    ]

    def __init__(self, fleet: Fleet, keys: Keys, trends: Trends, name: str, part: Part) -> None:
        super().__init__()
        self.graphs = GuestGraphs(trends, id="graphs")
        self.head = LineView(id="head")
        self.body = LineView(focusable=True, id="body")
        self._fleet = fleet
        self._keys = keys
        self._guest = name
        self._part: Part = part
        self._detail: GuestDetail | None = None
        self._log: list[str] = []
        self._gathered_for: object = None

    def compose(self) -> ComposeResult:
        yield self.head
        with Container(id="area"):
            yield self.body
            yield self.graphs
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Gather what is shown."""
        self._put_part()
        self.set_interval(self.kvmtui.preferences.interval_s, self._follow)

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out anew."""
        self._show()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._fleet.want_figures(_OWNER, set(), None)

    @property
    def places(self) -> tuple[Place, ...]:  # type: ignore[override]
        """Graphs and text have keys of their own."""
        return ("guests", "graphs", "sheet") if self._part == "graphs" else ("guests", "text")

    def take_round(self, fault: str) -> None:
        """A round is over: graphs move on."""
        if self._part == "graphs" and self.is_mounted:
            self._want()
            self._show_graphs()

    def _want(self) -> None:
        """Have the guest sampled closely while its graphs are looked at."""
        seen = self._part == "graphs" and self.is_answering
        self._fleet.want_figures(_OWNER, {self._guest}, "detail" if seen else None)

    def take_changes(self, changed: Changed) -> None:
        """The guest is other than before, or gone."""
        if self._guest not in changed:
            return
        if changed[self._guest] is None:
            self.dismiss()
            self.kvmtui.refuse(f"{self._guest} is gone")
            return
        self._show()
        if self._gathered_for != self._fleet.standing(self._guest):
            self._gather()

    def _follow(self) -> None:
        """A log grows without any other sign; one that cannot be read is asked for once."""
        gathering = any(one.group == "gather" and one.is_running for one in self.workers)
        if self._part in ("log", "qemu") and self.is_current and not gathering:
            self._gather()

    @work(group="gather", exclusive=True)
    async def _gather(self) -> None:
        self._gathered_for = self._fleet.standing(self._guest)
        try:
            if self._part == "graphs":
                return
            if self._part == "overview":
                self._detail = await self._fleet.detail(self._guest)
            else:
                which: Literal["console", "qemu"] = "console" if self._part == "log" else "qemu"
                self._log = await self._fleet.log_tail(self._guest, which)
        except (KvmtuiError, OSError) as error:
            self._detail, self._log = None, [str(error)]
        self._show()

    # Drawing.

    def _show(self) -> None:
        live = self._fleet.guests.get(self._guest)
        width = self.size.width
        if live is None or width < 2 or not self.is_mounted:
            return
        scene = Scene(width - 2, self.kvmtui.glyphs, time.time())
        tabs = self._tabs(_TITLES)
        if width - 4 - width_of(tabs) < len(self._guest) + _STATE:
            tabs = self._tabs(_SHORT_TITLES)
        beside = scene._replace(width=max(width - 4 - width_of(tabs), _LEAST_HEAD))
        self.head.set_lines(
            [(Span(" "), *render.head(live, beside), Span("   "), *tabs), self._second_line()]
        )
        if self._part == "graphs":
            self._show_graphs()
        else:
            self._show_body(scene)
        around = [("Tab", "part"), ("Esc", "back"), ("J K", "next guest")]
        on_log = self._part in ("log", "qemu")
        around = [("/", "search"), *around] if on_log else around
        places: tuple[Place, ...] = ("graphs", "sheet") if self._part == "graphs" else ("guests",)
        keys = bar_keys(places, live, [self._guest], self._keys, self.kvmtui.desk)
        hidden = {self._keys.of(action_id) for action_id in NOT_OF_ONE}
        if places == ("guests",):
            keys = [shown for shown in keys if shown[0] not in hidden]
        # So many that how one leaves is told, too.
        most = (3 if width < _NARROW else 5) - on_log
        self.key_bar.set_keys([*keys[:most], *around])

    def _tabs(self, titles: dict[Part, str]) -> list[Span]:
        """The parts, the one that is shown in brackets."""
        tabs: list[Span] = []
        for part, title in titles.items():
            shown = part == self._part
            words = f"[{title}]" if shown else f" {title} "
            tabs += [Span(" "), Span(words, "accent" if shown else "muted", bold=shown)]
        return tabs

    def _second_line(self) -> Line:
        """The span of time that graphs show, and that they are held."""
        if self._part != "graphs":
            return ()
        left = self.graphs.standing(self._keys.of("sheet.hold"))
        if not left and self.graphs.span == "24h" and not self._fleet.is_recorded(self._guest):
            left = (Span(" What was before this look: kvmtui watch keeps it.", "muted"),)
        return spans_line(self.graphs.span, self.size.width, left)

    def _show_graphs(self) -> None:
        live = self._fleet.guests.get(self._guest)
        host = self._fleet.host
        if live is not None:
            self.graphs.take(live, host.stolen_percent if host is not None else None)

    def _show_body(self, scene: Scene) -> None:
        live = self._fleet.guests[self._guest]
        view = self.body
        if self._part == "overview":
            lines = render.whole(live, self._detail, scene)
            view.set_lines([(Span(" "), *line) for line in lines])
            return
        empty: list[Line] = [(Span(" Nothing was written yet.", "muted"),)]
        at_end = view.top >= len(view.lines) - view.size.height
        view.set_lines([(Span(" "), Span(line)) for line in self._log] or empty)
        if at_end:
            view.action_last()

    # What a person does.

    def action_part(self, step: int) -> None:
        """Show the next or previous part."""
        parts = get_args(Part)
        self.show_part(parts[(parts.index(self._part) + step) % len(parts)])

    def show_part(self, part: Part) -> None:
        """Show a part."""
        self._part = part
        self._log = []
        self._put_part()

    def _put_part(self) -> None:
        """Show the part that was chosen, and give it the keys."""
        on_graphs = self._part == "graphs"
        self.graphs.display, self.body.display = on_graphs, not on_graphs
        self.set_focus(self.graphs if on_graphs else self.body)
        self._want()
        self._show()
        self._gather()
        if on_graphs:
            self.kvmtui.look_soon()

    def action_search(self) -> None:
        """Search all that is kept of a log."""
        if self._part not in ("log", "qemu"):
            return
        from kvmtui.tui.screens.scrollback import FewLines, ScrollbackScreen, Source

        source: Source = FewLines(self._log)
        what = "QEMU's log"
        if self._part == "log":
            source = self._fleet.console.kept_log(self._guest, width=self.size.width - 1)
            what = "the console's log"
        self.kvmtui.push_screen(ScrollbackScreen(source, self._guest, what))

    def action_neighbour(self, step: int) -> None:
        """Go to the next or previous guest."""
        names = sorted(self._fleet.guests)
        if self._guest in names:
            self._guest = names[(names.index(self._guest) + step) % len(names)]
            self._detail = None
            self.show_part(self._part)

    @property
    def chosen(self) -> list[str]:
        """The guest."""
        return [self._guest]

    def perform(self, action_id: str) -> None:
        """Do something with the guest."""
        if action_id == "guest.open":
            self.show_part("overview")
        elif action_id == "guest.log":
            self.show_part("log")
        elif action_id == "guest.graphs":
            self.show_part("graphs")
        elif action_id in ("graphs.longer", "graphs.shorter"):
            self.graphs.zoom(1 if action_id == "graphs.longer" else -1)
            self._show()
        elif action_id.startswith("sheet."):
            self.graphs.do(action_id)
        else:
            self.kvmtui.desk.perform(action_id, [self._guest])

    @on(Sheet.HoldChanged)
    def _hold_changed(self) -> None:
        self._show()

    @on(Sheet.CopyWanted)
    def _copy_wanted(self) -> None:
        self.copy_told(self.graphs.as_text(), "there are no figures to copy")

    @on(KeyBar.KeyClicked)
    def _key_clicked(self, event: KeyBar.KeyClicked) -> None:
        self.kvmtui.press(event.key)

    def go_up(self) -> None:
        """Back to the list."""
        self.dismiss()
