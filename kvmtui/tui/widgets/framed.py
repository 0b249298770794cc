"""A frame round lines, for what lies over others: palette, help."""

from __future__ import annotations

from collections.abc import Sequence

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, crop, width_of
from kvmtui.tui.widgets.base import Part, Parts


def framed(
    rows: Sequence[Parts], width: int, glyphs: Glyphs, *, title: str = "", foot: Line = ()
) -> list[Parts]:
    """The rows in a frame, with a title in its upper edge and a line in its lower one."""
    top_left, across, top_right, side, bottom_left, bottom_right = tuple(glyphs.frame)
    head: Line = (Span(f" {title} ", bold=True),) if title else ()
    below: Line = (Span(" "), *foot, Span(" ")) if foot else ()

    def edge(left: str, line: Line, right: str) -> Parts:
        line = crop(line, width - 2)
        rest = across * (width - 2 - width_of(line))
        return (Part((Span(left, "line"), *line, Span(rest + right, "line"))),)

    found = [edge(top_left, head, top_right)]
    for row in rows:
        used = sum(width_of(part.line) for part in row)
        right: Line = (Span(" " * max(width - 3 - used, 0)), Span(side, "line"))
        found.append((Part((Span(side, "line"), Span(" "))), *row, Part(right)))
    return [*found, edge(bottom_left, below, bottom_right)]
