"""How a form that is a page looks: a title with its choices, parts, folds, buttons; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Ground, Line, Span, fit, shorten, width_of
from kvmtui.tui.widgets.base import Part
from kvmtui.tui.widgets.fields import YES, Field, Fields
from kvmtui.tui.widgets.form_lines import (
    LEAST_RESULT,
    LEAST_VALUE,
    MARGIN,
    FormLine,
    Grid,
    choice_line,
    field_lines,
)

WIDE = 95
_LABELS = {True: (11, 43), False: (9, 33)}
"""How wide labels and values are, where it is wide and where not."""
_INDENT = Span("   ")


def page_lines(
    fields: Fields,
    width: int,
    glyphs: Glyphs,
    *,
    focus: bool,
    hidden: frozenset[str] = frozenset(),
    below: Mapping[str, Sequence[Line]] | None = None,
) -> list[FormLine]:
    """All lines of the page.

    Args:
        hidden: Fields that are not drawn.
        below: What stands under an open fold or beside the buttons, by the field's id.
    """
    grid = page_grid(width)
    lines: list[FormLine] = []
    section = drawn = ""
    for number, field in enumerate(fields.fields):
        if field.section and field.section != drawn:
            section = field.section
        if field.id in hidden or not fields.is_there(number):
            continue
        if field.kind in ("head", "fold", "button"):
            here, said = focus and number == fields.at, (below or {}).get(field.id, ())
            value = fields.values[field.id]
            place = _Place(field, number, value, width, glyphs, here, said)
            lines += _of_kind(place, lines, _kind_of(fields, lines))
            section = ""
            continue
        if section:
            lines += [FormLine(())] * bool(lines)
            lines.append(FormLine((Part((Span(f" {section}", bold=True),)),)))
            drawn, section = section, ""
        lines += field_lines(fields, number, grid, glyphs, focus=focus, ground="field")
    return lines


def _kind_of(fields: Fields, lines: list[FormLine]) -> str:
    """The kind of the field of the last line; empty where that is none."""
    number = lines[-1].field if lines else None
    return "" if number is None else fields.fields[number].kind


def page_grid(width: int) -> Grid:
    """Where labels, values and what is said of them stand."""
    label, value = _LABELS[width >= WIDE]
    rest = max(width - MARGIN - label - 2, LEAST_VALUE)
    value = min(value, rest)
    result = rest - value - 2
    if result < LEAST_RESULT:
        return Grid(label, max(rest - 3, LEAST_VALUE), 0)
    return Grid(label, value, result)


class _Place(NamedTuple):
    """A field that is no line of the grid, and what its lines are made from."""

    field: Field
    number: int
    value: str
    width: int
    glyphs: Glyphs
    here: bool
    """Whether it has the cursor."""
    said: Sequence[Line]

    @property
    def wide(self) -> bool:
        return self.width >= WIDE


def _of_kind(place: _Place, before: list[FormLine], kind_before: str) -> list[FormLine]:
    """The lines of a field.

    Args:
        before: The lines so far; buttons beside each other continue the last one.
        kind_before: The kind of the field of that one.
    """
    if place.field.kind == "head":
        return _head(place)
    if place.field.kind == "fold":
        return _fold(place, apart=bool(before) and kind_before != "fold")
    return _button(place, before.pop() if kind_before == "button" else None)


def _head(place: _Place) -> list[FormLine]:
    """The title of the page, with its choices; under each other where they do not fit."""
    field, glyphs = place.field, place.glyphs
    title, _, rest = field.label.partition("  ")
    gap = 3 if place.wide else 2
    bar = Part((Span(glyphs.cursor if place.here else " ", "accent"),), _ground(place))
    words: Line = (Span(title, bold=True), Span(" " * gap + rest + " " * gap, "muted"))
    choices = choice_line(field, place.value, glyphs, gap)
    if 1 + width_of(words) + width_of(choices) <= place.width:
        return [FormLine((bar, Part((*words, *choices))), place.number)]
    index = field.choices.index(place.value) + 1
    short = (Span(f"{glyphs.running} ", "accent"), Span(field.called(place.value), bold=True))
    count = Span(f"  {index} of {len(field.choices)}", "muted")
    return [FormLine((bar, Part((*words, *short, count))), place.number)]


def _ground(place: _Place, otherwise: Ground = "bg") -> Ground:
    return "cursor" if place.here else otherwise


def _fold(place: _Place, *, apart: bool) -> list[FormLine]:
    """A fold, after an empty line where it is apart, with what is said under it."""
    field, glyphs = place.field, place.glyphs
    is_open = place.value == YES
    note = shorten(field.note, max(place.width - cell_len(field.label) - 7, 0))
    line: Line = (
        Span(f" {glyphs.unfolded if is_open else glyphs.folded} ", "accent", glyph=True),
        Span(field.label, bold=True),
        Span(f"   {note}", "muted"),
    )
    part = Part(fit(line, place.width), "cursor") if place.here else Part(line)
    lines = [FormLine(())] if apart else []
    lines.append(FormLine((part,), place.number))
    if is_open:
        lines += [FormLine((Part((_INDENT, *line)),), place.number) for line in place.said]
    return lines


def _button(place: _Place, beside: FormLine | None) -> list[FormLine]:
    """A button, with what is said of it; beside others where there is room."""
    is_field = place.wide and place.glyphs.name != "ascii"
    words = f"  {place.field.label}  " if is_field else f"[ {place.field.label} ]"
    ground = _ground(place, "field" if is_field else "bg")
    button = Part((Span(words, "accent" if place.here else "text", bold=True),), ground)
    rest: Line = place.said[0] if place.said else ()
    own = (Part((_INDENT,)), button, Part(rest))
    alone = FormLine(own, place.number)
    if beside is None:
        return [FormLine(()), alone]
    parts = (*beside.parts, *own)
    if sum(width_of(part.line) for part in parts) <= place.width:
        return [FormLine(parts, beside.field, also=place.number)]
    return [beside, alone]


def fields_below(lines: Sequence[FormLine], fields: Fields, first: int) -> list[Field]:
    """The fields that begin in the lines from one on."""
    seen = {line.field for line in lines[:first]}
    found = []
    for line in lines[first:]:
        if line.field is not None and line.field not in seen:
            seen.add(line.field)
            found.append(fields.fields[line.field])
    return found
