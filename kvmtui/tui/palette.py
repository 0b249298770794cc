"""From a span's role to what the terminal is told: the one place that knows colours."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from rich.style import Style

from kvmtui.tui.spans import Ground, Span

_GLYPH_COLORS = {"ok": "green", "warn": "yellow", "err": "red", "busy": "magenta"}
_BOLD_WORDS = frozenset({"accent", "warn", "err"})


class Palette:
    """The styles of one theme.

    Args:
        colors: ``#rrggbb`` for every role, and for bg, field, cursor and tab_text. None
            for a theme of the terminal's own colours: words have none then.
        glyph_colors: Whether signs have one of the terminal's 16 colours in that case.
    """

    def __init__(self, colors: Mapping[str, str] | None, *, glyph_colors: bool = True) -> None:
        self._colors = dict(colors) if colors is not None else None
        self._glyph_colors = glyph_colors
        self.style = functools.cache(self._style)

    def _style(self, span: Span, ground: Ground = "bg") -> Style:
        """The style of a span on a ground; the text of the span plays no part."""
        if self._colors is not None:
            return self._colored(self._colors, span, ground)
        return self._plain(span, ground)

    @staticmethod
    def _colored(colors: Mapping[str, str], span: Span, ground: Ground) -> Style:
        if ground == "tab":
            return Style(color=colors["tab_text"], bgcolor=colors["accent"], bold=True)
        bold = span.bold or None
        return Style(color=colors[span.role], bgcolor=colors[ground], bold=bold)

    def _plain(self, span: Span, ground: Ground) -> Style:
        bold = span.bold or ground == "tab" or (span.role in _BOLD_WORDS and not span.glyph)
        color = None
        if span.glyph and self._glyph_colors:
            color = _GLYPH_COLORS.get(span.role)
        return Style(
            color=color,
            bold=bold or None,
            reverse=True if ground in ("cursor", "tab") else None,
            underline=True if ground == "field" else None,
        )

    def of(self, span: Span, ground: Ground = "bg") -> Style:
        """The style of a span; asked once for each kind of span."""
        return self.style(span._replace(text=""), ground)
