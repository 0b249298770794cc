"""What the guest's console and its display have in common: every key is the guest's but one.

The one chord (Ctrl-]) takes a letter after it; Esc, or nothing for a moment, leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.timer import Timer

from kvmtui.errors import KvmtuiError
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.key_parser import KeyParser
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.screens.viewing_side import GuestSide, places
from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.widgets.cell_view import CellView
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.words import exact_time, state_look, state_word

if TYPE_CHECKING:
    from kvmtui.manage.detail import GuestDetail
    from kvmtui.tui.screens.scrollback import Source
    from kvmtui.tui.widgets.dialog import Answer

CHORD, CHORD_SHOWN = "ctrl+right_square_bracket", "Ctrl-]"
_FRAME_ROWS = 3
"""The title, the line of state and the keys."""
LEAVES_AFTER_S = 1.5
"""How long the chord waits for its letter."""


class ViewingScreen(AnsweringScreen):
    """A guest's face, as large as the terminal allows.

    Args:
        fleet: Who is asked.
        keys: The keys in force.
        name: The guest.
        view: What shows it.
    """

    DEFAULT_CSS = """
    ViewingScreen { layout: vertical; }
    ViewingScreen #head { height: 1; }
    ViewingScreen #area { height: 1fr; layers: base above; layout: horizontal; }
    ViewingScreen #face { height: 1fr; }
    """
    WHAT: ClassVar[str]
    """What is looked at, in the title."""
    ALIASES: ClassVar[dict[str, str]] = {}
    """Further letters after the chord that do what one of the bar does."""
    hears_all = True
    typed_into = True
    MOST_MESSAGE_LINES = 1
    title_of_help = "Guest"

    def __init__(self, fleet: Fleet, keys: Keys, name: str, view: CellView) -> None:
        super().__init__()
        self.head = LineView(id="head")
        self.view = view
        """The picture."""
        self.side = GuestSide(id="side")
        self._detail: GuestDetail | None = None
        self._gathered_for: object = None
        self._fleet = fleet
        self._keys = keys
        self.guest = name
        """Which guest it is."""
        self._chord: Timer | None = None
        self._failed: object = None
        """The run of the guest of which nothing could be had."""

    def compose(self) -> ComposeResult:
        yield self.head
        with Container(id="area"):
            yield self.view
            yield self.side
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Show what is known at once."""
        self.show_frame()
        self._gather()

    def on_resize(self, event: events.Resize) -> None:
        """Draw the frame anew."""
        super().on_resize(event)
        self.show_frame()

    def on_screen_resume(self) -> None:
        """From now on Esc is a key like others."""
        KeyParser.literal = True

    def on_screen_suspend(self) -> None:
        """Another screen has the keys."""
        KeyParser.literal = False

    # For the two that are of this kind.

    def commands(self) -> dict[str, tuple[str, Callable[[], None]]]:
        """What the letters after the chord do, by letter: a word or two, and the deed."""
        raise NotImplementedError

    def type_key(self, event: events.Key) -> None:
        """Send a key to the guest."""
        raise NotImplementedError

    def facts(self) -> str:
        """What is to be said of the picture, in the title."""
        return ""

    def standing(self) -> Line:
        """The line of state below the picture."""
        return ()

    def who_types(self) -> str:
        """Who types, in the title."""
        return "you"

    @property
    def live(self) -> LiveGuest | None:
        """The guest as it is now."""
        return self._fleet.guests.get(self.guest)

    @property
    def runs(self) -> bool:
        """Whether there is a process of the guest."""
        return self.live is not None and self.live.view.pid is not None

    @property
    def run(self) -> object:
        """What is another when the guest was started anew, or paused."""
        live = self.live
        return None if live is None else (live.view.pid, live.view.state)

    @property
    def may_try(self) -> bool:
        """Whether it runs, nothing is done to it, and it is not what failed before."""
        live = self.live
        idle = live is not None and live.under_way is None
        return self.runs and idle and self.run != self._failed

    @property
    def chosen(self) -> list[str]:
        """The guest."""
        return [self.guest]

    def take_changes(self, changed: Changed) -> None:
        """The guest is other than before, or gone."""
        if self.guest not in changed:
            return
        if changed[self.guest] is None:
            self.dismiss()
            self.kvmtui.refuse(f"{self.guest} is gone")
            return
        self.guest_changed()
        self.show_frame()
        if self._gathered_for != self._fleet.standing(self.guest):
            self._gather()

    @work(group="gather", exclusive=True)
    async def _gather(self) -> None:
        """What is told of the guest besides: its timeline, when it ended."""
        self._gathered_for = self._fleet.standing(self.guest)
        try:
            self._detail = await self._fleet.detail(self.guest)
        except (KvmtuiError, OSError):
            self._detail = None
        self.show_frame()

    def guest_changed(self) -> None:
        """Something of the guest is other than before."""

    # The frame.

    @property
    def room(self) -> Size:
        """The columns and rows there are for the picture and what stands beside it."""
        height = self.size.height - _FRAME_ROWS
        return Size(self.size.width, max(height, 0))

    def columns(self) -> int:
        """How many columns the picture has; 0: it takes what there is."""
        return 0

    def _place(self) -> None:
        """Give the picture its place, and what is beside it."""
        room, columns = self.room, self.columns()
        left, side = places(room.width, columns)
        self.view.styles.width = columns if side else "1fr"
        self.view.styles.margin = (0, 0, 0, left)
        self.side.display = bool(side)
        if side:
            self.side.show(self._detail, self.kvmtui.glyphs, side, room.height)

    def show_frame(self) -> None:
        """Title, state and keys as they are now."""
        live, width = self.live, self.size.width
        if live is None or width < 2 or not self.is_mounted:
            return
        sign, role, word_role = state_look(live, self.kvmtui.glyphs)
        left: Line = (
            Span(f" {self.guest}", bold=True),
            Span(f"  {self.WHAT}  ", "muted"),
            Span(sign, role, glyph=True),
            Span(f" {state_word(live)}", word_role),
            Span(f"   {self.facts()}" if self.facts() else "", "muted"),
        )
        right: Line = (
            Span("typing: ", "muted"),
            Span(self.who_types()),
            Span(f"   {CHORD_SHOWN}", "accent", bold=True),
            Span(" leaves ", "muted"),
        )
        gap = width - width_of(left) - width_of(right)
        self.head.set_lines([(*left, Span(" " * gap), *right) if gap > 0 else left])
        self.message.set_standing(self.standing())
        self._show_keys()
        self._place()

    def _show_keys(self) -> None:
        letters = [(letter, words) for letter, (words, _) in self.commands().items()]
        if self._chord is not None:
            self.key_bar.set_keys([("Esc", "leave"), *letters, (CHORD_SHOWN, "send it")], last=None)
        else:
            keys = [(f"{CHORD_SHOWN} {letter}", words) for letter, words in letters]
            self.key_bar.set_keys([(CHORD_SHOWN, "leave"), *keys], last=None)

    # Keys.

    def hear(self, event: events.Key) -> None:
        """Take a key: the chord, the letter after it, or one for the guest."""
        event.stop()
        event.prevent_default()
        self.key_came()
        if event.key == "escape" and self.toast.shown:
            self.toast.close()
        elif self._chord is not None:
            self._end_chord()
            self._command(event)
        elif event.key == CHORD:
            self._chord = self.set_timer(LEAVES_AFTER_S, self._chord_is_all)
            self._show_keys()
        elif not self.runs:
            self._without_guest(event.key)
        else:
            self.type_key(event)

    def _command(self, event: events.Key) -> None:
        letter = event.character or event.key
        command = self.commands().get(self.ALIASES.get(letter, letter))
        if event.key == CHORD:
            self.type_key(event)
        elif event.key in ("escape", "q", "enter"):
            self.leave()
        elif command is not None:
            command[1]()
        else:
            self.refuse(f"{CHORD_SHOWN} {letter if letter.isprintable() else event.key} is no key")

    def _end_chord(self) -> None:
        if self._chord is not None:
            self._chord.stop()
            self._chord = None
        self._show_keys()

    def _chord_is_all(self) -> None:
        self._end_chord()
        self.leave()

    def _without_guest(self, key: str) -> None:
        """The guest is off: its start is what one wants, or to leave."""
        if key == self._keys.all_of("guest.start"):
            self.kvmtui.desk.perform("guest.start", [self.guest])
        elif key in ("escape", "q"):
            self.leave()

    @on(KeyBar.KeyClicked)
    def _key_clicked(self, event: KeyBar.KeyClicked) -> None:
        letter = event.key.removeprefix(CHORD_SHOWN).strip()
        command = self.commands().get(letter)
        self._end_chord()
        if command is not None:
            command[1]()
        else:
            self.leave()

    def leave(self) -> None:
        """Back to where one came from; the guest goes on."""
        self.dismiss()

    # What both can do.

    def search(self, source: Source, what: str) -> None:
        """Show lines to scroll and to search.

        Args:
            what: What they are, in the title.
        """
        from kvmtui.tui.screens.scrollback import ScrollbackScreen

        self.app.push_screen(ScrollbackScreen(source, self.guest, what))

    def stopped_line(self, live: LiveGuest) -> Line:
        """The line of state of a guest that is off."""
        if live.under_way is not None:
            # Until what ends it is done, it cannot be started.
            return (Span(state_word(live), "muted"),)
        start = self._keys.of("guest.start")
        ended = self._detail.ended_at if self._detail is not None else None
        when = f" {exact_time(ended, time.time())}" if ended is not None else ""
        return (
            Span(f"{live.view.state}{when}; ", "muted"),
            Span(start, "accent", bold=True),
            Span(" starts it, ", "muted"),
            Span("Esc", "accent", bold=True),
            Span(" leaves", "muted"),
        )

    def copy_text(self, lines: list[str]) -> None:
        """Copy a screen's text to the user's clipboard."""
        text = "\n".join(line.rstrip() for line in lines).strip("\n")
        self.copy_told(text, "there is no text on the screen")

    def ask_paste(self, then: Callable[[str], None]) -> None:
        """Have a text typed that is not shown, and do something with it."""
        from kvmtui.tui.render.confirm import question_secret

        def answered(answer: Answer) -> None:
            then(answer.text)

        question = question_secret(
            f"Paste into {self.guest}", "Text, not shown and kept nowhere", "Paste"
        )
        self.kvmtui.ask(question, "", [self.guest], answered)
