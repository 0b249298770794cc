"""The graphs of the documentation's gallery: the widgets alone, over figures made by hand."""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections.abc import Iterator
from typing import NamedTuple

from textual.app import App, ComposeResult
from textual.containers import Horizontal

from kvmtui.tui.glyphs import ASCII, BLOCKS, UNICODE, Glyphs
from kvmtui.tui.render.figures import BYTES, BYTES_PER_S, PERCENT
from kvmtui.tui.spans import Line, Span, fit
from kvmtui.tui.themes import LoadedTheme, load_themes
from kvmtui.tui.widgets.graph import Graph
from kvmtui.tui.widgets.graph_lines import GraphView, Series
from kvmtui.tui.widgets.spark import QUIET_UNDER, labelled, sparkline
from kvmtui.tui.widgets.text_view import LineView
from tools.exhibits import NOW

SIZE = (100, 32)
_SAMPLES = 700
_M, _G = 1 << 20, 1 << 30


class Shown(NamedTuple):
    """One picture of the gallery."""

    theme: str
    glyphs: Glyphs = UNICODE


GALLERY = {
    "graphs-night": Shown("night"),
    "graphs-paper": Shown("paper"),
    "graphs-contrast": Shown("contrast"),
    "graphs-terminal": Shown("terminal"),
    "graphs-blocks": Shown("night", BLOCKS),
    "graphs-ascii": Shown("terminal", ASCII),
}


def load(
    seed: int, top: float, *, bursts: int = 20, idle: float = 0.06, longest: int = 30
) -> list[float | None]:
    """Samples of something that is mostly idle, with bursts."""
    dice = random.Random(seed)
    places = [(dice.randrange(_SAMPLES), dice.randrange(2, longest)) for _ in range(bursts)]
    heights = [dice.uniform(0.3, 0.9) for _ in places]
    values: list[float | None] = []
    for at in range(_SAMPLES):
        share = idle + sum(
            height * math.exp(-(((at - place) / width) ** 2))
            for (place, width), height in zip(places, heights, strict=True)
        )
        values.append(min(share * dice.uniform(0.8, 1.15), 1.0) * top)
    return values


def _words(text: str) -> Line:
    return (Span(text, bold=True),)


def _of(now: str, rest: str) -> Line:
    return (Span(now), Span(rest, "muted"))


def cpu() -> GraphView:
    """Ten minutes of four vCPUs, with a gap: the guest was stopped."""
    values = load(3, 400)
    values[-330:-280] = [None] * 50
    series = [Series("cpu", values)]
    value = _of("38 %", " of 400 %")
    return GraphView(_words("CPU"), value, series, PERCENT, 1.0, NOW, 600.0, 400.0, clock=True)


def memory() -> GraphView:
    """Memory that grows, of a size that is known."""
    values: list[float | None] = [(5.0 + 0.8 * at / _SAMPLES) * _G for at in range(_SAMPLES)]
    series, value = [Series("memory", values)], _of("5.8G", " of 8.0G")
    title = _words("Memory, used by the guest")
    return GraphView(title, value, series, BYTES, 1.0, NOW, 600.0, 8.0 * _G, clock=True)


def disk(glyphs: Glyphs) -> GraphView:
    """Reads above, writes below, on one scale."""
    series = [
        Series("read", load(5, 5.2 * _M, longest=9)),
        Series("write", load(9, 3.1 * _M, longest=9)),
    ]
    value = (Span("1.1M/s  84K/s"), Span("  p99 61 ms "), Span(glyphs.trouble, "warn", glyph=True))
    return GraphView(_words("vdb"), value, series, BYTES_PER_S, 1.0, NOW, 60.0, clock=True)


def network() -> GraphView:
    """One minute, held, and read by the cursor."""
    series = [
        Series("in", load(12, 0.7 * _M, longest=9)),
        Series("out", load(21, 0.5 * _M, longest=9)),
    ]
    value = _of("288K/s  24K/s", "")
    return GraphView(_words("net0"), value, series, BYTES_PER_S, 1.0, NOW, 60.0, clock=True)


def nothing() -> GraphView:
    """A guest of which there is one sample."""
    empty = "Two samples are needed; the first came 09:31:40"
    return GraphView(
        _words("vda"), (), [Series("read", [])], BYTES_PER_S, 1.0, NOW, 600.0, empty=empty
    )


def table_lines(glyphs: Glyphs) -> Iterator[Line]:
    """Sparklines as a table has them: with little to do nothing is drawn."""
    head = f"   {'Name':16}{'vCPU':>4} CPU%  1 min"
    yield (Span(head, "muted"),)
    for name, cpus, seed, idle in (
        *(("build-01", 8, 1, 0.7), ("db-01", 4, 2, 0.1)),
        *(("ci-runner-1", 4, 4, 0.35), ("mail", 2, 6, 0.0)),
    ):
        values = load(seed, cpus * 100, bursts=15 if idle else 0, idle=idle)
        values = values[-60:-30] if not idle else values
        now = values[-1] or 0.0
        spark = sparkline(values, 12, cpus * 100, glyphs, quiet_under=QUIET_UNDER)
        cells = f" {name:16}{cpus:4}{now:5.0f}  "
        yield (Span(glyphs.running, "ok", glyph=True), Span("  "), Span(cells[1:]), *spark)


def detail_lines(glyphs: Glyphs) -> Iterator[Line]:
    """Graphs of one line, as a guest's detail has them."""
    for label, seed, value in (
        *(("CPU", 3, "38 %"), ("Read", 5, "1.1M"), ("Write", 9, "124K")),
        *(("Receive", 12, "288K"), ("Send", 21, "24K")),
    ):
        words = (Span(label, "muted"),)
        yield labelled(words, load(seed, 100), (Span(value),), 42, 100, glyphs)


class Shelf(App[None]):
    """Sparklines at the top, graphs below."""

    CSS = """
    Horizontal { height: 7; } #top { height: 6; }
    #left { width: 56; } .gap { width: 2; } .row { height: 1; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, theme: LoadedTheme, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.palette = theme.palette
        self.register_theme(theme.textual)
        self.theme = theme.name
        self.graphs = [Graph(focusable=number == 2) for number in range(5)]

    def compose(self) -> ComposeResult:
        lines = [fit(line, 50) for line in table_lines(self.glyphs)]
        with Horizontal(id="top"):
            yield LineView(lines, id="left")
            yield LineView(list(detail_lines(self.glyphs)))
        for first in (0, 2):
            with Horizontal():
                yield self.graphs[first]
                yield LineView(classes="gap")
                yield self.graphs[first + 1]
            yield LineView(classes="row")
        yield self.graphs[4]

    def on_mount(self) -> None:
        views = (cpu(), memory(), disk(self.glyphs), network(), nothing())
        for graph, view in zip(self.graphs, views, strict=True):
            graph.show(view)
        self.graphs[3].read(NOW - 21)


async def _draw(shown: Shown) -> str:
    theme = load_themes([], os.environ).by_name[shown.theme]
    app = Shelf(theme, shown.glyphs)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        return app.export_screenshot(title="kvmtui's graphs")


def draw(name: str) -> str:
    """A picture of the gallery as SVG."""
    return asyncio.run(_draw(GALLERY[name]))
