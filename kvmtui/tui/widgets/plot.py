"""Columns of a graph as text: braille, blocks or ASCII.

A cell holds two columns. Braille draws both of them; the other sets draw their mean. A
graph is an area, since that is what sends the fewest cells of all that can be read: in
the full part of an area neighbours are the same, and what is the same is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvmtui.tui.glyphs import Glyphs

_BRAILLE = 25
_DOTS = 4

Columns = Sequence[float | None]
"""Shares of the scale from left to right; what lies outside of 0 to 1 is drawn as the nearer
end, and None, a gap, as nothing."""


def mean(values: Columns) -> float | None:
    """The mean of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _height(share: float | None, full: int, quiet_under: float) -> int:
    """How many of so many steps are drawn: at least one of what is known and not quiet."""
    if share is None or share < quiet_under:
        return 0
    return max(1, min(round(share * full), full))


def plot(
    shares: Columns,
    rows: int,
    glyphs: Glyphs,
    *,
    quiet_under: float = float("-inf"),
    hanging: bool = False,
) -> list[str]:
    """An area of some rows, from the top one down; each has a cell for two columns.

    Args:
        shares: An even number of columns.
        rows: At least one.
        glyphs: Its ``rising`` and ``hanging`` say what is drawn.
        quiet_under: Below it nothing is drawn. As it is, all that is known has a base line.
        hanging: Whether it grows downward from its top.
    """
    signs = glyphs.hanging if hanging else glyphs.rising
    paired = len(signs) == _BRAILLE
    steps = _DOTS if paired else len(signs) - 1
    if not paired:
        shares = [mean(shares[at : at + 2]) for at in range(0, len(shares), 2)]
    heights = [_height(share, steps * rows, quiet_under) for share in shares]
    lines = []
    for row in range(rows):
        below = steps * row
        levels = [max(0, min(height - below, steps)) for height in heights]
        if paired:
            pairs = zip(levels[::2], levels[1::2], strict=True)
            levels = [5 * left + right for left, right in pairs]
        lines.append("".join(map(signs.__getitem__, levels)))
    return lines if hanging else lines[::-1]
