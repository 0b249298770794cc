"""Output by cell difference on a real pty, held against Textual's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from terminal import Terminal

PROBE = str(Path(__file__).parent / "probe.py")
F2, F3, F4, F5 = "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
F6, F7, F8, F9 = "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~"
DOWN, PAGE_DOWN, END, ESCAPE, TAB = "\x1b[B", "\x1b[6~", "\x1b[1;5F", "\x1b", "\t"
PALETTE, REPAINT, SUSPEND = "\x10", "\x0c", "\x1a"


class Probe(Terminal):
    """The probe app, and what it tells."""

    def __init__(self, kind: str, folder: Path, **options: Any) -> None:
        self.state = folder / f"{kind}.json"
        environment = {"PROBE_STATE": str(self.state), **options.pop("environment", {})}
        super().__init__([sys.executable, PROBE, kind], environment=environment, **options)

    @property
    def told(self) -> dict[str, int]:
        return json.loads(self.state.read_text()) if self.state.exists() else {}

    def wait_told(self, name: str, least: int) -> None:
        self.wait_until(lambda: self.told.get(name, 0) >= least, what=f"{name} {least}")


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Probe]:
    with Probe("wire", tmp_path) as terminal:
        terminal.wait_for("naïve 5")
        yield terminal


def differences(stock: Terminal, wire: Terminal) -> list[str]:
    rows = zip(stock.cells(), wire.cells(), strict=True)
    return [
        f"{x},{y}: {ours} for {theirs}"
        for y, (theirs_row, ours_row) in enumerate(rows)
        for x, (theirs, ours) in enumerate(zip(theirs_row, ours_row, strict=True))
        if theirs != ours
    ]


def same(stock: Probe, wire: Probe, seen: str) -> None:
    """Wait until a text is on both screens, then until the screens are the same."""
    stock.wait_for(seen)
    wire.wait_for(seen)

    def equal() -> bool:
        stock.pump(0)
        return not differences(stock, wire)

    try:
        wire.wait_until(equal)
    except AssertionError:
        pytest.fail("\n".join([seen, *differences(stock, wire)[:20], stock.text, wire.text]))


STEPS: list[tuple[str | tuple[int, int], str]] = [
    ("", "naïve 5"),
    (DOWN * 10, "naïve 5"),
    (PAGE_DOWN * 3, "naïve 61"),
    (END, "199"),
    (F5, "199"),
    (F5 * 3, "199"),
    (F9, "blink"),
    (F9, "ablink"),
    (PALETTE, "Search for commands"),
    ("theme", "Change the current theme"),
    ("\r", "Search for themes"),
    ("nord", "nord"),
    (ESCAPE, "199"),
    (F2, "disks go with it"),
    ("東e\u0301", "東é"),
    ("\x7f\x7fab", "ab"),
    ((60, 15), "ab"),
    ((131, 37), "ab"),
    (ESCAPE, "naïve 187"),
    (F3, "theme textual-light"),
    ((100, 30), "naïve 187"),
    (F3, "theme ansi-dark"),
    (TAB, "naïve 187"),
    ("二typed", "二typed"),
    (F8, "said 1"),
    ((40, 12), "said 1"),
    ((80, 24), "said 1"),
]


@pytest.mark.parametrize("theme", ["probe", "ansi-dark"])
def test_it_shows_what_stock_output_shows(tmp_path: Path, theme: str) -> None:
    environment = {"PROBE_THEME": theme}
    with (
        Probe("stock", tmp_path, environment=environment) as stock,
        Probe("wire", tmp_path, environment=environment) as wire,
    ):
        for step, seen in STEPS:
            for terminal in (stock, wire):
                if isinstance(step, str):
                    terminal.send(step)
                else:
                    terminal.resize(*step)
            same(stock, wire, seen)
        assert len(wire.received) < len(stock.received) / 2
