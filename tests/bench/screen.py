"""What the text interface costs: bytes on the line, answers to keys, start, memory.

All of it at 40×140 on the pty of the tests. Sides that are compared take turns.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from kvmtui.guest.library import Library
from kvmtui.manage import demo
from tests.bench.meter import Meter, Rate, percentile

COLUMNS, ROWS = 140, 40
_WARM_S, _WINDOW_S = 4.0, 15.0
_STAGES = [sys.executable, "-m", "tests.bench.stages"]
_KVMTUI = [sys.executable, "-m", "kvmtui"]
_ROOT = Path(__file__).parent.parent.parent
_CURSOR = "▌".encode()
_DOWN, _UP = "\x1b[B", "\x1b[A"


class Guests(Protocol):
    """A home full of guests."""

    home: Path
    environment: dict[str, str]
    names: list[str]

    def call(self, *words: str) -> str: ...
    def create(self) -> None: ...
    def end(self) -> None: ...


def _open(command: Sequence[str], environment: dict[str, Any] | None = None) -> Meter:
    surroundings = {"PYTHONDONTWRITEBYTECODE": None, **(environment or {})}
    return Meter(command, columns=COLUMNS, rows=ROWS, environment=surroundings, cwd=_ROOT)


def _rate(command: Sequence[str], environment: dict[str, Any] | None = None) -> Rate:
    with _open(command, environment) as meter:
        meter.settle(_WARM_S)
        return meter.rate(_WINDOW_S)


def _say(what: str, rate: Rate, goal: str = "") -> None:
    print(
        f"  {what:44} {rate.bytes_per_s:8.0f} B/s   {rate.cpu_percent:5.1f} % of a core"
        f"   {rate.resident_mb:4.0f} MB{goal and f'   (goal {goal})'}",
        flush=True,
    )


def lines(folder: Path) -> None:
    """Bytes a second of one table with 90 changing cells, and of programs of its kind."""
    print(f"On the line at {ROWS}×{COLUMNS}, over {_WINDOW_S:.0f} s, nobody typing:", flush=True)
    changing = "30 rows, three cells of each changing a second"
    _say(f"our table in terminal, {changing[:7]}", _rate([*_STAGES, "table", "terminal"]), "1600")
    _say("our table in night, truecolor", _rate([*_STAGES, "table", "night"]), "3000")
    _say("our table in night, nothing changing", _rate([*_STAGES, "still", "night"]), "0")
    walking = "a graph of 60×5 and 30 sparklines"
    _say(f"{walking}, terminal", _rate([*_STAGES, "graphs", "terminal"]))
    _say(f"{walking}, night", _rate([*_STAGES, "graphs", "night"]))
    _say("the same of random samples, terminal", _rate([*_STAGES, "noise", "terminal"]))
    whole = "the list of guests, 30 seen and changing, one graph"
    _say(f"{whole}, terminal", _rate([*_STAGES, "guests", "terminal"]), "1500")
    _say(f"{whole}, night", _rate([*_STAGES, "guests", "night"]), "3000")
    _say("the same, nothing changing", _rate([*_STAGES, "calm", "night"]), "0")
    _say("all graphs of one guest at 1 min, night", _rate([*_STAGES, "page", "night"]))
    _say("Textual's DataTable, the same cells", _rate([*_STAGES, "datatable"]))
    settings = folder / "btop"
    settings.mkdir(parents=True)
    (settings / "btop.conf").write_text("update_ms = 1000\n")
    for command in (["htop", "-d", "10"], ["btop"]):
        if shutil.which(command[0]):
            rate = _rate(command, {"XDG_CONFIG_HOME": str(folder)})
            _say(f"{command[0]}, its own figures once a second", rate)
        else:
            print(f"  {command[0]} is not installed: no comparison with it", flush=True)


class App:
    """kvmtui on a home, in a theme.

    Args:
        guests: The home.
        folder: Where the settings are written.
    """

    def __init__(self, guests: Guests, folder: Path, theme: str) -> None:
        settings = folder / theme / "kvmtui"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "config.yaml").write_text(f"theme: {theme}\n")
        self.environment = {
            **guests.environment,
            "PYTHONDONTWRITEBYTECODE": None,
            "XDG_CONFIG_HOME": str(folder / theme),
        }

    def open(self) -> Meter:
        return _open(_KVMTUI, self.environment)


def live(guests: Guests, folder: Path, running: int) -> None:
    """The app itself with guests that run: bytes, memory, processor."""
    print(f"kvmtui with {len(guests.names)} guests, {running} of them and the demo's running:")
    for theme in ("terminal", "night"):
        with App(guests, folder, theme).open() as meter:
            meter.wait_for_bytes(b"demo-")
            meter.settle(_WARM_S)
            _say(f"in {theme}", meter.rate(2 * _WINDOW_S), "80 MB, 3 % with 100 guests")


def keys(guests: Guests, folder: Path, presses: int = 300) -> None:
    """From a key to the first byte of its answer, while figures go on; both sides in turns."""
    count = len(guests.names)
    stretch = min(20, count)
    ours, theirs = [], []
    with (
        App(guests, folder, "terminal").open() as app,
        _open([*_STAGES, "datatable", "terminal", str(count)]) as stock,
    ):
        app.wait_for_bytes(b"demo-")
        stock.wait_for_bytes(b"guest-")
        app.settle(_WARM_S)
        for number in range(presses):
            key = "jk"[number // stretch % 2]
            stock.settle(0)
            ours.append(app.answer_s(key, _CURSOR))
            app.settle(0.04 + 0.005 * (number % 7))
            theirs.append(stock.answer_s({"j": _DOWN, "k": _UP}[key], b""))
            stock.settle(0.04 + 0.005 * (number % 7))
            app.settle(0)
    print(
        f"Key to first byte with {count} guests in the list: {_percentiles(ours)} "
        f"(goal p50 3, p99 15); Textual's DataTable of as many rows, 90 cells changing: "
        f"{_percentiles(theirs)} (n={presses})",
        flush=True,
    )


def _percentiles(values: list[float]) -> str:
    p50, p99 = (percentile(values, percent) * 1000 for percent in (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _first_text(command: Sequence[str], environment: dict[str, Any], text: bytes) -> float:
    began = time.perf_counter()
    with _open(command, environment) as meter:
        return meter.wait_for_bytes(text) - began


def first_text(guests: Guests, folder: Path, rounds: int = 15) -> None:
    """From the fork to the first text, against the least app with one table."""
    app = App(guests, folder, "terminal")
    ours, theirs, listed = [], [], []
    for _ in range(rounds):
        theirs.append(_first_text([*_STAGES, "minimal"], {}, b"Name"))
        ours.append(_first_text(_KVMTUI, app.environment, b"Guests"))
        listed.append(_first_text(_KVMTUI, app.environment, b"demo-"))
    one, two, three = map(statistics.median, (ours, theirs, listed))
    print(
        f"First text of kvmtui: {one * 1000:.0f} ms, a Textual app with one table "
        f"{two * 1000:.0f} ms, ratio {one / two:.2f} (goal 1.3; n={rounds}); "
        f"all {len(guests.names)} guests at {three * 1000:.0f} ms",
        flush=True,
    )


def measure(guests: Guests, folder: Path, running: int) -> None:
    """Every figure of the interface.

    Args:
        guests: An empty home, and the names of its guests to be.
        folder: For settings; need not exist.
        running: How many of the guests run while it is measured.
    """
    lines(folder / "htop")
    guests.create()
    library = Library(guests.home)
    try:
        demo.ensure(library)
        guests.call("start", *guests.names[:running], *demo.GUESTS)
        stood = json.loads(guests.call("list", "--json"))
        count = sum(view["state"] == "running" for view in stood) - len(demo.GUESTS)
        live(guests, folder, count)
        # A hundred emulated processors would be measured too, on two real ones.
        guests.call("pause", *guests.names[:running])
        print(f"From here on the {count} are paused; the demo guests go on.", flush=True)
        keys(guests, folder)
        first_text(guests, folder)
    finally:
        guests.call("stop", "--yes", *demo.GUESTS)
        guests.end()
