"""Something done to guests in threads, once at a time for each: what hangs holds up nobody."""

from __future__ import annotations

from collections.abc import Callable, Set
from concurrent.futures import Future, ThreadPoolExecutor

_THREADS = 4


class GuestThreads:
    """Runs what returns words, and gives them to who comes by.

    Args:
        name: What the threads are called.
    """

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, name)
        self._under_way: dict[str, Future[str]] = {}

    @property
    def busy(self) -> Set[str]:
        """The guests that something is done to."""
        return self._under_way.keys()

    def begin(self, guest: str, work: Callable[[str], str]) -> None:
        """Do something to a guest that is not busy."""
        self._under_way[guest] = self._threads.submit(work, guest)

    def take_done(self) -> list[tuple[str, str]]:
        """What was done since, by guest, in words; without those that have none."""
        done = [name for name, future in self._under_way.items() if future.done()]
        told = [(name, self._under_way.pop(name).result()) for name in done]
        return [(name, words) for name, words in told if words]

    def close(self) -> None:
        """Let what is under way end by its own limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
