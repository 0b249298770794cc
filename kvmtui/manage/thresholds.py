"""What is judged to be too much, for the interface's colours and for the notes of `watch`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from kvmtui.host.settings import Thresholds as Thresholds

if TYPE_CHECKING:
    from kvmtui.manage.views import LiveGuest

What = Literal["cpu", "disk-latency", "storage", "io-error"]

_TITLES: dict[What, str] = {
    "cpu": "CPU",
    "disk-latency": "mean disk latency",
    "storage": "storage",
    "io-error": "its disk",
}


_AGAIN_S = 300.0
"""What goes up and down is noted no more often: stories would grow without end."""


class Over(NamedTuple):
    """One figure that is above its threshold."""

    what: What
    value: float
    limit: float
    words: str
    """Such as ``CPU above 90 % of its processors: 97 %``."""


class Note(NamedTuple):
    """Something that has held for long enough to be told."""

    what: What
    begins: bool
    """False: it is over."""
    text: str
    value: float | None
    limit: float | None


def over(limits: Thresholds, live: LiveGuest) -> tuple[Over, ...]:
    """What is too much of a guest now; what is not known is not."""
    found = []
    view, figures = live.view, live.figures
    if limits.cpu_percent is not None and live.cpu_percent is not None and view.cpus:
        share = live.cpu_percent / view.cpus
        if share > limits.cpu_percent:
            words = f"CPU above {limits.cpu_percent:g} % of its processors: {share:.0f} %"
            found.append(Over("cpu", share, limits.cpu_percent, words))
    latency = figures.disk_latency_ms if figures is not None else None
    limit_ms = limits.disk_latency_ms
    if limit_ms is not None and latency is not None and latency > limit_ms:
        words = f"mean disk latency above {limit_ms:g} ms: {latency:.0f} ms"
        found.append(Over("disk-latency", latency, limit_ms, words))
    if view.state == "io-error":
        found.append(Over("io-error", 1.0, 0.0, "paused: its disk has no room, or failed"))
    return tuple(found)


def storage_over(
    limits: Thresholds, size_bytes: int, free_bytes: int, mount: str = ""
) -> Over | None:
    """Whether a file system is too full: the home's, or that of a place where it is mounted."""
    if limits.storage_percent is None or size_bytes <= 0:
        return None
    share = 100 * (1 - free_bytes / size_bytes)
    if share <= limits.storage_percent:
        return None
    what = mount or "storage"
    words = f"{what} above {limits.storage_percent:g} % full: {share:.0f} %"
    return Over("storage", share, limits.storage_percent, words)


class _Span:
    """One figure of one guest, while it is or was too much."""

    __slots__ = ("changed", "since", "told")

    def __init__(self, now: float) -> None:
        self.since = now
        """Since when it is so as it is now."""
        self.changed = True
        """Whether it is too much now."""
        self.told: float | None = None
        """Since when it is told to be too much."""


class Holding:
    """What has been too much for long enough, and what is so no more.

    Args:
        for_s: How long either has to hold.
    """

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self._spans: dict[tuple[str, What], _Span] = {}
        self._noted: dict[tuple[str, What], float] = {}

    def all_told(self) -> list[tuple[str, What]]:
        """What is told to be too much now: the guest, and what of it."""
        return [key for key, span in self._spans.items() if span.told is not None]

    def forget(self, subject: str) -> None:
        """It does not run any more."""
        for key in [key for key in self._spans if key[0] == subject]:
            del self._spans[key]
        for key in [key for key in self._noted if key[0] == subject]:
            del self._noted[key]

    def take(self, subject: str, found: Iterable[Over], now: float) -> list[Note]:
        """What there is to tell of a guest, or of the home.

        Args:
            now: Seconds of a clock that only grows.
        """
        overs = {one.what: one for one in found}
        notes = []
        for what, one in overs.items():
            span = self._spans.setdefault((subject, what), _Span(now))
            if not span.changed:
                span.changed, span.since = True, now
            # What QEMU itself stopped for needs no waiting.
            wait_s = 0.0 if what == "io-error" else self._for_s
            again = now - self._noted.get((subject, what), -_AGAIN_S) >= _AGAIN_S
            if span.told is None and now - span.since >= wait_s and again:
                span.told = span.since
                self._noted[subject, what] = now
                if what == "io-error":
                    notes.append(Note(what, True, one.words, None, None))
                else:
                    notes.append(Note(what, True, one.words, one.value, one.limit))
        for (name, what), span in list(self._spans.items()):
            if name != subject or what in overs:
                continue
            if span.told is None:
                del self._spans[name, what]
                continue
            if span.changed:
                span.changed, span.since = False, now
            if what == "io-error" or now - span.since >= self._for_s:
                del self._spans[name, what]
                if what != "io-error":
                    minutes = max(1, round((span.since - span.told) / 60))
                    title = subject if subject.startswith("/") else _TITLES[what]
                    text = f"{title} is within its threshold again, after {minutes} min"
                    notes.append(Note(what, False, text, None, None))
        return notes
