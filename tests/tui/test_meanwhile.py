"""What others do while something is open here, and what one does while work goes on."""

from __future__ import annotations

import os
import signal

from tui.seen import CLEAR, CTRL_E, CTRL_S, CTRL_Z, ENTER, ESC, TAB, row, wait_row

from kvmtui.manage.operation import locked
from kvmtui.stats.process import read_process


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_guest_that_goes_under_each_thing_that_is_open(kvmtui, open_app):
    for name in ("a", "b", "c", "d", "e", "f"):
        kvmtui.tiny(name)
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "stopped")

    terminal.send("N")
    terminal.wait_for("Rename a")
    kvmtui.ok("rename", "a", "z")
    terminal.wait_for("a is gone")
    assert "Rename a" not in terminal.text
    wait_row(terminal, "z", "stopped")

    terminal.send("gT")
    terminal.wait_for("Tags of b")
    kvmtui.ok("delete", "b", "--yes")
    terminal.wait_for("b is gone")
    assert "Tags of b" not in terminal.text

    terminal.send(f"g{ENTER}")
    terminal.wait_for("[Overview]")
    kvmtui.ok("delete", "c", "--yes")
    terminal.wait_for("c is gone")
    assert "[Overview]" not in terminal.text
    assert row(terminal, "d")

    terminal.send("g:")
    terminal.wait_for("Start d")
    kvmtui.ok("delete", "d", "--yes")
    terminal.wait_until(lambda: not row(terminal, "d"), what="d to go")
    terminal.send(f"start{ENTER}")
    terminal.wait_for("▲ d is gone")
    assert "stopped" in row(terminal, "e"), "the next guest is not meant"

    terminal.send("ge")
    terminal.wait_for("Edit e")
    terminal.wait_for("Memory")
    kvmtui.ok("rename", "e", "y")
    terminal.wait_for("e is gone")
    terminal.send(f"{TAB}{CLEAR}24M")
    terminal.send(CTRL_S)
    terminal.wait_for("e: there is no such guest")
    terminal.send(ESC)
    terminal.wait_gone("Esc ×")
    terminal.send(ESC)
    terminal.wait_for("Leave the form?")
    terminal.send("y")
    wait_row(terminal, "y", "stopped")

    terminal.send("gl")
    terminal.wait_for("[Console log]")
    kvmtui.ok("delete", "f", "--yes")
    terminal.wait_for("f is gone")
    wait_row(terminal, "y", "stopped")
    terminal.send("q")
    assert terminal.wait_end() == 0


def test_a_stop_overtakes_a_shutdown_and_waits_can_be_given_up(kvmtui, open_app):
    for name in ("a", "b"):
        kvmtui.tiny(name)
    kvmtui.ok("start", "a", "b")
    terminal = open_app(140, 40)
    wait_row(terminal, "b", "running")

    terminal.send("d")
    wait_row(terminal, "a", "shutting-down")
    terminal.send("d")
    terminal.wait_for("▲ a is shutting down (")
    terminal.send("R")
    terminal.wait_for("▲ a is shutting down (")
    terminal.send(CTRL_Z)
    terminal.wait_for("suspending would halt that")
    terminal.send("x")
    terminal.wait_for("Stop a at once?")
    terminal.send("y")
    wait_row(terminal, "a", "stopped")
    terminal.wait_for("✓ a was stopped")
    assert "Esc ×" not in terminal.text
    terminal.send("5")
    terminal.wait_for("✓ stop")
    terminal.wait_until(lambda: "»" not in "\n".join(terminal.lines[1:]), what="nothing runs")
    assert "✗" not in terminal.text

    terminal.send("1G")
    terminal.wait_for("▌  ● b")
    terminal.send("d")
    wait_row(terminal, "b", "shutting-down")
    terminal.send("5g")
    terminal.wait_for("» shutdown")
    terminal.send("X")
    terminal.wait_for("Give up the shutdown of b?")
    terminal.wait_for("it may still go down by itself")
    terminal.send("y")
    terminal.wait_for("▲ shutdown")
    terminal.wait_for("given up")
    terminal.send("1")
    wait_row(terminal, "b", "running")

    terminal.send("d")
    wait_row(terminal, "b", "shutting-down")
    terminal.send("q")
    terminal.wait_for("Leave while work goes on?")
    terminal.send(ENTER)
    terminal.wait_gone("Leave while work goes on?")
    wait_row(terminal, "b", "shutting-down")
    terminal.send("q")
    terminal.wait_for("Leave while work goes on?")
    terminal.send("y")
    assert terminal.wait_end() == 0
    assert kvmtui.row("b")["state"] == "running"


def test_what_happened_during_the_editor_and_a_suspension_is_shown(kvmtui, open_app, tmp_path):
    editor = script(tmp_path / "editor", 'echo editing; read answer; echo "# seen" >>"$1"')
    for name in ("a", "b"):
        kvmtui.tiny(name)
    kvmtui.ok("start", "b")
    terminal = open_app(140, 40, EDITOR=editor, VISUAL=None)
    wait_row(terminal, "b", "running")
    terminal.send("e")
    terminal.wait_for("Edit a")
    terminal.send(CTRL_E)
    terminal.wait_for("editing")
    assert not terminal.alternate
    kvmtui.ok("pause", "b")
    kvmtui.tiny("c")
    terminal.send("\r")
    wait_row(terminal, "b", "paused")
    wait_row(terminal, "c", "stopped")
    terminal.wait_for("a is changed")
    assert "# seen" in kvmtui.ok("show", "a", "--yaml").out

    terminal.send(CTRL_Z)
    terminal.wait_until(lambda: read_process(terminal.process.pid).state == "T", what="its stop")
    kvmtui.ok("resume", "b")
    kvmtui.ok("delete", "c", "--yes")
    os.kill(terminal.process.pid, signal.SIGCONT)
    wait_row(terminal, "b", "running")
    terminal.wait_until(lambda: not row(terminal, "c"), what="c to go")


def test_an_editor_that_is_not_there_or_makes_no_sense(kvmtui, open_app):
    kvmtui.tiny("a")
    for editor, told in (
        ("/nowhere/ed -x", "the editor /nowhere/ed cannot be run: No such file or directory"),
        ("vi 'unclosed", "EDITOR"),
    ):
        terminal = open_app(140, 40, EDITOR=editor, VISUAL=None)
        wait_row(terminal, "a", "stopped")
        terminal.send("e")
        terminal.wait_for("Memory")
        terminal.send(CTRL_E)
        terminal.wait_for("Esc ×")
        assert told in " ".join(terminal.text.split())
        assert "Try: set EDITOR" in terminal.text
        wait_row(terminal, "a", "stopped")
        terminal.send("q")
        assert terminal.wait_end() == 0


def test_the_end_of_the_app_during_the_editor_keeps_the_text(kvmtui, open_app, tmp_path):
    editor = script(tmp_path / "editor", 'echo "# mine" >>"$1"; echo editing; read answer')
    kvmtui.tiny("a")
    terminal = open_app(EDITOR=editor, VISUAL=None, TMPDIR=str(tmp_path))
    wait_row(terminal, "a", "stopped")
    terminal.send("e")
    terminal.wait_for("Memory")
    terminal.send(CTRL_E)
    terminal.wait_for("editing")
    os.kill(terminal.process.pid, signal.SIGTERM)
    assert terminal.wait_end() == 128 + signal.SIGTERM
    assert not terminal.alternate
    (kept,) = tmp_path.glob("kvmtui-edit-*/a.yaml")
    assert "# mine" in kept.read_text()
    assert "# mine" not in kvmtui.ok("show", "a", "--yaml").out


def test_leaving_does_not_wait_for_a_guest_that_another_holds(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "stopped")
    with locked(kvmtui.library.folder("a")):
        terminal.send("sq")
        terminal.wait_for("Leave while work goes on?")
        terminal.send("y")
        assert terminal.wait_end(deadline_s=15) == 0
    assert not terminal.alternate
