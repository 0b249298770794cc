"""The Host pane of this very machine, on a real terminal."""

from __future__ import annotations

import base64
import re

from tui.seen import ESC

CLIPBOARD = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")


def test_the_host_is_measured_and_its_remedies_are_copied(kvmtui, open_app):
    terminal = open_app(140, 40)
    terminal.wait_for("4 Host")
    terminal.send("4")
    terminal.wait_for("Checks")
    terminal.wait_for("Guests run here")
    terminal.send("m")
    terminal.wait_for("✓ measured: ")
    terminal.send("a")
    terminal.wait_for("✓ ok")
    terminal.send("/settings\r")
    terminal.wait_for("no fault")
    terminal.send("y")
    terminal.wait_for("nothing is to be done for this check")
    assert not CLIPBOARD.search(terminal.received)
    terminal.send(ESC)
    terminal.wait_gone("/settings")


def test_a_remedy_goes_to_the_clipboard_as_base64(kvmtui, open_app, tmp_path):
    (tmp_path / "kvmtui").mkdir()
    (tmp_path / "kvmtui" / "config.yaml").write_text('"col\\eour": red\n')
    terminal = open_app(100, 30, XDG_CONFIG_HOME=str(tmp_path))
    terminal.wait_for("? help")
    terminal.send("4")
    terminal.wait_for("Checks")
    terminal.send("/settings\r")
    terminal.wait_for("Try    correct it there")
    terminal.send("y")
    terminal.wait_for("copied to your terminal's clipboard")
    (sent,) = CLIPBOARD.findall(terminal.received)
    assert base64.b64decode(sent).decode() == "correct it there: the rest holds"
    assert b"col\x1bour" not in terminal.received
    terminal.send("\r")
    terminal.wait_for("Reads")
    terminal.send(ESC)
    terminal.wait_gone("Reads")
    terminal.send("q")
    assert terminal.wait_end() == 0


def test_a_measurement_can_be_given_up(kvmtui, open_app):
    terminal = open_app(80, 24)
    terminal.wait_for("? help")
    terminal.send("4")
    terminal.wait_for("Checks")
    terminal.send("m")
    terminal.wait_for("» measuring: ")
    terminal.send(ESC)
    terminal.wait_gone("» measuring: ")
    terminal.wait_for("the measurement was given up")
    terminal.send("?")
    terminal.wait_for("Host, guest, hypervisor  1 of 7")
