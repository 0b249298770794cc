"""A few lines of one widget, drawn at once where nothing else can have to do with it.

Textual takes a changed line through a message, a timer and its compositor, which for a line
that changes 20 times a second is most of what a frame costs. What is drawn here is what the
compositor would draw; should anything lie above, or be about to move, it is left to that. This
stands on private parts of Textual 8.2, as `wire` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from kvmtui.tui.cells import Part


def parts_of(screen: Screen[Any], widget: Widget, lines: Sequence[int]) -> list[Part] | None:
    """What the screen shows of some lines; None where Textual's compositor must say.

    Args:
        screen: The one that is seen.
        widget: One without border, padding and opacity, that makes each line anew when asked.
        lines: Of the widget, in order, each once.
    """
    if widget._parent is None or widget.screen is not screen:
        return None
    if screen._layout_required or screen._scroll_required or screen._repaint_required:
        return None
    seen = screen._compositor.visible_widgets
    place = seen.get(widget)
    if place is None:
        return None
    region, clip = place
    filters = widget.get_line_filters()
    parts: list[Part] = []
    for _, run in groupby(enumerate(lines), lambda pair: pair[1] - pair[0]):
        ys = [y for _, y in run]
        band = Region(region.x, region.y + ys[0], region.width, len(ys)).intersection(clip)
        if not band:
            continue
        for other, (covering, covering_clip) in seen.items():
            if other is widget:
                break
            if band.overlaps(covering.intersection(covering_clip)):
                return None
        for y in range(band.y, band.bottom):
            strip = widget.render_line(y - region.y)
            for each in filters:
                strip = strip.apply_filter(each, widget.background_colors[1])
            parts.append((y, region.x, strip._segments, band.x, band.right))
    widget._styles_cache.set_dirty(*(Region(0, y, region.width, 1) for y in lines))
    return parts
