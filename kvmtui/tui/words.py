"""The interface's words for states and for what is under way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Role, Span

if TYPE_CHECKING:
    from kvmtui.manage.forecast import Forecast

_DOING = {
    "create": "creating",
    "start": "starting",
    "shutdown": "shutting-down",
    "reboot": "rebooting",
    "stop": "stopping",
    "reset": "resetting",
    "pause": "pausing",
    "resume": "resuming",
    "rename": "renaming",
    "delete": "deleting",
    "set": "changing",
    "edit": "changing",
    "install": "installing",
}
_SOON_S = 7 * 86400.0
NO_ANSWER = "no answer"
INSTALLING = "installing"
TROUBLE = ("crashed", "io-error", "invalid")
_ORDER = ("crashed", "io-error", "invalid", NO_ANSWER)


def doing(verb: str) -> str:
    """What a verb under way is called: ``shutting-down``."""
    return _DOING.get(verb, verb)


def state_word(live: LiveGuest) -> str:
    """The state that is shown: what is under way, that it does not answer, or its state."""
    if live.under_way is not None:
        return doing(live.under_way.verb)
    if not live.view.answers:
        return NO_ANSWER
    return INSTALLING if _is_installing(live) else live.view.state


def _is_installing(live: LiveGuest) -> bool:
    return live.view.installing and live.view.state == "running"


def state_look(live: LiveGuest, glyphs: Glyphs) -> tuple[str, Role, Role]:
    """The sign of the state, the sign's role, and the word's."""
    if live.under_way is not None:
        return glyphs.under_way, "warn", "warn"
    if not live.view.answers:
        return glyphs.running, "muted", "muted"
    if _is_installing(live):
        return glyphs.under_way, "warn", "warn"
    looks: dict[str, tuple[str, Role, Role]] = {
        "running": (glyphs.running, "ok", "muted"),
        "stopped": (glyphs.stopped, "muted", "muted"),
        "paused": (glyphs.paused, "busy", "busy"),
        "saved": (glyphs.saved, "busy", "busy"),
        "migrating": (glyphs.migrating, "busy", "busy"),
        "crashed": (glyphs.crashed, "err", "err"),
        "io-error": (glyphs.io_error, "err", "err"),
    }
    return looks.get(live.view.state, (glyphs.invalid, "err", "err"))


def state_rank(live: LiveGuest) -> tuple[int, str]:
    """For sorting by state: trouble first, then what is under way, then the rest."""
    word = state_word(live)
    if word in _ORDER:
        return _ORDER.index(word), word
    if live.under_way is not None:
        return len(_ORDER), word
    return len(_ORDER) + 1, word


def seconds_since(begun: float, now: float | None = None) -> str:
    """How long something has been going on, in a sentence: ``12 s``, ``3 min``, ``2 h``."""
    passed = max(0, int((time.time() if now is None else now) - begun))
    if passed < 120:
        return f"{passed} s"
    return f"{passed // 60} min" if passed < 7200 else f"{passed // 3600} h"


def long_time(seconds: float) -> str:
    """A duration in a sentence, by its two greatest units: ``3 d 4 h``, ``12 min``, ``41 d``."""
    left = int(seconds)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts.append(f"{count} {name}" if count else "")
    first = next((number for number, part in enumerate(parts) if part), 3)
    return " ".join(filter(None, parts[first : first + 2])) or "0 s"


def clock_time(when: float, now: float) -> str:
    """A time in a list: ``09:14`` today, ``22 Nov`` this year, ``2025-02`` before."""
    then, today = time.localtime(when), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%d %b" if then[0] == today[0] else "%Y-%m", then)


def exact_time(when: float, now: float) -> str:
    """``09:31:40`` today, ``22 Nov 09:31`` this year, ``2025-02-11`` before."""
    then, today = time.localtime(when), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%d %b %H:%M" if then[0] == today[0] else "%Y-%m-%d", then)


def full_words(forecast: Forecast, before: str = "") -> Line:
    """``full on 18 Jan``; empty where it is not known, or not within a year.

    Args:
        before: What parts it from what stands before it.
    """
    if forecast.full_at is None:
        return ()
    when = time.localtime(forecast.full_at)
    soon = forecast.full_at - time.time() < _SOON_S
    day = f"{when.tm_mday} {time.strftime('%b', when)}"
    return (Span(before, "muted"), Span(f"full on {day}", "warn" if soon else "text"))
