"""How a form that is a page looks: a title with its choices, parts, folds, buttons; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
            lines += _of_kind(fields, number, width, glyphs, focus, below or {}, lines)
            section = ""
            continue
        if section:
            lines += [FormLine(())] * bool(lines)
            lines.append(FormLine((Part((Span(f" {section}", bold=True),)),)))
            drawn, section = section, ""
        lines += field_lines(fields, number, grid, glyphs, focus=focus, ground="field")
    return lines


def page_grid(width: int) -> Grid:
    """Where labels, values and what is said of them stand."""
    label, value = _LABELS[width >= WIDE]
    rest = max(width - MARGIN - label - 2, LEAST_VALUE)
    value = min(value, rest)
    result = rest - value - 2
    if result < LEAST_RESULT:
        return Grid(label, max(rest - 3, LEAST_VALUE), 0)
    return Grid(label, value, result)


def _of_kind(
    fields: Fields,
    number: int,
    width: int,
    glyphs: Glyphs,
    focus: bool,
    below: Mapping[str, Sequence[Line]],
    before: list[FormLine],
) -> list[FormLine]:
    field = fields.fields[number]
    here = focus and number == fields.at
    said = below.get(field.id, ())
    if field.kind == "head":
        return _head(fields, number, width, glyphs, here)
    if field.kind == "fold":
        return _fold(fields, number, width, glyphs, here, said, before)
    return _button(fields, number, width, glyphs, here, said, before)


def _head(fields: Fields, number: int, width: int, glyphs: Glyphs, here: bool) -> list[FormLine]:
    """The title of the page, with its choices; under each other where they do not fit."""
    field = fields.fields[number]
    wide = width >= WIDE
    title, _, rest = field.label.partition("  ")
    gap = 3 if wide else 2
    bar = Part((Span(glyphs.cursor if here else " ", "accent"),), "cursor" if here else "bg")
    words: Line = (Span(title, bold=True), Span(" " * gap + rest + " " * gap, "muted"))
    choices = choice_line(field, fields.values[field.id], glyphs, gap)
    if 1 + width_of(words) + width_of(choices) <= width:
        return [FormLine((bar, Part((*words, *choices))), number)]
    taken = field.called(fields.values[field.id])
    index = field.choices.index(fields.values[field.id]) + 1
    short = (Span(f"{glyphs.running} ", "accent"), Span(taken, bold=True))
    count = Span(f"  {index} of {len(field.choices)}", "muted")
    return [FormLine((bar, Part((*words, *short, count))), number)]


def _fold(
    fields: Fields,
    number: int,
    width: int,
    glyphs: Glyphs,
    here: bool,
    said: Sequence[Line],
    before: list[FormLine],
) -> list[FormLine]:
    field = fields.fields[number]
    is_open = fields.values[field.id] == YES
    sign = glyphs.unfolded if is_open else glyphs.folded
    note = shorten(field.note, max(width - cell_len(field.label) - 7, 0))
    line: Line = (
        Span(f" {sign} ", "accent", glyph=True),
        Span(field.label, bold=True),
        Span(f"   {note}", "muted"),
    )
    part = Part(fit(line, width), "cursor") if here else Part(line)
    above = [FormLine(())] if before and not _is_fold(fields, before[-1]) else []
    lines = [*above, FormLine((part,), number)]
    if is_open and said:
        lines += [FormLine((Part((Span("   "), *line)),), number) for line in said]
    return lines


def _is_fold(fields: Fields, line: FormLine) -> bool:
    return line.field is not None and fields.fields[line.field].kind == "fold"


def _button(
    fields: Fields,
    number: int,
    width: int,
    glyphs: Glyphs,
    here: bool,
    said: Sequence[Line],
    before: list[FormLine],
) -> list[FormLine]:
    """Buttons beside each other, the first with what is said of all."""
    field = fields.fields[number]
    wide = width >= WIDE and glyphs.name != "ascii"
    words = f"  {field.label}  " if wide else f"[ {field.label} ]"
    ground: Ground = "cursor" if here else "field" if wide else "bg"
    button = Part((Span(words, "accent" if here else "text", bold=True),), ground)
    rest: Line = said[0] if said else ()
    if before and _is_button(fields, before[-1]):
        last = before.pop()
        parts = (*last.parts, Part((Span("   "),)), button, Part(rest))
        if sum(width_of(part.line) for part in parts) <= width:
            return [FormLine(parts, last.field, also=number)]
        before.append(last)
        return [FormLine((Part((Span("   "),)), button, Part(rest)), number)]
    return [FormLine(()), FormLine((Part((Span("   "),)), button, Part(rest)), number)]


def _is_button(fields: Fields, line: FormLine) -> bool:
    return line.field is not None and fields.fields[line.field].kind == "button"


def fields_below(lines: Sequence[FormLine], fields: Fields, first: int) -> list[Field]:
    """The fields that begin in the lines from one on."""
    seen = {line.field for line in lines[:first]}
    found = []
    for line in lines[first:]:
        if line.field is not None and line.field not in seen:
            seen.add(line.field)
            found.append(fields.fields[line.field])
    return found
