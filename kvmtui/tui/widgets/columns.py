"""Where the columns of a table stand, and which go when it is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

GAP = 2


class Column(NamedTuple):
    """One column of a table."""

    id: str
    title: str
    width: int
    """In cells. A figure at the right may take one more, of the gap before it."""
    right: bool = False
    """Figures: they end at the column's right edge."""
    flexible: bool = False
    """Takes what the others leave; at most one column of a table does."""
    sortable: bool = True
    least: int = 0
    """A flexible column's least width; other columns go before it is less."""
    most: int = 0
    """A flexible column's greatest width; 0 for no limit."""
    drop: int = 0
    """The order in which columns go when it is too narrow, 1 first; 0 stays."""
    spills: bool = False
    """A text that is too long goes on over the columns behind that are empty in its row."""


class Place(NamedTuple):
    """Where a column stands."""

    column: Column
    number: int
    """Of the column among all, and of its cell in a row."""
    x: int
    width: int

    @property
    def reach(self) -> int:
        """The first cell that the column's text may take."""
        return self.x - 1 if self.column.right and self.number else self.x


def lay_out(columns: Sequence[Column], width: int, margin: int) -> tuple[Place, ...]:
    """Give each column that fits its place.

    Args:
        columns: All columns, from left to right.
        width: Of the table, in cells; the last one stays empty.
        margin: The cells before the first column.
    """
    room = width - margin - 1
    kept = list(enumerate(columns))
    while _least([column for _, column in kept]) > room:
        going = [(column.drop, index) for index, column in kept if column.drop]
        if not going:
            break
        kept = [item for item in kept if item[0] != min(going)[1]]
    rest = room - sum(column.width for _, column in kept if not column.flexible)
    rest -= GAP * (len(kept) - 1)
    places = []
    x = margin
    for index, column in kept:
        cells = _stretched(column, rest) if column.flexible else column.width
        places.append(Place(column, index, x, cells))
        x += cells + GAP
    return tuple(places)


def _least(columns: Sequence[Column]) -> int:
    """The cells that columns need, with the gaps between them."""
    widths = [
        column.least or column.width if column.flexible else column.width for column in columns
    ]
    return sum(widths) + GAP * (len(widths) - 1)


def _stretched(column: Column, rest: int) -> int:
    """The width of a flexible column where ``rest`` cells are left for it."""
    return max(min(rest, column.most or rest), 1)
