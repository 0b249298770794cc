"""Rows that have only moved up: the terminal scrolls them itself, for some bytes a line."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kvmtui.tui.cells import Row

LEAST_ROWS = 5
_LEAST_MOVED = 3
_LEAST_SAVED = 100
"""Cells that need not be written, for which it is worth it."""


class Shift(NamedTuple):
    """Rows that move up."""

    top: int
    bottom: int
    """The last row of those that move, as it was before."""
    steps: int


def shift_of(old: Sequence[Row], new: Mapping[int, Row], unknown: str) -> Shift | None:
    """By how much rows have moved up; None where writing them anew is as cheap.

    Args:
        old: What the terminal shows.
        new: What it is to show, by the numbers of the rows.
        unknown: The text of a cell that may hold anything.
    """
    if len(new) < LEAST_ROWS:
        return None
    places: dict[str, int] = {}
    for y in range(min(new), max(new) + 1):
        key = "".join(old[y].texts)
        places[key] = -1 if key in places else y
    votes: Counter[int] = Counter()
    moved: dict[int, int] = {}
    for y, row in new.items():
        before = places.get("".join(row.texts), -1)
        if before > y:
            votes[before - y] += 1
            moved[y] = before
    if not votes:
        return None
    steps, count = votes.most_common(1)[0]
    if count < _LEAST_MOVED:
        return None
    which = [y for y, before in moved.items() if before - y == steps]
    found = Shift(min(which), max(which) + steps, steps)
    return found if _saved(old, new, found, unknown) >= _LEAST_SAVED else None


def _saved(old: Sequence[Row], new: Mapping[int, Row], shift: Shift, unknown: str) -> int:
    """How many cells fewer are to be written; none where a row is not known."""
    saved = 0
    blank = [" "] * len(old[shift.top].texts)
    for y in range(shift.top, shift.bottom + 1):
        now = old[y].texts
        if unknown in now:
            return 0
        wanted = new[y].texts if y in new else now
        after = old[y + shift.steps].texts if y + shift.steps <= shift.bottom else blank
        saved += sum(map(operator.ne, now, wanted)) - sum(map(operator.ne, after, wanted))
    return saved
