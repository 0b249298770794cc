"""A thread for the files of one who may not wait: a dead file system holds nobody else up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kvmtui.errors import StateError

LIMIT_S = 5.0

_T = TypeVar("_T")


class OwnThread:
    """Does one thing after the other, each within a limit; `end` it.

    Args:
        whose: The guest, for the failure.
    """

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._thread = ThreadPoolExecutor(1, "kvmtui-files")
        self._ended = False

    async def do(self, act: Callable[[], _T], *, limit_s: float | None = None) -> _T:
        """Have it done and wait for that.

        Args:
            limit_s: For what reads much; else `LIMIT_S`.

        Raises:
            StateError: It takes too long: it goes on, and whether it gets done is not known.
        """
        future = asyncio.get_running_loop().run_in_executor(self._thread, act)
        future.add_done_callback(_look)
        try:
            async with asyncio.timeout(LIMIT_S if limit_s is None else limit_s):
                # What is cancelled here would go on in the thread all the same.
                await asyncio.wait([future])
        except TimeoutError:
            raise StateError(
                f"{self._whose}'s folder does not answer: its file system hangs",
                hint=f"kvmtui show {self._whose}, and look at the disk or server it lies on",
            ) from None
        return future.result()

    def end(self, last: Callable[[], object]) -> None:
        """Have one last thing done, once what hangs no longer does; wait for nothing."""
        if not self._ended:
            self._ended = True
            self._thread.submit(last)
            self._thread.shutdown(wait=False)


def _look(future: asyncio.Future[_T]) -> None:
    """Nobody may be there any more for how it went."""
    if not future.cancelled():
        future.exception()
