"""Screens that answer what a person did: a message line, and a toast for failures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.screen import Screen
from textual.widget import Widget

from kvmtui.errors import KvmtuiError
from kvmtui.tui.actions.registry import Place
from kvmtui.tui.compositing import NarrowCompositor
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.expiry import clock
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.message_line import SUCCESS_S, MessageLine
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.widgets.toast import FailureToast
from kvmtui.tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from kvmtui.tui.app import KvmtuiApp

LEAST_WIDTH, LEAST_HEIGHT = 40, 12


class AnsweringScreen(Screen[None]):
    """A screen with a `MessageLine` and a `FailureToast` among its widgets."""

    DEFAULT_CSS = """
    AnsweringScreen > #small { display: none; }
    AnsweringScreen.small > * { display: none; }
    AnsweringScreen.small > #small { display: block; }
    """
    places: ClassVar[tuple[Place, ...]] = ()
    """Where its keys belong, besides those of the whole app."""
    title_of_help: str = "kvmtui"
    help_is_first_steps: bool = False
    """Whether help is of what all this is, rather than of keys."""
    hears_all: ClassVar[bool] = False
    """Whether every key is for this screen alone, those of the whole app too."""
    typed_into: ClassVar[bool] = False
    """Whether letters are text here, never actions."""
    MOST_MESSAGE_LINES: ClassVar[int] = 3
    """How many lines an answer may take where one is too short."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = NarrowCompositor()
        self.leaving = False
        """Whether it goes in a moment: what is told now is for the screen below."""
        self.message = MessageLine(most_lines=self.MOST_MESSAGE_LINES, id="message")
        self.toast = FailureToast(id="toast")
        self.key_bar = KeyBar(id="keys")
        self.too_small = LineView(id="small")
        self._focused_before: Widget | None = None

    def on_mount(self) -> None:
        laid_out = self.screen_layout_refresh_signal
        laid_out.subscribe(self, lambda _: self.call_after_refresh(self.make_room))

    def make_room(self) -> None:
        """Have the toast leave the cursor free, which has moved or has another place."""
        self.toast.avoid(self.cursor_y())

    def on_resize(self, event: events.Resize) -> None:
        """Where there is no room for anything, say so and draw nothing else."""
        width, height = event.size
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        if small and not self.has_class("small"):
            self._focused_before = self.focused
        elif not small and self.has_class("small") and self._focused_before is not None:
            # Hidden, it lost the focus; it takes it again before it is seen.
            self.set_focus(self._focused_before)
        self.set_class(small, "small")
        if small:
            text = f"{LEAST_WIDTH}×{LEAST_HEIGHT} is the least; this is {width}×{height}"
            lines = wrap((Span(text),), max(width - 2, 1))
            above: list[Line] = [()] * max((height - len(lines)) // 2, 0)
            self.too_small.set_lines([*above, *((Span(" "), *line) for line in lines)])

    @property
    def is_answering(self) -> bool:
        """Whether it is what is looked at: no other lies over it but boxes."""
        return self.kvmtui.answering is self

    def take_round(self, fault: str) -> None:
        """A round is over; ``fault`` says why the home could not be read."""

    @property
    def chosen(self) -> list[str]:
        """The guests that an action would be for."""
        return []

    def refusal(self, action_id: str) -> str:
        """Why an action of one of its places can do nothing now; empty where it can."""
        return ""

    def perform(self, action_id: str) -> None:
        """Do an action of one of its places."""

    @property
    def kvmtui(self) -> KvmtuiApp:
        """The app, as what it is."""
        return cast("KvmtuiApp", self.app)

    def tell(self, text: str) -> None:
        """What was done."""
        self.message.show((Span(text),), kind="success")

    def tell_begun(self, text: str) -> None:
        """What goes on now; it goes where that fails, and else by itself."""
        self.message.show((Span(text),), kind="progress", until=clock() + SUCCESS_S)

    def refuse(self, reason: str) -> None:
        """Why something was not done."""
        self.message.show((Span(reason),), kind="refusal")

    def copy_told(self, text: str, otherwise: str, after: str = "") -> None:
        """Copy a text to the terminal's clipboard and tell of it.

        Args:
            otherwise: What is said where there is no text.
            after: What is to be done once it was pasted.
        """
        if not text:
            self.refuse(otherwise)
        elif not self.kvmtui.copy(text):
            self.refuse("not copied: the terminal takes no output just now")
        else:
            told = "copied to your terminal's clipboard"
            told += "; in tmux it takes set -g set-clipboard on" if os.environ.get("TMUX") else ""
            self.tell(f"{told}; then {after}" if after else told)

    def tell_failure(self, name: str, error: KvmtuiError) -> None:
        """A failure, with its remedy; what was said to go on does not any more."""
        self.message.work_failed()
        problems = getattr(error, "problems", (error.message,))
        title = error.message if name in error.message else f"{name}: {error.message}"
        lines: list[Line] = [(Span(title),)] if len(problems) == 1 else [(Span(f"{name}:"),)]
        if len(problems) > 1:
            lines += [(Span(text),) for text in problems[:2]]
        if error.hint:
            lines.append((Span("Try: ", "muted"), Span(error.hint)))
        self.toast.show(lines, avoid_y=self.cursor_y())

    def cursor_y(self) -> int | None:
        """The toast's parent's line with the cursor, which it must not hide."""
        return None

    def action_act(self, action_id: str) -> None:
        """Do what a key of one of its places asks for."""
        self.perform(action_id)

    def hear(self, event: events.Key) -> None:
        """Take a key, where all are for this screen."""

    def key_came(self) -> None:
        """Any key takes a refusal away, and finds somebody who listens."""
        if self.focused is None:
            self.settle_focus()
        self.message.key_pressed()

    def settle_focus(self) -> None:
        """Give the focus to whom it belongs at first: without one, most keys are not heard.

        Textual gives it once, to what is there at that moment, and takes it from what a small
        terminal has no room for.
        """
        if self.AUTO_FOCUS:
            for widget in self.query(self.AUTO_FOCUS):
                if widget.focusable:
                    self.set_focus(widget)
                    return

    def back(self) -> None:
        """Esc goes up one: a told failure first."""
        if self.toast.shown:
            self.toast.close()
        else:
            self.go_up()

    def go_up(self) -> None:
        """What Esc does where no toast stands."""
