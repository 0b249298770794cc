"""Text with a meaning: what render functions return and widgets draw.

A span names a role of the theme, never a colour, so the same line is right in every
theme. The texts in spans are safe to show: what a guest said went through
`kvmtui.text.visible` before it came here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

Role = Literal["text", "muted", "accent", "ok", "warn", "err", "busy", "graph", "line"]
Ground = Literal["bg", "field", "cursor", "tab"]
"""What lies behind a line: the screen, a field, the row with the cursor, the active tab."""


class Span(NamedTuple):
    """A piece of one line."""

    text: str
    role: Role = "text"
    bold: bool = False
    glyph: bool = False
    """A sign, not a word: it may have a colour where words have none (16 colours)."""


Line = tuple[Span, ...]


def width_of(line: Iterable[Span]) -> int:
    """The cells that a line takes."""
    return sum(cell_len(span.text) for span in line)


def plain(line: Iterable[Span]) -> str:
    """The line's text alone."""
    return "".join(span.text for span in line)


def shorten(text: str, width: int) -> str:
    """Cut a text to a width, with ``…`` as its last cell where something is lost."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)) + "…" if width > 0 else ""


def shorten_middle(text: str, width: int) -> str:
    """Cut a path to a width by taking out its middle."""
    if cell_len(text) <= width:
        return text
    if width < 3:
        return shorten(text, width)
    tail = text[-((width - 1) // 2) :]
    while cell_len(tail) > (width - 1) // 2:
        tail = tail[1:]
    return set_cell_size(text, width - 1 - cell_len(tail)) + "…" + tail


def crop(line: Iterable[Span], width: int) -> Line:
    """The line's first cells, cut with ``…`` where it is longer."""
    found: list[Span] = []
    line = tuple(line)
    if width_of(line) <= width:
        return line
    left = width
    for span in line:
        length = cell_len(span.text)
        if length >= left:
            text = shorten(span.text + " " * (1 if length == left else 0), left)
            found.append(span._replace(text=text))
            break
        found.append(span)
        left -= length
    return tuple(found)


def fit(line: Iterable[Span], width: int, *, right: bool = False) -> Line:
    """The line in exactly ``width`` cells: padded with blanks, or cut with ``…``."""
    line = crop(line, width)
    gap = width - width_of(line)
    if gap <= 0:
        return line
    blank = Span(" " * gap)
    return (blank, *line) if right else (*line, blank)
