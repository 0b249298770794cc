"""What the widgets share: lines with roles become strips in the colours of the theme.

A widget says what its lines are (`LineWidget.paint`) and calls `show_changes` when they
may differ; only the lines that do differ are drawn again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple, Protocol, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.palette import Palette
from kvmtui.tui.spans import Ground, Line, Span, crop, width_of

_BLANK = Span("")
_ASCII = str.maketrans({"…": "~", "–": "-", "×": "x", "·": "-", "\ufffd": "?"})


class Surroundings(Protocol):
    """What the app around the widgets offers; both follow its theme and its terminal."""

    @property
    def palette(self) -> Palette: ...

    @property
    def glyphs(self) -> Glyphs: ...

    def draw_lines(self, widget: Widget, lines: Sequence[int]) -> bool: ...


class Part(NamedTuple):
    """A piece of a line with what lies behind it."""

    line: Line
    ground: Ground = "bg"


Parts = tuple[Part, ...]


def strip_of(parts: Iterable[Part], width: int, palette: Palette, *, ascii_only: bool) -> Strip:
    """One line of the screen, exactly ``width`` cells: the last ground goes to its end.

    Args:
        parts: Together they may be shorter or longer than the width.
        width: In cells.
        palette: Of the theme.
        ascii_only: The signs that kvmtui itself puts into sentences become ASCII.
    """
    segments: list[Segment] = []
    left = width
    ground: Ground = "bg"
    for part in parts:
        ground = part.ground
        line = crop(part.line, left)
        left -= width_of(line)
        for span in line:
            if span.text:
                text = span.text.translate(_ASCII) if ascii_only else span.text
                segments.append(Segment(text, palette.of(span, ground)))
    if left > 0:
        segments.append(Segment(" " * left, palette.of(_BLANK, ground)))
    return Strip(segments, width)


class LineWidget(Widget):
    """A widget that is drawn line by line from spans, without borders or paddings."""

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._painted: dict[int, Parts] = {}
        self._drawn_with: tuple[Palette, Glyphs] | None = None

    @property
    def palette(self) -> Palette:
        """The styles of the app's theme."""
        return cast(Surroundings, self.app).palette

    @property
    def glyphs(self) -> Glyphs:
        """The signs that the terminal can draw."""
        return cast(Surroundings, self.app).glyphs

    def paint(self, y: int, width: int) -> Parts:
        """What stands in a line of the widget now; for the widgets to say."""
        raise NotImplementedError

    def show_changes(self) -> None:
        """Draw again the lines that differ from what is on the screen."""
        if not self.is_mounted:
            return
        width, height = self.size
        regions = []
        for y in range(height):
            parts = self.paint(y, width)
            if self._painted.get(y) != parts:
                self._painted[y] = parts
                regions.append(Region(0, y, width, 1))
        if regions:
            self.refresh(*regions)

    def strip(self, parts: Iterable[Part], width: int) -> Strip:
        """Parts in the colours of the theme."""
        ascii_only = self.glyphs.name == "ascii"
        return strip_of(parts, width, self.palette, ascii_only=ascii_only)

    def render_line(self, y: int) -> Strip:
        self._drawn_with = (self.palette, self.glyphs)
        width = self.size.width
        self._painted[y] = parts = self.paint(y, width)
        return self.strip(parts, width)

    def forget(self) -> None:
        """Drop what is kept of the lines on the screen: none of it holds."""
        self._painted.clear()

    def notify_style_update(self) -> None:
        """Draw all again where the theme is another one; the app's palette is new by then."""
        super().notify_style_update()
        if self._drawn_with not in (None, (self.palette, self.glyphs)):
            self.forget()
            self.refresh()
