"""Sentences with roles, broken between words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from kvmtui.tui.spans import Line, Span, crop, width_of


def wrap(line: Line, width: int) -> tuple[Line, ...]:
    """A line as several, none wider than ``width``; the later ones begin where it begins.

    A word that is too long alone, such as a path, is broken where it must be. An empty
    line stays one.
    """
    if width_of(line) <= width:
        return (line,)
    lines: list[list[Span]] = [[]]
    used = indent = _indent(line)
    if indent:
        lines[0].append(Span(" " * indent))
    for word in _broken(_words(line), max(width - indent, 1)):
        if used + width_of(_trimmed(word)) > width and used > indent:
            lines.append([Span(" " * indent)] if indent else [])
            used = indent
        lines[-1] += word
        used += width_of(word)
    return tuple(crop(_trimmed(found), width) for found in lines)


def wrap_all(lines: Sequence[Line], width: int) -> tuple[Line, ...]:
    """Each line wrapped."""
    return tuple(part for line in lines for part in wrap(line, width))


def _indent(line: Line) -> int:
    text = "".join(span.text for span in line)
    return len(text) - len(text.lstrip(" "))


def _words(line: Line) -> list[list[Span]]:
    """The line's words, each with the blanks behind it; those before the first are left out.

    A word may be of several spans: a bold name and the comma after it are one.
    """
    words: list[list[Span]] = [[]]
    for span in line:
        first, *others = span.text.split(" ")
        words[-1].append(span._replace(text=first))
        for piece in others:
            words[-1][-1] = words[-1][-1]._replace(text=words[-1][-1].text + " ")
            words.append([span._replace(text=piece)])
    while words and not any(span.text.strip() for span in words[0]):
        del words[0]
    return [[span for span in word if span.text] for word in words]


def _broken(words: list[list[Span]], width: int) -> list[list[Span]]:
    """The words, those that are too long in pieces that fit."""
    found: list[list[Span]] = []
    for word in words:
        if width_of(_trimmed(word)) <= width:
            found.append(word)
            continue
        found.append([])
        for span in word:
            for character in span.text:
                if width_of(found[-1]) + cell_len(character) > width:
                    found.append([])
                found[-1].append(span._replace(text=character))
    return found


def _trimmed(spans: Sequence[Span]) -> Line:
    """Spans without the blanks at their end."""
    found = list(spans)
    while found and not found[-1].text.rstrip(" "):
        found.pop()
    if found:
        found[-1] = found[-1]._replace(text=found[-1].text.rstrip(" "))
    return tuple(found)
