"""Small graphs of several guests, all on one scale of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kvmtui.guest.units import format_size
from kvmtui.manage.views import LiveGuest
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.detail_graphs import added
from kvmtui.tui.render.figures import BYTES_PER_S, PERCENT
from kvmtui.tui.render.guests import WAITED_MS_PER_S, disk_rate, net_rate, wait_percent
from kvmtui.tui.render.levels import over
from kvmtui.tui.spans import Line, Span, width_of
from kvmtui.tui.trends import SPAN_S, TimeSpan, Trends
from kvmtui.tui.widgets.graph_lines import GraphView, Series, area_cells
from kvmtui.tui.widgets.scale import Unit, round_top
from kvmtui.tui.widgets.sheet import GAP, Band, Tile, tile_width
from kvmtui.tui.words import state_look

Figure = Literal["cpu", "memory", "disk", "net", "wait"]
FIGURES: dict[Figure, str] = {
    "cpu": "CPU, share of its vCPUs",
    "memory": "memory that the guest uses, share of what it has",
    "disk": "bytes read and written a second",
    "net": "bytes received and sent a second",
    "wait": "wait for a core of the host, share of its vCPUs",
}
_KEYS: dict[Figure, tuple[str, ...]] = {
    "cpu": ("cpu",),
    "memory": ("memory_used",),
    "disk": ("disk_read", "disk_write"),
    "net": ("net_in", "net_out"),
    "wait": ("wait",),
}
_LEAST_WIDTH = 35
SPAN: TimeSpan = "10min"


class Wall(NamedTuple):
    """What a wall is made with."""

    guests: Sequence[LiveGuest]
    trends: Trends
    figure: Figure
    rows: int
    """Of each graph, without its title."""
    width: int
    glyphs: Glyphs


def across(width: int) -> int:
    """How many graphs stand side by side."""
    return max((width + GAP) // (_LEAST_WIDTH + GAP), 1)


def amount_now(live: LiveGuest, figure: Figure) -> float | None:
    """What it is now: a share in percent, or bytes a second."""
    full = 100.0 * (live.view.cpus or 1)
    if figure == "cpu":
        return None if live.cpu_percent is None else 100 * live.cpu_percent / full
    if figure == "wait":
        waited = wait_percent(live)
        return None if waited is None else 100 * waited / full
    if figure == "memory":
        used = live.figures.memory_guest_used_bytes if live.figures is not None else None
        whole = live.view.memory_bytes
        return None if used is None or not whole else 100 * used / whole
    return disk_rate(live) if figure == "disk" else net_rate(live)


def ordered(guests: Sequence[LiveGuest], figure: Figure, *, by_name: bool) -> list[LiveGuest]:
    """The guests in the order in which they stand."""
    if by_name:
        return sorted(guests, key=lambda live: live.view.name)
    return sorted(guests, key=lambda live: (-_rank(live, figure), live.view.name))


def _rank(live: LiveGuest, figure: Figure) -> float:
    """What is not known comes last."""
    now = amount_now(live, figure)
    return -1.0 if now is None else now


def head_line(count: int, figure: Figure, order: str, glyphs: Glyphs, width: int) -> Line:
    """``Wall of 8 guests · by name · CPU, share of its vCPUs · 10 min``; in short where narrow."""
    scale = "one scale" if figure in ("disk", "net") else "one scale 0–100 %"
    figures = FIGURES[figure]
    choices = [[order, figures, "10 min", scale], [order, figures, "10 min"], [order, figures]]
    head = Span(f" Wall of {count} guests", bold=True)
    for rest in choices:
        line = (head, Span("".join(f" {glyphs.dot} {one}" for one in rest), "muted"))
        if width_of(line) <= width:
            break
    return line


def bands_of(wall: Wall) -> list[Band]:
    """All graphs, row by row; a guest that does not run has an empty one."""
    count = across(wall.width)
    cells = area_cells(tile_width(wall.width, count), labels=False)
    found = [(live, _samples(wall, live, 2 * cells)) for live in wall.guests]
    unit, top = _scale(wall, [values for _, (values, _, _, _) in found])
    tiles = []
    for live, (values, taken, step_s, newest_s) in found:
        sign, role, _ = state_look(live, wall.glyphs)
        title: Line = (Span(sign, role, glyph=True), Span(f" {live.view.name}"))
        running = live.view.pid is not None
        view = GraphView(
            title,
            _value(live, wall) if running else (),
            [Series(wall.figure, values)],
            unit,
            step_s,
            newest_s,
            SPAN_S[SPAN],
            top=top,
            taken=taken,
            empty=_why_empty(live, wall.figure),
            labels=False,
            subject=live.view.name,
        )
        tiles.append(Tile(live.view.name, 1 + wall.rows, view))
    bands: list[Band] = []
    for first in range(0, len(tiles), count):
        band = tiles[first : first + count]
        bands.append((*band, *[Tile("", 1)] * (count - len(band))))
    return bands


def _why_empty(live: LiveGuest, figure: Figure) -> str:
    if live.view.pid is None:
        return "does not run"
    if live.figures is not None and amount_now(live, figure) is None:
        return "not known"
    return "two samples are needed" if live.view.answers else "no answer"


def _samples(
    wall: Wall, live: LiveGuest, columns: int
) -> tuple[Sequence[float], int, float, float]:
    """Samples in the unit of the graph, their number, seconds between them, the newest."""
    name = live.view.name
    found = [wall.trends.of(name, key, SPAN, columns) for key in _KEYS[wall.figure]]
    first = found[0]
    values: Sequence[float] = first.values
    if len(found) > 1:
        values = added(first.values, found[1].values)
    divisor = _divisor(live, wall.figure)
    if divisor != 1.0:
        values = [value / divisor for value in values]
    return values, first.taken, float(first.step_s), first.newest_s


def _divisor(live: LiveGuest, figure: Figure) -> float:
    """By what samples are divided to be percent of what the guest has."""
    cpus = live.view.cpus or 1
    if figure == "cpu":
        return float(cpus)
    if figure == "wait":
        return WAITED_MS_PER_S * cpus
    return (live.view.memory_bytes or 1) / 100 if figure == "memory" else 1.0


def _scale(wall: Wall, samples: Sequence[Sequence[float]]) -> tuple[Unit, float]:
    """One scale for all."""
    if wall.figure not in ("disk", "net"):
        return PERCENT, 100.0
    known = (value for values in samples for value in values if value == value)
    return BYTES_PER_S, round_top(max(known, default=0.0), BYTES_PER_S)


def _value(live: LiveGuest, wall: Wall) -> Line:
    now = amount_now(live, wall.figure)
    if now is None:
        return ()
    if wall.figure in ("disk", "net"):
        return (Span(f"{format_size(round(now))}/s"),)
    percent = wait_percent(live) if wall.figure == "wait" else None
    warned = over("wait_percent", percent) or (
        wall.figure == "cpu" and over("cpu_share", now / 100)
    )
    sign: Line = (Span(f" {wall.glyphs.trouble}", "warn", glyph=True),) if warned else ()
    return (Span(f"{now:.0f} %", "warn" if warned else "text"), *sign)
