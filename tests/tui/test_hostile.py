"""Whatever guests, files and logs say is shown as text, in every place that shows it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from tui.seen import ENTER, ESC, TAB, wait_row

EVIL = "[red]no[b] \x1b]0;evil\x07 \u202e漢字 e\u0301"
SHOWN = "[red]no[b] \\x1b]0;evil\\x07 \\u{202e}漢"


@pytest.fixture
def folder():
    """A folder whose path is short enough to be seen whole."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_hostile_words_are_inert_everywhere(kvmtui, open_app, folder):
    disk = folder / f"{EVIL}.raw"
    disk.write_bytes(bytes(1 << 20))
    kvmtui.tiny("a", "--description", EVIL, "--disk", disk)
    logs = f"{EVIL}\n".encode() + b"\xff\xfe\x00\x9b31m[bold]x\n"
    (kvmtui.folder("a") / "console.log").write_bytes(logs)
    (kvmtui.folder("a") / "qemu.log").write_bytes(logs)
    terminal = open_app(180, 45)

    def inert():
        """Wide characters fill two cells of the grid: read without the second."""
        return "".join(terminal.text.split("\x00"))

    def wait_shown(beside=""):
        terminal.wait_until(lambda: SHOWN in inert() and beside in inert(), what=SHOWN)

    wait_row(terminal, "a", "stopped")
    wait_shown()
    disk.rename(folder / "elsewhere")
    terminal.send("s")
    terminal.wait_for("Esc ×")
    terminal.wait_for("evil\\x07")
    terminal.wait_for("does not exist")
    terminal.send(ESC)
    terminal.wait_gone("Esc ×")
    terminal.send("5")
    terminal.wait_for("✗ start")
    wait_shown()
    terminal.send("1D")
    wait_shown("stays: ")
    terminal.send(ESC)
    terminal.wait_gone("Type its name")
    terminal.send(ENTER)
    terminal.wait_for("[Overview]")
    wait_shown("Timeline")
    terminal.send(TAB)
    terminal.wait_for("[Graphs]")
    terminal.send(TAB)
    terminal.wait_for("[Console log]")
    # What only drives a terminal is left out of what a guest wrote to one.
    terminal.wait_until(lambda: "[red]no[b]  \\u{202e}漢" in inert() and "[bold]x" in inert())
    assert "evil" not in inert()
    terminal.send(TAB)
    terminal.wait_for("[QEMU's log]")
    wait_shown("[bold]x")
    terminal.send(ESC)
    terminal.wait_gone("QEMU's log")
    terminal.send("e")
    terminal.wait_for("Edit a")
    terminal.wait_until(lambda: "[red]no[b] \ufffd]0;evil\ufffd \ufffd漢" in inert())
    terminal.send(ESC)
    terminal.wait_for("Name")
    terminal.send("T")
    terminal.wait_for("Tags of a")
    terminal.send("[red]\r")
    terminal.wait_for("Esc ×")
    terminal.wait_for("[red]")
    for raw in (b"\x1b]0;evil", b"\x9b31m", "\u202e".encode()):
        assert raw not in terminal.received
