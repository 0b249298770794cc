"""Columns of a graph as text: braille, blocks or ASCII.

A cell holds two columns. Braille draws both of them; the other sets draw their mean.

A graph is an area that moves by a cell at every second sample. Counted on 60×4 cells of
braille at a sample a second, without colours, as cells and bytes a second (random samples,
a random walk, mostly idle with bursts):

    an area, at every second sample     82, 275    19, 79    6, 35
    an area, at every sample           153, 539    30, 148   8, 63
    a line, at every second sample      77, 222    24, 91    5, 26
    a place that sweeps over it           3, 20     2, 11    1, 8

The area sends as little as the line and is read better. The sweep sends the least, but has
the newest anywhere and the oldest beside it. In blocks the first figures are 49 and 181, in
ASCII 41 and 90. A sparkline of 12 cells takes 3 to 19 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvmtui.tui.glyphs import Glyphs

_BRAILLE = 25
_DOTS = 4
_TOP_DOTS = 0x09
_WITHOUT_TOP = {
    0x2800 + dots: chr(0x2800 + (dots & ~_TOP_DOTS)) if dots & ~_TOP_DOTS else " "
    for dots in range(0x100)
}

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
        hanging: Whether it grows downward from its top. In braille, whose full cells are the
            same both ways, a line of dots is left free there.
    """
    signs = glyphs.hanging if hanging else glyphs.rising
    paired = len(signs) == _BRAILLE
    steps = _DOTS if paired else len(signs) - 1
    if not paired:
        shares = [mean(shares[at : at + 2]) for at in range(0, len(shares), 2)]
    free = 1 if hanging and paired else 0
    heights = [_height(share, steps * rows - free, quiet_under) for share in shares]
    heights = [height + free if height else 0 for height in heights]
    lines = [_cells([height - steps * row for height in heights], signs) for row in range(rows)]
    if free:
        lines[0] = lines[0].translate(_WITHOUT_TOP)
    return lines if hanging else lines[::-1]


def _cells(heights: Sequence[int], signs: str) -> str:
    """A row of cells, from the heights above its near edge."""
    if len(signs) == _BRAILLE:
        levels = [max(0, min(height, _DOTS)) for height in heights]
        pairs = zip(levels[::2], levels[1::2], strict=True)
        return "".join([signs[5 * left + right] for left, right in pairs])
    return "".join([signs[max(0, min(height, len(signs) - 1))] for height in heights])
