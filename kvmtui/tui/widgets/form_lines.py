"""How a form looks, line by line; pure."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Ground, Line, Role, Span, fit, shorten, width_of
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.editor import in_cells
from kvmtui.tui.widgets.fields import FINE, PROBLEM, WARNING, YES, Field, Fields, Result
from kvmtui.tui.widgets.wrapping import wrap

MARGIN = 3
MOST_VALUE, LEAST_VALUE = 44, 12
RESULT_LINES = 3
LEAST_RESULT = 16
"""Where what a check said has less room beside the value, it stands under it."""
_ROLES: dict[str, Role] = {FINE: "ok", WARNING: "warn", PROBLEM: "err"}


class FormLine(NamedTuple):
    """One line of the form."""

    parts: Parts
    field: int | None = None
    """The index of the field it belongs to."""
    choice: int | None = None
    """The choice of the field's open list that it shows."""


class _Grid(NamedTuple):
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
        if field.section:
            lines += [FormLine(())] * bool(lines)
            lines.append(FormLine((Part((Span(f" {field.section}", bold=True),)),)))
        lines += _field_lines(fields, number, grid, glyphs, focus=focus)
    return lines


def _grid(fields: Fields, width: int) -> _Grid:
    label = max(cell_len(field.label) for field in fields.fields) + 1
    label = min(label, max(width // 3, 4))
    rest = max(width - MARGIN - label - 2, LEAST_VALUE)
    value = max(LEAST_VALUE, min(MOST_VALUE, rest * 3 // 5))
    result = rest - value - 3
    if result < LEAST_RESULT:
        return _Grid(label, max(rest - 4, LEAST_VALUE), 0)
    return _Grid(label, value, result)


def _field_lines(
    fields: Fields, number: int, grid: _Grid, glyphs: Glyphs, *, focus: bool
) -> list[FormLine]:
    field = fields.fields[number]
    here = number == fields.at
    result = fields.results[field.id]
    told = _result_lines(result, grid.result or grid.value, glyphs)
    label = fit((Span(field.label, "muted"),), grid.label)
    head = (Span(" " * MARGIN), *label, Span(" "))
    bar = Part((Span(glyphs.cursor if here else " ", "accent"),), _ground(here and focus))
    value = _value_parts(fields, field, grid.value, glyphs, here=here, focus=here and focus)
    beside = told[0] if grid.result else told[0][:1]
    lines = [FormLine((Part(head), bar, *value, Part((Span("  "), *beside))), number)]
    under = grid.indent + 1 + grid.value + 2
    more = told[1:]
    if not grid.result:
        under = grid.indent - 1
        more = ((Span("  "), *told[0][2:]), *told[1:]) if here or result.faulty else ()
    lines += [FormLine((Part((Span(" " * under), *line)),), number) for line in more]
    if here and fields.picking is not None:
        lines += _list_lines(fields, grid, glyphs, number)
    if here and fields.explained and field.help:
        width = grid.value + grid.result
        for line in wrap((Span(field.help, "muted"),), max(width, 10)):
            lines.append(FormLine((Part((Span(" " * (grid.indent + 1)), *line)),), number))
    return lines


def _ground(focus: bool) -> Ground:
    return "cursor" if focus else "bg"


def _value_parts(
    fields: Fields, field: Field, width: int, glyphs: Glyphs, *, here: bool, focus: bool
) -> Parts:
    """The value in exactly ``width`` cells, on the ground of the focus where it has it."""
    ground = _ground(focus)
    if field.kind == "text" and focus:
        sign = "_" if glyphs.name == "ascii" else "█"
        parts = fields.editor.parts(width, sign, ground=ground)
        used = sum(width_of(part.line) for part in parts)
        return (*parts, Part((Span(" " * (width - used)),), ground))
    value = in_cells(fields.values[field.id])
    if field.kind == "switch":
        value = "[x] yes" if value == YES else "[ ] no"
    line: Line = (Span(shorten(value, width), bold=here),)
    if field.kind == "choice":
        line = (*fit((Span(value, bold=here),), width - 2), Span(f" {glyphs.pick}", "muted"))
    return (Part(fit(line, width), ground),)


def _result_lines(result: Result, width: int, glyphs: Glyphs) -> tuple[Line, ...]:
    """What the check said: its sign, then the words under each other."""
    if not result.sign or width < 4:
        return ((),)
    sign = {FINE: glyphs.good, WARNING: glyphs.trouble, PROBLEM: glyphs.crashed}[result.sign]
    role: Role = _ROLES[result.sign]
    words = Span(result.text, role if result.faulty else "muted")
    lines = wrap((words,), width - 2)[:RESULT_LINES]
    first = (Span(sign, role, glyph=True), Span(" "), *lines[0])
    return (first, *((Span("  "), *line) for line in lines[1:]))


def _list_lines(fields: Fields, grid: _Grid, glyphs: Glyphs, number: int) -> list[FormLine]:
    """The choices of the field under it."""
    lines = []
    for choice, words in enumerate(fields.field.choices):
        here = choice == fields.picking
        bar = Span(glyphs.cursor if here else " ", "accent")
        text = fit((Span(f" {words}", bold=here),), grid.value)
        parts = (Part((Span(" " * (grid.indent + 1)),)), Part((bar, *text), _ground(here)))
        lines.append(FormLine(parts, number, choice))
    return lines
