"""A share as a bar of one line."""

from __future__ import annotations

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span


def bar(share: float | None, width: int, glyphs: Glyphs, *, warn_from: float = 1.1) -> Line:
    """A share drawn in whole cells: full only when all of it is, empty only at nothing.

    Args:
        share: From 0 to 1; what lies outside is drawn as the nearer end. None where it is
            not known: nothing is drawn.
        width: In cells.
        warn_from: The share from which the bar has the colour of a warning.
    """
    if share is None or width <= 0:
        return ()
    cells = round(share * width)
    if 0 < share < 1:
        cells = max(1, min(cells, width - 1)) if width > 1 else cells
    cells = max(0, min(cells, width))
    filled = Span(glyphs.bar * cells, "warn" if share >= warn_from else "graph")
    rest = Span(glyphs.bar_rest * (width - cells), "line")
    return tuple(span for span in (filled, rest) if span.text)
