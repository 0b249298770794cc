"""Reading from a disk that may never answer, such as a dead NFS server's."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


class Patience:
    """Asks places that may never answer, and no place again that still owes an answer."""

    def __init__(self) -> None:
        self._owing: dict[str, threading.Thread] = {}
        self._beats = 0

    def beat(self) -> None:
        """Say from within a long read that the place answers: its limit begins anew."""
        self._beats += 1

    def within(self, limit_s: float, place: str, read: Callable[[], T]) -> T | None:
        """What a function returns; None when it is not done in time.

        Its thread is left behind then, and keeps nobody from leaving.

        Args:
            place: What it asks, such as a directory.

        Raises:
            BaseException: What the function raised.
        """
        owing = self._owing.pop(place, None)
        if owing is not None and owing.is_alive():
            self._owing[place] = owing
            return None
        results: list[T] = []
        failures: list[BaseException] = []

        def work() -> None:
            try:
                results.append(read())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                failures.append(error)

        thread = threading.Thread(target=work, name="kvmtui-read-images", daemon=True)
        thread.start()
        beats = None
        while thread.is_alive() and beats != self._beats:
            beats = self._beats
            thread.join(limit_s)
        if failures:
            raise failures[0]
        if not results:
            self._owing[place] = thread
        return results[0] if results else None
