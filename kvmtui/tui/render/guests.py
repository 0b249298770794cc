"""A guest as a row of the table; sorting and filtering."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kvmtui.guest.units import format_duration, format_size
from kvmtui.manage.views import LiveGuest
from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Role, Span
from kvmtui.tui.words import state_look, state_rank, state_word

COLUMNS = ("name", "state", "cpus", "cpu", "memory", "up", "acc", "address", "tags")


def row_cells(live: LiveGuest, glyphs: Glyphs, *, kvm_serves: str) -> dict[str, Line]:
    """The cells of a guest's row by column.

    Args:
        kvm_serves: The architecture that KVM was measured to serve here, whose emulation is
            then told of; empty where it serves none.
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
        "memory": _memory(live, muted),
        "up": () if view.uptime_s is None else (Span(format_duration(view.uptime_s), "muted"),),
        "acc": _accelerator(live, kvm_serves),
        "address": (Span(visible(view.addresses[0], limit=40), "muted"),) if view.addresses else (),
        "tags": (Span(" ".join(view.tags), "muted"),) if view.tags else (),
    }


def _cpu(live: LiveGuest, muted: bool) -> Line:
    percent = live.cpu_percent
    if percent is None or live.view.pid is None:
        return ()
    full = live.view.cpus is not None and percent >= 95 * live.view.cpus
    role: Role = "muted" if muted else "warn" if full else "text"
    return (Span(f"{percent:.0f}", role),)


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
    "up": lambda live: -(live.view.uptime_s if live.view.uptime_s is not None else -1),
}
SORTABLE = tuple(_SORTS)
"""The columns by which guests can be sorted, in the order of the key."""


def arranged(
    guests: Mapping[str, LiveGuest], *, text: str = "", sort: str = "name"
) -> list[LiveGuest]:
    """The guests that are shown, in order: filtered by a text, sorted by a column, then name."""
    words = text.casefold().split()
    found = [live for live in guests.values() if all(word in _searched(live) for word in words)]
    return sorted(found, key=lambda live: (_SORTS[sort](live), live.view.name))


def _searched(live: LiveGuest) -> str:
    view = live.view
    parts: Sequence[str] = (view.name, state_word(live), view.description, view.os or "")
    return " ".join((*parts, *view.tags, *view.addresses)).casefold()
