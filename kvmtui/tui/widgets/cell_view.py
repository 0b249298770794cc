"""A screen of cells with looks of their own: what another terminal shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.base import Surroundings

_CURSOR = Style(reverse=True)


class Run(NamedTuple):
    """Neighbouring cells of one look; the text is safe to show."""

    text: str
    style: Style


Cells = tuple[Run, ...]


class CellView(Widget):
    """Shows rows of cells from the top left; only rows that differ are drawn.

    Where there are more rows than room, those around the cursor are seen.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = "CellView { height: 1fr; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Cells] = []
        self._cursor: tuple[int, int] | None = None
        self._top = 0
        self._muted = False

    @property
    def top(self) -> int:
        """How many rows are above the first seen one."""
        return self._top

    def set_rows(self, rows: Sequence[Cells], cursor: tuple[int, int] | None) -> None:
        """Show other rows; nothing is drawn of those that are as they were."""
        changed = {y for y, row in enumerate(rows) if self._row(y) != row}
        changed |= set(range(len(rows), len(self._rows)))
        self._rows = list(rows)
        self._move_cursor(cursor, changed)

    def set_some(self, rows: Iterable[tuple[int, Cells]], cursor: tuple[int, int] | None) -> None:
        """Show some rows anew."""
        changed = set()
        for y, row in rows:
            while len(self._rows) <= y:
                self._rows.append(())
            if self._rows[y] != row:
                self._rows[y] = row
                changed.add(y)
        self._move_cursor(cursor, changed)

    def mute(self, muted: bool) -> None:
        """Draw the picture as one of the past, or as the present one."""
        if muted != self._muted:
            self._muted = muted
            self.refresh()

    def place_at(self, x: int, y: int) -> tuple[float, float] | None:
        """The middle of a seen cell as parts of the picture's width and height; None beside it."""
        width = sum(len(run.text) for run in self._row(y + self._top))
        if not 0 <= x < width:
            return None
        return (x + 0.5) / width, (y + self._top + 0.5) / len(self._rows)

    def _row(self, y: int) -> Cells:
        return self._rows[y] if 0 <= y < len(self._rows) else ()

    def _move_cursor(self, cursor: tuple[int, int] | None, changed: set[int]) -> None:
        if cursor != self._cursor:
            changed |= {at[1] for at in (self._cursor, cursor) if at is not None}
            self._cursor = cursor
        if not self.is_mounted or not changed:
            return
        top = self._top_now()
        if top != self._top:
            self._top = top
            self.refresh()
            return
        width, height = self.size
        seen = [y - top for y in sorted(changed) if 0 <= y - top < height]
        if seen and not cast(Surroundings, self.app).draw_lines(self, seen):
            self.refresh(*(Region(0, y, width, 1) for y in seen))

    def _top_now(self) -> int:
        room = self.size.height
        if len(self._rows) <= room:
            return 0
        at = self._cursor[1] if self._cursor is not None else len(self._rows) - 1
        return max(min(self._top, at), at - room + 1, 0)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._top = self._top_now()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = cast(Surroundings, self.app).palette
        base = palette.of(Span("", "muted" if self._muted else "text"))
        width = self.size.width
        segments: list[Segment] = []
        for run in self._row(y + self._top):
            style = base if self._muted else base + run.style
            segments.append(Segment(run.text, style))
        strip = Strip(segments).adjust_cell_length(width, base)
        cursor = self._cursor
        if cursor is None or self._muted or cursor[1] != y + self._top or cursor[0] >= width:
            return strip
        x = cursor[0]
        wide = 1
        under = strip.crop(x, x + 1)
        if under.text.strip() == "" and cell_len(strip.crop(x, x + 2).text.strip()) == 2:
            wide = 2
        at = strip.crop(x, x + wide)
        return Strip.join([strip.crop(0, x), at.apply_style(_CURSOR), strip.crop(x + wide, width)])
