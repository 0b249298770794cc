"""The main screen: the frame, and the panes in it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import ContentSwitcher

from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.manage.preferences import Preferences
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.actions.registry import Keys, Place
from kvmtui.tui.keepers.activity import ActivityKeeper
from kvmtui.tui.keepers.base import Keeper
from kvmtui.tui.keepers.guests import GuestsKeeper
from kvmtui.tui.keepers.host import HostKeeper
from kvmtui.tui.keepers.images import ImagesKeeper
from kvmtui.tui.keepers.install import InstallKeeper
from kvmtui.tui.key_parser import KeyParser
from kvmtui.tui.panes.activity import ActivityPane
from kvmtui.tui.panes.guests import GuestsPane
from kvmtui.tui.panes.host import HostPane
from kvmtui.tui.panes.images import ImagesPane
from kvmtui.tui.panes.install import InstallPane
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.render import frame
from kvmtui.tui.render import host as render
from kvmtui.tui.render.keys import bar_keys
from kvmtui.tui.render.welcome import first_start
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.trends import Trends
from kvmtui.tui.widgets.key_bar import WIDE, KeyBar
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.widgets.title_bar import Tab, TitleBar

_LOW = 30


class MainScreen(AnsweringScreen):
    """Frame and panes; each pane has a keeper, who knows what it shows and does.

    Args:
        fleet: What is shown.
        keys: The keys in force.
        preferences: The user's settings.
        trends: Figures over time.
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

    def __init__(self, fleet: Fleet, keys: Keys, preferences: Preferences, trends: Trends) -> None:
        super().__init__()
        self.title_bar = TitleBar(id="title")
        self.trouble = LineView(id="trouble")
        self.guests = GuestsPane(trends, detail=preferences.detail, id="guests-pane")
        """The pane of the guests."""
        self.images = ImagesPane(keys, id="images-pane")
        """The pane of the disk images."""
        self.install = InstallPane(keys, id="install-pane")
        """The pane of a new guest."""
        self.host = HostPane(keys, trends, id="host-pane")
        """The pane of this machine."""
        self.activity = ActivityPane(id="activity-pane")
        """The pane of the operations."""
        self.switcher = ContentSwitcher(initial="guests-pane", id="panes")
        self._fleet = fleet
        self._keys = keys
        self.guests_keeper = GuestsKeeper(self, self.guests, fleet, keys)
        """Who keeps the guests."""
        self.host_keeper = HostKeeper(self, self.host, fleet, keys, self._host_changed)
        """Who keeps the host."""
        self.images_keeper = ImagesKeeper(self, self.images, fleet, keys, self._images_changed)
        """Who keeps the images."""
        self.install_keeper = InstallKeeper(self, self.install, fleet, keys, self._form_changed)
        """Who keeps the form of a new guest."""
        self._keepers: tuple[Keeper, ...] = (
            self.guests_keeper,
            self.images_keeper,
            self.install_keeper,
            self.host_keeper,
            ActivityKeeper(self, self.activity, fleet, keys),
        )
        self._filtered: ListPane = self.guests
        self._came_from: Keeper = self.guests_keeper
        self._fault = ""

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
    def panes(self) -> tuple[Pane, ...]:
        """All panes, in the order of their keys."""
        return tuple(keeper.pane for keeper in self._keepers)

    @property
    def keeper(self) -> Keeper:
        """Who keeps the pane that is shown."""
        shown = self.switcher.current
        return next((one for one in self._keepers if one.pane.id == shown), self.guests_keeper)

    @property
    def pane(self) -> Pane:
        """The pane that is shown."""
        return self.keeper.pane

    @property
    def listing(self) -> ListPane | None:
        """The pane that is shown, where it is a list."""
        return self.pane if isinstance(self.pane, ListPane) else None

    @property
    def typed_into(self) -> bool:  # type: ignore[override]
        """Whether letters are text in the pane that is shown."""
        return self.pane.TYPED_INTO

    @property
    def places(self) -> tuple[Place, ...]:  # type: ignore[override]
        """The list, and the pane that is shown."""
        return ("main", *(("list",) if self.listing else ()), self.pane.PLACE)

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
        """The guests that an action would be for, in the pane that is shown."""
        return self.keeper.chosen

    def on_mount(self) -> None:
        """Begin with what is known at once."""
        for keeper in self._keepers:
            keeper.begin()
        self._frame()

    def on_screen_resume(self) -> None:
        """Esc before a number is a key of its own where one types."""
        KeyParser.literal = self.typed_into

    def settle_focus(self) -> None:
        """The pane that is shown says who listens."""
        self.pane.take_focus()

    # What comes down from the Fleet.

    def take_round(self, fault: str) -> None:
        """A round is over; ``fault`` says why the home could not be read."""
        self._fault = fault
        if not self.is_mounted:
            return
        self._frame()
        self.keeper.fill()

    def _host_changed(self) -> None:
        """Something is known anew of the host."""
        if not self.is_mounted:
            return
        self.guests.take_verdict(self.host_keeper.kvm_serves)
        self.keeper.fill()
        self._frame()

    def _images_changed(self) -> None:
        """Something is known anew of the images."""
        if self.is_mounted:
            self.keeper.fill()
            self._frame()
            self._show_standing()

    def _form_changed(self) -> None:
        """Something is known anew of the form of a new guest."""
        if self.is_mounted and self.keeper is self.install_keeper:
            self._show_standing()
            self._show_keys()

    def take_changes(self, changed: Changed) -> None:
        """Guests are new, other or gone."""
        for keeper in self._keepers:
            keeper.take_changes(changed)

    def _frame(self) -> None:
        app, fleet, tabs = self.kvmtui, self._fleet, []
        for keeper in self._keepers:
            action_id = f"pane.{keeper.pane.PLACE}"
            count, badge = keeper.count(), keeper.badge(app.glyphs)
            key = self._keys.of(action_id)
            tabs.append(Tab(action_id, key, keeper.pane.TITLE, count, badge, keeper.badge_stays))
        title = self.title_bar
        title.set_tabs(tabs, f"pane.{self.pane.PLACE}")
        title.set_figures(*frame.host_figures(fleet.host))
        title.set_alarm(frame.alarm(fleet.guests.values(), app.glyphs))
        self._show_trouble(self.size.width)
        if not fleet.guests:
            home, view = str(fleet.library.home), self.host_keeper.view
            width = self.guests.table.size.width - 4
            lines = first_start(view, home, fleet.host, self._keys, app.glyphs, width)
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
                self.host_keeper.view, self.kvmtui.glyphs, width, key, low=not roomy
            )
        if self._fault:
            sign = Span(f" {self.kvmtui.glyphs.crashed}", "err", glyph=True)
            line = (sign, Span(f" {self._fault}", "err", bold=True))
        view = self.trouble
        view.set_lines([line])
        view.set_class(roomy and not self.typed_into, "roomy")
        # On the host's pane its verdict stands there.
        view.display = bool(line) or (roomy and not on_host)

    def _show_keys(self) -> None:
        chosen = self.chosen
        live = self._fleet.guests.get(chosen[0]) if len(chosen) == 1 else None
        if self.typed_into:
            self.key_bar.set_keys(self.keeper.bar() or (), last=("F1", "help"))
            return
        places = (*self.places, "app")
        keys = self.keeper.bar() or bar_keys(places, live, chosen, self._keys, self.kvmtui.desk)
        hidden = {self._keys.of(action_id) for action_id in self.keeper.idle_actions()}
        keys = [shown for shown in keys if shown[0] not in hidden]
        words = "help and first steps" if self.help_is_first_steps else "help"
        words = words if self.size.width >= WIDE else "help"
        self.key_bar.set_keys(keys, last=(self._keys.of("app.help"), words))

    # What a person does.

    @on(Pane.Asked)
    def _asked(self, event: Pane.Asked) -> None:
        event.stop()
        for keeper in self._keepers:
            keeper.asked(event)

    @on(Pane.ChoiceChanged)
    def _choice_changed(self) -> None:
        self._show_standing()
        self._show_keys()
        self.make_room()

    @on(TitleBar.TabClicked)
    def _tab_clicked(self, event: TitleBar.TabClicked) -> None:
        self.do(event.tab)

    @on(KeyBar.KeyClicked)
    def _key_clicked(self, event: KeyBar.KeyClicked) -> None:
        self.kvmtui.press(event.key)

    def go_up(self) -> None:
        """Esc gives up what is under way in the pane, then the filter, then the marks."""
        if self.keeper.go_up():
            return
        listing = self.listing
        if listing is not None and listing.filter:
            listing.set_filter("")
            self._show_standing()
        elif listing is not None and listing.table.marked:
            listing.table.clear_marks()

    def do(self, action_id: str) -> None:
        """Do what is for all panes."""
        for keeper in self._keepers:
            if action_id == f"pane.{keeper.pane.PLACE}":
                self._go_to_pane(keeper)
        if action_id == "list.trouble":
            self._go_to_trouble()
        elif action_id in ("list.filter", "list.sort"):
            self._do_to_list(action_id)

    def _do_to_list(self, action_id: str) -> None:
        """Filter or sort."""
        listing = self.listing
        if listing is None:
            self.refuse("there is no list here")
        elif action_id == "list.filter":
            self._filtered = listing
            self.message.open_filter(listing.filter)
            self.message.set_found(*listing.counts)
        else:
            self.tell(f"sorted by {listing.sort_next()}")

    def _go_to_trouble(self) -> None:
        """The next guest in trouble, then the images, then the guests again."""
        guests, images = self.guests_keeper, self.images_keeper
        if self.keeper is images and images.next_trouble(from_top=False):
            return
        if guests.next_trouble(from_top=self.keeper is not guests):
            self.do("pane.guests")
        elif images.next_trouble(from_top=True):
            self.do("pane.images")
        elif not guests.next_trouble(from_top=True):
            self.tell("no guest and no image is in trouble")

    def go_back(self) -> None:
        """Open the pane from which one came to this one."""
        self._go_to_pane(self._came_from)

    def _go_to_pane(self, keeper: Keeper) -> None:
        pane = keeper.pane
        if not pane.is_mounted:
            # A key that was typed before the first picture.
            self.call_after_refresh(self._go_to_pane, keeper)
            return
        if keeper is not self.keeper:
            self.keeper.close()
            self._came_from = self.keeper
        self.switcher.current = pane.id
        pane.take_focus()
        keeper.fill()
        pane.wake()
        keeper.open()
        self._show_standing()
        self._frame()

    def refusal(self, action_id: str) -> str:
        """Why an action can do nothing in the pane that is shown."""
        return self.keeper.refusal(action_id)

    def perform(self, action_id: str) -> None:
        """Do an action of the main screen, of its list or of the pane that is shown."""
        moves = {"list.mark": "action_mark", "list.mark_all": "action_mark_all"}
        if action_id in moves and self.listing is not None:
            getattr(self.listing.table, moves[action_id])()
            return
        for keeper in self._keepers:
            if ACTIONS[action_id].place == keeper.pane.PLACE:
                keeper.perform(action_id)
                return
        self.do(action_id)

    def show_guest(self, name: str) -> None:
        """Put the cursor on a guest, now or as soon as it is there."""
        self.guests_keeper.show_guest(name)

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
        pane = self.listing
        standing: Line = ()
        if pane is not None:
            standing = frame.standing(len(pane.table.marked), pane.filter, pane.counts)
        self.message.set_standing(standing or self.keeper.standing())

    def cursor_y(self) -> int | None:
        """The line of the list's cursor."""
        return self.listing.table.cursor_line if self.listing is not None else None
