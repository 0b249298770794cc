"""What frames every pane: the host's figures in row 0, and what needs the admin in row 1."""

from __future__ import annotations

from collections.abc import Iterable

from kvmtui.guest.units import format_size
from kvmtui.manage.fleet import HostFigures
from kvmtui.manage.views import LiveGuest
from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Role, Span, width_of
from kvmtui.tui.widgets.title_bar import Figure
from kvmtui.tui.words import NO_ANSWER, TROUBLE, state_look, state_word

_HIGH_PERCENT = 95


def host_figures(host: HostFigures | None) -> tuple[str, list[Figure]]:
    """The host's name; processors, memory and room, each long and short."""
    if host is None:
        return "", []
    used, total = format_size(host.memory_used_bytes), format_size(host.memory_total_bytes)
    percent = "" if host.cpu_percent is None else f"{host.cpu_percent:.0f}%"
    high: Role = "warn" if (host.cpu_percent or 0) >= _HIGH_PERCENT else "text"
    cpu: Line = (Span("cpu ", "muted"), Span(percent.rjust(4), high))
    figures = [
        Figure(cpu, cpu),
        Figure(
            (Span("memory ", "muted"), Span(used), Span(f" of {total}", "muted")),
            (Span("mem ", "muted"), Span(used), Span(f"/{total}", "muted")),
        ),
    ]
    if host.disk_free_bytes is not None:
        free, mount = format_size(host.disk_free_bytes), visible(host.mount, limit=24)
        figures.append(Figure((Span(f"{mount}  ", "muted"), Span(free), Span(" left", "muted"))))
    return visible(host.name, limit=24), figures


def in_trouble(live: LiveGuest) -> bool:
    """Whether a guest needs the admin."""
    return live.view.state in TROUBLE or not live.view.answers


def trouble_of(live: LiveGuest) -> str:
    """What is wrong with a guest, behind its name."""
    view = live.view
    word = state_word(live)
    if word == NO_ANSWER:
        return "does not answer"
    if view.state == "io-error":
        return "waits: no room for its disk"
    if view.state == "invalid":
        return visible(f"has a faulty definition: {view.error}", limit=120)
    if view.pid is not None:
        return "stands there broken"
    return "crashed"


def trouble_line(guests: Iterable[LiveGuest], glyphs: Glyphs, width: int, key: str) -> Line:
    """Row 1: the guests in trouble, as many as fit, and the key that goes to the first."""
    troubled = [live for live in guests if in_trouble(live)]
    if not troubled:
        return ()
    go: Line = (Span("   "), Span(key, "accent", bold=True), Span(" go there", "muted"))
    line: Line = ()
    for number, live in enumerate(troubled):
        sign, role, _ = state_look(live, glyphs)
        part: Line = (
            Span(" " if not line else "   "),
            Span(sign, role, glyph=True),
            Span(f" {live.view.name}", "err", bold=True),
            Span(f" {trouble_of(live)}"),
        )
        left = len(troubled) - number - 1
        more: Line = (Span(f"  +{left} more", "err"),) if left else ()
        if line and width_of(line) + width_of(part) + width_of(more) + width_of(go) > width:
            return (*line, Span(f"  +{left + 1} more", "err"), *go)
        line = (*line, *part)
    return (*line, *go)


def alarm(guests: Iterable[LiveGuest], glyphs: Glyphs) -> Line:
    """What stands for row 1 where there is no room for it: ``▲2``."""
    count = sum(map(in_trouble, guests))
    return (Span(f"{glyphs.trouble}{count}", "err", glyph=True),) if count else ()


def standing(marked: int, text: str, counts: tuple[int, int]) -> Line:
    """The message line while nothing else is said: marks, or the filter and what it leaves.

    Args:
        marked: How many rows are marked.
        text: The filter.
        counts: How many rows are shown, of how many.
    """
    escape = Span("Esc", "accent", bold=True)
    if marked:
        both = "it" if marked == 1 else "both" if marked == 2 else "all of them"
        words = Span(f": actions act on {both}.  ", "muted")
        count = Span(f"{marked} marked", "warn", bold=True)
        return (count, words, escape, Span(" unmarks", "muted"))
    if text:
        found = Span("   {} of {}   ".format(*counts), "muted")
        return (Span(f"/{text}"), found, escape, Span(" clears", "muted"))
    return ()
