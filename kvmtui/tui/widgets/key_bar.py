"""The key bar: what each key does here, in an order that never changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.message import Message

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.widgets.base import LineWidget, Part, Parts

WIDE = 120
"""From this width on there are three cells between keys, below it two."""

Key = tuple[str, str]
"""A key as it is written, and what it does."""


class _Placed(NamedTuple):
    key: str
    x: int
    line: Line


class KeyBar(LineWidget):
    """One line of keys; those that do not fit are dropped from the right."""

    DEFAULT_CSS = "KeyBar { height: 1; width: 1fr; }"

    class KeyClicked(Message):
        """A click on a key: as it is written in the bar."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._keys: tuple[Key, ...] = ()
        self._last: Key | None = None

    def set_keys(self, keys: Sequence[Key], *, last: Key | None = ("?", "help")) -> None:
        """Show these keys.

        Args:
            keys: From left to right.
            last: Stands at the right, whatever else is dropped.
        """
        self._keys, self._last = tuple(keys), last
        self.show_changes()

    def on_click(self, event: events.Click) -> None:
        for placed in lay_out(self._keys, self._last, self.size.width, self.glyphs):
            if placed.x <= event.x < placed.x + width_of(placed.line):
                self.post_message(self.KeyClicked(placed.key))

    def paint(self, y: int, width: int) -> Parts:
        spans: list[Span] = []
        x = 0
        for placed in lay_out(self._keys, self._last, width, self.glyphs):
            spans += [Span(" " * (placed.x - x)), *placed.line]
            x = placed.x + width_of(placed.line)
        return (Part(tuple(spans)),)


def lay_out(
    keys: Sequence[Key], last: Key | None, width: int, glyphs: Glyphs
) -> tuple[_Placed, ...]:
    """Where each key that fits stands."""
    gap = 3 if width >= WIDE else 2
    end = width - 1
    placed: list[_Placed] = []
    if last is not None:
        line = _line(last, glyphs)
        placed.append(_Placed(last[0], max(end - width_of(line), 1), line))
        end = placed[0].x - gap
    x = 1
    for key in keys:
        line = _line(key, glyphs)
        if x + width_of(line) > end:
            break
        placed.insert(len(placed) - (last is not None), _Placed(key[0], x, line))
        x += width_of(line) + gap
    return tuple(placed)


def _line(key: Key, glyphs: Glyphs) -> Line:
    """A key and what it does; in brackets where there may be no colour to tell it by."""
    name, label = key
    if glyphs.name == "ascii":
        name = f"[{name}]"
    return (Span(name, "accent", bold=True), Span(f" {label}", "muted"))
