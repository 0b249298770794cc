"""Small apps to measure against: ``python -m tests.bench.stages STAGE [THEME [ROWS]]``.

table      our table on our output, three cells of each of 30 rows changing a second
still      the same, nothing changing
graphs     a graph of 60×5 cells and 30 sparklines of 12, a sample of each a second
noise      the same, of samples that have nothing to do with each other
guests     the list of guests with one's graphs beside it: 30 run, all changing each second
calm       the same, nothing changing
page       the graphs of one of them: two drives, a card, four processors
datatable  Textual's own table on its own output, the same cells changing
minimal    Textual's own table in an app that does nothing else

Each imports what it needs and no more: `minimal` is the least that a Textual app can be.
"""

from __future__ import annotations

import random
import sys
from typing import Any

ROWS = 30
_NAMES = ("Name", "State", "vCPU", "CPU%", "Memory", "Disk/s", "Net/s", "Up")
_WIDTHS = (24, 13, 4, 4, 9, 6, 6, 5)
_CHANGING = (3, 5, 6)
_PAST_S = 90


def _first(row: int) -> list[str]:
    return [f"guest-{row:02}", "running", "2", "12", "612M/2.0G", "0", "8K", "41d"]


def _figure() -> str:
    return f"{random.randrange(1000)}K"


def ours(theme: str, *, still: bool) -> Any:
    """Our table alone in an app on our output."""
    import os

    from textual.app import ComposeResult

    from kvmtui.tui.glyphs import UNICODE
    from kvmtui.tui.spans import Span
    from kvmtui.tui.themes import load_themes
    from kvmtui.tui.widgets.columns import Column
    from kvmtui.tui.widgets.rows import Row
    from kvmtui.tui.widgets.table import LineTable
    from kvmtui.tui.wire import WireApp

    loaded = load_themes([], os.environ).by_name[theme]

    class Stage(WireApp):
        palette, glyphs = loaded.palette, UNICODE

        def compose(self) -> ComposeResult:
            columns = [
                Column(name, name, width, right=number > 1)
                for number, (name, width) in enumerate(zip(_NAMES, _WIDTHS, strict=True))
            ]
            self.table = LineTable(columns)
            yield self.table

        def on_mount(self) -> None:
            self.register_theme(loaded.textual)
            self.theme, self.exact_256 = theme, loaded.exact_256
            self.table.set_rows(
                [
                    Row(str(row), tuple((Span(text, "muted"),) for text in _first(row)))
                    for row in range(ROWS)
                ]
            )
            self.table.focus()
            if not still:
                self.set_interval(1.0, self.tick)

        def tick(self) -> None:
            for row in range(ROWS):
                cells = {_NAMES[column]: (Span(_figure()),) for column in _CHANGING}
                self.table.update_cells(str(row), cells)

    return Stage()


def graphs(theme: str, *, noise: bool) -> Any:
    """Our graphs alone in an app on our output, of a random walk or of noise."""
    import os
    import time

    from textual.app import ComposeResult

    from kvmtui.tui.glyphs import UNICODE
    from kvmtui.tui.render.figures import PERCENT
    from kvmtui.tui.spans import Span
    from kvmtui.tui.themes import load_themes
    from kvmtui.tui.widgets.graph import Graph
    from kvmtui.tui.widgets.graph_lines import GraphView, Series
    from kvmtui.tui.widgets.spark import QUIET_UNDER, sparkline
    from kvmtui.tui.widgets.text_view import LineView
    from kvmtui.tui.wire import WireApp

    loaded = load_themes([], os.environ).by_name[theme]

    def following(value: float) -> float:
        if noise:
            return random.uniform(0.0, 100.0)
        return min(max(value + random.gauss(0, 3), 0.0), 100.0)

    class Stage(WireApp):
        CSS = "Graph { width: 61; height: 6; }"
        palette, glyphs = loaded.palette, UNICODE

        def compose(self) -> ComposeResult:
            self.graph, self.lines = Graph(), LineView()
            yield from (self.graph, self.lines)

        def on_mount(self) -> None:
            self.register_theme(loaded.textual)
            self.theme, self.exact_256 = theme, loaded.exact_256
            self.samples = [[30.0] for _ in range(ROWS + 1)]
            for _ in range(120):
                self.sample()
            self.tick()
            self.set_interval(1.0, self.tick)

        def sample(self) -> None:
            for one in self.samples:
                one.append(following(one[-1]))

        def tick(self) -> None:
            self.sample()
            taken = len(self.samples[0])
            series = [Series("cpu", self.samples[0])]
            title, at_s = (Span("CPU"),), time.time()
            options = {"top": 100.0, "labels": False, "taken": taken}
            self.graph.show(GraphView(title, (), series, PERCENT, 1.0, at_s, **options))
            self.lines.set_lines(
                [
                    sparkline(one, 12, 100.0, UNICODE, quiet_under=QUIET_UNDER, taken=taken)
                    for one in self.samples[1:]
                ]
            )

    return Stage()


def guests(theme: str, *, still: bool, page: bool, rows: int = ROWS) -> Any:
    """The whole app, over guests whose figures are made up."""
    import asyncio
    import os
    import time
    from pathlib import Path

    from kvmtui.guest.library import Library
    from kvmtui.manage.fleet import Fleet, HostFigures
    from kvmtui.manage.preferences import load_preferences
    from kvmtui.manage.views import GuestView, LiveGuest
    from kvmtui.stats.figures import DiskFigures, Figures, NetworkFigures
    from kvmtui.tui.app import KvmtuiApp
    from kvmtui.tui.themes import load_themes

    walk: dict[str, float] = {}

    def following(what: str, least: float, most: float) -> float:
        """A random walk between two values, of which each step is seen."""
        value = walk.get(what, least + (most - least) * random.random())
        if not still or what not in walk:
            value += random.gauss(0, (most - least) / 12)
        walk[what] = value = min(max(value, least), most)
        return value

    def figures(name: str, cpu: float) -> Figures:
        rates = [following(f"{name} {what}", 1e5, 4e7) for what in ("r", "w", "i", "o")]
        drive = DiskFigures("hd0", rates[0], rates[1], 90.0, 80.0, 1.0, 2.0, cpu / 9, 0)
        card = NetworkFigures("tap0", rates[2], rates[3], 300.0, 80.0, 0.0)
        disks, cards = (drive, drive._replace(name="hd1")), (card,)
        vcpus = tuple(following(f"{name} vcpu{number}", 0, 100) for number in range(4))
        waited = following(f"{name} wait", 0, 300)
        used = int(following(f"{name} memory", 1e9, 4e9))
        return Figures(
            cpu,
            vcpus,
            waited,
            used,
            *rates[:2],
            90.0,
            80.0,
            2.0,
            5.0,
            *rates[2:],
            4e3,
            disks,
            cards,
        )

    class Invented(Fleet):
        """Guests that are nowhere; their history is the real one."""

        def _round(self) -> dict[str, LiveGuest]:
            second = int(time.clock_gettime(time.CLOCK_BOOTTIME))
            self.host = HostFigures("bench", 50.0, 4 << 30, 8 << 30, "/", 100 << 30)
            found = {}
            for number in range(rows):
                name = f"guest-{number:03}"
                view = GuestView(
                    *(name, "running", 1000 + number, None, "x86_64", "kvm", 4, 4 << 30, 2 << 30),
                    *(86400 * 41, (), (), "", False, None),
                )
                cpu = following(f"{name} cpu", 0, 400)
                told = figures(name, cpu)
                found[name] = LiveGuest(view, cpu, None, told)
                rates = ("disk_read", "disk_write", "net_in", "net_out")
                kept = [("cpu", cpu), ("memory_used", told.memory_guest_used_bytes)]
                kept += [
                    (key, walk[f"{name} {what}"]) for key, what in zip(rates, "rwio", strict=True)
                ]
                kept += [(f"vcpu{at}", one) for at, one in enumerate(told.vcpu_percents)]
                for drive in ("hd0", "hd1") if page and not number else ():
                    kept += [
                        (f"drive {drive} {key}", walk[f"{name} {what}"])
                        for key, what in (
                            ("read", "r"),
                            ("write", "w"),
                            ("ops", "cpu"),
                            ("p99", "cpu"),
                        )
                    ]
                    kept += [
                        (f"interface tap0 {key}", walk[f"{name} {key[0]}"]) for key in ("in", "out")
                    ]
                for past in range(0 if self.guests else _PAST_S, -1, -1):
                    self._watch.history.record(name, second - past, kept)
            return found

        async def detail(self, name: str) -> Any:
            await asyncio.sleep(3600)

        async def verdict(self, told: Any = None) -> Any:
            await asyncio.sleep(3600)

        async def check(self) -> Any:
            await asyncio.sleep(3600)

    sys.setswitchinterval(0.001)  # As the program does.
    os.environ["XDG_CONFIG_HOME"] = "/nonexistent"
    loaded = load_themes([], os.environ).by_name[theme]
    app = KvmtuiApp(Invented(Library(Path("/nonexistent"))), load_preferences(), loaded, [])
    if page:
        app.call_later(lambda: app.set_timer(0.5, lambda: app.open_guest("guest-000", "graphs")))
    return app


def stock(rows: int, *, still: bool) -> Any:
    """Textual's own table on its own output."""
    from textual.app import App
    from textual.widgets import DataTable

    class Stage(App[None]):
        def compose(self) -> Any:
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            for name, width in zip(_NAMES, _WIDTHS, strict=True):
                table.add_column(name, width=width, key=name)
            for row in range(rows):
                table.add_row(*_first(row), key=str(row))
            if not still:
                self.set_interval(1.0, self.tick)

        def tick(self) -> None:
            table = self.query_one(DataTable)
            for row in range(ROWS):
                for column in _CHANGING:
                    table.update_cell(str(row), _NAMES[column], _figure())

    return Stage()


def stage(name: str, theme: str = "terminal", rows: str = str(ROWS)) -> Any:
    """An app by its name; Textual's own may have more rows than those that change."""
    if name in ("table", "still"):
        return ours(theme, still=name == "still")
    if name in ("guests", "calm", "page"):
        return guests(theme, still=name == "calm", page=name == "page", rows=int(rows))
    if name in ("graphs", "noise"):
        return graphs(theme, noise=name == "noise")
    return stock(int(rows), still=name == "minimal")


if __name__ == "__main__":
    stage(*sys.argv[1:]).run()
