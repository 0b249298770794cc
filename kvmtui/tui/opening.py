"""What lies over the panes: the app's screens, palette and help, and who answers a person.

A screen is imported where it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError
from kvmtui.manage.fleet import Fleet
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.registry import Action, Keys
from kvmtui.tui.budget import Budget
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.screens.main import MainScreen
from kvmtui.tui.trends import Trends
from kvmtui.tui.wire import WireApp

if TYPE_CHECKING:
    from kvmtui.tui.desk import GuestDesk
    from kvmtui.tui.screens.guest import Part


class OpeningApp(WireApp):
    """An app that opens screens over its panes, each by one call."""

    fleet: Fleet
    keys: Keys
    desk: GuestDesk
    main: MainScreen
    trends: Trends
    budget: Budget

    # Who answers.

    @property
    def answering(self) -> AnsweringScreen:
        """The topmost screen with a message line."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, AnsweringScreen) and not screen.leaving:
                return screen
        return self.main

    @property
    def answers(self) -> bool:
        """Whether nothing lies over the screen that answers."""
        return self.answering is self.screen

    def tell(self, text: str) -> None:
        """An answer in the message line: what was done."""
        self.answering.tell(text)

    def refuse(self, reason: str) -> None:
        """An answer in the message line: why not."""
        self.answering.refuse(reason)

    def tell_failure(self, name: str, error: KvmtuiError) -> None:
        """A failure, as a toast with its remedy."""
        self.answering.tell_failure(name, error)

    # Screens.

    def open_guest(self, name: str, part: Part) -> None:
        """Show a guest on a screen of its own."""
        from kvmtui.tui.screens.guest import GuestScreen

        self.push_screen(GuestScreen(self.fleet, self.keys, self.trends, name, part))

    def open_wall(self, names: list[str]) -> None:
        """Show small graphs of several guests."""
        from kvmtui.tui.screens.wall import WallScreen

        self.push_screen(WallScreen(self.fleet, self.keys, self.trends, names))

    def open_connection(self) -> None:
        """Show what is sent to the terminal."""
        from kvmtui.tui.screens.connection import ConnectionScreen

        self.push_screen(ConnectionScreen())

    def open_console(self, name: str) -> None:
        """Show a guest's serial console."""
        from kvmtui.tui.screens.console import ConsoleScreen

        self.push_screen(ConsoleScreen(self.fleet, self.keys, name))

    def open_display(self, name: str) -> None:
        """Show what a guest's display shows."""
        from kvmtui.tui.screens.display import DisplayScreen

        self.push_screen(DisplayScreen(self.fleet, self.keys, name))

    def open_first_steps(self) -> None:
        """Open the pages for who is new to this."""
        from kvmtui.tui.screens.first_steps import FirstStepsScreen

        def answered(action_id: str | None) -> None:
            if action_id == "app.help":
                self.open_key_help()

        self.push_screen(FirstStepsScreen(self.main.host_keeper.view.report), answered)

    def open_new(self) -> None:
        """Open the form of a new guest."""
        self.main.do("pane.install")

    def open_form(self, name: str) -> None:
        """Open the form of a guest's definition."""
        from kvmtui.tui.screens.definition import DefinitionScreen

        self.push_screen(DefinitionScreen(self.fleet, name))

    def open_cd(self, name: str) -> None:
        """Open the form of a guest's CD drive."""
        from kvmtui.tui.screens.media import MediaScreen

        self.push_screen(MediaScreen(self.fleet, name))

    # Palette and help.

    def press(self, shown: str) -> None:
        """Do what a key of the key bar would do, as it is written there."""
        for action in self._actions_here():
            if self.keys.of(action.id) == shown:
                self.perform(action)
                return

    def perform(self, action: Action) -> None:
        """Do an action, whatever the key."""
        if action.place == "app":
            self.action_act(action.id)
        else:
            self.answering.perform(action.id)

    def action_act(self, action_id: str) -> None:
        """Do what a key of the whole app asks for."""
        raise NotImplementedError

    def _actions_here(self) -> list[Action]:
        places = {"app", *self.answering.places}
        return [action for action in ACTIONS.values() if action.place in places]

    def open_palette(self) -> None:
        """Open the list of all that can be done here."""
        from kvmtui.tui.screens.palette import Entry, PaletteScreen

        screen = self.answering
        names = screen.chosen
        target = names[0] if len(names) == 1 else f"{len(names)} guests" if names else ""
        entries = []
        for action in self._actions_here():
            if action.minor or action.place == "list":
                continue
            reason = self.desk.refusal(action.id, names) or screen.refusal(action.id)
            title = action.title.format(target or "the guest")
            entries.append(Entry(action.id, self.keys.of(action.id), title, "", reason))

        def chosen(action_id: str | None) -> None:
            """Do it to the guests that it was offered for, though the cursor has moved on."""
            if action_id and ACTIONS[action_id].on_guest and screen.chosen != names:
                self.desk.perform(action_id, names)
            elif action_id:
                self.perform(ACTIONS[action_id])

        self.push_screen(PaletteScreen(entries), chosen)

    def open_help(self) -> None:
        """What acts here; at the host its first steps, from which F2 goes to the keys."""
        if self.answering.help_is_first_steps:
            self.open_first_steps()
        else:
            self.open_key_help()

    def open_key_help(self) -> None:
        """Show the keys of where one is."""
        from kvmtui.tui.screens.help import HelpScreen

        actions = self._actions_here()
        self.push_screen(HelpScreen(self.answering.title_of_help, actions, self.keys))
