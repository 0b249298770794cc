"""The pages of the first steps as lines."""

from __future__ import annotations

import re

from kvmtui.manage.first_steps import Page, blocks
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.wrapping import wrap, wrap_all


def page_lines(page: Page, width: int) -> list[Line]:
    """A page, its paragraphs flowing; a line that stands as it is is broken where it must be."""
    lines: list[Line] = []
    for block in blocks(page.text):
        if not block.lines:
            lines.append(())
        elif block.flows:
            lines += wrap(_led(" ".join(block.lines)), width)
        else:
            lines += wrap_all([(Span(line, "accent"),) for line in block.lines], width)
    return lines


def _led(text: str) -> Line:
    """A paragraph; what leads it, up to a colon, is bold."""
    found = re.match(r"[A-Z][a-zA-Z -]{3,20}:", text)
    if found is None:
        return (Span(text),)
    return (Span(found.group(), bold=True), Span(text[found.end() :]))
