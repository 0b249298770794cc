"""Operations that this app began: one changing operation a guest at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.views import Outcome
from kvmtui.tui.words import doing, seconds_since

_MOST_AT_ONCE = 16

Act = Callable[[], Awaitable[Outcome]]


class Ended(NamedTuple):
    """How an errand ended."""

    name: str
    verb: str
    result: Outcome | KvmtuiError | None
    """None: it was cancelled."""


class _Errand(NamedTuple):
    verb: str
    begun: float
    task: asyncio.Task[None]


class Errands:
    """Runs operations and tells how each ended.

    Args:
        ended: Called on the interface's loop at the end of each.
    """

    def __init__(self, ended: Callable[[Ended], None]) -> None:
        self._ended = ended
        self._running: dict[str, _Errand] = {}
        self._overtaken: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(_MOST_AT_ONCE)

    def __len__(self) -> int:
        return len(self._running)

    def names(self) -> list[str]:
        """The guests that something is done to."""
        return list(self._running)

    def refusal(self, name: str, *, but: tuple[str, ...] = ()) -> str:
        """Why nothing can be begun on a guest now; empty when it can.

        Args:
            but: Verbs that do not stand in the way.
        """
        errand = self._running.get(name)
        if errand is None or errand.verb in but:
            return ""
        words = doing(errand.verb).replace("-", " ")
        return f"{name} is {words} ({seconds_since(errand.begun)})"

    def begin(self, name: str, verb: str, act: Act) -> None:
        """Begin an operation; the caller has asked `refusal`."""
        before = self._running.pop(name, None)
        task = asyncio.get_running_loop().create_task(self._run(name, verb, act))
        self._running[name] = _Errand(verb, time.time(), task)
        if before is not None:
            # A stop overtakes a patient shutdown: that one ends by itself, and only the
            # stop is told.
            self._overtaken.add(before.task)
            before.task.add_done_callback(self._overtaken.discard)

    async def _run(self, name: str, verb: str, act: Act) -> None:
        result: Outcome | KvmtuiError | None = None
        try:
            async with self._gate:
                result = await act()
        except (KvmtuiError, OSError) as error:
            result = as_told(name, error)
        except asyncio.CancelledError:
            result = None
        finally:
            errand = self._running.get(name)
            if errand is not None and errand.task is asyncio.current_task():
                del self._running[name]
        if asyncio.current_task() not in self._overtaken:
            self._ended(Ended(name, verb, result))

    def cancel(self, name: str) -> bool:
        """Cancel what is waited for; False when nothing of ours runs on the guest."""
        errand = self._running.get(name)
        if errand is None:
            return False
        return errand.task.cancel()

    async def leave(self, limit_s: float) -> None:
        """Wait for what runs, at the end of the app; what waits for a guest is cancelled."""
        tasks = [*(errand.task for errand in self._running.values()), *self._overtaken]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)
