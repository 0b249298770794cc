"""Reading from a disk that may never answer, such as a dead NFS server's."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


def within(limit_s: float, read: Callable[[], T]) -> T | None:
    """What a function returns; None when it is not done in time.

    Its thread is left behind then, and keeps nobody from leaving.

    Raises:
        BaseException: What the function raised.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(read())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            failures.append(error)

    thread = threading.Thread(target=work, name="kvmtui-read-images", daemon=True)
    thread.start()
    thread.join(limit_s)
    if failures:
        raise failures[0]
    return results[0] if results else None
