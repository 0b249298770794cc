"""All of one disk image."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.render.image_detail import page
from kvmtui.tui.render.image_partitions import partition_lines
from kvmtui.tui.render.images import ImagesView, Scene
from kvmtui.tui.screens.pages import PagesScreen
from kvmtui.tui.spans import Line, shorten_middle

if TYPE_CHECKING:
    from kvmtui.manage.image_info import ImageInfo
    from kvmtui.manage.image_partitions import Table


class ImageScreen(PagesScreen):
    """Its chain, users, snapshots, partitions, what a medium says of itself.

    Ends with ``images.copy`` where the path is to be copied.

    Args:
        partitions: Reads its partitions, while all else is seen already.
    """

    def __init__(
        self,
        info: ImageInfo,
        known: ImagesView,
        keys: Keys,
        partitions: Callable[[], Awaitable[Table]],
    ) -> None:
        super().__init__()
        self._info = info
        self._known = known
        self._ask_partitions = partitions
        self._partitions: Table | str = ""
        self._copy_keys = keys.all_of("images.copy").split(",")
        self._copy_key = keys.of("images.copy")

    def on_mount(self) -> None:
        """Read its partitions, if there can be any."""
        if self._info.medium is None and not self._info.fault:
            self._partitions = "being read …"
            self.run_worker(self._read(), group="partitions")

    async def _read(self) -> None:
        try:
            self._partitions = await self._ask_partitions()
        except (KvmtuiError, OSError) as error:
            self._partitions = as_told("", error).message
        self.draw()

    def heading(self) -> str:
        """The image's name."""
        return shorten_middle(visible(self._info.view.name), 60)

    def lines(self, width: int) -> list[Line]:
        """All of it."""
        scene = Scene(self.kvmtui.glyphs, time.time(), self._known.states, {})
        lines = page(self._info, self._known, width, scene)
        return [*lines, *partition_lines(self._partitions, width)]

    def foot(self) -> Line:
        """Copying, closing."""
        return self.key_foot((self._copy_key, "copies the path"), ("Esc", "closes"))

    def key(self, key: str, character: str | None) -> None:
        """Copy, scroll, leave."""
        if key in self._copy_keys:
            self.dismiss("images.copy")
        elif key == "enter":
            self.dismiss("")
        else:
            super().key(key, character)
