"""Ending verbs that go on until somebody ends them, in order."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextlib.contextmanager
def ended_by_signals(ended: threading.Event) -> Iterator[None]:
    """Have the signals that end a program set ``ended``, once; a second one ends it at once.

    Raises:
        KeyboardInterrupt: At the end, where it was an interrupt.
    """
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _ENDING}

    def end(number: int, _frame: Any) -> None:
        came.append(number)
        ended.set()
        signal.signal(number, signal.SIG_DFL)

    for number in _ENDING:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
    if signal.SIGINT in came:
        raise KeyboardInterrupt
