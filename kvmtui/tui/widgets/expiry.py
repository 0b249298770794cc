"""Something that is shown for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

Clock = Callable[[], float]
clock: Clock = time.monotonic


class Expiry:
    """Calls back when a time has come, unless it is set anew or dropped before.

    Args:
        widget: Its timers are used.
        done: Called once, when the time has come.
        clock: In seconds; a test has its own and calls `check`.
    """

    def __init__(self, widget: Widget, done: Callable[[], None], clock: Clock) -> None:
        self._widget = widget
        self._done = done
        self._clock = clock
        self._due: float | None = None
        self._timer: Timer | None = None

    def set(self, due: float | None) -> None:
        """Call back at this time of the clock; None for never."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._due = due
        if due is not None:
            wait = max(due - self._clock(), 0.0)
            self._timer = self._widget.set_timer(wait, self.check, name="expiry")

    def set_in(self, seconds: float) -> None:
        """Call back after this many seconds."""
        self.set(self._clock() + seconds)

    def check(self) -> None:
        """Call back if the time has come."""
        if self._due is None:
            return
        if self._clock() < self._due:
            self.set(self._due)
            return
        self.set(None)
        self._done()
