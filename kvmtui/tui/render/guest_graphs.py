"""All graphs of a guest, as bands of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kvmtui.guest.units import format_size
from kvmtui.manage.fleet import MOST_DRIVES, MOST_VCPUS, of_drive, of_interface
from kvmtui.manage.views import LiveGuest, halted_percent
from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.figures import (
    BYTES,
    BYTES_PER_S,
    COUNT_PER_S,
    MILLISECONDS,
    PERCENT,
    plain_count,
)
from kvmtui.tui.render.guests import wait_percent
from kvmtui.tui.render.levels import over
from kvmtui.tui.spans import Line, Role, Span, fit, width_of
from kvmtui.tui.trends import SPAN_S, SPAN_WORDS, SPANS, TimeSpan, Trend, Trends
from kvmtui.tui.widgets.graph_lines import GraphView, Series, area_cells
from kvmtui.tui.widgets.scale import Unit
from kvmtui.tui.widgets.sheet import Band, Tile, tile_width
from kvmtui.tui.widgets.spark import labelled

if TYPE_CHECKING:
    from kvmtui.manage.views import DiskFigures, NetworkFigures

TWO_FROM, THREE_FROM = 90, 120
"""From how many columns two graphs, or three, stand side by side."""
_BIG, _SMALL = 7, 4
_BOLD_CPU: Line = (Span("CPU", bold=True),)
_WAYS: tuple[Literal["in", "out"], ...] = ("in", "out")
_BLANK: Band = (Tile("", 1),)
_FEW = "two samples are needed"


class Page(NamedTuple):
    """What a page of graphs is made with.

    Attributes:
        stolen_percent: What the machine below took of this host's processors.
    """

    live: LiveGuest
    trends: Trends
    span: TimeSpan
    width: int
    glyphs: Glyphs
    stolen_percent: float | None = None

    @property
    def subject(self) -> str:
        """Whose figures they are, and over which time."""
        return f"{self.live.view.name} {self.span}"

    def trend(self, key: str, width: int) -> Trend:
        """A figure of the guest over time, as a graph of a width takes it."""
        columns = 2 * area_cells(width)
        return self.trends.of(self.live.view.name, key, self.span, columns)


def first_trend(page: Page) -> Trend:
    """The figure that is always known: where it has not moved, nothing has."""
    two = 2 if page.width >= TWO_FROM else 1
    return page.trend("cpu", tile_width(page.width, two))


def bands_of(page: Page) -> list[Band]:
    """All graphs of a guest from top to bottom."""
    live = page.live
    if live.view.pid is None:
        told = f" {live.view.name} does not run: there is nothing to measure"
        return [(Tile("off", 1, lines=((Span(told, "muted"),),)),)]
    across = 3 if page.width >= THREE_FROM else 2 if page.width >= TWO_FROM else 1
    two = min(across, 2)
    wide = tile_width(page.width, two)
    bands = _in_bands([_cpu(page, wide, two > 1), _memory(page, wide, two > 1)], two)
    bands += [_BLANK] if two > 1 else []
    bands += [*_in_bands(_processors(page, wide), two), _BLANK]
    found = live.figures
    if found is None:
        return bands
    if found.missing:
        bands += [(Tile("missing", 1, lines=((Span(f" {found.missing}", "warn"),),)),), _BLANK]
    wide = tile_width(page.width, across)
    if len(found.disks) > 1:
        bands += [*_in_bands([_all_disks(page, wide)], across), _BLANK]
    for disk in found.disks[:MOST_DRIVES]:
        bands += [*_in_bands(_disk(page, disk, wide), across), _BLANK]
    bands += _in_bands([_card(page, card, wide) for card in found.networks], across)
    if found.net_receive_bytes_per_s is None and not found.networks:
        text = " networks: none, or nothing here counts them (no tap, no guest agent)"
        bands.append((Tile("no-net", 1, lines=((Span(text, "muted"),),)),))
    return bands


def _in_bands(tiles: Sequence[Tile], across: int) -> list[Band]:
    """Tiles side by side, so many in a band; the last one is filled up with nothing."""
    bands: list[Band] = []
    for first in range(0, len(tiles), across):
        band = tiles[first : first + across]
        filling = [Tile("", 1)] * (across - len(band))
        bands.append((*band, *filling))
    return bands


def _graph(
    page: Page,
    key: str,
    title: Line,
    value: Line,
    series: Sequence[tuple[str, Trend, str]],
    unit: Unit,
    **options: Any,
) -> Tile:
    """A graph of one series or two."""
    first = series[0][1]
    peaks = options.get("peaks", False)
    view = GraphView(
        title,
        value,
        [Series(name, one.peaks if peaks else one.values, now) for name, one, now in series],
        unit,
        float(first.step_s),
        first.newest_s,
        SPAN_S[page.span],
        taken=first.taken,
        empty=_FEW,
        subject=page.subject,
        **options,
    )
    return Tile(key, _BIG if options.get("clock") else _SMALL, view)


def _cpu(page: Page, width: int, big: bool) -> Tile:
    live = page.live
    full = 100.0 * (live.view.cpus or 1)
    share = None if live.cpu_percent is None else live.cpu_percent / full
    now = "" if live.cpu_percent is None else f"{live.cpu_percent:.0f} %"
    value: Line = ()
    if now:
        role: Role = "warn" if over("cpu_share", share) else "text"
        value = (Span(now, role), Span(f"  of {full:.0f} %", "muted"))
    series = [("cpu", page.trend("cpu", width), now)]
    return _graph(page, "cpu", _BOLD_CPU, value, series, PERCENT, top=full, clock=big)


def _memory(page: Page, width: int, big: bool) -> Tile:
    live = page.live
    used = live.figures.memory_guest_used_bytes if live.figures is not None else None
    whole = live.view.memory_bytes
    value: Line = ()
    if used is not None and whole is not None:
        value = (Span(format_size(used)), Span(f" of {format_size(whole)}", "muted"))
    elif live.view.memory_resident_bytes is not None:
        resident = format_size(live.view.memory_resident_bytes)
        value = (Span(f"{resident} held by QEMU", "muted"),)
    title = (Span("Memory", bold=True), Span("  used, as the guest says", "muted"))
    trend = page.trend("memory_used", width)
    tile = _graph(page, "memory", title, value, [("used", trend, "")], BYTES, top=whole, clock=big)
    if used is None and not trend.is_known and tile.view is not None:
        told = "the guest does not say what it uses (virtio-balloon)"
        tile = tile._replace(view=tile.view._replace(empty=told))
    return tile


def _processors(page: Page, width: int) -> list[Tile]:
    """A line for each vCPU, and what they wait for."""
    live = page.live
    found = live.figures
    percents = found.vcpu_percents if found is not None else ()
    lines: list[Line] = []
    for number, percent in enumerate(percents[:MOST_VCPUS]):
        trend = page.trend(f"vcpu{number}", width)
        now = "" if percent is None else f"{percent:.0f} %"
        label, value = (Span(f" vcpu{number}", "muted"),), (Span(now),)
        lines.append(
            labelled(
                label,
                _filled(trend, page, width - 17),
                value,
                width,
                100.0,
                page.glyphs,
                label_width=8,
            )
        )
    if len(percents) > MOST_VCPUS:
        lines.append((Span(f" and {len(percents) - MOST_VCPUS} more", "muted"),))
    told = _waits(page)
    if not lines:
        return [Tile("waits", len(told), lines=told)] if told else []
    height = max(len(lines), len(told))
    return [Tile("vcpus", len(lines), lines=lines), Tile("waits", height, lines=told)]


def _filled(trend: Trend, page: Page, cells: int) -> list[float]:
    """Samples as they fill a line of two in a cell, though there are fewer of them: the line
    is for the same time as the graphs above it."""
    columns = 2 * max(cells, 1)
    steps = max(round(SPAN_S[page.span] / trend.step_s), 1)
    values = list(trend.values)
    if steps >= columns:
        return values
    values = [math.nan] * (steps - len(values)) + values[-steps:]
    return [values[column * steps // columns] for column in range(columns)]


def _waits(page: Page) -> list[Line]:
    """What the vCPUs wait for and cost; what is not known is left out."""
    found = page.live.figures
    waited = wait_percent(page.live)
    rows: list[tuple[str, str, bool]] = []
    if waited is not None:
        text = f"{waited:.0f} % of a core"
        rows.append(("wait for a core of the host", text, over("wait_percent", waited)))
    if page.stolen_percent is not None:
        rows.append(("stolen from the host", f"{page.stolen_percent:.0f} %", False))
    halted = halted_percent(page.live)
    if halted is not None:
        rows.append(("halted", f"{halted:.0f} %", False))
    if found is not None and found.exits_per_s is not None:
        rows.append(("exits to KVM", f"{plain_count(found.exits_per_s)}/s", False))
    return [
        (Span(f" {label.ljust(30)}", "muted"), Span(text.rjust(14), "warn" if warned else "text"))
        for label, text, warned in rows
    ]


def _disk(page: Page, disk: DiskFigures, width: int) -> list[Tile]:
    """Bytes, operations, and what they took: 99 of 100 of them, and on the mean."""
    name = visible(disk.name, limit=16)
    heading = (Span(name, bold=True),)
    bytes_tile = _graph(
        page,
        f"{disk.name} bytes",
        heading,
        (),
        [
            ("read", _bytes_of(page, disk, "read", width), _rate(disk.read_bytes_per_s)),
            ("write", _bytes_of(page, disk, "write", width), _rate(disk.write_bytes_per_s)),
        ],
        BYTES_PER_S,
    )
    known = (disk.read_ops_per_s, disk.write_ops_per_s)
    whole = None if None in known else sum(one for one in known if one is not None)
    value: Line = () if whole is None else (Span(f"{plain_count(whole)}/s"),)
    if disk.errors:
        value = (Span(f"{disk.errors} failed  ", "err"), *value)
    operations = _graph(
        page,
        f"{disk.name} ops",
        (*heading, Span("  operations", "muted")),
        value,
        [("ops", _of_drive(page, disk, "ops", width), "")],
        COUNT_PER_S,
    )
    # The threshold is the mean's, so its sign stands behind the mean.
    late = over("disk_latency_ms", disk.latency_ms)
    value = () if disk.p99_ms is None else (Span(f"{_delay(disk.p99_ms)} ms  "),)
    if disk.latency_ms is not None:
        mean = f"{_delay(disk.latency_ms)} ms"
        value += (Span("mean ", "muted"), Span(mean, "warn" if late else "text"))
        value += (Span(f" {page.glyphs.trouble}", "warn", glyph=True),) if late else ()
    delays = _graph(
        page,
        f"{disk.name} p99",
        (*heading, Span("  99 of 100 within", "muted")),
        value,
        [("p99", _of_drive(page, disk, "p99", width), "")],
        MILLISECONDS,
        peaks=True,
    )
    if delays.view is not None:
        quiet = _why_no_delay(_of_drive(page, disk, "ops", width))
        delays = delays._replace(view=delays.view._replace(empty=quiet))
    return [bytes_tile, operations, delays]


def _all_disks(page: Page, width: int) -> Tile:
    """What all disks read and write: known too of the time before anybody looked closely."""
    found = page.live.figures
    rates: tuple[float | None, float | None] = (None, None)
    if found is not None:
        rates = (found.disk_read_bytes_per_s, found.disk_write_bytes_per_s)
    return _graph(
        page,
        "all disks bytes",
        (Span("all disks", bold=True),),
        (),
        [
            ("read", page.trend("disk_read", width), _rate(rates[0])),
            ("write", page.trend("disk_write", width), _rate(rates[1])),
        ],
        BYTES_PER_S,
    )


def _why_no_delay(operations: Trend) -> str:
    """Why no operation of a drive took any time: none was made, or nobody asked for them."""
    if not operations.is_known:
        return "gathered from now on"
    if any(value != value for value in operations.values):
        return "nothing since it is gathered"
    return "nothing was read or written"


def _delay(value_ms: float) -> str:
    """As `plain_count`, and no 0 for a drive that answers from memory."""
    return f"{value_ms:.2f}" if value_ms < 0.095 else plain_count(value_ms)


def _of_drive(
    page: Page, disk: DiskFigures, figure: Literal["read", "write", "ops", "p99"], width: int
) -> Trend:
    return page.trend(of_drive(disk.name, figure), width)


def _bytes_of(page: Page, disk: DiskFigures, figure: Literal["read", "write"], width: int) -> Trend:
    """Of an only drive what was gathered for the list, whether its graphs were open or not."""
    found = page.live.figures
    if found is not None and len(found.disks) == 1:
        return page.trend(f"disk_{figure}", width)
    return _of_drive(page, disk, figure, width)


def _card(page: Page, card: NetworkFigures, width: int) -> Tile:
    """Bytes in and out, and packets that were dropped; packets alone where bytes are not known."""
    if card.receive_bytes_per_s is None and card.receive_packets_per_s is not None:
        return _packets(card)
    value: Line = ()
    if card.drops_per_s:
        value = (Span(f"{plain_count(card.drops_per_s)} dropped/s", "warn"),)
    elif card.drops_per_s is not None:
        value = (Span("no drops", "muted"),)
    into, out = (page.trend(of_interface(card.name, way), width) for way in _WAYS)
    series = [
        ("in", into, _rate(card.receive_bytes_per_s)),
        ("out", out, _rate(card.transmit_bytes_per_s)),
    ]
    title = (Span(visible(card.name, limit=20), bold=True),)
    return _graph(page, f"{card.name} net", title, value, series, BYTES_PER_S)


def _packets(card: NetworkFigures) -> Tile:
    """What the queues of a virtio card tell."""
    spans = [Span(f" {visible(card.name, limit=20)}", bold=True)]
    for way, rate in (("in", card.receive_packets_per_s), ("out", card.transmit_packets_per_s)):
        text = "" if rate is None else f"{plain_count(rate)}/s"
        spans += [Span(f"  {way} ", "muted"), Span(text)]
    told = (Span(" packets; bytes: no tap, no guest agent", "muted"),)
    return Tile(f"{card.name} packets", 2, lines=(tuple(spans), told))


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{format_size(round(rate))}/s"


def spans_line(span: TimeSpan, width: int, left: Line) -> Line:
    """``1 min  [10 min]  24 h`` at the right of a line."""
    right: list[Span] = []
    for one in SPANS:
        shown = one == span
        words = f"[{SPAN_WORDS[one]}]" if shown else f" {SPAN_WORDS[one]} "
        right.append(Span(words, "accent" if shown else "muted", bold=shown))
    return (*fit(left, max(width - width_of(right) - 1, 0)), *right)
