"""The app: themes, keys and screens; what it shows is the Fleet's.

What the first picture does not need is imported where it is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.binding import BindingType
from textual.screen import Screen

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.manage.preferences import Preferences
from kvmtui.manage.views import Outcome
from kvmtui.tui.actions.keymap import bindings, changed_keys, checked_keys
from kvmtui.tui.budget import Budget
from kvmtui.tui.desk import GuestDesk
from kvmtui.tui.glyphs import choose_glyphs
from kvmtui.tui.life import (
    TERMINAL_LOOK_S,
    end_on_signals,
    leave_within_limit,
    terminal_is_there,
)
from kvmtui.tui.opening import OpeningApp
from kvmtui.tui.render import levels
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.screens.main import MainScreen
from kvmtui.tui.themes import LoadedTheme
from kvmtui.tui.trends import Trends

if TYPE_CHECKING:
    from kvmtui.tui.widgets.dialog import Answer, Dialog, Question

_LEAVE_LIMIT_S = 2.0


class KvmtuiApp(OpeningApp):
    """kvmtui in a terminal.

    Args:
        fleet: The guests that are shown; the app closes it.
        preferences: The user's settings, checked.
        theme: What was chosen for this terminal.
        complaints: Faults of the settings, told once the screen stands.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("app"))

    def __init__(
        self,
        fleet: Fleet,
        preferences: Preferences,
        theme: LoadedTheme,
        complaints: list[str],
    ) -> None:
        super().__init__()
        self.palette = theme.palette
        self.glyphs = choose_glyphs(preferences.glyphs)
        self.preferences = preferences
        levels.follow(preferences.thresholds)
        self.fleet = fleet
        self.keys, faults = checked_keys(preferences.keys)
        self.desk = GuestDesk(self, self.fleet, self.keys)
        self.fault = ""
        """The traceback of a fault of our own that ended the app."""
        self._leaving = False
        self._complaints = [*complaints, *faults]
        self._look_now = asyncio.Event()
        self._noted: set[str] = set()
        self._asking: dict[Dialog, frozenset[str]] = {}
        self.register_theme(theme.textual)
        self.theme = theme.name
        self.exact_256 = theme.exact_256
        self.trends = Trends(fleet.series)
        self.budget = Budget(preferences.budget)
        self.main = MainScreen(self.fleet, self.keys, preferences, self.trends)

    # Life.

    def _handle_exception(self, error: Exception) -> None:
        """End after a fault of our own; who started the app tells of it in one line."""
        self.fault = self.fault or "".join(traceback.format_exception(error))
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self.panic()

    def panic(self, *renderables: Any) -> None:
        """End without drawing anything over what the terminal had before."""
        if not self.fault:
            with self.console.capture() as told:
                self.console.print(*renderables)
            self.fault = told.get()
        self._limit_leaving(1)
        self._close_messages_no_wait()

    def exit(self, result: Any = None, return_code: int = 0, message: Any = None) -> None:
        """Leave; whatever then still waits is left behind at a limit."""
        self._limit_leaving(return_code)
        super().exit(result, return_code, message)

    def _limit_leaving(self, status: int) -> None:
        if not self._leaving and not self.is_headless:
            self._leaving = True
            leave_within_limit(status, self.give_terminal_back)

    def get_default_screen(self) -> Screen[Any]:
        """The main screen lies at the bottom: a blank one below it would be drawn first."""
        return self.main

    def on_mount(self) -> None:
        """Begin to look at the guests."""
        self.set_keymap(changed_keys(self.keys))
        end_on_signals(self._end)
        self.set_interval(TERMINAL_LOOK_S, self._look_for_terminal)
        self.fleet.subscribe(self._guests_changed)
        self._look_at_guests()
        if self._complaints:
            more = f"  +{len(self._complaints) - 1} more" if len(self._complaints) > 1 else ""
            self.call_after_refresh(self.refuse, self._complaints[0] + more)

    def _end(self, status: int) -> None:
        self.exit(return_code=status)

    def _look_for_terminal(self) -> None:
        if not self.is_headless and not terminal_is_there():
            self._end(129)

    async def on_unmount(self) -> None:
        """Let go; guests go on."""
        await self.desk.leave(_LEAVE_LIMIT_S)
        self.fleet.close()

    @work(group="look", exit_on_error=True)
    async def _look_at_guests(self) -> None:
        """One round after the other, at the interval or as soon as something was done."""
        while True:
            self._look_now.clear()
            try:
                await self.fleet.refresh()
                fault = ""
            except (KvmtuiError, OSError) as error:
                fault = as_told("", error).message
            self.trends.slower = self.budget.take(time.monotonic(), self.bytes_sent)
            for screen in self.screen_stack:
                if isinstance(screen, AnsweringScreen):
                    screen.take_round(fault)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.preferences.interval_s):
                    await self._look_now.wait()

    def look_soon(self) -> None:
        """Look at the guests again in a moment, since something was done to one."""
        self.set_timer(0.05, self._look_now.set)

    def _guests_changed(self, changed: Changed) -> None:
        gone = {name for name, live in changed.items() if live is None}
        for dialog, names in list(self._asking.items()):
            if gone & names:
                dialog.closed_because(f"{sorted(gone & names)[0]} is gone")
        for screen in self.screen_stack:
            take = getattr(screen, "take_changes", None)
            if take is not None:
                take(changed)

    # What others on the interface's side ask of the app.

    def ask(
        self, question: Question, key: str, names: list[str], then: Callable[[Answer], None]
    ) -> Dialog:
        """Ask before something is lost.

        Args:
            key: The key that opened it does nothing in it.
            names: The guests it is about; when one of them goes, so does the question.
            then: Called when the answer is yes.

        Returns:
            The dialog, whose text may still change.
        """
        from kvmtui.tui.widgets.dialog import Dialog

        dialog = Dialog(question._replace(opener=key))

        def answered(answer: Answer | None) -> None:
            self._asking.pop(dialog, None)
            if answer is not None and answer.closed_because:
                self.refuse(answer.closed_because)
            elif answer is not None and answer.done:
                then(answer)

        self._asking[dialog] = frozenset(names)
        self.push_screen(dialog, answered)
        return dialog

    def open_editor(self, name: str) -> None:
        """Open the text of a definition in the user's editor."""
        from kvmtui.tui.editing import edit_text

        self.run_worker(edit_text(self, name), group="editor", exclusive=True)

    def told(self, outcome: Outcome) -> None:
        """Tell what was done, and look at it; a note only once."""
        self.look_soon()
        note = outcome.note if outcome.note not in self._noted else ""
        self._noted.add(outcome.note)
        self.tell("; ".join(text for text in (outcome.message, *note.splitlines()) if text))

    def show_guest(self, name: str) -> None:
        """Put the cursor on a guest once it is seen."""
        self.main.show_guest(name)

    # Keys.

    def on_app_blur(self, event: events.AppBlur) -> None:
        """Another window has the keys: nothing here looks or acts otherwise for that.

        Textual would take the focus from whatever has it, end a filter that is being typed,
        and lose the focus for good where a dialog closes meanwhile.
        """
        event.prevent_default()

    async def on_event(self, event: events.Event) -> None:
        """Do what a key is bound to before the next key is looked at.

        Textual hands a key to the focused widget and asks for its binding only when it comes
        back: of ``/d`` that arrive at once the ``d`` would be heard before the filter opens.
        """
        if isinstance(event, events.Key) and self.answers and self.answering.hears_all:
            self.answering.hear(event)
            return
        if isinstance(event, events.Key) and not event.is_forwarded and not self._is_typed_into():
            if isinstance(self.screen, AnsweringScreen):
                self.screen.key_came()
            # Only chords have priority; the look for it takes 0.4 ms.
            if "+" in event.key and await self._check_bindings(event.key, priority=True):
                return
            if await self._check_bindings(event.key):
                return
        await super().on_event(event)

    def _is_typed_into(self) -> bool:
        """Whether keys are text, or are heard by a box that lies over the rest."""
        if not isinstance(self.screen, AnsweringScreen) or self.screen.typed_into:
            return True
        return self.screen.message.filtering

    def action_act(self, action_id: str) -> None:
        """Do what a key of the whole app asks for."""
        handlers: dict[str, Callable[[], Any]] = {
            "app.quit": self._ask_quit,
            "app.suspend": self._suspend,
            "app.repaint": self.action_repaint,
            "app.palette": self.open_palette,
            "app.help": self.open_help,
            "app.connection": self.open_connection,
            "app.first_steps": self.open_first_steps,
            "app.back": self.answering.back,
        }
        handler = handlers.get(action_id)
        if handler is not None:
            handler()

    def _ask_quit(self) -> None:
        from kvmtui.tui.render.confirm import question_quit

        names = self.desk.busy()
        images = bool(self.desk.images.errands.names())
        if names:
            self.ask(question_quit(names, images=images), "", [], lambda _: self.exit())
        else:
            self.exit()

    async def action_quit(self) -> None:
        """Textual's own key for leaving does what ours does."""
        self._ask_quit()

    def action_help_quit(self) -> None:
        """Ctrl-C ends nothing."""
        self.refuse(f"{self.keys.of('app.quit')} leaves kvmtui; guests go on")

    def _suspend(self) -> None:
        """Give the terminal back; not while something is done to a guest, which would halt too."""
        names = self.desk.busy()
        if names:
            doing = self.desk.errands.refusal(names[0]) or f"{names[0]} goes on"
            self.refuse(f"{doing}: suspending would halt that")
        else:
            self.fleet.let_go()
            self.action_suspend_process()
