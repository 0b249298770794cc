"""A CD put in and taken out by key, of a real guest on a real terminal."""

from __future__ import annotations

from tui.seen import CLEAR, CTRL_S, ESC, TAB, wait_row


def drive(kvmtui, number=0):
    return kvmtui.ok("device", "list", "g", "--json").json[number]


def test_a_cd_goes_in_and_out_by_key(kvmtui, open_app, tmp_path):
    for name in ("one.iso", "two.iso"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    one, two = tmp_path / "one.iso", tmp_path / "two.iso"
    kvmtui.tiny("g", "--cdrom", one)
    kvmtui.ok("start", "g")
    terminal = open_app(100, 30)
    wait_row(terminal, "g", "running")
    terminal.send("i")
    terminal.wait_for("CD of g")
    terminal.wait_for("one.iso")
    terminal.send(CLEAR + "two.iso")
    terminal.wait_for("a whole path is needed")
    terminal.send(CLEAR + str(tmp_path / "none.iso"))
    terminal.wait_for("No such file")
    terminal.send(CTRL_S)
    terminal.wait_for("1 field to put right")
    terminal.send(CLEAR + str(two))
    terminal.wait_for("✓ 1.0M")
    terminal.send(CTRL_S)
    terminal.wait_for("two.iso is in cdrom0")
    assert drive(kvmtui)["file"] == str(two) and drive(kvmtui)["defined"] == str(one)
    terminal.send("i")
    terminal.wait_for("two.iso")
    terminal.send(CLEAR)
    terminal.wait_for("the drive is empty then")
    terminal.send(TAB * 2 + " " + CTRL_S)
    terminal.wait_for("cdrom0 is empty")
    assert drive(kvmtui)["file"] is None and drive(kvmtui)["defined"] is None


def test_one_of_two_drives_of_a_guest_that_is_off(kvmtui, open_app, tmp_path):
    image = tmp_path / "one.iso"
    image.write_bytes(bytes(1 << 20))
    kvmtui.tiny("g", "--set", "cdroms=[{}, {}]")
    kvmtui.tiny("none")
    terminal = open_app(100, 30)
    wait_row(terminal, "g", "stopped")
    terminal.send("i")
    terminal.wait_for("now empty")
    terminal.send(" ")
    terminal.wait_for("cdrom1")
    terminal.send("\x1b[B\r")
    terminal.send(TAB + str(image))
    terminal.wait_for("✓ 1.0M")
    terminal.send(CTRL_S)
    terminal.wait_for("one.iso is in cdrom1")
    assert drive(kvmtui, 1)["defined"] == str(image) and drive(kvmtui)["defined"] is None
    terminal.send("ji")
    terminal.wait_for("none has no CD drive")
    terminal.send(ESC)
