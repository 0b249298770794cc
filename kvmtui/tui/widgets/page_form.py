"""A form that is a page of its own: long, with folds, scrolled by its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.message import Message

from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.fields import YES, Field, Fields
from kvmtui.tui.widgets.form import Form
from kvmtui.tui.widgets.form_lines import FormLine
from kvmtui.tui.widgets.page_lines import fields_below, page_lines

_PAGE = 8


class PageForm(Form):
    """Fields with a title, parts, folds and buttons.

    Args:
        fields: From top to bottom.
        keys: Keys besides those of every form, and what each does.
    """

    class SubmitWanted(Message):
        """It is to be done, whatever was said of its fields so far."""

    def __init__(
        self,
        fields: Sequence[Field],
        keys: Mapping[str, Callable[[], None]],
        *,
        first: str,
        id: str | None = None,
    ) -> None:
        super().__init__(fields, id=id)
        self._own_keys = dict(keys)
        self._keys["pagedown"] = lambda: self._jump(_PAGE)
        self._keys["pageup"] = lambda: self._jump(-_PAGE)
        self._hidden: frozenset[str] = frozenset()
        self._said_below: dict[str, Sequence[Line]] = {}
        self._fields.go_to(first)

    def hide(self, hidden: frozenset[str]) -> None:
        """Leave fields out that others show elsewhere."""
        if hidden != self._hidden:
            self._hidden = hidden
            self._fields.hidden = hidden
            self._show_field()

    def say_below(self, said: Mapping[str, Sequence[Line]]) -> None:
        """What stands under open folds and beside buttons."""
        self._said_below = dict(said)
        self.show_changes()

    @property
    def is_picking(self) -> bool:
        """Whether a list of choices is open, which has Esc."""
        return self._fields.picking is not None

    @property
    def there(self) -> list[Field]:
        """The fields that are there now, folded ones too."""
        found = []
        for field in self._fields.fields:
            folds = {key for when in field.when for key in when if self._is_fold(key)}
            values = {**self._fields.values, **dict.fromkeys(folds, YES)}
            if not field.when or any(
                all(values.get(key) in those for key, those in when.items()) for when in field.when
            ):
                found.append(field)
        return found

    def _is_fold(self, id: str) -> bool:
        return any(field.id == id and field.kind == "fold" for field in self._fields.fields)

    def go_to(self, id: str) -> None:
        """Fill in a field; the fold it is in is opened."""
        field = next(field for field in self._fields.fields if field.id == id)
        for when in field.when:
            for key in when:
                if self._is_fold(key):
                    self.give(key, YES)
        super().go_to(id)

    def switch(self, id: str) -> None:
        """Open a fold, or close it."""
        is_open = self._fields.values[id] == YES
        self.give(id, "no" if is_open else YES)
        if not is_open:
            first = next(field for field in self._fields.fields if any(id in w for w in field.when))
            super().go_to(first.id)
        elif not self._fields.is_there(self._fields.at):
            super().go_to(id)
        self._show_field()

    def _jump(self, by: int) -> None:
        """Some fields further, but not around."""
        last = len(self._fields.fields) - 1
        step = 1 if by > 0 else -1
        at = self._fields.at
        for _ in range(abs(by)):
            number = at + step
            while 0 < number < last and not self._fields.is_there(number):
                number += step
            if not (0 <= number <= last and self._fields.is_there(number)):
                break
            at = number
        self._fields.go(at)
        self._show_field()

    def on_key(self, event: events.Key) -> None:
        """Its own keys go before those of editing."""
        act = self._own_keys.get(event.key)
        if act is not None:
            event.stop()
            event.prevent_default()
            act()
        else:
            super().on_key(event)

    def action_submit(self) -> None:
        self.post_message(self.SubmitWanted())

    # How it is drawn.

    def make_lines(self, fields: Fields, width: int) -> list[FormLine]:
        return page_lines(
            fields,
            width,
            self.glyphs,
            focus=self.has_focus,
            hidden=self._hidden,
            below=self._said_below,
        )

    @property
    def _lost(self) -> int:
        return 1 if len(self._lines) > self.size.height else 0

    def paint(self, y: int, width: int) -> Parts:
        below = self._top + self.size.height
        if y != self.size.height - 1 or below >= len(self._lines):
            return super().paint(y, width)
        hidden = fields_below(self._lines, self._fields, below - 1)
        folds = [_short(field.label) for field in hidden if field.kind == "fold"]
        count = sum(field.kind not in ("fold", "button") for field in hidden)
        words = ", ".join([f"{count} more"] * bool(count) + folds)
        sign = "v" if self.glyphs.name == "ascii" else "▼"
        line: Line = (Span(f"{sign} {words or 'the end'}", "muted"),)
        gap = max(min(47, width - width_of(line) - 1), 0)
        return (Part((Span(" " * gap), *line)),)


def _short(label: str) -> str:
    """The word of a fold that says what is in it: ``disks`` of ``More disks and networks``."""
    words = label.lower().split()
    return next((word for word in words if word != "more"), label)
