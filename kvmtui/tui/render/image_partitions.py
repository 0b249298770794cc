"""The partitions of an image as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.guest.units import format_size
from kvmtui.text import visible
from kvmtui.tui.spans import Line, Span, shorten
from kvmtui.tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from kvmtui.manage.image_partitions import FileSystem, Partition, Table

_LABEL = 10
_KIND, _MOST_KIND = 4, 20


def partition_lines(found: Table | str, width: int) -> list[Line]:
    """A line for each partition; or why there are none, in words.

    Args:
        found: The table, or what is said in its place; empty where nothing is to be said.
    """
    if not found:
        return []
    if isinstance(found, str):
        return _labelled([(Span(found, "muted"),)], width)
    kinds = [one.kind for one in found.partitions]
    kind = min(max([_KIND, *map(len, kinds)]), _MOST_KIND)
    lines = [_line(one, kind, width - _LABEL) for one in found.partitions]
    if not lines:
        whole = found.file_system
        words = f"none, it holds {_holds(whole)}" if whole else "none, and nothing that is known"
        lines = [(Span(words),)]
    if found.trouble:
        lines.append((Span(visible(found.trouble, limit=200), "err"),))
    told = _labelled(lines, width)
    if found.boot:
        told.append((Span("Boots by".ljust(_LABEL), "muted"), Span(", ".join(found.boot))))
    return told


def _labelled(lines: list[Line], width: int) -> list[Line]:
    told: list[Line] = []
    for line in lines:
        for part in wrap(line, max(width - _LABEL, 4)):
            label = "" if told else "Parts"
            told.append((Span(label.ljust(_LABEL), "muted"), *part))
    return told


def _line(one: Partition, kind: int, width: int) -> Line:
    """``1  512M  EFI system  vfat "EFI"``."""
    head = f"{one.number:>2} {format_size(one.size_bytes).rjust(4)}  "
    use = shorten(visible(one.kind, limit=60), kind).ljust(kind)
    rest = "" if one.file_system is None else f"  {_holds(one.file_system)}"
    room = max(width - len(head) - kind, 0)
    line: Line = (Span(head), Span(use, "muted"), Span(shorten(rest, room)))
    if one.trouble:
        line = (*line, Span(f"  {visible(one.trouble, limit=80)}", "err"))
    return line


def _holds(found: FileSystem) -> str:
    label = f" {visible(found.label, limit=40)}" if found.label else ""
    return f"{visible(found.kind, limit=20)}{label}"
