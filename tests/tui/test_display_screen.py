"""A real guest's display inside the app, on a real terminal."""

from __future__ import annotations

import boot_guests
import pytest
from tui.seen import ESC, wait_row

from kvmtui.tui.screens.display import key_name

CHORD = "\x1d"


@pytest.fixture
def at_display(kvmtui, open_app):
    def open_one(disk, *size, text=True):
        kvmtui.tiny("v", "--disk", "1M", "--set", "disks[0].file=disk0.raw")
        (kvmtui.folder("v") / "disk0.raw").write_bytes(disk)
        kvmtui.ok("start", "v")
        terminal = open_app(*size)
        wait_row(terminal, "v", "running")
        terminal.send("v")
        terminal.wait_for("typing: you")
        if text:
            terminal.wait_for("Booting from Hard Disk")
        return terminal

    return open_one


def test_text_is_read_and_typed_into(kvmtui, at_display):
    terminal = at_display(boot_guests.TYPES_BACK, 100, 30)
    terminal.wait_for("text 80×25")
    terminal.wait_for("seen whole")
    terminal.send("Hello q:?")
    terminal.wait_for("Hello q:?")
    terminal.send("\x1b[200~pasted at once\x1b[201~")
    terminal.wait_for("pasted at once")
    terminal.send(CHORD + "t")
    terminal.wait_for("Paste into v")
    terminal.send("geheim7")
    terminal.wait_for("*******")
    assert "geheim7" not in terminal.text
    terminal.send("\r")
    terminal.wait_for("geheim7")
    story = (kvmtui.folder("v") / "history.jsonl").read_text()
    assert "geheim7" not in story
    terminal.send(CHORD + "c")
    terminal.wait_for("copied to your terminal's clipboard")
    terminal.send(CHORD + "k")
    terminal.wait_for("ctrl-alt-backspace")
    terminal.send("delete\r")
    terminal.wait_gone("geheim7")
    terminal.wait_for("Booting from Hard Disk")
    terminal.send(CHORD + "?")
    terminal.wait_for("Ctrl-] ? is no key")
    terminal.send(CHORD + ESC)
    wait_row(terminal, "v", "running")
    assert "typing: you" not in terminal.text


def test_a_small_terminal_shows_where_the_cursor_is(at_display):
    terminal = at_display(boot_guests.TYPES_BACK, 60, 14)
    terminal.wait_for("60×11 of 80×25 are seen")
    terminal.send("\r\n" * 12 + "below")
    terminal.wait_for("below")


def test_a_graphics_mode_is_a_picture(at_display):
    terminal = at_display(boot_guests.shows_mode(0x4F02, 0x101), 100, 30, text=False)
    terminal.wait_for("graphics 640×480")
    terminal.wait_for("a graphics mode, as a picture")
    terminal.send(CHORD + "c")
    terminal.wait_for("there is no text on the screen")
    terminal.send(" ")
    terminal.wait_for("a graphics mode, as a picture")
    terminal.resize(60, 20)
    terminal.wait_gone("Ctrl-] y viewer")
    terminal.wait_for("a graphics mode, as a picture")


def test_colours_and_the_end(kvmtui, at_display):
    terminal = at_display(boot_guests.fills_screen(3), 80, 30, text=False)
    terminal.wait_for(' !"#$%&')
    colours = {terminal.screen.buffer[2][x].fg for x in range(80)}
    assert len(colours) > 8
    kvmtui.ok("stop", "v", "--yes")
    terminal.wait_for("stopped; s starts it")
    assert ' !"#$%&' in terminal.text, "the last picture stays"
    terminal.send("s")
    terminal.wait_gone("s starts it")
    terminal.wait_for(' !"#$%&')
    kvmtui.ok("pause", "v")
    terminal.send("x")
    terminal.wait_for("v is paused")


@pytest.mark.parametrize(
    ("key", "name"),
    [("ctrl+c", "ctrl-c"), ("escape", "esc"), ("ctrl+pageup", "ctrl-pgup"), ("f5", "f5")],
)
def test_names_of_keys(key, name):
    assert key_name(key) == name
