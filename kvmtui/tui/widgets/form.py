"""A form: fields under each other, filled in by keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.message import Message

from kvmtui.tui.widgets.base import LineWidget, Parts
from kvmtui.tui.widgets.fields import Field, Fields, Result
from kvmtui.tui.widgets.form_lines import FormLine, form_lines
from kvmtui.tui.widgets.scrolling import WHEEL_LINES


class Form(LineWidget, can_focus=True):
    """Fields to fill in. Letters are text; Ctrl-S does it, F1 explains, Esc leaves."""

    DEFAULT_CSS = "Form { height: 1fr; width: 1fr; }"

    class Changed(Message):
        """A field has another value."""

        def __init__(self, field: str, value: str) -> None:
            super().__init__()
            self.field = field
            self.value = value

    class Submitted(Message):
        """All fields are right, and it is to be done."""

        def __init__(self, values: Mapping[str, str]) -> None:
            super().__init__()
            self.values = dict(values)

    class SubmitRefused(Message):
        """It was to be done, but fields are not right: their labels, and why."""

        def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
            super().__init__()
            self.problems = tuple(problems)

    class Left(Message):
        """It is not to be done."""

        def __init__(self, changed: bool) -> None:
            super().__init__()
            self.changed = changed

    class Pressed(Message):
        """A button was pressed: its field's id."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def __init__(
        self, fields: Sequence[Field], *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._fields = Fields(fields)
        self._lines: list[FormLine] = []
        self._top = 0
        self._keys: dict[str, Callable[[], None]] = {
            "tab": lambda: self.action_step(1),
            "down": lambda: self.action_step(1),
            "enter": self.action_enter,
            "shift+tab": lambda: self.action_step(-1),
            "up": lambda: self.action_step(-1),
            "ctrl+s": self.action_submit,
            "f1": self.action_explain,
            "escape": self.action_leave,
        }

    # What the owner asks and sets.

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields, by their ids."""
        return dict(self._fields.values)

    @property
    def changed(self) -> bool:
        """Whether any value is another than at first."""
        return self._fields.changed

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """What is not right: the fields' labels, and why."""
        return tuple((field.label, text) for field, text in self._fields.problems)

    @property
    def field(self) -> str:
        """The id of the field that is filled in."""
        return self._fields.field.id

    @property
    def given(self) -> dict[str, str]:
        """The values that a person gave."""
        return {id: self._fields.values[id] for id in self._fields.touched}

    def renew(self, fields: Sequence[Field]) -> None:
        """Take the fields as they are now; what a person gave stays."""
        self._fields.renew(fields)
        self.show_changes()

    def give(self, id: str, value: str) -> None:
        """Put a value into a field as a person would."""
        self._fields.touched.add(id)
        self.set_value(id, value)

    def set_value(self, id: str, value: str) -> None:
        """Put a value into a field, as when another field decides it."""
        self._fields.set(id, value)
        self.show_changes()

    def set_result(self, id: str, said: str) -> None:
        """What a check that took longer says of a field, in the words of `Field.check`."""
        self._fields.results[id] = Result.of(said)
        self.show_changes()

    def go_to(self, id: str) -> None:
        """Fill in a field."""
        self._fields.go_to(id)
        self._show_field()

    # Keys and mouse.

    def on_key(self, event: events.Key) -> None:
        """All keys are heard here: a binding would act after letters that came later."""
        before = dict(self._fields.values)
        taken = self._fields.press(event.key, event.character)
        if taken:
            self._after(before)
        elif event.key in self._keys:
            taken = True
            self._keys[event.key]()
        if taken:
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        before = dict(self._fields.values)
        self._fields.insert(event.text)
        self._after(before)

    def action_step(self, by: int) -> None:
        self._fields.go(self._fields.at + by, by)
        self._show_field()

    def action_enter(self) -> None:
        if self._fields.field.kind == "button":
            self.post_message(self.Pressed(self._fields.field.id))
        else:
            self.action_step(1)

    def action_submit(self) -> None:
        self._fields.check_all()
        self._show_field()
        if self.problems:
            self.post_message(self.SubmitRefused(self.problems))
        else:
            self.post_message(self.Submitted(self._fields.values))

    def action_explain(self) -> None:
        self._fields.explained = not self._fields.explained
        self._show_field()

    def action_leave(self) -> None:
        self.post_message(self.Left(self._fields.changed))

    def on_click(self, event: events.Click) -> None:
        number = self._top + event.y
        line = self._lines[number] if number < len(self._lines) else FormLine(())
        before = dict(self._fields.values)
        if line.choice is not None:
            self._fields.pick(line.choice)
        elif line.field is not None and line.field != self._fields.at:
            self._fields.go(line.field)
        elif line.field is not None and self._fields.field.kind == "button":
            self.action_enter()
        elif line.field is not None and self._fields.field.kind != "text":
            self._fields.press("space", " ")
        self._after(before)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go_top(self._top + WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go_top(self._top - WHEEL_LINES)

    def on_resize(self) -> None:
        self._show_field()

    def on_focus(self) -> None:
        self.show_changes()

    def on_blur(self) -> None:
        self.show_changes()

    # What is drawn.

    def _after(self, before: Mapping[str, str]) -> None:
        """Draw what a key did, and tell which value it changed."""
        self._show_field()
        for id, value in self._fields.values.items():
            if before[id] != value:
                self.post_message(self.Changed(id, value))

    def _show_field(self) -> None:
        """Scroll as little as brings the field into sight, with all that belongs to it."""
        self._build()
        at = self._fields.at
        mine = [y for y, line in enumerate(self._lines) if at in (line.field, line.also)]
        if mine and mine[0] > 0 and self._lines[mine[0] - 1].field is None:
            mine.insert(0, mine[0] - 1)
        top = max(self._top, mine[-1] - self.size.height + 1 + self._lost) if mine else 0
        self._go_top(min(top, mine[0]) if mine else 0)

    @property
    def _lost(self) -> int:
        """How many of its last lines are taken by what is said of those below."""
        return 0

    def _go_top(self, top: int) -> None:
        self._top = max(min(top, len(self._lines) - self.size.height), 0)
        self.show_changes()

    def _build(self) -> None:
        if self.is_mounted and self.size.width:
            self._lines = self.make_lines(self._fields, self.size.width)

    def make_lines(self, fields: Fields, width: int) -> list[FormLine]:
        """All lines of the form."""
        return form_lines(fields, width, self.glyphs, focus=self.has_focus)

    def show_changes(self) -> None:
        self._build()
        super().show_changes()

    def paint(self, y: int, width: int) -> Parts:
        number = self._top + y
        return self._lines[number].parts if number < len(self._lines) else ()
