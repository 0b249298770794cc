"""Only what is drawn anew is rendered anew.

Textual's compositor has every widget in sight rendered for each change of one: for a line that
changes 20 times a second that is most of what a frame costs. This stands on a private part of
Textual 8.2, as `wire` does.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class NarrowCompositor(Compositor):
    """As Textual's; widgets beside what is drawn are not rendered."""

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if seen and crop.overlaps(seen):
                yield region, clip, widget.render_lines(seen.translate(-region.offset))
