"""A question over the list: what would be lost, and a safe answer that has the focus."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip

from kvmtui.tui.spans import Line
from kvmtui.tui.widgets.base import LineWidget, Parts
from kvmtui.tui.widgets.dialog_lines import Content, Ordered, build, width_for
from kvmtui.tui.widgets.editor import Editor


class Ask(NamedTuple):
    """A text that the dialog wants typed."""

    prompt: str
    check: Callable[[str], str] = lambda text: "" if text else "nothing typed"
    """What is still wrong with a text, in a few words; empty where it is complete."""
    text: str = ""
    """What stands there at first."""
    secret: bool = False
    """Whether only the number of its characters is shown."""


class Answer(NamedTuple):
    """How a dialog ended."""

    done: bool
    """Whether to do it; else the safe answer was given."""
    checks: tuple[bool, ...] = ()
    text: str = ""
    closed_because: str = ""
    """Why it closed by itself, where it did."""


class Question(NamedTuple):
    """What a dialog says."""

    title: str
    """Verb and name, as a question."""
    lines: tuple[Line, ...]
    safe: str
    """The safe answer, named for what it keeps."""
    act: str
    """The other one, a verb first."""
    checks: tuple[tuple[str, bool], ...] = ()
    """Boxes to tick: the words, and whether it is ticked at first."""
    ask: Ask | None = None
    opener: str = ""
    """The key that opened the dialog, in Textual's words: it does nothing here."""


class Box(LineWidget, can_focus=True):
    """The dialog's frame with all that is in it."""

    class Answered(Message):
        """An answer was given."""

        def __init__(self, done: bool) -> None:
            super().__init__()
            self.done = done

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self.ticked = [ticked for _, ticked in question.checks]
        self.editor = Editor.at_end(question.ask.text) if question.ask else None
        self._typed = False
        self._at = self._stops()[-1]

    # What is in it.

    @property
    def missing(self) -> str:
        """What is still wrong with the typed text."""
        ask = self.question.ask
        return ask.check(self.editor.text) if ask and self.editor is not None else ""

    def _stops(self) -> list[str]:
        """Where the focus can be, from top to bottom; the last is where it begins."""
        ticks = [f"check {number}" for number in range(len(self.ticked))]
        return ["safe", *ticks, "text"] if self.editor is not None else [*ticks, "safe"]

    def content(self) -> Content:
        """All that is drawn, for the functions that lay it out."""
        question = self.question
        words = [words for words, _ in question.checks]
        return Content(
            title=question.title,
            lines=question.lines,
            checks=tuple(zip(words, self.ticked, strict=True)),
            prompt=question.ask.prompt if question.ask else "",
            editor=self._shown_editor(),
            safe=question.safe,
            act=question.act,
            missing=self.missing,
            at=self._at,
        )

    def _shown_editor(self) -> Editor | None:
        ask, editor = self.question.ask, self.editor
        if ask is None or editor is None or not ask.secret:
            return editor
        return editor._replace(text="*" * len(editor.text))

    def fit_into(self, screen: Size) -> None:
        """Take the size that the content needs on a screen."""
        content = self.content()
        width = width_for(content, screen.width)
        height = len(build(content, width, screen.height, self.glyphs))
        self.styles.width, self.styles.height = width, height
        self.show_changes()

    def _ordered(self) -> tuple[Ordered, ...]:
        return build(self.content(), self.size.width, self.size.height, self.glyphs)

    def paint(self, y: int, width: int) -> Parts:
        lines = self._ordered()
        return lines[y].parts if y < len(lines) else ()

    # Keys and mouse.

    def on_key(self, event: events.Key) -> None:
        if self._ignored(event.key):
            event.stop()
            event.prevent_default()
            return
        self._typed = True
        if self._take(event.key, event.character):
            event.stop()
            event.prevent_default()
            self.show_changes()

    def _ignored(self, key: str) -> bool:
        """Whether it is the key that opened the dialog: in a text only at first."""
        return key == self.question.opener and (self.editor is None or not self._typed)

    def _take(self, key: str, character: str | None) -> bool:
        """Do what a key does; whether it does anything here."""
        match key:
            case "escape":
                self._answer(False)
            case "tab" | "down":
                self._step(1)
            case "shift+tab" | "up":
                self._step(-1)
            case "enter":
                self._enter()
            case "space" if self._at.startswith("check"):
                self._tick(int(self._at.split()[1]))
            case "y" if self.editor is None:
                self._answer(True)
            case _:
                return self._type(key, character)
        return True

    def _type(self, key: str, character: str | None) -> bool:
        edited = self.editor.press(key, character) if self.editor is not None else None
        if edited is None:
            return False
        self.editor, self._at = edited, "text"
        return True

    def _step(self, by: int) -> None:
        stops = self._stops()
        self._at = stops[(stops.index(self._at) + by) % len(stops)]

    def _enter(self) -> None:
        if self._at == "text":
            if not self.missing:
                self._answer(True)
        elif self._at == "safe":
            self._answer(False)
        else:
            self._tick(int(self._at.split()[1]))

    def _tick(self, number: int) -> None:
        self.ticked[number] = not self.ticked[number]

    def _answer(self, done: bool) -> None:
        self.post_message(self.Answered(done))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self.editor is not None:
            self.editor, self._typed = self.editor.insert(event.text), True
            self.show_changes()

    def on_click(self, event: events.Click) -> None:
        lines = self._ordered()
        spots = lines[event.y].spots if event.y < len(lines) else ()
        for what, start, end in spots:
            if start <= event.x < end:
                self._clicked(what)
        self.show_changes()

    def _clicked(self, what: str) -> None:
        if what == "safe":
            self._answer(False)
        elif what == "act":
            if not self.missing:
                self._answer(True)
        elif what.startswith("check"):
            self._at = what
            self._tick(int(what.split()[1]))


class Dialog(ModalScreen[Answer]):
    """Asks before something is done; ends with an `Answer`.

    ``y`` does it, or Enter where a text is to be typed and is complete. Esc, and Enter on
    the safe answer, keep things as they are. The screen below stays as it is.
    """

    DEFAULT_CSS = """
    Dialog { background: transparent; align: center middle; overflow: hidden hidden; }
    Dialog > Box { width: 66; height: 10; }
    """

    def __init__(self, question: Question, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._box = Box(question)
        self._answer: Answer | None = None

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._box.fit_into(self.app.size)

    def on_key(self, event: events.Key) -> None:
        """A key that came before the box had the focus is for it too."""
        if self.focused is None:
            self._box.on_key(event)

    def on_resize(self, event: events.Resize) -> None:
        self._box.fit_into(event.size)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The screen below, with the very styles it has there: so none of it is sent again.

        Textual gives unstyled cells the terminal's default colours by name on the way.
        """
        strips = super().render_lines(crop)
        if not self.app.native_ansi_color:
            return strips
        return [
            Strip([Segment(text, _unnamed(style), control) for text, style, control in strip])
            for strip in strips
        ]

    def update(self, lines: Sequence[Line]) -> None:
        """Say something else while it is open."""
        self._box.question = self._box.question._replace(lines=tuple(lines))
        if self.is_mounted:
            self._box.fit_into(self.app.size)

    def closed_because(self, reason: str) -> None:
        """Close without doing anything: what the question was about is gone."""
        self._end(Answer(False, closed_because=reason))

    def on_box_answered(self, event: Box.Answered) -> None:
        event.stop()
        box = self._box
        text = box.editor.text if box.editor is not None else ""
        self._end(Answer(event.done, tuple(box.ticked), text))

    def on_screen_resume(self) -> None:
        if self._answer is not None:
            self.dismiss(self._answer)

    def _end(self, answer: Answer) -> None:
        """Close with the first answer there is; under another screen, when that is gone."""
        if self._answer is None:
            self._answer = answer
            if self.is_mounted and self.app.screen is self:
                self.dismiss(answer)


@functools.lru_cache(maxsize=256)
def _unnamed(style: Style | None) -> Style | None:
    """A style without the default colours, which are those of unstyled cells."""
    if style is None:
        return None
    color = style.color if style.color is not None and not style.color.is_default else None
    ground = style.bgcolor
    bgcolor = ground if ground is not None and not ground.is_default else None
    return style.without_color + Style(color=color, bgcolor=bgcolor)
