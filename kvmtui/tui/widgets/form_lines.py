"""How a form looks, line by line; pure."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Ground, Line, Role, Span, fit, shorten, shorten_middle, width_of
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.editor import in_cells
from kvmtui.tui.widgets.fields import (
    CHECKING,
    FINE,
    PROBLEM,
    WARNING,
    YES,
    Field,
    Fields,
    Result,
)
from kvmtui.tui.widgets.wrapping import wrap

MARGIN = 3
MOST_VALUE, LEAST_VALUE = 44, 12
SHORT_VALUE = 11
RESULT_LINES = 3
LEAST_RESULT = 16
"""Where what a check said has less room beside the value, it stands under it."""
_ROLES: dict[str, Role] = {FINE: "ok", WARNING: "warn", PROBLEM: "err", CHECKING: "warn"}
_MOST_LISTED = 8


class FormLine(NamedTuple):
    """One line of the form."""

    parts: Parts
    field: int | None = None
    """The index of the field it belongs to."""
    choice: int | None = None
    """The choice of the field's open list that it shows."""
    also: int | None = None
    """Another field that stands in the same line."""


class Grid(NamedTuple):
    """Where things stand in every line."""

    label: int
    value: int
    result: int
    """How wide each of them is; a result of 0 stands under the value."""

    @property
    def indent(self) -> int:
        return MARGIN + self.label + 1


def form_lines(fields: Fields, width: int, glyphs: Glyphs, *, focus: bool) -> list[FormLine]:
    """All lines of the form, from its first to its last."""
    grid = _grid(fields, width)
    lines: list[FormLine] = []
    for number, field in enumerate(fields.fields):
        if not fields.is_there(number):
            continue
        if field.section:
            lines += [FormLine(())] * bool(lines)
            lines.append(FormLine((Part((Span(f" {field.section}", bold=True),)),)))
        lines += field_lines(fields, number, grid, glyphs, focus=focus)
    return lines


def _grid(fields: Fields, width: int) -> Grid:
    label = max(cell_len(field.label) for field in fields.fields) + 1
    label = min(label, max(width // 3, 4))
    rest = max(width - MARGIN - label - 2, LEAST_VALUE)
    value = max(LEAST_VALUE, min(MOST_VALUE, rest * 3 // 5))
    result = rest - value - 3
    if result < LEAST_RESULT:
        return Grid(label, max(rest - 4, LEAST_VALUE), 0)
    return Grid(label, value, result)


def field_lines(
    fields: Fields, number: int, grid: Grid, glyphs: Glyphs, *, focus: bool, ground: Ground = "bg"
) -> list[FormLine]:
    """A field: its label, its value, what was said of it; and its list or help where it is open.

    Args:
        ground: What lies behind the value while the focus is elsewhere.
    """
    field = fields.fields[number]
    here = number == fields.at
    result = fields.results[field.id]
    told = result_lines(result, grid.result or grid.value, glyphs)
    head = (Span(" " * MARGIN), *fit((Span(field.label, "muted"),), grid.label + 1))
    under_it: Ground = "cursor" if here and focus else ground
    bar = Part((Span(glyphs.cursor if here else " ", "accent"),), under_it)
    wide = SHORT_VALUE if field.short else grid.value
    if field.kind == "radio":
        wide, under_it = grid.value + 2 + grid.result, "cursor" if here and focus else "bg"
    value = value_parts(fields, field, wide, glyphs, here=here, ground=under_it)
    gap = " " * max(grid.value - wide + 2, 0)
    beside = told[0] if grid.result else told[0][:1]
    lines = [FormLine((Part(head), bar, *value, Part((Span(gap), *beside))), number)]
    under = grid.indent + 1 + grid.value + 2
    more = told[1:]
    if not grid.result:
        under = grid.indent - 1
        more = ((Span("  "), *told[0][2:]), *told[1:]) if here or result.faulty else ()
    lines += [FormLine((Part((Span(" " * under), *line)),), number) for line in more]
    if here and fields.picking is not None:
        lines += list_lines(fields, grid, glyphs, number)
    if here and fields.explained and field.help:
        width = grid.value + grid.result
        for line in wrap((Span(field.help, "muted"),), max(width, 10)):
            lines.append(FormLine((Part((Span(" " * (grid.indent + 1)), *line)),), number))
    return lines


def value_parts(
    fields: Fields, field: Field, width: int, glyphs: Glyphs, *, here: bool, ground: Ground
) -> Parts:
    """The value in exactly ``width`` cells, on its ground; with its cursor where it has one."""
    if field.kind == "text" and ground == "cursor":
        sign = "_" if glyphs.name == "ascii" else "█"
        pick = (Span(f" {glyphs.pick}", "accent"),) if field.choices else ()
        room = width - width_of(pick)
        parts = fields.editor.parts(room, sign, ground=ground)
        used = sum(width_of(part.line) for part in parts)
        return (*parts, Part((Span(" " * (room - used)), *pick), ground))
    value = in_cells(field.called(fields.values[field.id]))
    here = here or field.strong
    if field.kind == "switch":
        value = "[x] yes" if value == YES else "[ ] no"
    cut = shorten_middle if value.startswith(("/", "~/")) else shorten
    line: Line = (Span(cut(value, width), bold=here),)
    if field.kind == "radio":
        line = choice_line(field, fields.values[field.id], glyphs, 2)
    elif field.kind in ("choice", "text") and (field.choices or field.kind == "choice"):
        line = (
            *fit((Span(cut(value, width - 2), bold=here),), width - 2),
            Span(f" {glyphs.pick}", "accent"),
        )
    return (Part(fit(line, width), ground),)


def choice_line(field: Field, value: str, glyphs: Glyphs, gap: int) -> Line:
    """All choices beside each other, the one that is taken with another sign."""
    spans: list[Span] = []
    for choice in field.choices:
        taken = choice == value
        if spans:
            spans.append(Span(" " * gap))
        sign = glyphs.running if taken else glyphs.stopped
        spans += [Span(sign, "accent" if taken else "muted", glyph=True)]
        spans += [Span(f" {field.called(choice)}", bold=taken)]
    return tuple(spans)


def result_lines(result: Result, width: int, glyphs: Glyphs) -> tuple[Line, ...]:
    """What the check said: its sign, then the words under each other."""
    if not result.sign or width < 4:
        return ((),)
    signs = {FINE: glyphs.good, WARNING: glyphs.trouble, PROBLEM: glyphs.crashed}
    sign = signs.get(result.sign, glyphs.under_way)
    role: Role = _ROLES[result.sign]
    words = Span(result.text, role if result.faulty else "muted")
    lines = wrap((words,), width - 2)[:RESULT_LINES]
    first = (Span(sign, role, glyph=True), Span(" "), *lines[0])
    return (first, *((Span("  "), *line) for line in lines[1:]))


def list_lines(fields: Fields, grid: Grid, glyphs: Glyphs, number: int) -> list[FormLine]:
    """The choices of the field under it."""
    lines = []
    choices, at = fields.field.choices, fields.picking or 0
    first = max(0, min(at - _MOST_LISTED // 2, len(choices) - _MOST_LISTED))
    for choice, value in list(enumerate(choices))[first : first + _MOST_LISTED]:
        here = choice == at
        words = in_cells(fields.field.called(value))
        bar = Span(glyphs.cursor if here else " ", "accent")
        text = fit((Span(f" {words}", bold=here),), grid.value)
        ground: Ground = "cursor" if here else "bg"
        parts = (Part((Span(" " * (grid.indent + 1)),)), Part((bar, *text), ground))
        lines.append(FormLine(parts, number, choice))
    if len(choices) > _MOST_LISTED or fields.found:
        typed = Span(f"{fields.found}   " if fields.found else "")
        left = Span(f"{at + 1} of {len(choices)}", "muted")
        lines.append(FormLine((Part((Span(" " * (grid.indent + 3)), typed, left)),), number))
    return lines
