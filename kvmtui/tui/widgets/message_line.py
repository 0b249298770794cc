"""The message line: the answer to the last action, what is marked or filtered, the filter."""

from __future__ import annotations

from typing import Literal, NamedTuple

from textual import events
from textual.message import Message
from textual.widget import Widget

from kvmtui.tui.spans import Line, Span, crop, fit, width_of
from kvmtui.tui.widgets.base import LineWidget, Part, Parts
from kvmtui.tui.widgets.editor import Editor
from kvmtui.tui.widgets.expiry import Clock, Expiry, clock
from kvmtui.tui.widgets.wrapping import wrap

Kind = Literal["success", "refusal", "progress"]

SUCCESS_S = 8.0
LEAST_LEFT = 10
"""Where less is left for the left part beside an answer, it goes."""


class _Answer(NamedTuple):
    line: Line
    kind: Kind


class MessageLine(LineWidget):
    """One line above the keys; more while an answer stands there that takes them.

    A success stands for 8 s, at the right where something stands at the left. A refusal
    stands at the left until the next key. What is under way stands until it is replaced.

    Args:
        most_lines: How many lines a long answer may take.
        clock: In seconds; for tests.
    """

    DEFAULT_CSS = "MessageLine { height: 1; width: 1fr; }"

    class FilterChanged(Message):
        """The text of the filter is another."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class FilterEnded(Message):
        """The filter's text is not typed any longer: kept by Enter, or cleared by Esc."""

        def __init__(self, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def __init__(
        self,
        *,
        most_lines: int = 1,
        clock: Clock = clock,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._most_lines = most_lines
        self._height = 1
        self._standing: Line = ()
        self._answer: _Answer | None = None
        self._editor: Editor | None = None
        self._found: tuple[int, int] | None = None
        self._focused_before: Widget | None = None
        self._expiry = Expiry(self, self.clear, clock)

    # What is said.

    def set_standing(self, line: Line) -> None:
        """What is true until it changes: marks, a kept filter, a count."""
        self._standing = line
        self.show_changes()

    def show(self, line: Line, *, kind: Kind = "success", until: float | None = None) -> None:
        """Answer an action.

        Args:
            line: One sentence, without a sign before it.
            kind: How it ended.
            until: When it goes, by the clock; else its kind says so.
        """
        self._answer = _Answer(line, kind)
        if until is not None or kind != "success":
            self._expiry.set(until)
        else:
            self._expiry.set_in(SUCCESS_S)
        self.show_changes()

    def clear(self) -> None:
        """Take the answer away."""
        self._answer = None
        self._expiry.set(None)
        self.show_changes()

    def key_pressed(self) -> None:
        """A key came: a refusal has been seen."""
        if self._answer is not None and self._answer.kind == "refusal":
            self.clear()

    def work_failed(self) -> None:
        """What was under way is not any more: nothing may say so."""
        if self._answer is not None and self._answer.kind == "progress":
            self.clear()

    def tick(self) -> None:
        """Take the answer away if its time is over."""
        self._expiry.check()

    # The filter.

    @property
    def filtering(self) -> bool:
        """Whether the filter's text is being typed."""
        return self._editor is not None

    def open_filter(self, text: str = "") -> None:
        """Let the filter's text be typed; the focus comes here until it ends."""
        if self._editor is None:
            self._focused_before = self.screen.focused
        self._editor = Editor.at_end(text)
        self.can_focus = True
        # Not by `focus()`, which would let keys that come at once go elsewhere.
        self.screen.set_focus(self)
        self.show_changes()

    def set_found(self, shown: int, total: int) -> None:
        """How many the filter leaves."""
        self._found = (shown, total)
        self.show_changes()

    def on_key(self, event: events.Key) -> None:
        if self._editor is None:
            return
        if event.key in ("enter", "escape"):
            event.stop()
            event.prevent_default()
            self._end_filter(kept=event.key == "enter" and bool(self._editor.text))
            return
        edited = self._editor.press(event.key, event.character)
        if edited is not None:
            event.stop()
            event.prevent_default()
            self._edit(edited)

    def on_paste(self, event: events.Paste) -> None:
        if self._editor is not None:
            event.stop()
            self._edit(self._editor.insert(event.text))

    def on_blur(self) -> None:
        if self._editor is not None:
            self._end_filter(kept=bool(self._editor.text))

    def _edit(self, edited: Editor) -> None:
        changed = self._editor is None or edited.text != self._editor.text
        self._editor = edited
        self.show_changes()
        if changed:
            self.post_message(self.FilterChanged(edited.text))

    def _end_filter(self, *, kept: bool) -> None:
        self._editor = self._found = None
        if self.has_focus and self._focused_before is not None:
            self.screen.set_focus(self._focused_before)
        self.can_focus = False
        self._focused_before = None
        self.show_changes()
        self.post_message(self.FilterEnded(kept))

    # What is drawn.

    def show_changes(self) -> None:
        """As high as the answer takes."""
        height = max(len(self._long_answer(self.size.width)), 1)
        if height != self._height:
            self._height = height
            self.styles.height = height
        super().show_changes()

    def on_resize(self) -> None:
        self.show_changes()

    def _long_answer(self, width: int) -> tuple[Line, ...]:
        """An answer on several lines; empty where one does."""
        answer, room = self._said(), width - 2
        if answer is None or self._editor is not None or self._most_lines < 2 or room < 1:
            return ()
        lines = wrap(answer, room)
        return lines[: self._most_lines] if len(lines) > 1 else ()

    def paint(self, y: int, width: int) -> Parts:
        answer = self._said()
        if y < len(long := self._long_answer(width)):
            return (Part((Span(" "), *long[y])),)
        if y > 0:
            return ()
        if self._editor is not None:
            return self._filter_parts(self._editor, width)
        if answer is None or (self._answer is not None and self._answer.kind == "refusal"):
            return (Part((Span(" "), *(answer or self._standing))),)
        return (Part((Span(" "), *beside(self._standing, answer, width - 2))),)

    def _said(self) -> Line | None:
        """The answer with the sign of its kind."""
        if self._answer is None:
            return None
        glyphs = self.glyphs
        sign = {
            "success": Span(glyphs.good, "ok", glyph=True),
            "refusal": Span(glyphs.trouble, "warn", glyph=True),
            "progress": Span(glyphs.under_way, "warn", glyph=True),
        }[self._answer.kind]
        return (sign, Span(" "), *self._answer.line)

    def _filter_parts(self, editor: Editor, width: int) -> Parts:
        sign = "_" if self.glyphs.name == "ascii" else "▌"
        text = editor.parts(max(width - 2, 1), sign)
        told: list[Span] = []
        if self._found is not None:
            told = [Span("   {} of {}".format(*self._found))]
        told += [Span("   "), Span("Enter", "accent", bold=True), Span(" keeps it, ", "muted")]
        told += [Span("Esc", "accent", bold=True), Span(" clears", "muted")]
        return (Part((Span(" "), Span("/", "accent"))), *text, Part(tuple(told)))


def beside(left: Line, right: Line, width: int) -> Line:
    """Two parts of a line, the right one whole; it stands at the left where it is alone."""
    if not left:
        return crop(right, width)
    room = width - width_of(right) - 2
    if room < min(LEAST_LEFT, width_of(left)):
        return crop(right, width)
    return (*fit(left, room), Span("  "), *right)
