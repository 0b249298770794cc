"""Lines to read: details, a timeline, help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, shorten
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.scrolling import ScrolledLines


class LineView(ScrolledLines):
    """Shows lines; of new ones only those that differ are drawn.

    Args:
        focusable: Whether it can have the focus and is scrolled by keys then.
    """

    DEFAULT_CSS = "LineView { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll(1)", "down", id="text.down", show=False),
        Binding("k,up", "scroll(-1)", "up", id="text.up", show=False),
        Binding("g,home", "first", "top", id="text.first", show=False),
        Binding("G,end", "last", "end", id="text.last", show=False),
        Binding("pagedown,space", "page(1)", "page down", id="text.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="text.page_up", show=False),
    ]

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        focusable: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.can_focus = focusable
        self._lines: tuple[Line, ...] = tuple(lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, also those that are out of sight."""
        return self._lines

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def set_lines(self, lines: Sequence[Line], *, from_top: bool = False) -> None:
        """Show other lines.

        Args:
            lines: From top to bottom.
            from_top: Whether it is another text, to be read from its beginning.
        """
        self._lines = tuple(lines)
        self._go(0 if from_top else self._top)

    def scroll_lines_to(self, top: int) -> None:
        """Have a line be the first seen one, as far as there are lines below it."""
        self._go(top)

    def on_resize(self) -> None:
        self._go(self._top)

    def paint(self, y: int, width: int) -> Parts:
        number = self._top + y
        return (Part(self._lines[number]),) if number < len(self._lines) else ()


def rule(title: str, width: int, glyphs: Glyphs) -> Line:
    """A line across, with the title of what stands below it."""
    if width < 5:
        return (Span(glyphs.rule * max(width, 0), "line"),)
    text = f" {shorten(title, width - 4)} " if title else ""
    rest = glyphs.rule * (width - 1 - cell_len(text))
    return (Span(glyphs.rule, "line"), Span(text, bold=True), Span(rest, "line"))
