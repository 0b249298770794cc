"""The app as a person uses it: real keys on a real pty, real guests."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from tui.seen import (
    CLEAR,
    CTRL_E,
    CTRL_N,
    DOWN,
    ENTER,
    ESC,
    LEFT,
    TAB,
    UP,
    row,
    wait_row,
)
from tui.terminal import Terminal

from kvmtui.stats.process import read_process


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
def test_a_real_guest_by_keys_alone_while_another_app_shows_it(
    kvmtui, open_app, linux_guest_files, size
):
    ours, theirs = open_app(*size), open_app(100, 30)
    ours.wait_for("No guests yet")
    theirs.wait_for("No guests yet")
    ours.send("n")
    ours.wait_for("✓ free")
    ours.send(UP * 3 + LEFT * 2)
    ours.wait_for("● Kernel")
    ours.send(f"{DOWN}{linux_guest_files}/vmlinuz{TAB}{linux_guest_files}/initrd.img")
    ours.send(f"{TAB}console=ttyS0 quiet panic=-1{TAB}{TAB}{CLEAR}web{TAB}{CLEAR}256M")
    ours.send(CTRL_E)
    ours.wait_for("▾ Expert")
    ours.send(f"{TAB * 5} jj{ENTER}")
    ours.wait_for("1 differs from the profile")
    ours.send(CTRL_N)
    wait_row(ours, "web", "stopped")
    wait_row(theirs, "web", "stopped")
    assert kvmtui.ok("show", "web", "--json").json["definition"]["accelerator"] == "tcg"

    ours.send("s")
    wait_row(theirs, "web", "running")
    wait_row(ours, "web", "running")
    ours.wait_for("d shut down")
    kvmtui.ok("wait", "web", "--for", "text=KVMTUI-GUEST-READY")
    ours.send("p")
    wait_row(ours, "web", "paused")
    wait_row(theirs, "web", "paused")
    ours.wait_for("p resume")
    ours.send("d")
    ours.wait_for("web is paused: resume it first (p)")
    ours.send("p")
    wait_row(ours, "web", "running")
    ours.send("l")
    ours.wait_for("KVMTUI-GUEST-READY")
    ours.send(ESC)
    ours.wait_for("Name")
    ours.send("d")
    wait_row(ours, "web", "stopped")
    ours.wait_for("web shut down in")
    wait_row(theirs, "web", "stopped")
    ours.send("D")
    ours.wait_for("Type its name to delete")
    ours.send("web")
    ours.wait_gone("name incomplete")
    ours.send(ENTER)
    ours.wait_for("No guests yet")
    theirs.wait_for("No guests yet")
    ours.send("q")
    assert ours.wait_end() == 0
    assert not ours.alternate


def test_stop_asks_first_and_a_doubled_key_is_harmless(kvmtui, open_app):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    terminal = open_app()
    wait_row(terminal, "a", "running")
    terminal.send("x")
    terminal.wait_for("Stop a at once?")
    terminal.send("x")
    terminal.send(ENTER)
    terminal.wait_gone("Stop a at once?")
    assert kvmtui.row("a")["state"] == "running"
    terminal.send("x")
    terminal.wait_for("Stop a at once?")
    terminal.send("y")
    wait_row(terminal, "a", "stopped")


def test_a_dialog_closes_when_its_guest_is_deleted_by_another(kvmtui, open_app):
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    terminal = open_app()
    wait_row(terminal, "a", "stopped")
    terminal.send("D")
    terminal.wait_for("Delete a and its files?")
    kvmtui.ok("delete", "a", "--yes")
    terminal.wait_gone("Delete a and its files?")
    terminal.wait_for("a is gone")
    assert row(terminal, "b")


def test_marks_act_on_all_marked(kvmtui, open_app):
    for name in ("a", "b", "c"):
        kvmtui.tiny(name)
    terminal = open_app()
    wait_row(terminal, "c", "stopped")
    terminal.send("  ")
    terminal.wait_for("2 marked: actions act on both")
    terminal.send("s")
    wait_row(terminal, "a", "running")
    wait_row(terminal, "b", "running")
    assert "stopped" in row(terminal, "c")
    terminal.send(ESC)
    terminal.wait_gone("2 marked")


@pytest.mark.slow
def test_a_guest_starts_with_the_host_by_a_key(kvmtui, open_app, without_systemd):
    kvmtui.prefix = without_systemd
    kvmtui.tiny("a")
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "stopped")
    terminal.send("A")
    terminal.wait_for("a starts with the host; nothing shuts guests down")
    terminal.wait_for("Autostart on")
    assert kvmtui.ok("autostart", "--json").json["in_place"]
    terminal.send("A")
    terminal.wait_for("a no longer starts with the host")
    terminal.wait_gone("Autostart on")
    assert not kvmtui.ok("autostart", "--json").json["in_place"]


def test_the_filter_keeps_what_it_finds(kvmtui, open_app):
    kvmtui.tiny("db", "--tag", "prod")
    kvmtui.tiny("web")
    terminal = open_app()
    wait_row(terminal, "web", "stopped")
    terminal.send("/prod")
    terminal.wait_for("1 of 2")
    assert row(terminal, "db") and not row(terminal, "web")
    terminal.send(ENTER)
    terminal.wait_for("Esc clears")
    terminal.send(ESC)
    wait_row(terminal, "web", "stopped")


def test_a_failure_is_told_with_its_remedy_and_stays_in_activity(kvmtui, open_app, tmp_path):
    image = tmp_path / "data.raw"
    image.write_bytes(bytes(1 << 20))
    kvmtui.tiny("a", "--disk", image)
    image.unlink()
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "stopped")
    terminal.send("s")
    terminal.wait_for("Esc ×")
    terminal.wait_for("does not exist")
    terminal.wait_for("Try: put the file back, or name another")
    terminal.send(ESC)
    terminal.wait_gone("Esc ×")
    terminal.send("5")
    terminal.wait_for("✗ start")
    terminal.wait_for("disks[0]: /")
    terminal.wait_for("Enter output")
    terminal.send(ENTER)
    terminal.wait_for("Esc ×")


def test_the_palette_finds_and_does(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app()
    wait_row(terminal, "a", "stopped")
    terminal.send(":")
    terminal.send("shut")
    terminal.wait_for("not now: a does not run")
    terminal.send(f"{CLEAR}start a")
    terminal.send(ENTER)
    wait_row(terminal, "a", "running")


def test_help_explains_what_acts_here(kvmtui, open_app):
    terminal = open_app()
    terminal.wait_for("No guests yet")
    assert "y try the demo" in terminal.lines[-1] and "? help" in terminal.lines[-1]
    assert "vCPU" not in terminal.text, "no head without rows"
    terminal.send("?")
    terminal.wait_for("Guests: keys")
    terminal.send(ENTER)
    terminal.wait_for("Starts the guest under the accelerator")
    terminal.send("\x1bOQ")
    terminal.wait_for("Guests: all keys")
    terminal.send(ESC)
    terminal.wait_gone("all keys")


def test_the_editor_gets_the_terminal_and_comments_survive(kvmtui, open_app, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/^memory:.*/memory: 24M  # enough/" "$1"\necho edited\n')
    editor.chmod(0o755)
    kvmtui.tiny("a")
    terminal = open_app(EDITOR=str(editor), VISUAL=None)
    wait_row(terminal, "a", "stopped")
    terminal.send("e")
    terminal.wait_for("Edit a")
    terminal.wait_for("Memory")
    terminal.send(CTRL_E)
    terminal.wait_for("a is changed")
    assert "memory: 24M  # enough" in kvmtui.ok("show", "a", "--yaml").out
    wait_row(terminal, "a", "24M")


def test_an_edited_text_that_is_not_valid_is_never_lost(kvmtui, open_app, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "memroy: 1G" >>"$1"\n')
    editor.chmod(0o755)
    kvmtui.tiny("a")
    terminal = open_app(140, 40, EDITOR=str(editor), VISUAL=None, TMPDIR=str(tmp_path))
    wait_row(terminal, "a", "stopped")
    terminal.send("e")
    terminal.wait_for("Memory")
    terminal.send(CTRL_E)
    terminal.wait_for("memroy: unknown key: did you mean memory")
    terminal.send(ENTER)
    terminal.wait_for("your text is in")
    kept = list(tmp_path.glob("kvmtui-a-*.yaml"))
    assert len(kept) == 1 and "memroy" in kept[0].read_text()
    assert "memroy" not in kvmtui.ok("show", "a", "--yaml").out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_cleanly_on_a_signal(kvmtui, open_app, number):
    terminal = open_app()
    terminal.wait_for("No guests yet")
    os.kill(terminal.process.pid, number)
    assert terminal.wait_end() == 128 + number
    assert not terminal.alternate


def test_it_ends_when_its_terminal_is_gone(kvmtui, open_app):
    terminal = open_app()
    terminal.wait_for("No guests yet")
    terminal.hang_up()
    assert terminal.process.wait(timeout=30) != 0


def test_suspend_gives_the_terminal_back_and_fg_comes_back(kvmtui, open_app):
    terminal = open_app()
    terminal.wait_for("No guests yet")
    terminal.send("\x1a")
    terminal.wait_until(lambda: read_process(terminal.process.pid).state == "T")
    terminal.wait_until(lambda: not terminal.alternate)
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.wait_until(lambda: terminal.alternate)
    terminal.wait_for("No guests yet")


def test_a_guest_that_does_not_answer_is_greyed_alone(kvmtui, open_app):
    for name in ("a", "b"):
        kvmtui.tiny(name)
    kvmtui.ok("start", "a", "b")
    terminal = open_app()
    wait_row(terminal, "b", "running")
    pid = kvmtui.pid("a")
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_row(terminal, "a", "no answer")
        terminal.wait_for("a does not answer")
        assert "running" in row(terminal, "b")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_row(terminal, "a", "running")


def test_hostile_words_are_shown_and_do_nothing(kvmtui, open_app):
    kvmtui.tiny("a", "--description", "[red]no[/] \x1b[31m 漢字 e\u0301 \u202e")
    kvmtui.tiny("b")
    folder = kvmtui.folder("b") / "guest.yaml"
    folder.write_text(folder.read_text() + '"\\e[2Jbad": 1\n')
    terminal = open_app(140, 40)
    wait_row(terminal, "b", "invalid")
    terminal.wait_for("[red]no[/] \\x1b[31m 漢")
    terminal.send("G")
    terminal.wait_for("\\x1b[2Jbad: unknown key")


def test_a_definition_that_turns_invalid_while_shown(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "stopped")
    path = kvmtui.folder("a") / "guest.yaml"
    path.write_text(path.read_text().replace("memory", "memroy"))
    wait_row(terminal, "a", "invalid")
    terminal.wait_for("memroy: unknown key")
    terminal.send("s")
    terminal.wait_for("definition is not valid: mend it first (e)")


def test_a_home_that_goes_and_comes_back(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app()
    wait_row(terminal, "a", "stopped")
    kvmtui.home.rename(kvmtui.home.with_name("elsewhere"))
    terminal.wait_until(lambda: not row(terminal, "a"))
    kvmtui.home.with_name("elsewhere").rename(kvmtui.home)
    wait_row(terminal, "a", "stopped")


def test_a_resize_storm_ends_in_a_whole_picture(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app()
    wait_row(terminal, "a", "stopped")
    for step in range(100):
        terminal.resize(60 + step % 50, 20 + step % 20)
        terminal.pump(0.001)
    terminal.resize(140, 40)
    terminal.wait_for("Acc")
    wait_row(terminal, "a", "stopped")
    terminal.wait_for("? help")


@pytest.mark.parametrize(
    ("size", "seen"), [((40, 12), "stopped"), ((30, 8), "40×12 is the least; this is")]
)
def test_small_screens(kvmtui, open_app, size, seen):
    kvmtui.tiny("a")
    terminal = open_app(*size)
    terminal.wait_for(seen)


def test_keys_are_heard_after_the_terminal_was_too_small(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app()

    def shrink_and_grow(seen):
        terminal.resize(30, 8)
        terminal.wait_for("is the least")
        terminal.resize(80, 24)
        terminal.wait_for(seen)

    wait_row(terminal, "a", "stopped")
    shrink_and_grow("stopped")
    terminal.send("n")
    terminal.wait_for("debian-13-a")
    shrink_and_grow("debian-13-a")
    # The name that was filled in is selected: End keeps it.
    terminal.send("\x1b[F-more")
    terminal.wait_for("debian-13-a-more")


def test_ascii_on_the_linux_console(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app(TERM="linux", COLORTERM=None)
    wait_row(terminal, "a", "- a")
    assert terminal.text.isascii()
    assert "[?] help" in terminal.text


def test_without_colour_nothing_is_coloured(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app(NO_COLOR="1")
    wait_row(terminal, "a", "stopped")
    colours = {cell.foreground for line in terminal.cells() for cell in line}
    assert colours == {"default"}


def test_the_demo_opens_the_app_with_its_guests(kvmtui):
    command = [sys.executable, "-m", "kvmtui", "demo"]
    with Terminal(command, columns=100, rows=30, environment=kvmtui.environment) as terminal:
        wait_row(terminal, "demo-steady", "running")
        wait_row(terminal, "demo-wave", "running")
        terminal.send("q")
        assert terminal.wait_end() == 0
    kvmtui.ok("demo", "--stop")
    assert kvmtui.ok("list", "--json").json == []


def test_a_log_is_searched_where_it_is_shown(kvmtui, open_app):
    kvmtui.tiny("a")
    lines = [f"line {number}" for number in range(400)]
    lines[7] = "a needle"
    (kvmtui.folder("a") / "console.log").write_text("\n".join(lines) + "\n")
    terminal = open_app()
    wait_row(terminal, "a", "stopped")
    terminal.send("l")
    terminal.wait_for("line 399")
    assert "/ search" in terminal.lines[-1] and "Esc back" in terminal.lines[-1]
    terminal.send("/needle")
    terminal.wait_for("a needle")
    terminal.wait_for("line 8")
    terminal.send(ENTER + ESC)
    terminal.wait_for("[Console log]")
