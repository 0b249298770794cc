"""How the lines of a table look: head, rows, position; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Ground, Line, Span, fit, shorten, width_of
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.columns import Place
from kvmtui.tui.widgets.rows import Row


class Sorted(NamedTuple):
    """What the rows are sorted by."""

    column: str | None = None
    descending: bool = False


class Look(NamedTuple):
    """What shows on a row besides its cells."""

    cursor: bool
    focus: bool
    marked: bool


def head_line(places: Sequence[Place], by: Sorted, glyphs: Glyphs) -> Parts:
    """The titles of the columns, the one that rows are sorted by with an arrow."""
    spans: list[Span] = []
    x = 0
    for place in places:
        is_key = place.column.id == by.column
        begin, text = _title(place, (glyphs.down if by.descending else glyphs.up) * is_key)
        spans.append(Span(" " * (begin - x)))
        spans.append(Span(text, "accent" if is_key else "muted", bold=is_key))
        x = begin + cell_len(text)
    return (Part(tuple(spans)),)


def _title(place: Place, arrow: str) -> tuple[int, str]:
    """Where a title begins, and its text; over figures the arrow stands in the gap."""
    end = place.x + place.width
    if place.column.right:
        text = shorten(place.column.title, end - place.reach)
        return end - cell_len(text), text + arrow
    text = place.column.title
    if arrow:
        text += f" {arrow}" if cell_len(text) + 2 <= place.width else arrow
    return place.x, text if cell_len(text) <= place.width else shorten(text, place.width)


def row_line(row: Row, look: Look, places: Sequence[Place], glyphs: Glyphs) -> Parts:
    """One row: cursor, mark, then the cells at their places."""
    spans = [
        Span(glyphs.cursor, "accent") if look.cursor else Span(" "),
        Span(glyphs.mark, "warn", bold=True, glyph=True) if look.marked else Span(" "),
    ]
    x = 2
    for place, end in filled(row, places):
        cell = row.cell(place.number)
        begin = place.reach if width_of(cell) > place.width else place.x
        cell = fit(cell, end - begin, right=place.column.right)
        spans.append(Span(" " * (begin - x)))
        spans += _emphasized(cell, muted=row.muted, bold=look.cursor and place.number == 0)
        x = end
    ground: Ground = "cursor" if look.cursor and look.focus else "bg"
    return (Part(tuple(spans), ground),)


def filled(row: Row, places: Sequence[Place]) -> list[tuple[Place, int]]:
    """The places of a row with where each ends; those that a long text spills over are not."""
    found: list[tuple[Place, int]] = []
    left = list(places)
    while left:
        place = left.pop(0)
        end = place.x + place.width
        cells = width_of(row.cell(place.number)) if place.column.spills else 0
        while left and place.x + cells > end and not row.cell(left[0].number):
            over = left.pop(0)
            end = over.x + over.width
        found.append((place, end))
    return found


def _emphasized(cell: Line, *, muted: bool, bold: bool) -> Line:
    """A cell as it is, all of it grey, or with bold words."""
    if muted:
        cell = tuple(span._replace(role="muted") for span in cell)
    if bold:
        cell = tuple(span if span.glyph else span._replace(bold=True) for span in cell)
    return cell


def position_line(top: int, seen: int, count: int, width: int) -> Parts:
    """Which of the rows are seen, at the right."""
    text = f"{top + 1}–{min(top + seen, count)} of {count} "
    return (Part(fit((Span(text, "muted"),), width, right=True)),)
