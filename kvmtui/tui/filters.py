"""Textual's filters of styles, where they would do what is not wanted here."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor


class KeepsControl(LineFilter):
    """A filter that leaves control segments alone; Textual's own turn them into text."""

    def __init__(self, inner: LineFilter) -> None:
        super().__init__()
        self._inner = inner

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Filter the segments that are text."""
        changed = self._inner.apply(segments, background)
        return [old if old.control else new for old, new in zip(segments, changed, strict=True)]


_keeping = functools.lru_cache(maxsize=16)(KeepsControl)
_no_color = NoColor()


def no_color(environment: Mapping[str, str]) -> bool:
    """Whether no colours are wanted (no-color.org: set, and not to nothing)."""
    return bool(environment.get("NO_COLOR"))


def line_filters(filters: Iterable[LineFilter], *, colorless: bool) -> list[LineFilter]:
    """The filters to use.

    Args:
        filters: Textual's choice. With ``NO_COLOR`` it makes every theme grey, in RGB.
        colorless: Whether colours are to be taken out instead.
    """
    kept: list[LineFilter] = [
        _keeping(each) for each in filters if not isinstance(each, Monochrome | NoColor)
    ]
    return [*kept, _keeping(_no_color)] if colorless else kept
