"""What every part of the Fleet's door stands on: the folders, and threads to read in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kvmtui.guest.library import Library

T = TypeVar("T")

_MOST_READERS = 8


class Door:
    """A part of the door.

    Args:
        library: The folders of the guests.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        # Not the loop's own threads: leaving would wait for a disk that hangs, or a measurement.
        self._readers = ThreadPoolExecutor(_MOST_READERS, "kvmtui-read")
        self._closed = False

    def close(self) -> None:
        """Let go of what is held open."""
        self._closed = True
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def _read(self, read: Callable[[], T]) -> T:
        """Read something in a thread that nobody waits for when the app is left.

        Raises:
            asyncio.CancelledError: It is left already.
        """
        if self._closed:
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, read)
