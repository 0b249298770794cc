"""A guest as a row of the table; sorting and filtering."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kvmtui.guest.units import format_duration, format_size
from kvmtui.manage.views import LiveGuest
from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.levels import over
from kvmtui.tui.spans import Line, Role, Span
from kvmtui.tui.words import state_look, state_rank, state_word

_LEAST_RATE = 52.0
WAITED_MS_PER_S = 10.0
"""Milliseconds a second that are one percent of a core."""


def row_cells(
    live: LiveGuest, glyphs: Glyphs, *, kvm_serves: str, minute: Line = ()
) -> dict[str, Line]:
    """The cells of a guest's row by column.

    Args:
        kvm_serves: The architecture that KVM was measured to serve here, whose emulation is
            then told of; empty where it serves none.
        minute: The CPU of its last minute.
    """
    view = live.view
    muted = not view.answers
    quiet = muted or (view.pid is None and view.state in ("stopped", "saved"))
    sign, sign_role, word_role = state_look(live, glyphs)
    name_role: Role = "muted" if quiet and view.state != "saved" else "text"
    return {
        "name": (Span(sign, sign_role, glyph=True), Span(" "), Span(view.name, name_role)),
        "state": (Span(state_word(live), word_role),),
        "cpus": () if view.cpus is None else (Span(str(view.cpus), "muted"),),
        "cpu": _cpu(live, muted),
        "minute": minute,
        "memory": _memory(live, muted),
        "disk": _rate(disk_rate(live), muted),
        "net": _rate(net_rate(live), muted),
        "wait": _wait(live, muted),
        "up": () if view.uptime_s is None else (Span(format_duration(view.uptime_s), "muted"),),
        "acc": _accelerator(live, kvm_serves),
        "address": (Span(visible(view.addresses[0], limit=40), "muted"),) if view.addresses else (),
        "tags": (Span(" ".join(view.tags), "muted"),) if view.tags else (),
    }


def _cpu(live: LiveGuest, muted: bool) -> Line:
    percent = live.cpu_percent
    if percent is None or live.view.pid is None:
        return ()
    share = percent / (100 * live.view.cpus) if live.view.cpus else None
    role: Role = "muted" if muted else "warn" if over("cpu_share", share) else "text"
    return (Span(f"{percent:.0f}", role),)


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def disk_rate(live: LiveGuest) -> float | None:
    """What it reads and writes a second, in bytes."""
    found = live.figures
    if found is None:
        return None
    return _sum(found.disk_read_bytes_per_s, found.disk_write_bytes_per_s)


def net_rate(live: LiveGuest) -> float | None:
    """What it receives and sends a second, in bytes."""
    found = live.figures
    if found is None:
        return None
    return _sum(found.net_receive_bytes_per_s, found.net_transmit_bytes_per_s)


def wait_percent(live: LiveGuest) -> float | None:
    """How long its processors waited for a core of the host, in percent of one."""
    found = live.figures
    if found is None or found.wait_ms_per_s is None:
        return None
    return found.wait_ms_per_s / WAITED_MS_PER_S


def _rate(rate: float | None, muted: bool) -> Line:
    if rate is None:
        return ()
    # Less than a tenth of a K is nothing that a table tells.
    text = format_size(round(rate)) if rate >= _LEAST_RATE else "0"
    return (Span(text, "muted" if muted or text == "0" else "text"),)


def _wait(live: LiveGuest, muted: bool) -> Line:
    percent = wait_percent(live)
    if percent is None:
        return ()
    text = f"{percent:.0f}"
    quiet = muted or text == "0"
    return (Span(text, "muted" if quiet else "warn" if over("wait_percent", percent) else "text"),)


def _memory(live: LiveGuest, muted: bool) -> Line:
    view = live.view
    if view.memory_bytes is None:
        return ()
    total = format_size(view.memory_bytes).rjust(4)
    if view.memory_resident_bytes is None:
        return (Span(total.rjust(9), "muted"),)
    used = format_size(view.memory_resident_bytes).rjust(4)
    return (Span(used, "muted" if muted else "text"), Span(f"/{total}", "muted"))


def _accelerator(live: LiveGuest, kvm_serves: str) -> Line:
    view = live.view
    if view.accelerator is None:
        return ()
    slow = view.accelerator == "tcg" and view.arch == kvm_serves
    return (Span(view.accelerator, "warn" if slow else "muted"),)


_SORTS: dict[str, Callable[[LiveGuest], Any]] = {
    "name": lambda live: (),
    "state": state_rank,
    "cpus": lambda live: -(live.view.cpus or 0),
    "cpu": lambda live: -(live.cpu_percent or 0.0),
    "memory": lambda live: -(live.view.memory_resident_bytes or 0),
    "disk": lambda live: -(disk_rate(live) or 0.0),
    "net": lambda live: -(net_rate(live) or 0.0),
    "wait": lambda live: -(wait_percent(live) or 0.0),
    "up": lambda live: -(live.view.uptime_s if live.view.uptime_s is not None else -1),
}
SORTABLE = tuple(_SORTS)
"""The columns by which guests can be sorted, in the order of the key."""
SORT_WORDS = {
    "cpus": "number of vCPUs",
    "cpu": "CPU",
    "disk": "bytes read and written",
    "net": "bytes received and sent",
    "wait": "wait for a core of the host",
    "up": "uptime",
}
"""What an order is called, where it is not called as its column."""


def arranged(
    guests: Mapping[str, LiveGuest], *, text: str = "", sort: str = "name"
) -> list[LiveGuest]:
    """The guests that are shown, in order: filtered by a text, sorted by a column, then name."""
    words = text.casefold().split()
    found = [live for live in guests.values() if all(_has(live, word) for word in words)]
    return sorted(found, key=lambda live: (_SORTS[sort](live), live.view.name))


def _has(live: LiveGuest, word: str) -> bool:
    """Whether a guest is one with a word: anywhere in what people named, at the beginning of
    a state, which else would be found by the middle of "installing"."""
    state = state_word(live).casefold()
    return any(part.startswith(word) for part in (state, *state.split("-"))) or word in _named(live)


def _named(live: LiveGuest) -> str:
    view = live.view
    parts: Sequence[str] = (view.name, view.description, view.os or "")
    return " ".join((*parts, *view.tags, *view.addresses)).casefold()
