"""The seed of a new guest, edited before it is made: real keys, a real editor's process."""

from __future__ import annotations

import contextlib
import os
import signal
import stat

import pytest
from tui.seen import (
    CTRL_N,
    CTRL_S,
    CTRL_T,
    ENTER,
    ESC,
    TAB,
    UP,
    show_seed_with_password,
    wait_row,
)

from kvmtui.guest.seed_image import read_seed

CTRL_R = "\x12"
RIGHT_LINE, WRONG_LINE = "bootcmd: [ls]", "a: [b"


@pytest.fixture
def editor(tmp_path):
    """An editor that tells what it got, and appends what stands in a file beside it."""
    folder = tmp_path / "editor"
    folder.mkdir()
    program = folder / "edit"
    program.write_text(
        f'#!/bin/sh\nstat -c "%a %n" "$1" > {folder}/seen\ncp "$1" {folder}/text\n'
        f'[ -f {folder}/mends ] && sed -i "/a: .b/d" "$1"\ncat {folder}/appended >> "$1"\n'
    )
    program.chmod(0o755)
    return folder


def leftovers(*folders):
    return [one for folder in folders for one in folder.rglob("kvmtui-edit-*")]


def test_an_edited_file_is_kept_checked_and_used(
    kvmtui, key_home, cloud_image, open_app, editor, tmp_path
):
    (editor / "appended").write_text(WRONG_LINE + "\n")
    terminal = open_app(80, 24, EDITOR=str(editor / "edit"), VISUAL=None, XDG_RUNTIME_DIR=None)
    show_seed_with_password(terminal)
    terminal.wait_for("meta-data [user-data] network-config")
    terminal.send("e")
    # What is not right is told with its line, and nothing of it is lost.
    terminal.wait_for("✗ edited")
    terminal.wait_for("not YAML")
    terminal.wait_for("▲ user-data: line 1")
    terminal.wait_for(WRONG_LINE)
    mode, _, path = (editor / "seen").read_text().strip().partition(" ")
    assert mode == "600" and path.startswith(f"{kvmtui.home}/kvmtui-edit-")
    assert "$6$" in (editor / "text").read_text() and "(a password's hash)" in terminal.text
    assert not leftovers(tmp_path)
    terminal.send(ESC)
    terminal.wait_for("✗ 1 field to put right: user-data: line 1")
    terminal.send(CTRL_S)
    terminal.wait_for("▲ 1 field to put right: user-data: line 1")
    assert not list((kvmtui.home / "guests").iterdir())

    (editor / "mends").touch()
    (editor / "appended").write_text(RIGHT_LINE + "\n")
    terminal.send(CTRL_T)
    terminal.wait_for(WRONG_LINE)
    terminal.send("e")
    terminal.wait_for("✓ edited")
    terminal.wait_gone(WRONG_LINE)
    terminal.send(ESC)
    terminal.wait_for("all 1")
    # The fields do not change it any more; that is told.
    terminal.send(ESC)
    terminal.wait_for("No guests yet")
    terminal.send("3")
    terminal.wait_for("checks passed")
    terminal.send(UP * 5 + "bob")
    terminal.wait_for("▲ user-data: as edited: it no longer follows the fields")
    terminal.send(CTRL_N)
    wait_row(terminal, "debian-13-a", "stopped")
    files = read_seed(kvmtui.folder("debian-13-a") / "seed.iso").files
    text = files["user-data"].decode()
    assert text.splitlines()[-1] == RIGHT_LINE and "$6$" in text
    assert "bob" not in text and WRONG_LINE not in text
    everything = b"".join(one.read_bytes() for one in kvmtui.home.rglob("*") if one.is_file())
    assert b"hunter2" not in everything + terminal.received + (editor / "text").read_bytes()
    assert not leftovers(tmp_path)
    # The next one begins anew.
    terminal.send("3")
    terminal.wait_for("debian-13-b")
    terminal.send(CTRL_T)
    terminal.wait_for("[user-data] ")
    terminal.wait_for("package_update")
    assert RIGHT_LINE not in terminal.text


def test_an_edited_file_is_given_up_by_a_key_that_asks(
    kvmtui, key_home, cloud_image, open_app, editor
):
    (editor / "appended").write_text("x: 1\n")
    runtime = editor / "run"
    runtime.mkdir(mode=0o700)
    terminal = open_app(
        80, 24, EDITOR=str(editor / "edit"), VISUAL=None, XDG_RUNTIME_DIR=str(runtime)
    )
    terminal.wait_for("No guests yet")
    terminal.send("3")
    terminal.wait_for("anna@laptop")
    terminal.send(CTRL_T)
    terminal.wait_for("[user-data]")
    terminal.send("r")
    terminal.wait_for("▲ user-data is as the fields make it")
    terminal.send(TAB)
    terminal.wait_for("[network-config]")
    terminal.send("e")
    terminal.wait_for("[network-config]*")
    assert (editor / "seen").read_text().startswith(f"600 {runtime}/kvmtui-edit-")
    terminal.send("r")
    terminal.wait_for("Take the generated network-config back?")
    terminal.send(ENTER)
    terminal.wait_gone("Take the generated")
    assert "✓ edited" in terminal.text
    terminal.send("ry")
    terminal.wait_gone("✓ edited")
    terminal.wait_gone("x: 1")
    # What is edited counts as filled in.
    terminal.send("e")
    terminal.wait_for("✓ edited")
    terminal.send(ESC)
    terminal.wait_for("checks passed")
    terminal.send(CTRL_R)
    terminal.wait_for("Start over?")
    terminal.send("y")
    terminal.wait_for("all is as at first")
    terminal.wait_for("anna@laptop")
    terminal.send(CTRL_T)
    terminal.wait_for("[user-data] ")
    assert "*" not in terminal.lines[1]


def test_killed_while_it_is_edited_nothing_of_it_stays(
    kvmtui, key_home, cloud_image, open_app, tmp_path
):
    pipe, seen = tmp_path / "pipe", tmp_path / "seen"
    os.mkfifo(pipe)
    editor = tmp_path / "edit"
    editor.write_text(f'#!/bin/sh\necho "$$" > {seen}\nread -r line < {pipe}\n')
    editor.chmod(0o755)
    terminal = open_app(80, 24, EDITOR=str(editor), VISUAL=None, XDG_RUNTIME_DIR=None)
    terminal.wait_for("No guests yet")
    terminal.send("3")
    terminal.wait_for("anna@laptop")
    terminal.send(CTRL_T)
    terminal.wait_for("[user-data]")
    terminal.send("e")
    terminal.wait_until(lambda: seen.exists() and seen.read_text().strip(), what="the editor")
    try:
        (folder,) = leftovers(kvmtui.home)[:1]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        terminal.process.send_signal(signal.SIGKILL)
        terminal.wait_end()
        terminal.wait_until(lambda: not leftovers(kvmtui.home), what="its end")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(seen.read_text()), signal.SIGKILL)
