"""Threads that look at images, of which any may stand for ever at a disk that does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from kvmtui.errors import ImageError

T = TypeVar("T")

SLOW_S = 3.0
"""After this long a thread counts as stuck, and another may take its place."""
_LIMIT_S = 120.0
"""The longest that anybody waits for an answer."""
_MOST_STUCK = 16
_HINT = "see whether its server runs; umount -l lets go of a mount that is gone"


class Readers:
    """A few threads at once; one that is stuck is left behind and gives way to another.

    Args:
        name: Of the threads.
        at_once: How many read at a time.
    """

    def __init__(self, name: str, at_once: int) -> None:
        self._name = name
        self._slots = asyncio.Semaphore(at_once)
        self._left: set[asyncio.Future[Any]] = set()
        self._closed = False

    def close(self) -> None:
        """Begin nothing more; nobody waits for what is being read."""
        self._closed = True

    async def read(self, read: Callable[[], T]) -> T:
        """What a function returns, called in a thread.

        Raises:
            asyncio.CancelledError: It is closed, or the waiting task was cancelled.
            ImageError: No disk answered, or too many do not.
            BaseException: What the function raised.
        """
        await self._slots.acquire()
        if self._closed or len(self._left) >= _MOST_STUCK:
            self._slots.release()
            if self._closed:
                raise asyncio.CancelledError
            told = f"{len(self._left)} looks at images wait for disks that do not answer"
            raise ImageError(told, hint=_HINT)
        future = self._begin(read)
        try:
            return await asyncio.wait_for(asyncio.shield(future), _LIMIT_S)
        except TimeoutError:
            if future.done():
                raise
            told = f"a disk with images did not answer for {_LIMIT_S:.0f} s"
            raise ImageError(told, hint=_HINT) from None

    def _begin(self, read: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                value = read()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                settle = functools.partial(future.set_exception, error)
            else:
                settle = functools.partial(future.set_result, value)
            with contextlib.suppress(RuntimeError):  # The app was left meanwhile.
                loop.call_soon_threadsafe(settle)

        slow = loop.call_later(SLOW_S, self._leave_behind, future)
        future.add_done_callback(functools.partial(self._ended, slow))
        threading.Thread(target=run, name=self._name, daemon=True).start()
        return future

    def _leave_behind(self, future: asyncio.Future[T]) -> None:
        """Give a stuck thread's place to another."""
        if not future.done():
            self._left.add(future)
            self._slots.release()

    def _ended(self, slow: asyncio.TimerHandle, future: asyncio.Future[T]) -> None:
        slow.cancel()
        future.exception()  # Asked for, since who waited for it may have gone.
        if future in self._left:
            self._left.discard(future)
        else:
            self._slots.release()
