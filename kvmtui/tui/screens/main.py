"""The main screen: the frame, and the panes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

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
from kvmtui.tui.host_watch import HostWatch
from kvmtui.tui.panes.activity import ActivityPane
from kvmtui.tui.panes.guests import GuestsPane
from kvmtui.tui.panes.host import HostPane
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render import frame
from kvmtui.tui.render import host as render
from kvmtui.tui.render.keys import bar_keys
from kvmtui.tui.render.welcome import first_start
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.key_bar import WIDE, KeyBar
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.widgets.title_bar import Tab, TitleBar

if TYPE_CHECKING:
    from kvmtui.manage.checking import Report

_PANES = ("pane.guests", "pane.host", "pane.activity")
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
        self.host = HostPane(keys, id="host-pane")
        """The pane of this machine."""
        self.activity = ActivityPane(id="activity-pane")
        """The pane of the operations."""
        self.switcher = ContentSwitcher(initial="guests-pane", id="panes")
        self._fleet = fleet
        self._keys = keys
        self._by_action = dict(zip(_PANES, self.panes, strict=True))
        self._watch = HostWatch(self, self.host, fleet, keys, self._host_changed)
        self._filtered: ListPane = self.guests
        self._fault = ""
        self._wanted = ""
        self._gathered_for: object = None

    def compose(self) -> ComposeResult:
        yield self.title_bar
        yield self.trouble
        with Container(id="area"):
            with self.switcher:
                yield from self.panes
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    @property
    def panes(self) -> tuple[GuestsPane, HostPane, ActivityPane]:
        """All panes, in the order of their keys."""
        return self.guests, self.host, self.activity

    @property
    def pane(self) -> ListPane:
        """The pane that is shown."""
        shown = self.switcher.current
        return next((pane for pane in self.panes if pane.id == shown), self.guests)

    @property
    def host_report(self) -> Report | None:
        """What the checks found; None until they were run."""
        return self._watch.view.report

    @property
    def places(self) -> tuple[Place, ...]:  # type: ignore[override]
        """The list, and the pane that is shown."""
        return ("main", "list", self.pane.PLACE)

    @property
    def title_of_help(self) -> str:  # type: ignore[override]
        """The pane's name."""
        return self.pane.TITLE

    @property
    def help_is_first_steps(self) -> bool:  # type: ignore[override]
        """Who asks for help at the host asks what all this is."""
        return self.pane is self.host

    @property
    def chosen(self) -> list[str]:
        """The marked guests, or the one under the cursor."""
        return self.guests.chosen if self.pane is self.guests else []

    def on_mount(self) -> None:
        """Begin with what is known at once."""
        self._watch.begin()
        self._frame()

    # What comes down from the Fleet.

    def take_round(self, fault: str) -> None:
        """A round is over; ``fault`` says why the home could not be read."""
        self._fault = fault
        if not self.is_mounted:
            return
        self._frame()
        self._fill(self.pane)

    def _fill(self, pane: ListPane) -> None:
        """Give a pane that is seen what is known now; guests come when they change."""
        if pane is self.host:
            self.host.take(self._watch.whole())
        elif pane is self.activity:
            self.activity.take(self._fleet.operations)

    def _host_changed(self) -> None:
        """Something is known anew of the host."""
        if not self.is_mounted:
            return
        self.guests.take_verdict(self._watch.kvm_serves)
        self._fill(self.pane)
        self._frame()

    def take_changes(self, changed: Changed) -> None:
        """Guests are new, other or gone."""
        self.guests.take(self._fleet.guests)
        if self.pane is not self.guests:
            return
        self._go_to_wanted()
        at_cursor = self.guests.table.cursor_key
        if at_cursor in changed:
            self._follow_cursor()

    def _follow_cursor(self) -> None:
        """Gather the detail of the guest under the cursor where it is not that any more."""
        at_cursor = self.guests.table.cursor_key
        if at_cursor is not None and self._gathered_for != self._fleet.standing(at_cursor):
            self._gather_detail(at_cursor)

    def _frame(self) -> None:
        app = self.kvmtui
        guests = self._fleet.guests
        width = self.size.width
        running = sum(one.result == "running" for one in self._fleet.operations)
        badge: Line = (Span(f"{app.glyphs.under_way}{running}", "warn"),) if running else ()
        tabs = [
            Tab("pane.guests", "1", "Guests", str(len(guests)) if guests else ""),
            Tab("pane.host", "4", "Host", badge=render.badge(self._watch.view, app.glyphs)),
            Tab("pane.activity", "5", "Activity", badge=badge),
        ]
        title = self.title_bar
        title.set_tabs(tabs, f"pane.{self.pane.PLACE}")
        title.set_figures(*frame.host_figures(self._fleet.host))
        title.set_alarm(frame.alarm(guests.values(), app.glyphs))
        self._show_trouble(width)
        if not guests:
            home = str(self._fleet.library.home)
            width = self.guests.table.size.width - 4
            lines = first_start(
                self._watch.view, home, self._fleet.host, self._keys, app.glyphs, width
            )
            self.guests.set_empty(lines)
        self._show_keys()

    def _show_trouble(self, width: int) -> None:
        line: Line = frame.trouble_line(
            self._fleet.guests.values(), self.kvmtui.glyphs, width, self._keys.of("list.trouble")
        )
        roomy = self.size.height >= _LOW
        on_host = self.pane is self.host
        if not line and self.pane is self.guests and self._fleet.guests:
            key = self._keys.of("pane.host")
            line = render.host_trouble(
                self._watch.view, self.kvmtui.glyphs, width, key, low=not roomy
            )
        if self._fault:
            sign = Span(f" {self.kvmtui.glyphs.crashed}", "err", glyph=True)
            line = (sign, Span(f" {self._fault}", "err", bold=True))
        view = self.trouble
        view.set_lines([line])
        view.set_class(roomy, "roomy")
        # On the host's pane its verdict stands there.
        view.display = bool(line) or (roomy and not on_host)

    def _show_keys(self) -> None:
        chosen = self.chosen
        live = self._fleet.guests.get(chosen[0]) if len(chosen) == 1 else None
        keys = bar_keys((*self.places, "app"), live, chosen, self._keys, self.kvmtui.desk)
        hidden = {self._keys.of(action_id) for action_id in self._idle_actions()}
        keys = [shown for shown in keys if shown[0] not in hidden]
        words = "help and first steps" if self.pane is self.host else "help"
        words = words if self.size.width >= WIDE else "help"
        self.key_bar.set_keys(keys, last=(self._keys.of("app.help"), words))

    def _idle_actions(self) -> list[str]:
        """The actions of the pane that could do nothing now."""
        if self.pane is self.activity:
            at = self.activity.under_cursor
            return [] if at is not None and at.result == "running" else ["activity.cancel"]
        if self.pane is self.host:
            at_check = self.host.under_cursor
            idle = [] if render.remedy_of(at_check) else ["host.copy"]
            return idle if at_check is not None else [*idle, "host.explain"]
        return []

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

    @on(ListPane.ChoiceChanged)
    def _choice_changed(self) -> None:
        self._show_standing()
        self._show_keys()

    @on(ActivityPane.OutputRequested)
    def _output_requested(self, event: ActivityPane.OutputRequested) -> None:
        if event.operation.guest in self._fleet.guests:
            self.kvmtui.open_guest(event.operation.guest, "log")
        else:
            self.refuse(f"{event.operation.guest} is gone")

    @on(HostPane.ExplainRequested)
    def _explain_requested(self, event: HostPane.ExplainRequested) -> None:
        self._watch.explain(event.result)

    @on(TitleBar.TabClicked)
    def _tab_clicked(self, event: TitleBar.TabClicked) -> None:
        self._do(event.tab)

    @on(KeyBar.KeyClicked)
    def _key_clicked(self, event: KeyBar.KeyClicked) -> None:
        self.kvmtui.press(event.key)

    def go_up(self) -> None:
        """Esc gives a measurement up that is seen, then the filter, then the marks."""
        if self.pane is self.host and self._watch.measuring:
            self._watch.give_up()
        elif self.pane.filter:
            self.pane.set_filter("")
            self._show_standing()
        elif self.pane.table.marked:
            self.pane.table.clear_marks()

    def _do(self, action_id: str) -> None:
        """Do what is for all panes."""
        if action_id in _PANES:
            self._go_to_pane(self._by_action[action_id])
        elif action_id == "list.filter":
            self._filtered = self.pane
            self.message.open_filter(self.pane.filter)
            self.message.set_found(*self.pane.counts)
        elif action_id == "list.sort":
            self.tell(f"sorted by {self.pane.sort_next()}")
        elif action_id == "list.trouble":
            self._next_trouble()

    def _go_to_pane(self, pane: ListPane) -> None:
        if not pane.is_mounted:
            # A key that was typed before the first picture.
            self.call_after_refresh(self._go_to_pane, pane)
            return
        self.switcher.current = pane.id
        self.set_focus(pane.table)
        if pane is self.host:
            self._watch.open()
        else:
            self._watch.close()
        self._fill(pane)
        pane.wake()
        if pane is self.guests:
            self._go_to_wanted()
            self._follow_cursor()
        self._show_standing()
        self._frame()

    def perform(self, action_id: str) -> None:
        """Do an action of the main screen, of its list or of the pane that is shown."""
        moves = {"list.mark": "action_mark", "list.mark_all": "action_mark_all"}
        under_cursor = self.activity.under_cursor
        if action_id in moves:
            getattr(self.pane.table, moves[action_id])()
        elif ACTIONS[action_id].place == "guests":
            self.kvmtui.desk.perform(action_id, self.guests.chosen)
        elif ACTIONS[action_id].place == "host":
            self._watch.perform(action_id)
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
        if self._wanted in self._fleet.guests and self.pane is self.guests:
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
        pane = self.pane
        self.message.set_standing(frame.standing(len(pane.table.marked), pane.filter, pane.counts))

    def cursor_y(self) -> int | None:
        """The line of the list's cursor."""
        return self.pane.table.cursor_line
