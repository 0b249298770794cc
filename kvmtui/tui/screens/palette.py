"""The command palette: every action with its key, and why it cannot act now."""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.tui.screens.overlay import Overlay
from kvmtui.tui.spans import Ground, Line, Span, fit, width_of
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.editor import Editor
from kvmtui.tui.widgets.framed import framed

_MOST_ROWS = 14
_KEY_WIDTH = 7


class Entry(NamedTuple):
    """One line of the palette."""

    action_id: str
    key: str
    title: str
    target: str
    reason: str
    """Why it cannot act now; empty when it can."""


def found(entries: list[Entry], text: str) -> list[Entry]:
    """The entries with all words of a text: what can act first, then what begins with it."""
    words = text.casefold().split()
    hits = [
        entry
        for entry in entries
        if all(word in f"{entry.title} {entry.target} {entry.key}".casefold() for word in words)
    ]
    first = words[0] if words else ""
    return sorted(
        hits,
        key=lambda entry: (bool(entry.reason), not entry.title.casefold().startswith(first)),
    )


class PaletteScreen(Overlay):
    """Type to find an action, Enter does it; ends with the action's id.

    Args:
        entries: All actions, in their order.
    """

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__()
        self._entries = entries
        self._editor = Editor()
        self._cursor = 0

    def rows(self, width: int, height: int) -> list[Parts]:
        """Input, and the actions that fit it."""
        glyphs = self.kvmtui.glyphs
        hits = found(self._entries, self._editor.text)
        self._cursor = max(0, min(self._cursor, len(hits) - 1))
        room = min(_MOST_ROWS, height - 4)
        top = max(0, min(self._cursor - room + 1, len(hits) - room)) if room > 0 else 0
        sign = "_" if glyphs.name == "ascii" else "█"
        typed = self._editor.parts(width - 8, sign)
        rows: list[Parts] = [(Part((Span(": ", "accent", bold=True),)), *typed)]
        for number, entry in enumerate(hits[top : top + room], start=top):
            rows.append(self._row(entry, number == self._cursor, width - 4))
        if not hits:
            rows.append((Part((Span("  no action has these words", "muted"),)),))
        return framed(rows, width, glyphs)

    def _row(self, entry: Entry, at_cursor: bool, width: int) -> Parts:
        sign = self.kvmtui.glyphs.cursor if at_cursor else " "
        able = not entry.reason
        key: Line = (Span(entry.key.ljust(_KEY_WIDTH), "accent" if able else "muted", bold=able),)
        title: Line = (Span(entry.title, "text" if able else "muted", bold=at_cursor),)
        told = f"not now: {entry.reason}" if entry.reason else entry.target
        room = width - 2 - _KEY_WIDTH - width_of(title) - 2
        end = fit((Span(told, "muted"),), room, right=True) if room > 4 else ()
        line = (*key, *title, Span("  "), *end)
        ground: Ground = "cursor" if at_cursor else "bg"
        return (Part((Span(sign, "accent"), Span(" "))), Part(fit(line, width - 2), ground))

    def key(self, key: str, character: str | None) -> None:
        """Move, choose, leave, or type."""
        hits = found(self._entries, self._editor.text)
        match key:
            case "escape" | "ctrl+p":
                self.dismiss("")
            case "enter":
                self.dismiss(hits[self._cursor].action_id if hits else "")
            case "down" | "ctrl+n":
                self._cursor += 1
            case "up":
                self._cursor -= 1
            case "pagedown":
                self._cursor += _MOST_ROWS
            case "pageup":
                self._cursor -= _MOST_ROWS
            case _:
                edited = self._editor.press(key, character)
                if edited is not None:
                    self._editor, self._cursor = edited, 0
