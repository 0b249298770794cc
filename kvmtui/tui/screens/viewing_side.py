"""What stands beside a guest's console or text screen where there is room: its timeline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.detail import Scene, timeline_lines
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.text_view import LineView

if TYPE_CHECKING:
    from kvmtui.manage.detail import GuestDetail

FROM_COLUMNS = 120
_LEAST, _MOST = 36, 48


def places(width: int, columns: int) -> tuple[int, int]:
    """Where a picture stands, and what is left at its right.

    Args:
        width: The columns there are.
        columns: Those of the picture; 0 where it takes all.

    Returns:
        The columns left free at its left, and those for the timeline: 0 where it has no room.
    """
    side = width - columns
    if width < FROM_COLUMNS or not columns or side < _LEAST:
        return 0, 0
    left = max(min(side // 2, side - _MOST), 0)
    return left, side - left


class GuestSide(LineView):
    """The timeline of a guest."""

    DEFAULT_CSS = "GuestSide { width: 1fr; height: 1fr; display: none; }"

    def show(self, detail: GuestDetail | None, glyphs: Glyphs, width: int, height: int) -> None:
        """Draw it.

        Args:
            width: The columns there are.
            height: The rows there are.
        """
        told: list[Line] = [(Span("Timeline", bold=True),)]
        if detail is not None:
            scene = Scene(width - 4, glyphs, time.time())
            told += timeline_lines(detail.timeline[:height], scene)
        told += [()] * (height - len(told))
        edge = (Span(" "), Span(glyphs.rule_down, "line"), Span(" "))
        self.set_lines([(*edge, *line) for line in told[:height]])
