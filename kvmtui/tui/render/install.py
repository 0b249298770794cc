"""What becomes of a new guest's form: files, steps, the command line; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Role, Span, shorten, width_of
from kvmtui.tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from kvmtui.manage.install_summary import Summary

_PAIR_LINES = 4
_FILE_CELLS = 14
_NARROW_LINES = 7
_LABEL_CELLS = 11
_OF_FIELD = {
    "name": ("-name",),
    "memory": ("-m",),
    "cpus": ("-smp",),
    "machine": ("-machine",),
    "arch": ("-machine",),
    "accelerator": ("-accel", "-machine"),
    "cpu": ("-cpu",),
    "kernel": ("-kernel",),
    "initrd": ("-initrd",),
    "append": ("-append",),
    "network": ("-netdev",),
    "forwards": ("-netdev",),
}
_NODE_OF_FIELD = {"iso": "cdrom0", "disk": "disk0", "file": "disk0", "firmware": "pflash"}
"""Where a field that is not right stands in the command line."""


def right_lines(
    summary: Summary, faulty: Sequence[str], room: tuple[int, int], glyphs: Glyphs, key: str
) -> list[Line]:
    """The column beside the form.

    Args:
        faulty: The fields that are not right.
        room: Its cells and lines.
        key: Copies the command line.
    """
    width, height = room
    lines: list[Line] = [(Span("What will be made", bold=True),), ()]
    if summary.folder:
        lines.append((Span(shorten(summary.folder, width)),))
        lines += [_file_line(name, what, width) for name, what in summary.files]
    lines += [(), (Span("What will happen", bold=True),), ()]
    for number, step in enumerate(summary.steps, 1):
        wrapped = wrap((Span(step),), max(width - 3, 8))
        lines.append((Span(f"{number} ", "accent"), *wrapped[0]))
        lines += [(Span("  "), *rest) for rest in wrapped[1:]]
    lines += [(), _line_head(width, key), ()]
    return [*lines, *command_lines(summary, faulty, width, height - len(lines), 1, glyphs)]


def below_lines(
    summary: Summary, faulty: Sequence[str], room: tuple[int, int], glyphs: Glyphs, key: str
) -> list[Line]:
    """The summary at the page's end."""
    width, _ = room
    lines: list[Line] = [()]
    for fact in summary.facts:
        lines += wrap((Span(fact),), width)
    names = " ".join(name for name, _ in summary.files)
    lines += [()] * bool(summary.facts)
    lines += _labelled("Files", f"{summary.folder}: {names}" if summary.folder else "", width)
    lines += _labelled("Then", ", ".join(summary.steps), width)
    lines += [(), _line_head(width, key)]
    if not summary.argv:
        return [*lines, *command_lines(summary, faulty, width, _NARROW_LINES, 2, glyphs)]
    flow = flowing_lines(summary, faulty, width - 2)
    told = f"{min(len(flow), _NARROW_LINES)} of {len(flow)} lines"
    shown = [(Span("  "), *line) for line in flow[:_NARROW_LINES]]
    return [*lines, *shown, (Span(" " * max(width - len(told), 0) + told, "muted"),)]


def flowing_lines(summary: Summary, faulty: Sequence[str], width: int) -> list[Line]:
    """The command line as one text, broken where it must be."""
    lines: list[list[Span]] = [[]]
    left = width
    program = visible(summary.argv[0].rpartition("/")[2], limit=60)
    for pair in [[program], *pairs_of(summary.argv[1:])]:
        role: Role = "err" if is_faulty(pair, faulty) else "muted"
        text = " ".join(visible(word, limit=600) for word in pair)
        if lines[-1] and len(text) > left and (len(text) <= width or left < width // 3):
            lines.append([])
            left = width
        while text:
            piece, text = text[:left], text[left:]
            lines[-1].append(Span(piece, role))
            left -= len(piece)
            if left <= 0 or text:
                lines.append([])
                left = width
        if lines[-1]:
            lines[-1].append(Span(" "))
            left -= 1
        if left <= 0:
            lines.append([])
            left = width
    return [tuple(line) for line in lines if line]


def _file_line(name: str, what: str, width: int) -> Line:
    return (
        Span(f"  {shorten(name, _FILE_CELLS).ljust(_FILE_CELLS)} "),
        Span(shorten(what, max(width - _FILE_CELLS - 3, 0)), "muted"),
    )


def _labelled(label: str, text: str, width: int) -> list[Line]:
    """A label and its text, wrapped beside it."""
    if not text:
        return []
    first, *more = wrap((Span(text),), max(width - _LABEL_CELLS, 8))
    blank = Span(" " * _LABEL_CELLS)
    head = Span(label.ljust(_LABEL_CELLS), "muted")
    return [(head, *first), *((blank, *line) for line in more)]


def _line_head(width: int, key: str) -> Line:
    head = Span("Command line", bold=True)
    told: Line = (Span(key, "accent", bold=True), Span(" copies", "muted"))
    gap = max(width - width_of((head, *told)), 1)
    return (head, Span(" " * gap), *told)


def command_lines(
    summary: Summary,
    faulty: Sequence[str],
    width: int,
    height: int,
    indent: int,
    glyphs: Glyphs,
) -> list[Line]:
    """The command line, as much of it as fits, with what is not right in another colour."""
    if not summary.argv:
        sign: Line = (Span(f"{glyphs.crashed} ", "err", glyph=True),) if summary.fault else ()
        words = wrap((Span(visible(summary.fault, limit=300)),), max(width - 2, 8))
        return [(*sign, *words[0]), *((Span("  "), *rest) for rest in words[1:])]
    blank = " " * indent
    program = visible(summary.argv[0].rpartition("/")[2], limit=60)
    lines: list[Line] = [(Span(blank[1:] + program, "muted"),)]
    pairs = list(pairs_of(summary.argv[1:]))
    total = 1
    for pair in pairs:
        role: Role = "err" if is_faulty(pair, faulty) else "muted"
        text = " ".join(visible(word, limit=600) for word in pair)
        wrapped = _cut(text, max(width - indent, 8), _PAIR_LINES)
        total += len(wrapped)
        lines += [(Span(f"{blank}{'  ' * bool(n)}{one}", role),) for n, one in enumerate(wrapped)]
    height = max(height, 3)
    if total <= height:
        return lines
    shown = lines[: height - 1]
    red = [line for line in lines[height - 1 :] if line[0].role == "err"]
    if red:
        shown = [*shown[: len(shown) - len(red[:2])], *red[:2]]
    told = f"{len(shown)} of {total} lines"
    return [*shown, (Span(" " * max(width - len(told), 0) + told, "muted"),)]


def pairs_of(words: Sequence[str]) -> list[list[str]]:
    """Options with what belongs to each."""
    pairs: list[list[str]] = []
    for word in words:
        if word.startswith("-") or not pairs:
            pairs.append([word])
        else:
            pairs[-1].append(word)
    return pairs


def is_faulty(pair: Sequence[str], faulty: Sequence[str]) -> bool:
    """Whether a field that is not right says this."""
    text = " ".join(pair)
    for field in faulty:
        if pair[0] in _OF_FIELD.get(field, ()):
            return True
        node = _NODE_OF_FIELD.get(field)
        if node is not None and f'"{node}' in text:
            return True
        if field == "qemu_args" and pair[0] == "-device" and not _is_json(pair[-1]):
            return True
    return False


def _is_json(text: str) -> bool:
    """kvmtui's own devices are JSON; a person's seldom."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _cut(text: str, width: int, most: int) -> list[str]:
    """A text in lines of a width, the rest of it left out."""
    lines = [text[:width]]
    rest = text[width:]
    while rest and len(lines) < most:
        lines.append(rest[: width - 2])
        rest = rest[width - 2 :]
    if rest:
        lines[-1] = lines[-1][:-1] + "…"
    return lines


def verdict(told: Mapping[str, tuple[str, str]], labels: Mapping[str, str]) -> tuple[str, str]:
    """How the form stands: ``fine``, ``warning`` or ``problem``, and a sentence.

    Args:
        told: Of the fields that are there, in their order.
        labels: What the fields are called.
    """
    wrong = [(field, words) for field, (standing, words) in told.items() if standing == "problem"]
    if wrong:
        count = "1 field" if len(wrong) == 1 else f"{len(wrong)} fields"
        first = labels.get(wrong[0][0], wrong[0][0])
        return "problem", f"{count} to put right: {first}: {wrong[0][1]}"
    unwise = [(field, words) for field, (standing, words) in told.items() if standing == "warning"]
    if unwise:
        return "warning", f"{labels.get(unwise[0][0], unwise[0][0])}: {unwise[0][1]}"
    return "fine", f"all {len(told)} checks passed"
