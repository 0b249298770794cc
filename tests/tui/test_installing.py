"""An installation on a real terminal: seen as such, settled by the app, answered by key."""

from __future__ import annotations

import pytest
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
