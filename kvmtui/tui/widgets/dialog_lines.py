"""How a dialog looks, line by line; pure."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Ground, Line, Span, shorten, width_of
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.editor import Editor, in_cells
from kvmtui.tui.widgets.wrapping import wrap_all

NARROW, WIDE = 66, 72
BESIDE = 4
"""Frame and margin at both sides."""
SAFE_X = 23
"""Where the safe answer begins, counted from the text's left edge."""
ANSWER_GAP = 6


class Content(NamedTuple):
    """What a dialog says now."""

    title: str
    lines: tuple[Line, ...]
    checks: tuple[tuple[str, bool], ...]
    prompt: str
    editor: Editor | None
    safe: str
    act: str
    missing: str
    at: str
    """Where the focus is: ``safe``, ``text`` or ``check 0``."""


class Ordered(NamedTuple):
    """One line, and what can be clicked in it: name, first cell, cell behind the last."""

    parts: Parts
    spots: tuple[tuple[str, int, int], ...] = ()


def width_for(content: Content, screen: int) -> int:
    """The narrow width where the text fits into it, else the wide one; less on small screens."""
    longest = max((width_of(line) for line in content.lines), default=0)
    answers = SAFE_X + width_of(_safe(content)) + ANSWER_GAP + width_of(_act(content))
    fits = max(longest, answers, cell_len(content.title)) <= NARROW - BESIDE
    return min(NARROW if fits else WIDE, screen)


def build(content: Content, width: int, height: int, glyphs: Glyphs) -> tuple[Ordered, ...]:
    """All lines of the dialog; where it is too low, blank lines go first, then text."""
    inner = max(width - BESIDE, 1)
    body = list(wrap_all(content.lines, inner))
    below: list[Ordered] = [_check(content, number) for number in range(len(content.checks))]
    if content.editor is not None:
        below += [Ordered(()), Ordered(_field(content, content.editor, inner, glyphs))]
    answers = _answers(content, inner)
    room = height - 2 - 1 - len(below) - len(answers)
    airy = len(body) + (2 if body else 1) <= room
    if not airy:
        below = [line for line in below if line.parts]
        body = _squeezed(body, height - 2 - 1 - len(below) - len(answers))
    blank = [Ordered(())] if airy else []
    text = [Ordered((Part(line),)) for line in body]
    title = Ordered((Part((Span(shorten(content.title, inner), bold=True),)),))
    lines = [title, *(blank if text else []), *text, *below, *blank, *answers]
    return _framed(lines, width, glyphs)


def _squeezed(body: list[Line], room: int) -> list[Line]:
    """A text in fewer lines: without blank ones, then without its end."""
    if len(body) > room:
        body = [line for line in body if width_of(line)]
    if len(body) > room:
        body = [*body[: max(room - 1, 0)], (Span("…", "muted"),)][: max(room, 0)]
    return body


def _check(content: Content, number: int) -> Ordered:
    words, ticked = content.checks[number]
    name = f"check {number}"
    line = (Span("[x]" if ticked else "[ ]"), Span(f" {words}"))
    ground: Ground = "cursor" if content.at == name else "bg"
    return Ordered((Part(line, ground),), ((name, 0, width_of(line)),))


def _field(content: Content, editor: Editor, inner: int, glyphs: Glyphs) -> Parts:
    prompt = Part((Span(f"{content.prompt}  ", "muted"),))
    room = max(inner - width_of(prompt.line), 4)
    if content.at != "text":
        return (prompt, Part((Span(shorten(in_cells(editor.text), room)),)))
    return (prompt, *editor.parts(room, "_" if glyphs.name == "ascii" else "█"))


def _safe(content: Content) -> Line:
    return (Span(f"[ {content.safe} ]", bold=content.at == "safe"),)


def _act(content: Content) -> Line:
    key = "y" if content.editor is None else "Enter"
    words = f" {content.act}"
    if content.missing:
        return (Span(key, "muted"), Span(f"{words} ({content.missing})", "muted"))
    return (Span(key, "accent", bold=True), Span(words))


def _answers(content: Content, inner: int) -> list[Ordered]:
    """Both answers in one line, or one under the other where they do not fit."""
    safe, act = _safe(content), _act(content)
    first = Part(safe, "cursor" if content.at == "safe" else "bg")
    wide, other = width_of(safe), width_of(act)
    if wide + 2 + other > inner:
        return [
            Ordered((first,), (("safe", 0, wide),)),
            Ordered((Part(act),), (("act", 0, other),)),
        ]
    gap = min(ANSWER_GAP, inner - wide - other)
    x = min(SAFE_X, inner - wide - gap - other)
    parts = (Part((Span(" " * x),)), first, Part((Span(" " * gap), *act)))
    spots = (("safe", x, x + wide), ("act", x + wide + gap, x + wide + gap + other))
    return [Ordered(parts, spots)]


def _framed(lines: list[Ordered], width: int, glyphs: Glyphs) -> tuple[Ordered, ...]:
    """The lines in a frame with a blank cell at both sides."""
    frame = glyphs.frame
    across, side = frame[1], frame[3]
    inner = max(width - BESIDE, 1)

    def edge(left: str, right: str) -> Ordered:
        return Ordered((Part((Span(left + across * (width - 2) + right, "line"),)),))

    found = [edge(frame[0], frame[2])]
    for line in lines:
        used = sum(width_of(part.line) for part in line.parts)
        right = Part((Span(" " * max(inner - used, 0) + " "), Span(side, "line")))
        spots = tuple((name, start + 2, end + 2) for name, start, end in line.spots)
        left = Part((Span(side, "line"), Span(" ")))
        found.append(Ordered((left, *line.parts, right), spots))
    return (*found, edge(frame[4], frame[5]))
