"""Output by cell difference on a real pty, held against Textual's own."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from terminal import Terminal

PROBE = str(Path(__file__).parent / "probe.py")
F2, F3, F4, F5 = "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
F6, F7, F8, F9, F10 = "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~", "\x1b[21~"
F11, F12 = "\x1b[23~", "\x1b[24~"
DOWN, PAGE_DOWN, END, ESCAPE = "\x1b[B", "\x1b[6~", "\x1b[1;5F", "\x1b"
PALETTE, REPAINT, SUSPEND = "\x10", "\x0c", "\x1a"


class Probe(Terminal):
    """The probe app, and what it tells."""

    def __init__(self, kind: str, folder: Path, **options: Any) -> None:
        self.state = folder / f"{kind}.json"
        environment = {"PROBE_STATE": str(self.state), **options.pop("environment", {})}
        super().__init__([sys.executable, PROBE, kind], environment=environment, **options)

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.state.read_text()) if self.state.exists() else {}

    def wait_told(self, name: str, least: int) -> None:
        self.wait_until(lambda: self.told.get(name, 0) >= least, what=f"{name} {least}")

    def wait_size(self, *size: int) -> None:
        self.wait_until(lambda: self.told["size"] == list(size), what=f"size {size}")

    def settle(self) -> None:
        """Wait until three of its ticks have sent nothing."""
        sent = -1
        while sent != self.told.get("sent"):
            sent = self.told.get("sent", 0)
            self.wait_told("ticks", self.told.get("ticks", 0) + 3)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Probe]:
    with Probe("wire", tmp_path) as terminal:
        terminal.wait_for("naïve 5")
        terminal.settle()
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
    """Wait until a text is on both screens (or not), then until the screens are the same."""
    for terminal in (stock, wire):
        if seen.startswith("not "):
            terminal.wait_gone(seen.removeprefix("not "))
        else:
            terminal.wait_for(seen)

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
    (PAGE_DOWN * 3, "naïve 54"),
    (END, "199"),
    (F5, "199"),
    (F5 * 3, "199"),
    (F9, "controls on"),
    (F9, "controls off"),
    (PALETTE, "Search for commands"),
    ("theme", "Change the current theme"),
    ("\r", "Search for themes"),
    ("nord", "nord"),
    (ESCAPE, "not nord"),
    (F2, "disks go with it"),
    ("東e\u0301", "東é"),
    ("\x7f", "東e"),
    ("ab", "東eab"),
    ((60, 15), "東eab"),
    ((131, 37), "東eab"),
    (ESCAPE, "not disks go with it"),
    (F3, "theme paper"),
    ((100, 30), "naïve 187"),
    (F3, "theme terminal"),
    (F10, "a name is awaited"),
    ("二typed", "二typed"),
    (F8, "said 1"),
    (F8, "said 2"),
    (F8, "said 3"),
    (F8, "said 4"),
    (F11, "drawn 1"),
    (F12, "drawn 2"),
    (F11, "drawn 3"),
    ((40, 12), "said 4"),
    (F11, "drawn 4"),
    ((80, 24), "said 4"),
]


@pytest.mark.parametrize("theme", ["night", "contrast", "terminal"])
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
                    terminal.wait_size(*step)
            same(stock, wire, seen)
        assert len(wire.received) < len(stock.received) / 2
        # Of four; one is always covered, and others are left to all else that is drawn then.
        assert 1 <= wire.told["direct"] <= 3


def test_a_frame_without_a_changed_cell_sends_nothing(wire: Probe) -> None:
    wire.send(F8)
    wire.wait_for("said 1")
    wire.settle()
    before, received = wire.told, len(wire.received)
    for again in (1, 2, 3):
        wire.send(F6)
        wire.wait_told("again", again)
    wire.wait_told("ticks", wire.told["ticks"] + 3)
    assert wire.told["sent"] == before["sent"]
    wire.send(F8)
    wire.wait_for("said 2")
    assert wire.received[received:].count(b"\x1b[m") == 1
    assert wire.received[received:].startswith(b"\x1b[1;6H\x1b[38;2;")
    wire.wait_told("sent", before["sent"] + len(wire.received) - received)


def test_frames_are_wrapped_only_where_there_is_something_to_show(tmp_path: Path) -> None:
    with Probe("wire", tmp_path, synchronized=True) as wire:
        wire.wait_for("naïve 5")
        wire.send(F6 + F8)
        wire.wait_for("said 1")
        wire.wait_told("again", 1)
        frames = bytes(wire.received).split(b"\x1b[?2026h")[1:]
        assert frames
        assert all(frame.split(b"\x1b[?2026l")[0].strip(b"\x1b[H") for frame in frames)


def test_the_loop_goes_on_while_the_link_stands(wire: Probe) -> None:
    wire.resize(180, 50)
    wire.send(F7)
    wire.wait_told("ticks", 5)
    wire.stop_reading()
    wire.wait_told("skipped", 1)
    wire.settle()
    ticks, skipped, sent = (wire.told[name] for name in ("ticks", "skipped", "sent"))
    wire.wait_told("ticks", ticks + 40)
    assert wire.told["skipped"] > skipped
    assert wire.told["sent"] == sent
    wire.send(F7 + F8)
    wire.wait_told("said", 1)
    wire.continue_reading()
    wire.wait_for("said 1")
    wire.settle()
    before = wire.cells()
    wire.send(REPAINT + F8)
    wire.wait_for("said 2")
    wire.settle()
    assert wire.cells()[1:] == before[1:]


def test_ctrl_l_sends_all_again(wire: Probe) -> None:
    before = wire.cells()
    wire.feed(b"\x1b[3;5r\x1b[?6h\x1b(0\x1b[H\x1b[2J\x1b[7mscribble\r\n\x1b[?25h")
    wire.send(F6)
    wire.wait_told("again", 1)
    assert wire.cells() != before
    wire.send(REPAINT)
    wire.wait_until(lambda: wire.cells() == before, what="the picture before")
    assert wire.screen.margins is None or wire.screen.margins.top == 0
    assert wire.screen.cursor.hidden


def test_it_comes_back_from_another_program(wire: Probe) -> None:
    before = wire.cells()
    wire.send(F4)
    wire.wait_for("shell here")
    assert not wire.alternate
    wire.send("\r")
    wire.wait_until(lambda: wire.alternate and wire.cells() == before, what="the picture before")


def test_it_comes_back_from_a_stop(wire: Probe) -> None:
    before = wire.cells()
    status = Path(f"/proc/{wire.process.pid}/stat")
    wire.send(SUSPEND)
    wire.wait_until(lambda: status.read_text().rpartition(") ")[2][0] == "T", what="its stop")
    wire.wait_until(lambda: not wire.alternate, what="the main screen")
    wire.process.send_signal(signal.SIGCONT)
    wire.wait_until(lambda: wire.alternate and wire.cells() == before, what="the picture before")
    wire.send(F8)
    wire.wait_for("said 1")


@pytest.mark.parametrize("round", range(3))
def test_many_resizes_end_in_the_right_picture(wire: Probe, tmp_path: Path, round: int) -> None:
    for step in range(100):
        wire.resize(60 + step % 50, 12 + step % 20)
        wire.pump(0)
    wire.resize(110, 30)
    wire.send(F8)
    with Probe("stock", tmp_path, columns=110, rows=30) as stock:
        stock.send(F8)
        same(stock, wire, "said 1")


def test_a_themes_own_indices_are_used_in_256_colours(tmp_path: Path) -> None:
    with Probe("wire", tmp_path, environment={"COLORTERM": None}) as wire:
        wire.wait_for("naïve 5")
        assert b"48;5;233" in wire.received
        assert b"48;2;" not in wire.received
        assert b"48;5;235" in wire.received


@pytest.mark.parametrize(("theme", "colored"), [("terminal", False), ("night", True)])
def test_no_color_takes_colours_out_of_themes_that_need_none(
    tmp_path: Path, theme: str, colored: bool
) -> None:
    environment = {"PROBE_THEME": theme, "NO_COLOR": "1"}
    with Probe("wire", tmp_path, environment=environment) as wire:
        wire.wait_for("naïve 5")
        wire.settle()
        colors = re.findall(
            rb"\x1b\[[0-9;]*\b(?:[34][0-8]|9[0-7]|10[0-7])\b[0-9;]*m", wire.received
        )
        assert bool(colors) is colored
