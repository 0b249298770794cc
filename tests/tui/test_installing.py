"""An installation on a real terminal: seen as such, settled by the app, answered by key."""

from __future__ import annotations

import re

import pytest
from boot_guests import bios_call
from tiny_installer import POWER_OFF, RESTART, STAY, make_cd
from tui.seen import wait_row

LEAST = ("--memory", "32M", "--network", "none", "--accelerator", "tcg", "--disk", "1M")


@pytest.mark.parametrize(("then", "word"), [(STAY, "installing"), (RESTART, "running")])
def test_what_the_list_says_of_an_installation(kvmtui, open_app, tmp_path, then, word):
    cd = make_cd(tmp_path / "cd.iso", then)
    kvmtui.ok("install", "g", "--iso", cd, *LEAST)
    terminal = open_app(100, 30)
    wait_row(terminal, "g", word)
    if word == "installing":
        terminal.send("\r")
        terminal.wait_for("cd.iso, at its start")
        terminal.send("\x1b")
        wait_row(terminal, "g", word)
        terminal.send("5")
        terminal.wait_for("» install")
        terminal.send("gX")
        terminal.wait_for("g does it: x stops it, I says that it is installed")
    else:
        kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", "40")


def test_a_guest_that_shut_itself_down_is_installed_by_a_key(kvmtui, open_app, tmp_path):
    cd = make_cd(tmp_path / "cd.iso", POWER_OFF)
    kvmtui.ok("install", "g", "--iso", cd, *LEAST)
    terminal = open_app(100, 30)
    wait_row(terminal, "g", "stopped")
    terminal.wait_for("shut itself down while it was being installed")
    terminal.send("s")
    terminal.wait_for("Try: kvmtui install g --done")
    terminal.send("I")
    wait_row(terminal, "g", "running")
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", "40")


# 1: xor ax, ax; int 16; mov ah, 0e; xor bx, bx; int 10; jmp 1b
ECHO = b"\x31\xc0\xcd\x16\xb4\x0e\x31\xdb\xcd\x10\xeb\xf4"
LEAVE = "\x1d\x1b"


def seconds(terminal):
    """For how long it goes on, as its row has it."""
    found = re.search(r"for (\d+) s", terminal.text)
    return int(found[1]) if found else 0


def test_its_text_screen_stands_below_its_row_in_activity(kvmtui, open_app, tmp_path):
    cd = make_cd(tmp_path / "cd.iso", ECHO, writes=False)
    kvmtui.ok("install", "g", "--iso", cd, *LEAST)
    terminal = open_app(140, 40)
    wait_row(terminal, "g", "installing")
    terminal.send("5")
    terminal.wait_for("g: its screen now, text 80×25")
    terminal.wait_for("Booting from DVD/CD...")
    kvmtui.ok("type", "g", "partition 2 of 3")
    terminal.wait_for("partition 2 of 3")
    # What was typed has a row of its own by then.
    typed = seconds(terminal)
    terminal.wait_until(lambda: seconds(terminal) > typed + 2, what="all that typing brings")
    # Looked at again, unchanged: nothing of it is sent.
    sent, seen = len(terminal.received), seconds(terminal)
    terminal.wait_until(lambda: seconds(terminal) > seen + 3, what="another look")
    assert not re.search(rb"Booting|partition", terminal.received[sent:])
    terminal.send("v")
    terminal.wait_for("typing: you")
    terminal.send(LEAVE)
    terminal.wait_for("g: its screen now, text 80×25")
    terminal.send("/other\r")
    terminal.wait_gone("its screen now")
    terminal.send("\x1b")
    terminal.wait_for("partition 2 of 3")
    terminal.resize(100, 22)
    terminal.wait_until(lambda: len(terminal.lines) == 22, what="fewer rows")
    terminal.wait_for("partition 2 of 3")
    kvmtui.ok("stop", "g", "--yes")
    terminal.wait_gone("its screen now")


def test_a_graphics_mode_and_no_display_are_told_in_a_line(kvmtui, open_app, tmp_path):
    mode = bios_call(0x4F02, bx=0x101) + STAY
    kvmtui.ok("install", "g", "--iso", make_cd(tmp_path / "a.iso", mode, writes=False), *LEAST)
    terminal = open_app(80, 24)
    wait_row(terminal, "g", "installing")
    terminal.send("5")
    terminal.wait_for("graphics 640×480: v shows it")
    cd = make_cd(tmp_path / "b.iso", STAY)
    kvmtui.ok("install", "h", "--iso", cd, "--set", "video=none", *LEAST)
    terminal.wait_until(lambda: re.search(r"» install +h ", terminal.text), what="h's row")
    terminal.send("g")
    terminal.wait_for("h: its screen now")
    terminal.wait_for("it has no display")
