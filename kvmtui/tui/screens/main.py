"""The main screen: the frame, and the panes in it."""

from __future__ import annotations

import os
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import ContentSwitcher

from kvmtui.errors import KvmtuiError
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.manage.preferences import Preferences
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.actions.registry import Keys, Place
from kvmtui.tui.panes.activity import ActivityPane
from kvmtui.tui.panes.guests import GuestsPane
from kvmtui.tui.render import frame
from kvmtui.tui.render.keys import bar_keys
from kvmtui.tui.render.welcome import first_start
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.widgets.title_bar import Tab, TitleBar

_PANES = {"pane.guests": "guests-pane", "pane.activity": "activity-pane"}
_LOW = 30


class MainScreen(AnsweringScreen):
    """Frame and panes; what a person does goes to the desk.

    Args:
        fleet: What is shown.
        keys: The keys in force.
        preferences: The user's settings.
    """

    DEFAULT_CSS = """
    MainScreen { layout: vertical; }
    MainScreen #area { height: 1fr; layers: base above; }
    MainScreen #trouble { height: 1; }
    MainScreen #trouble.roomy { height: 2; }
    MainScreen #panes { height: 1fr; }
    """
    AUTO_FOCUS = "#guests"
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("main"))

    def __init__(self, fleet: Fleet, keys: Keys, preferences: Preferences) -> None:
        super().__init__()
        self.title_bar = TitleBar(id="title")
        self.trouble = LineView(id="trouble")
        self.guests = GuestsPane(detail=preferences.detail, id="guests-pane")
        """The pane of the guests."""
        self.activity = ActivityPane(id="activity-pane")
        """The pane of the operations."""
        self.switcher = ContentSwitcher(initial="guests-pane", id="panes")
        self._fleet = fleet
        self._keys = keys
        self._filtered: GuestsPane | ActivityPane = self.guests
        self._fault = ""
        self._verdict = ""
        self._wanted = ""
        self._gathered_for: object = None

    def compose(self) -> ComposeResult:
        yield self.title_bar
        yield self.trouble
        with Container(id="area"):
            with self.switcher:
                yield self.guests
                yield self.activity
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    @property
    def places(self) -> tuple[Place, ...]:  # type: ignore[override]
        """The list, and the pane that is shown."""
        return ("main", "list", "guests" if self.pane is self.guests else "activity")

    @property
    def title_of_help(self) -> str:  # type: ignore[override]
        """The pane's name."""
        return "Guests" if self.pane is self.guests else "Activity"

    @property
    def chosen(self) -> list[str]:
        """The marked guests, or the one under the cursor."""
        return self.guests.chosen if self.pane is self.guests else []

    @property
    def pane(self) -> GuestsPane | ActivityPane:
        """The pane that is shown."""
        return self.activity if self.switcher.current == "activity-pane" else self.guests

    def on_mount(self) -> None:
        """Begin with what is known at once."""
        self._ask_verdict()
        self._frame()
        self.activity.take(self._fleet.operations)

    # What comes down from the Fleet.

    def take_round(self, fault: str) -> None:
        """A round is over; ``fault`` says why the home could not be read."""
        self._fault = fault
        if not self.is_mounted:
            return
        self._frame()
        self.activity.take(self._fleet.operations)

    def take_changes(self, changed: Changed) -> None:
        """Guests are new, other or gone."""
        self.guests.take(self._fleet.guests)
        self._go_to_wanted()
        at_cursor = self.guests.table.cursor_key
        if at_cursor in changed and self._gathered_for != self._fleet.standing(at_cursor):
            self._gather_detail(at_cursor)

    def _frame(self) -> None:
        app = self.kvmtui
        guests = self._fleet.guests
        width = self.size.width
        running = sum(one.result == "running" for one in self._fleet.operations)
        badge: Line = (Span(f"{app.glyphs.under_way}{running}", "warn"),) if running else ()
        tabs = [
            Tab("pane.guests", "1", "Guests", str(len(guests)) if guests else ""),
            Tab("pane.activity", "5", "Activity", badge=badge),
        ]
        title = self.title_bar
        title.set_tabs(tabs, "pane.activity" if self.pane is self.activity else "pane.guests")
        title.set_figures(*frame.host_figures(self._fleet.host))
        title.set_alarm(frame.alarm(guests.values(), app.glyphs))
        self._show_trouble(width)
        if not guests:
            home = str(self._fleet.library.home)
            lines = first_start(self._verdict, home, self._fleet.host, self._keys, app.glyphs)
            self.guests.set_empty(lines)
        self._show_keys()

    def _show_trouble(self, width: int) -> None:
        line: Line = frame.trouble_line(
            self._fleet.guests.values(), self.kvmtui.glyphs, width, self._keys.of("list.trouble")
        )
        if self._fault:
            sign = Span(f" {self.kvmtui.glyphs.crashed}", "err", glyph=True)
            line = (sign, Span(f" {self._fault}", "err", bold=True))
        view = self.trouble
        view.set_lines([line])
        roomy = self.size.height >= _LOW
        view.set_class(roomy, "roomy")
        view.display = bool(line) or roomy

    def _show_keys(self) -> None:
        chosen = self.chosen
        live = self._fleet.guests.get(chosen[0]) if len(chosen) == 1 else None
        keys = bar_keys((*self.places, "app"), live, chosen, self._keys, self.kvmtui.desk)
        under_cursor = self.activity.under_cursor
        if self.pane is self.activity and (
            under_cursor is None or under_cursor.result != "running"
        ):
            keys = [shown for shown in keys if shown[0] != self._keys.of("activity.cancel")]
        self.key_bar.set_keys(keys, last=(self._keys.of("app.help"), "help"))

    @work(group="verdict")
    async def _ask_verdict(self) -> None:
        try:
            verdict = await self._fleet.verdict()
        except (KvmtuiError, OSError) as error:
            self._verdict = str(error)
        else:
            self._verdict = verdict.words
            self.guests.take_verdict(os.uname().machine if verdict.accelerator == "kvm" else "")
        self._frame()

    @on(GuestsPane.DetailWanted)
    def _detail_wanted(self, event: GuestsPane.DetailWanted) -> None:
        self._gather_detail(event.name)

    @work(group="detail", exclusive=True)
    async def _gather_detail(self, name: str) -> None:
        self._gathered_for = self._fleet.standing(name)
        try:
            self.guests.take_detail(await self._fleet.detail(name))
        except (KvmtuiError, OSError):
            self.guests.take_detail(None)

    # What a person does.

    @on(GuestsPane.ActionRequested)
    def _action_requested(self, event: GuestsPane.ActionRequested) -> None:
        self.kvmtui.desk.perform(event.action_id, event.names)

    @on(GuestsPane.ChoiceChanged)
    @on(ActivityPane.ChoiceChanged)
    def _choice_changed(self) -> None:
        self._show_standing()
        self._show_keys()

    @on(ActivityPane.OutputRequested)
    def _output_requested(self, event: ActivityPane.OutputRequested) -> None:
        if event.operation.guest in self._fleet.guests:
            self.kvmtui.open_guest(event.operation.guest, "log")
        else:
            self.refuse(f"{event.operation.guest} is gone")

    @on(TitleBar.TabClicked)
    def _tab_clicked(self, event: TitleBar.TabClicked) -> None:
        self._do(event.tab)

    @on(KeyBar.KeyClicked)
    def _key_clicked(self, event: KeyBar.KeyClicked) -> None:
        self.kvmtui.press(event.key)

    def go_up(self) -> None:
        """Esc takes the filter away, then the marks."""
        if self.pane.filter:
            self.pane.set_filter("")
            self._show_standing()
        elif self.pane.table.marked:
            self.pane.table.clear_marks()

    def _do(self, action_id: str) -> None:
        """Do what is for all panes."""
        if action_id in _PANES:
            self.switcher.current = _PANES[action_id]
            self.set_focus(self.pane.table)
            self._show_standing()
            self._frame()
        elif action_id == "list.filter":
            self._filtered = self.pane
            self.message.open_filter(self.pane.filter)
            self.message.set_found(*self.pane.counts)
        elif action_id == "list.sort":
            self.tell(f"sorted by {self.pane.sort_next()}")
        elif action_id == "list.trouble":
            self._next_trouble()

    def perform(self, action_id: str) -> None:
        """Do an action of the main screen, of its list or of the pane that is shown."""
        moves = {"list.mark": "action_mark", "list.mark_all": "action_mark_all"}
        under_cursor = self.activity.under_cursor
        if action_id in moves:
            getattr(self.pane.table, moves[action_id])()
        elif ACTIONS[action_id].place == "guests":
            self.kvmtui.desk.perform(action_id, self.guests.chosen)
        elif action_id == "activity.failures":
            self.activity.switch_failures()
        elif action_id == "activity.cancel":
            if under_cursor is not None:
                self.kvmtui.desk.cancel(under_cursor)
        else:
            self._do(action_id)

    def show_guest(self, name: str) -> None:
        """Put the cursor on a guest, now or as soon as it is there."""
        self._wanted = name
        self._go_to_wanted()

    def _go_to_wanted(self) -> None:
        if self._wanted in self._fleet.guests:
            self.guests.table.go_to(self._wanted)
            self._wanted = ""

    def _next_trouble(self) -> None:
        self._do("pane.guests")
        names = [row.key for row in self.guests.table.rows]
        key = self.guests.table.cursor_key
        start = names.index(key) + 1 if key in names else 0
        for name in (*names[start:], *names[:start]):
            if frame.in_trouble(self._fleet.guests[name]):
                self.guests.table.go_to(name)
                return
        self.tell("no guest is in trouble")

    # The filter.

    @on(MessageLine.FilterChanged)
    def _filter_changed(self, event: MessageLine.FilterChanged) -> None:
        self._filtered.set_filter(event.text)
        self.message.set_found(*self._filtered.counts)

    @on(MessageLine.FilterEnded)
    def _filter_ended(self, event: MessageLine.FilterEnded) -> None:
        """Its pane keeps it or not; a click may have gone to another one meanwhile."""
        if not event.kept:
            self._filtered.set_filter("")
        self._show_standing()

    def _show_standing(self) -> None:
        self.message.set_standing(self._standing())

    def _standing(self) -> Line:
        count = len(self.pane.table.marked)
        escape = Span("Esc", "accent", bold=True)
        if count:
            both = "it" if count == 1 else "both" if count == 2 else "all of them"
            words = Span(f": actions act on {both}.  ", "muted")
            return (
                Span(f"{count} marked", "warn", bold=True),
                words,
                escape,
                Span(" unmarks", "muted"),
            )
        if self.pane.filter:
            shown, total = self.pane.counts
            found = Span(f"   {shown} of {total}   ", "muted")
            return (Span(f"/{self.pane.filter}"), found, escape, Span(" clears", "muted"))
        return ()

    def cursor_y(self) -> int | None:
        """The line of the list's cursor."""
        return self.pane.table.cursor_line
