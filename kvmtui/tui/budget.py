"""The bytes that the app may send: above the budget its graphs move less often."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 10.0
_CALM_S = 30.0
MOST_SLOWER = 16


class Budget:
    """Watches what is sent.

    Args:
        bytes_per_s: What the user allows; None for no limit.
    """

    def __init__(self, bytes_per_s: float | None) -> None:
        self.bytes_per_s = bytes_per_s
        """What the user allows; None for no limit."""
        self.slower = 1
        """By how much less often graphs move for it: 1, 2, 4, 8 or 16."""
        self._seen: deque[tuple[float, int]] = deque(maxlen=64)
        self._judged_s = 0.0
        self._low_since: float | None = None

    @property
    def now(self) -> float | None:
        """Bytes a second over the last ten seconds; None before there are two readings."""
        if len(self._seen) < 2 or self._seen[-1][0] <= self._seen[0][0]:
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - began)

    def take(self, at_s: float, sent: int) -> int:
        """Take a reading, and judge what was sent since the last judgement.

        A step is taken at most every ten seconds, so that its effect is seen first, and
        taken back after half a minute below half of the budget.

        Args:
            at_s: Of a clock that does not jump.
            sent: All bytes so far.

        Returns:
            `slower`, as it is now.
        """
        self._seen.append((at_s, sent))
        while len(self._seen) > 2 and self._seen[1][0] <= at_s - _WINDOW_S:
            self._seen.popleft()
        now, most = self.now, self.bytes_per_s
        if now is None or most is None:
            return self.slower
        if now > most / 2:
            self._low_since = None
        elif self._low_since is None:
            self._low_since = at_s
        covers = at_s - self._seen[0][0] >= _WINDOW_S / 2
        if now > most and covers and at_s - self._judged_s >= _WINDOW_S:
            self.slower, self._judged_s = min(2 * self.slower, MOST_SLOWER), at_s
        elif self._low_since is not None and at_s - self._low_since >= _CALM_S:
            self.slower, self._judged_s, self._low_since = max(self.slower // 2, 1), at_s, None
        return self.slower
