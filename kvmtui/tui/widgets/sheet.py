"""Many graphs on one page: side by side and below each other, read and held together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.message import Message

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span, fit, plain, width_of
from kvmtui.tui.widgets.axis import Axis, axis_for
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.graph_lines import (
    GraphView,
    Looks,
    Measures,
    drawn_lines,
    layout_of,
)
from kvmtui.tui.widgets.reading import ReadOverTime
from kvmtui.tui.widgets.scale import Scale
from kvmtui.tui.widgets.scrolling import ScrolledLines

GAP = 2


class Tile(NamedTuple):
    """One place on the page: a graph, or lines."""

    key: str
    """What it is: a graph that comes again under its key keeps its scale."""
    height: int
    view: GraphView | None = None
    """It says how many samples were ever taken."""
    lines: Sequence[Line] = ()


Band = Sequence[Tile]
"""Tiles side by side, all of one width."""


def tile_width(width: int, count: int) -> int:
    """The width of each of some tiles side by side; the last column of the page stays empty."""
    return max((width - 1 - GAP * (count - 1)) // count, 1)


class Sheet(ReadOverTime[Sequence[Band]], ScrolledLines, can_focus=True):
    """Draws bands of tiles; knows no guest and has no clock.

    One cursor reads all graphs at the same time, and all are held together.
    """

    DEFAULT_CSS = "Sheet { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="sheet.copy", show=False),
        Binding("left", "read(1)", "read", id="sheet.earlier", show=False),
        Binding("right", "read(-1)", "read", id="sheet.later", show=False),
        Binding("space", "hold", "hold", id="sheet.hold", show=False),
        Binding("escape", "leave", "leave", show=False),
        Binding("j,down", "scroll(1)", "down", id="sheet.down", show=False),
        Binding("k,up", "scroll(-1)", "up", id="sheet.up", show=False),
        Binding("g,home", "first", "top", id="sheet.first", show=False),
        Binding("G,end", "last", "end", id="sheet.last", show=False),
        Binding("pagedown", "page(1)", "page down", id="sheet.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="sheet.page_up", show=False),
    ]

    class Chosen(Message):
        """Another tile is chosen."""

    class HoldChanged(Message):
        """A person held the page, or let it go on."""

    class CopyWanted(Message):
        """The figures are wanted as text."""

    def __init__(self, *, choosing: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._choosing = choosing
        self._chosen = ""
        self._bands: Sequence[Band] = ()
        self._scales: dict[str, Scale] = {}
        self._lines: list[Parts] = []
        self._made_for: tuple[int, Glyphs] | None = None

    # What the owner asks and sets.

    @property
    def chosen(self) -> str:
        """The key of the chosen tile; empty where there is none."""
        return self._chosen

    @property
    def line_count(self) -> int:
        """How many lines the page has."""
        self._make()
        return len(self._lines)

    @property
    def below(self) -> int:
        """How many lines are below the last that is seen."""
        return max(self.line_count - self._top - self.size.height, 0)

    def show(self, bands: Sequence[Band], *, at_once: bool = False) -> None:
        """Show this from now on; a page that is held shows it when it goes on.

        Args:
            at_once: Whether it is of another subject, shown also where the page is held.
        """
        if self._held and self._bands and not at_once:
            self._waiting = bands
            return
        self._waiting = None
        self._bands = bands
        keys = [tile.key for band in bands for tile in band if tile.view is not None]
        self._scales = {key: one for key, one in self._scales.items() if key in set(keys)}
        if self._choosing and self._chosen not in keys:
            self._chosen = keys[0] if keys else ""
        self._draw()

    def forget_scales(self) -> None:
        """Scale all anew: it is another subject, or another span of time."""
        self._scales.clear()

    def as_text(self) -> str:
        """The titles of all graphs with what they are now, or were where the cursor stands."""
        texts = []
        for tile, lines in self._drawn_tiles(max(self.size.width, 60)):
            if tile.view is not None and lines:
                texts.append("".join(plain(part.line) for part in lines[0]).strip(" ▌>"))
            elif tile.view is None:
                texts += [plain(line).strip() for line in tile.lines]
        return "\n".join(filter(None, texts))

    def do(self, binding_id: str) -> None:
        """Do what the key of one of its bindings does."""
        deeds: dict[str, Callable[[], None]] = {
            "sheet.hold": self.action_hold,
            "sheet.copy": self.action_copy,
            "sheet.earlier": lambda: self.action_read(1),
            "sheet.later": lambda: self.action_read(-1),
        }
        deed = deeds.get(binding_id)
        if deed is not None:
            deed()

    # Keys and mouse.

    def action_read(self, cells: int) -> None:
        found = self._first_axis()
        if found is None:
            return
        axis, count = found
        at = -1 if self._cursor_s is None else axis.cell_at(self._cursor_s, count)
        at = min(at + cells, count - 1)
        self.read(None if at < 0 else axis.middle_s(at))

    def action_hold(self) -> None:
        self.hold(not self._held)
        self.post_message(self.HoldChanged())

    def action_copy(self) -> None:
        self.post_message(self.CopyWanted())

    def action_leave(self) -> None:
        self.read(None)

    def action_scroll(self, lines: int) -> None:
        if self._choosing:
            self._choose(lines)
        else:
            super().action_scroll(lines)

    def _choose(self, step: int) -> None:
        """Choose the next or previous tile, and bring it into sight."""
        keys = [tile.key for band in self._bands for tile in band if tile.view is not None]
        if not keys:
            return
        at = keys.index(self._chosen) if self._chosen in keys else 0
        self._chosen = keys[max(0, min(at + step, len(keys) - 1))]
        y = 0
        for band in self._bands:
            height = max((tile.height for tile in band), default=0)
            if any(tile.key == self._chosen for tile in band):
                self._top = max(min(self._top, y), y + height - self.size.height)
                break
            y += height
        self._draw()
        self.post_message(self.Chosen())

    # How it is drawn.

    def _first_axis(self) -> tuple[Axis, int] | None:
        """The axis of the first graph, by whose cells the cursor moves, and their number."""
        for band in self._bands:
            for tile in band:
                if tile.view is not None and tile.view.series:
                    width = tile_width(self.size.width, len(band))
                    measures = _measured(tile.view, width, tile.height)
                    if measures.layout.rows and measures.layout.cells:
                        return measures.axis, measures.layout.cells
        return None

    def _draw(self) -> None:
        self._made_for = None
        if self.is_mounted:
            self._go(self._top)

    def _make(self) -> None:
        width = self.size.width
        if self._made_for == (width, self.glyphs):
            return
        self._made_for = (width, self.glyphs)
        drawn = iter(self._drawn_tiles(width))
        self._lines = []
        for band in self._bands:
            tiles = [next(drawn) for _ in band]
            wide = tile_width(width, len(band))
            for y in range(max((tile.height for tile in band), default=0)):
                row: list[Part] = []
                for number, (_, lines) in enumerate(tiles):
                    parts = lines[y] if y < len(lines) else ()
                    last = number == len(tiles) - 1
                    row += _padded(parts, wide + (0 if last else GAP))
                self._lines.append(tuple(row))

    def _drawn_tiles(self, width: int) -> list[tuple[Tile, list[Parts]]]:
        """Each tile with its lines, in order."""
        found = []
        for band in self._bands:
            wide = tile_width(width, len(band))
            for tile in band:
                if tile.view is None:
                    lines: list[Parts] = [(Part(fit(line, wide)),) for line in tile.lines]
                else:
                    scale = self._scales.setdefault(tile.key, Scale(tile.view.unit))
                    focused = self._choosing and tile.key == self._chosen
                    looks = Looks(self.glyphs, self._cursor_s, focused)
                    measures = _measured(tile.view, wide, tile.height)
                    lines = drawn_lines(tile.view, measures, scale, looks)
                found.append((tile, lines))
        return found

    def paint(self, y: int, width: int) -> Parts:
        self._make()
        number = self._top + y
        return self._lines[number] if number < len(self._lines) else ()


def _measured(view: GraphView, width: int, height: int) -> Measures:
    layout = layout_of(view, width, height)
    taken = view.taken or 0
    axis = axis_for(view.span_s, view.sample_s, layout.cells, taken, view.newest_s)
    return Measures(layout, axis, taken)


def _padded(parts: Parts, width: int) -> list[Part]:
    """Parts in exactly so many cells."""
    gap = width - sum(width_of(part.line) for part in parts)
    return [*parts, Part((Span(" " * gap),))] if gap > 0 else list(parts)
