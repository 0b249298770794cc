"""The graphs of the documentation's gallery: the widgets alone, over figures made by hand.

python -m tools.shelf [THEME [unicode|blocks|ascii]]    see them move; Ctrl-Q ends it
"""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Iterator
from typing import NamedTuple, get_args

from textual.app import ComposeResult
from textual.containers import Horizontal

from kvmtui.tui.glyphs import ASCII, BLOCKS, UNICODE, Choice, Glyphs, choose_glyphs
from kvmtui.tui.render.figures import BYTES, BYTES_PER_S, PERCENT
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.themes import LoadedTheme, load_themes
from kvmtui.tui.widgets.graph import Graph
from kvmtui.tui.widgets.graph_lines import GraphView, Series
from kvmtui.tui.widgets.scale import Unit
from kvmtui.tui.widgets.spark import QUIET_UNDER, labelled, sparkline
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.wire import WireApp
from tools.exhibits import NOW

SIZE = (100, 26)
_KEPT, _SAMPLES = 720, 4000
_M, _G = 1 << 20, 1 << 30
_Values = list[float | None]


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


def load(seed: int, top: float, *, idle: float = 0.06, longest: int = 25) -> _Values:
    """Samples of something that is mostly idle, with bursts of some seconds.

    Args:
        seed: So that a picture is the same on every machine.
        top: What no sample passes.
        idle: The share of it that there always is.
        longest: Of a burst, in seconds.
    """
    dice = random.Random(seed)
    shares = [idle] * _SAMPLES
    for _ in range(round(_SAMPLES * 0.5 / longest)):
        place, width, height = dice.randrange(_SAMPLES), dice.randrange(2, longest), dice.random()
        for at in range(max(0, place - 3 * width), min(place + 3 * width, _SAMPLES)):
            shares[at] += height * math.exp(-(((at - place) / width) ** 2))
    return [min(share * dice.uniform(0.8, 1.15), 1.0) * top for share in shares]


_STOPPED: _Values = [None] * 50
_CPU = load(8, 400)
_CPU[410:460] = _STOPPED
_MEMORY: _Values = [(5.0 + min(at / 700, 3) * 0.9) * _G for at in range(_SAMPLES)]
_DISK = load(6, 5.2 * _M, longest=9), load(9, 3.1 * _M, longest=7)
_NETWORK = load(14, 0.7 * _M, longest=12), load(21, 0.5 * _M, longest=9)
_GUESTS = (
    ("build-01", 8, load(1, 800, idle=0.7)),
    ("db-01", 4, load(2, 400, idle=0.1, longest=9)),
    ("ci-runner-1", 4, load(4, 400, idle=0.35)),
    ("mail", 2, load(30, 5)),
)
_DETAIL = (
    ("CPU", _CPU, 400.0, PERCENT),
    ("Read", _DISK[0], 6.0 * _M, BYTES_PER_S),
    ("Write", _DISK[1], 6.0 * _M, BYTES_PER_S),
    ("Receive", _NETWORK[0], 0.8 * _M, BYTES_PER_S),
)


def _text(value: float | None, unit: Unit) -> str:
    return "" if value is None else unit.text(value) + unit.suffix


class Moment:
    """What there is when so many samples were taken."""

    def __init__(self, taken: int, glyphs: Glyphs) -> None:
        self.taken = taken
        self.glyphs = glyphs

    def _kept(self, values: _Values) -> _Values:
        return values[max(self.taken - _KEPT, 0) : self.taken]

    def _view(self, title: str, value: Line, *series: Series, unit: Unit) -> GraphView:
        newest_s = NOW + self.taken - _KEPT
        words = (Span(title, bold=True),)
        view = GraphView(words, value, series, unit, 1.0, newest_s, 600.0)
        return view._replace(clock=True, taken=self.taken)

    def graphs(self) -> Iterator[GraphView]:
        """One for each of the shelf's."""
        values = self._kept(_CPU)
        value = (Span(_text(values[-1], PERCENT)), Span(" of 400 %", "muted"))
        yield self._view("CPU", value, Series("", values), unit=PERCENT)._replace(top=400.0)
        values = self._kept(_MEMORY)
        value = (Span(_text(values[-1], BYTES)), Span(" of 8.0G", "muted"))
        title = "Memory, used by the guest"
        yield self._view(title, value, Series("", values), unit=BYTES)._replace(top=8.0 * _G)
        alarm = (Span("p99 61 ms "), Span(self.glyphs.trouble, "warn", glyph=True))
        yield self._minute("vdb", ("read", "write"), _DISK, alarm)
        yield self._minute("net0", ("in", "out"), _NETWORK)
        first = "Two samples are needed; the first came 09:30:59"
        yield self._view("vdc", (), Series("", []), unit=BYTES_PER_S)._replace(empty=first)

    def _minute(
        self, title: str, names: tuple[str, str], values: tuple[_Values, _Values], more: Line = ()
    ) -> GraphView:
        series = []
        for name, one in zip(names, values, strict=True):
            kept = self._kept(one)
            series.append(Series(name, kept, _text(kept[-1], BYTES_PER_S)))
        return self._view(title, more, *series, unit=BYTES_PER_S)._replace(span_s=60.0)

    def table(self) -> Iterator[Line]:
        """Sparklines as a table has them: where little is done nothing is drawn."""
        yield (Span(f"   {'Name':16}{'vCPU':>4} CPU%  1 min", "muted"),)
        for name, cpus, values in _GUESTS:
            kept, top = self._kept(values), cpus * 100.0
            options = {"quiet_under": QUIET_UNDER, "taken": self.taken}
            drawn = sparkline(kept, 12, top, self.glyphs, **options)  # type: ignore[arg-type]
            cells = f"  {name:16}{cpus:4}{kept[-1] or 0.0:5.0f}  "
            yield (Span(self.glyphs.running, "ok", glyph=True), Span(cells), *drawn)

    def detail(self) -> Iterator[Line]:
        """Graphs of one line, as a guest's detail has them."""
        for name, values, top, unit in _DETAIL:
            kept, label = self._kept(values), (Span(name, "muted"),)
            value = (Span(_text(kept[-1], unit)),)
            options = {"value_width": 8, "taken": self.taken}
            yield labelled(label, kept, value, 43, top, self.glyphs, **options)


class Shelf(WireApp):
    """Sparklines at the top, graphs below."""

    CSS = """
    Horizontal { height: 7; } #top { height: 6; } #low { height: 4; }
    #left { width: 55; } .gap { width: 2; } .row { height: 1; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, theme: LoadedTheme, glyphs: Glyphs, *, moving: bool = False) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.palette = theme.palette
        self.exact_256 = theme.exact_256
        self.register_theme(theme.textual)
        self.theme = theme.name
        self.graphs = [Graph(focusable=number == 2) for number in range(4)]
        self.graphs.append(Graph(id="low"))
        self.table, self.detail = LineView(id="left"), LineView()
        self.taken = _KEPT
        self.moving = moving

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield from (self.table, self.detail)
        for first in (0, 2):
            with Horizontal():
                yield self.graphs[first]
                yield LineView(classes="gap")
                yield self.graphs[first + 1]
            yield LineView(classes="row")
        yield self.graphs[4]

    def on_mount(self) -> None:
        self.show()
        self.graphs[3].read(NOW - 21)
        if self.moving:
            self.set_interval(1.0, self.tick)

    def tick(self) -> None:
        """Another sample of everything; after the last of them the first."""
        self.taken = self.taken + 1 if self.taken < _SAMPLES else _KEPT
        self.show()

    def show(self) -> None:
        """Draw the moment."""
        moment = Moment(self.taken, self.glyphs)
        for graph, view in zip(self.graphs, moment.graphs(), strict=True):
            graph.show(view)
        self.table.set_lines(list(moment.table()))
        self.detail.set_lines(list(moment.detail()))


async def draw(name: str) -> str:
    """A picture of the gallery as SVG."""
    shown = GALLERY[name]
    app = Shelf(load_themes([], os.environ).by_name[shown.theme], shown.glyphs)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        return app.export_screenshot(title="kvmtui: graphs")


def main(theme: str = "night", glyphs: str = "unicode") -> None:
    """Show them in this terminal."""
    choice = next(one for one in get_args(Choice) if one == glyphs)
    Shelf(load_themes([], os.environ).by_name[theme], choose_glyphs(choice), moving=True).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
