"""The partitions of images, kept while an image is the same file; one is read at a time."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from kvmtui.guest.library import Library
from kvmtui.manage import image_partitions
from kvmtui.manage.image_readers import Readers

if TYPE_CHECKING:
    from kvmtui.qemu.partitions import Table

_MOST = 64

Identity = tuple[object, ...]


class PartitionCache:
    """Reads partition tables in a thread of its own, so that nothing else waits for one.

    Args:
        library: The home.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: OrderedDict[str, tuple[Identity, Table]] = OrderedDict()
        self._reader = Readers("kvmtui-partitions", 1)

    def close(self) -> None:
        """Nobody waits for what is being read."""
        self._reader.close()

    async def partitions(self, path: str) -> Table:
        """As `image_partitions.partitions`; what was read is kept.

        Raises:
            asyncio.CancelledError: The app is left.
            ImageError, StateError, OSError: It cannot be read.
        """
        return await self._reader.read(lambda: self._read(path))

    def _read(self, path: str) -> Table:
        identity = _identity(path)
        known = self._known.get(path)
        if known is not None and known[0] == identity:
            self._known.move_to_end(path)
            return known[1]
        table = image_partitions.partitions(self._library, path)
        self._known[path] = (identity, table)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return table


def _identity(path: str) -> Identity:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
