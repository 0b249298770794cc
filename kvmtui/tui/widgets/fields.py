"""The fields of a form and what is typed into them; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from kvmtui.tui.widgets.editor import Editor

YES, NO = "yes", "no"
FINE, WARNING, PROBLEM = "✓", "▲", "✗"


def _anything(value: str) -> str:
    return ""


class Field(NamedTuple):
    """One field of a form."""

    id: str
    label: str
    kind: Literal["text", "choice", "switch"] = "text"
    value: str = ""
    """At first; of a switch ``yes`` or ``no``."""
    choices: tuple[str, ...] = ()
    help: str = ""
    check: Callable[[str], str] = _anything
    """What is wrong with a value; empty, or behind ``✓`` or ``▲``, where it may stay."""
    section: str = ""
    """The head above it, on the first field of a part."""


class Result(NamedTuple):
    """What a check said of a value."""

    sign: str = ""
    """``✓``, ``▲``, ``✗``, or nothing."""
    text: str = ""

    @property
    def faulty(self) -> bool:
        """Whether the form cannot be done so."""
        return self.sign == PROBLEM

    @classmethod
    def of(cls, said: str) -> Result:
        """Understand a check's words; without a sign before them they are a problem."""
        if not said:
            return cls()
        if said[0] in (FINE, WARNING, PROBLEM):
            return cls(said[0], said[1:].strip())
        return cls(PROBLEM, said)


class Fields:
    """The values of a form while it is filled in.

    Args:
        fields: From top to bottom; at least one.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.values = {field.id: field.value for field in fields}
        self.results = {field.id: Result.of(field.check(field.value)) for field in fields}
        self.at = 0
        """The index of the field that is filled in."""
        self.editor = Editor.at_end(self.fields[0].value)
        """Of the field that is filled in; of use where it is text."""
        self.picking: int | None = None
        """The choice that the open pick list stands on."""
        self.explained = False
        """Whether the help of the field is shown."""

    @property
    def field(self) -> Field:
        """The field that is filled in."""
        return self.fields[self.at]

    @property
    def changed(self) -> bool:
        """Whether any value is another than at first."""
        return any(self.values[field.id] != field.value for field in self.fields)

    @property
    def problems(self) -> tuple[tuple[Field, str], ...]:
        """The fields that are to be put right, from top to bottom."""
        return tuple(
            (field, self.results[field.id].text)
            for field in self.fields
            if self.results[field.id].faulty
        )

    def go(self, index: int) -> None:
        """Fill in another field; behind the last comes the first."""
        self.at = index % len(self.fields)
        self.editor = Editor.at_end(self.values[self.field.id])
        self.picking = None
        self.explained = False

    def go_to(self, id: str) -> None:
        """Fill in a field by its id."""
        self.go([field.id for field in self.fields].index(id))

    def set(self, id: str, value: str) -> None:
        """Put a value into a field, and check it."""
        field = next(field for field in self.fields if field.id == id)
        self.values[id] = value
        self.results[id] = Result.of(field.check(value))
        if field is self.field and self.editor.text != value:
            self.editor = Editor.at_end(value)

    def check_all(self) -> None:
        """Check every field again, and go to the first that is not right."""
        for field in self.fields:
            self.results[field.id] = Result.of(field.check(self.values[field.id]))
        if self.problems:
            self.go_to(self.problems[0][0].id)

    def press(self, key: str, character: str | None) -> bool:
        """Do what a key does to the field that is filled in; whether it does anything."""
        if self.picking is not None:
            return self._press_in_list(key)
        kind = self.field.kind
        if kind == "text":
            return self._press_in_text(key, character)
        if kind == "switch" and key in ("space", "enter", "left", "right"):
            self.set(self.field.id, NO if self.values[self.field.id] == YES else YES)
            return True
        if kind == "choice" and self.field.choices:
            return self._press_on_choice(key)
        return False

    def insert(self, text: str) -> None:
        """Paste text into the field, where it takes text."""
        if self.field.kind == "text":
            self.editor = self.editor.insert(text)
            self.set(self.field.id, self.editor.text)

    def pick(self, number: int) -> None:
        """Take a choice, and close the list."""
        self.picking = None
        self.set(self.field.id, self.field.choices[number])

    def _press_in_text(self, key: str, character: str | None) -> bool:
        edited = self.editor.press(key, character)
        if edited is None:
            return False
        self.editor = edited
        if edited.text != self.values[self.field.id]:
            self.set(self.field.id, edited.text)
        return True

    def _chosen(self) -> int:
        choices, value = self.field.choices, self.values[self.field.id]
        return choices.index(value) if value in choices else 0

    def _press_on_choice(self, key: str) -> bool:
        number, count = self._chosen(), len(self.field.choices)
        if key in ("space", "enter"):
            self.picking = number
        elif key in ("left", "right"):
            self.pick((number + (1 if key == "right" else -1)) % count)
        else:
            return False
        return True

    def _press_in_list(self, key: str) -> bool:
        """Keys of the open list; all others are swallowed by it."""
        last = len(self.field.choices) - 1
        assert self.picking is not None
        if key in ("down", "j"):
            self.picking = min(self.picking + 1, last)
        elif key in ("up", "k"):
            self.picking = max(self.picking - 1, 0)
        elif key in ("enter", "space"):
            self.pick(self.picking)
        elif key == "escape":
            self.picking = None
        else:
            return key not in ("tab", "shift+tab", "ctrl+s", "f1")
        return True
