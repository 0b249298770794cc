"""The fields of a form and what is typed into them; nothing is drawn here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from kvmtui.tui.widgets.editor import Editor

YES, NO = "yes", "no"
FINE, WARNING, PROBLEM, CHECKING = "✓", "▲", "✗", "»"
_LIST_PAGE = 8

Kind = Literal["text", "choice", "switch", "head", "radio", "fold", "button"]
"""``head`` and ``radio`` show all their choices in one line, ``head`` as the page's title; a
``fold`` opens the fields that hang on it; a ``button`` does something."""


def _anything(value: str) -> str:
    return ""


class Field(NamedTuple):
    """One field of a form."""

    id: str
    label: str
    kind: Kind = "text"
    value: str = ""
    """At first; of a switch and a fold ``yes`` or ``no``."""
    choices: tuple[str, ...] = ()
    """Of a text field what can be picked instead of being typed."""
    help: str = ""
    check: Callable[[str], str] = _anything
    """What is wrong with a value; empty, or behind ``✓`` or ``▲``, where it may stay."""
    section: str = ""
    """The head above it, on the first field of a part."""
    labels: tuple[str, ...] = ()
    """How the choices are called; as they are when empty."""
    when: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    """When it is there: where one of these has all its fields at one of their values."""
    short: bool = False
    """Whether what it takes is a few letters."""
    strong: bool = False
    """Whether its value is to be seen as another than the usual one."""
    note: str = ""
    """Of a fold: what is in it."""

    def called(self, value: str) -> str:
        """How a value is called."""
        if value in self.choices and self.labels:
            return self.labels[self.choices.index(value)]
        return value


class Result(NamedTuple):
    """What a check said of a value."""

    sign: str = ""
    """``✓``, ``▲``, ``✗``, ``»`` while it is being checked, or nothing."""
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
        if said[0] in (FINE, WARNING, PROBLEM, CHECKING):
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
        self.touched: set[str] = set()
        """The fields that a person gave a value."""
        self.results = {field.id: Result.of(field.check(field.value)) for field in fields}
        self.at = 0
        """The index of the field that is filled in."""
        self.editor = Editor.on_all(self.fields[0].value)
        """Of the field that is filled in; of use where it is text."""
        self.picking: int | None = None
        """The choice that the open pick list stands on."""
        self.found = ""
        """The letters by which a choice is looked for in the open list."""
        self.explained = False
        """Whether the help of the field is shown."""
        self.hidden: frozenset[str] = frozenset()
        """The fields that are left out for now."""

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

    def is_there(self, index: int) -> bool:
        """Whether a field is one of the form now, by what others say."""
        when, values = self.fields[index].when, self.values
        if self.fields[index].id in self.hidden:
            return False
        if not when:
            return True
        return any(all(values.get(key) in those for key, those in one.items()) for one in when)

    def renew(self, fields: Sequence[Field]) -> None:
        """Take the fields as they are now; what a person gave stays, the rest follows."""
        id, before = self.field.id, self.values
        self.fields = tuple(fields)
        ids = {field.id for field in fields}
        self.touched &= ids
        self.values = {
            field.id: before[field.id] if field.id in self.touched else field.value
            for field in fields
        }
        self.results = {one: self.results.get(one, Result()) for one in ids}
        found = [number for number, field in enumerate(fields) if field.id == id]
        self.at = found[0] if found else 0
        if self.picking is not None:
            self.picking = min(self.picking, len(self.field.choices) - 1)
            self.picking = self.picking if self.picking >= 0 else None
        if self.picking is None or not self._matches(self.found):
            self.found = ""
        if self.editor.text != self.values[self.field.id] or not found:
            kept = bool(found and self.editor.text) and not self.editor.selected
            value = self.values[self.field.id]
            self.editor = Editor.at_end(value) if kept else self._opened()

    def go(self, index: int, step: int = 1) -> None:
        """Fill in another field, or the next that is there; behind the last comes the first.

        Args:
            step: The direction in which the next is looked for.
        """
        for _ in self.fields:
            if self.is_there(index % len(self.fields)):
                break
            index += step
        self.at = index % len(self.fields)
        self.editor = self._opened()
        self.picking = None
        self.found = ""
        self.explained = False

    def _opened(self) -> Editor:
        """What stands in the field; selected, unless a person gave it in this form."""
        value = self.values[self.field.id]
        is_own = self.field.id in self.touched
        return Editor.at_end(value) if is_own else Editor.on_all(value)

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
            return self._press_in_list(key, character)
        kind = self.field.kind
        if kind == "text" and not (key == "enter" and self.field.choices):
            return self._press_in_text(key, character)
        keys = ("space", "enter") if kind == "fold" else ("space", "enter", "left", "right")
        if kind in ("switch", "fold") and key in keys:
            self._give(NO if self.values[self.field.id] == YES else YES)
            return True
        if kind in ("head", "radio") and key in ("space", "left", "right"):
            self._step(-1 if key == "left" else 1)
            return True
        if kind in ("choice", "text") and self.field.choices:
            return self._press_on_choice(key, character)
        return False

    def _give(self, value: str) -> None:
        """Take a value from a person."""
        self.touched.add(self.field.id)
        self.set(self.field.id, value)

    def _step(self, by: int) -> None:
        """Take the next choice or the one before."""
        choices = self.field.choices
        self._give(choices[(self._chosen() + by) % len(choices)])

    def insert(self, text: str) -> None:
        """Paste text into the field, where it takes text."""
        if self.field.kind == "text":
            self.editor = self.editor.insert(text)
            self._give(self.editor.text)

    def pick(self, number: int) -> None:
        """Take a choice, and close the list."""
        self.picking = None
        self.found = ""
        self._give(self.field.choices[number])

    def _press_in_text(self, key: str, character: str | None) -> bool:
        edited = self.editor.press(key, character)
        if edited is None:
            return False
        self.editor = edited
        if edited.text != self.values[self.field.id]:
            self._give(edited.text)
        return True

    def _chosen(self) -> int:
        choices, value = self.field.choices, self.values[self.field.id]
        return choices.index(value) if value in choices else 0

    def _press_on_choice(self, key: str, character: str | None) -> bool:
        """Keys of a closed list; a letter opens it and is looked for."""
        if key in ("space", "enter"):
            self.picking = self._chosen()
        elif key in ("left", "right"):
            self._step(1 if key == "right" else -1)
        elif character is not None and character.isalnum():
            self.picking = self._chosen()
            self._finds(character)
        else:
            return False
        return True

    def _press_in_list(self, key: str, character: str | None) -> bool:
        """Keys of the open list; letters find in it, and any other key ends that."""
        last = len(self.field.choices) - 1
        assert self.picking is not None
        moves = {"down": 1, "up": -1, "home": -last, "end": last}
        moves |= {"pagedown": _LIST_PAGE, "pageup": -_LIST_PAGE}
        if character is not None and character.isprintable() and self._finds(character):
            return True
        if key == "backspace":
            self.found = self.found[:-1]
            self._go_to_found()
            return True
        if key in ("j", "k") and not self.found:
            key = {"j": "down", "k": "up"}[key]
        if key in moves:
            self.found = ""
            self.picking = max(0, min(self.picking + moves[key], last))
        elif key in ("enter", "space"):
            self.pick(self.picking)
        elif key == "escape":
            self.found = ""
            self.picking = None
        else:
            return key not in ("tab", "shift+tab", "ctrl+s", "f1")
        return True

    def _finds(self, letter: str) -> bool:
        """Take a letter to those before, where a choice has a word that begins so.

        One letter again and again goes from choice to choice. A space picks what was found,
        unless it is in one.
        """
        if letter == self.found and (matches := self._matches(letter)):
            at = matches.index(self.picking) if self.picking in matches else -1
            if not self._matches(letter + letter):
                self.picking = matches[(at + 1) % len(matches)]
                return True
        wanted = self.found + letter
        if not wanted.strip() or not self._matches(wanted):
            return False
        self.found = wanted
        self._go_to_found()
        return True

    def _go_to_found(self) -> None:
        if self.found:
            self.picking = self._matches(self.found)[0]

    def _matches(self, wanted: str) -> list[int]:
        """The choices that begin so, then those with a word that does; upper case is as lower."""
        begins = re.compile(rf"(?<!\w){re.escape(wanted)}", re.IGNORECASE)
        found = []
        for number, choice in enumerate(self.field.choices):
            place = begins.search(self.field.called(choice))
            if place is not None:
                found.append((place.start() > 0, number))
        return [number for _, number in sorted(found)]
