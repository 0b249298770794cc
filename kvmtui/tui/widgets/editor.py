"""Editing one line of text, without a screen: what each key does to it."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.spans import Ground, Span
from kvmtui.tui.widgets.base import Part, Parts


class Editor(NamedTuple):
    """A text and the place in it where the next letter goes."""

    text: str = ""
    cursor: int = 0
    """Counted in characters, from 0 to the text's length."""
    selected: bool = False
    """Whether all of it is selected: what is typed takes its place."""

    @classmethod
    def at_end(cls, text: str) -> Editor:
        """A text with the cursor behind its last letter."""
        return cls(text, len(text))

    @classmethod
    def on_all(cls, text: str) -> Editor:
        """A text that stands there already: all of it is selected."""
        return cls(text, len(text), bool(text))

    def insert(self, text: str) -> Editor:
        """Put text in at the cursor; what does not print is left out."""
        text = "".join(character for character in text if _prints(character))
        if self.selected:
            return Editor.at_end(text) if text else self
        before, after = self.text[: self.cursor], self.text[self.cursor :]
        return Editor(before + text + after, self.cursor + len(text))

    def delete(self, start: int, end: int) -> Editor:
        """Take out the characters between two places."""
        start, end = max(start, 0), min(end, len(self.text))
        return Editor(self.text[:start] + self.text[end:], start)

    def move(self, to: int) -> Editor:
        """Put the cursor somewhere, or at the nearest end."""
        return Editor(self.text, max(0, min(to, len(self.text))))

    def word_before(self) -> int:
        """Where the word before the cursor begins."""
        before = self.text[: self.cursor].rstrip()
        return before.rfind(" ") + 1

    def press(self, key: str, character: str | None = None) -> Editor | None:
        """What a key makes of it; None where the key is not for editing.

        Args:
            key: In Textual's words.
            character: What the key prints, if anything.
        """
        here, end = self.cursor, len(self.text)
        match key:
            case "left" | "ctrl+b" if self.selected:
                return self.move(0)
            case "backspace" | "delete" | "ctrl+d" | "ctrl+k" | "ctrl+w" if self.selected:
                return Editor()
            case "left" | "ctrl+b":
                return self.move(here - 1)
            case "right" | "ctrl+f":
                return self.move(here + 1)
            case "home" | "ctrl+a":
                return self.move(0)
            case "end" | "ctrl+e":
                return self.move(end)
            case "backspace":
                return self.delete(here - 1, here) if here else self
            case "delete" | "ctrl+d":
                return self.delete(here, here + 1)
            case "ctrl+u":
                return self.delete(0, here)
            case "ctrl+k":
                return self.delete(here, end)
            case "ctrl+w":
                return self.delete(self.word_before(), here)
        if character is not None and _prints(character):
            return self.insert(character)
        return None

    def parts(self, width: int, sign: str, *, ground: Ground = "bg") -> Parts:
        """The text with its cursor, scrolled so that the cursor is seen.

        Args:
            width: The most cells it may take, the cursor's included.
            sign: Stands for the cursor behind the last letter; a letter is turned over.
        """
        text = in_cells(self.text)
        if self.selected and cell_len(text) < width:
            return (
                Part((Span(text),), "tab" if ground == "bg" else "bg"),
                Part((Span(sign, "accent"),), ground),
            )
        before, after = text[: self.cursor], text[self.cursor :]
        while before and cell_len(before) > width - (cell_len(after[:1]) or 1):
            before = before[1:]
        if not after:
            return (Part((Span(before), Span(sign, "accent")), ground),)
        rest = after[1:]
        while rest and cell_len(before + after[0] + rest) > width:
            rest = rest[:-1]
        return (
            Part((Span(before),), ground),
            Part((Span(after[0]),), "tab" if ground == "bg" else "bg"),
            Part((Span(rest),), ground),
        )


def _prints(character: str) -> bool:
    """Whether a character stands for something that can be seen in one line."""
    return unicodedata.category(character)[0] != "C" if len(character) == 1 else False


def in_cells(text: str) -> str:
    """A text that may be edited, with a sign for each character that does not print."""
    if text.isprintable():
        return text
    return "".join(one if one == " " or _prints(one) else "\ufffd" for one in text)
