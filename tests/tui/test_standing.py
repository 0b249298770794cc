"""The terminal and its reader at their worst: they stand, stop, go, or are another's."""

from __future__ import annotations

import os
import signal
import sys
import termios
from pathlib import Path

import pytest
from tui.seen import wait_row
from tui.terminal import Terminal

from kvmtui.stats.process import read_process
from tests.dead_mount import dead_mount

_AT_DEAD_FILE = ("fuse", "request_wait_answer", "d_alloc_parallel")
CTRL_L, CTRL_Z, ESC, DOWN = "\x0c", "\x1a", "\x1b", "\x1b[B"


def state(pid):
    figures = read_process(pid)
    return figures.state if figures else "gone"


def threads_in(pid, *where):
    """How many threads of a process wait in one of some functions of the kernel."""
    found = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            at = (task / "wchan").read_text()
            found += any(name in at for name in where)
        except OSError:
            continue
    return found


def let_it_stand(terminal):
    """Stop reading, and let the app write until its output waits."""
    terminal.stop_reading()

    def waits():
        terminal.send(CTRL_L)
        return threads_in(terminal.process.pid, "wait_woken")

    terminal.wait_until(waits, what="output that waits")


def is_cooked(terminal):
    return bool(termios.tcgetattr(terminal.fd)[3] & termios.ICANON)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_though_nobody_reads(kvmtui, open_app, number):
    terminal = open_app(200, 50)
    terminal.wait_for("No guests yet")
    let_it_stand(terminal)
    os.kill(terminal.process.pid, number)
    assert terminal.wait_end() == 128 + number
    assert is_cooked(terminal)
    terminal.continue_reading()
    terminal.wait_until(lambda: not terminal.alternate, what="the main screen")


def test_figures_go_on_while_nobody_reads(kvmtui, open_app):
    kvmtui.tiny("a")
    terminal = open_app(200, 50)
    terminal.wait_for("stopped")
    let_it_stand(terminal)
    terminal.send("s")
    kvmtui.ok("wait", "a", "--for", "running")

    def pressed_until_paused():
        """The key is refused until the app itself has seen the start end."""
        paused = kvmtui.row("a")["state"] == "paused"
        if not paused:
            terminal.send("p")
        return paused

    terminal.wait_until(pressed_until_paused, what="paused")
    terminal.continue_reading()
    terminal.wait_for("paused")
    terminal.send("q")
    assert terminal.wait_end() == 0


def test_it_can_be_suspended_though_nobody_reads(kvmtui, open_app):
    terminal = open_app(200, 50)
    terminal.wait_for("No guests yet")
    let_it_stand(terminal)
    terminal.send(CTRL_Z)
    terminal.wait_until(lambda: state(terminal.process.pid) == "T", what="its stop")
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.continue_reading()
    terminal.wait_for("No guests yet")
    terminal.send("q")
    assert terminal.wait_end() == 0


def test_a_plain_stop_leaves_one_reader_and_a_whole_terminal(kvmtui, open_app):
    terminal = open_app()
    terminal.wait_for("No guests yet")
    pid = terminal.process.pid
    readers = threads_in(pid, "poll_schedule")
    assert readers
    for _ in range(2):
        os.kill(pid, signal.SIGSTOP)
        terminal.wait_until(lambda: state(pid) == "T", what="its stop")
        terminal.make_cooked()
        terminal.feed(b"\x1b[H\x1b[2Janother program")
        os.kill(pid, signal.SIGCONT)
        terminal.wait_for("No guests yet")
        terminal.wait_until(lambda: not is_cooked(terminal), what="raw mode")
    terminal.wait_until(lambda: threads_in(pid, "poll_schedule") == readers, what="one reader")
    terminal.send("?")
    terminal.wait_for("Guests: keys")
    terminal.send("\x1b")
    terminal.wait_gone("Guests: keys")
    terminal.send("q")
    assert terminal.wait_end() == 0
    assert is_cooked(terminal) and not terminal.alternate


def test_under_a_shell_with_job_control(kvmtui):
    command = ["bash", "--norc", "-i"]
    environment = {**kvmtui.environment, "PS1": "ready> ", "HISTFILE": None}
    with Terminal(command, environment=environment) as terminal:
        terminal.wait_for("ready>")
        terminal.send(f"{sys.executable} -m kvmtui\r")
        terminal.wait_for("No guests yet")
        shell = terminal.process.pid
        pid = int(Path(f"/proc/{shell}/task/{shell}/children").read_text())
        terminal.send(CTRL_Z)
        terminal.wait_for("Stopped")
        assert not terminal.alternate
        terminal.send("bg\r")
        terminal.wait_for("kvmtui &")
        terminal.wait_until(lambda: state(pid) == "T", what="a second stop")
        terminal.send("fg\r")
        terminal.wait_for("No guests yet")
        terminal.send(CTRL_Z)
        terminal.wait_until(lambda: not terminal.alternate, what="the main screen")
        terminal.send("kill %1\r")
        terminal.wait_until(lambda: state(pid) in ("gone", "Z"), what="its end")
        terminal.send("echo still e''choed\r")
        terminal.wait_for("still echoed")


def test_a_terminal_that_goes_while_sighup_is_ignored(kvmtui):
    command = ["sh", "-c", f"trap '' HUP; exec {sys.executable} -m kvmtui"]
    with Terminal(command, environment=kvmtui.environment) as terminal:
        terminal.wait_for("No guests yet")
        terminal.hang_up()
        assert terminal.process.wait(timeout=30) == 129


FAULT = """
import sys
from kvmtui.tui.screens.main import MainScreen

def fail(self, action_id):
    raise RuntimeError("made by the test")

MainScreen.perform = fail
from kvmtui.__main__ import main
main()
"""


def test_a_fault_of_our_own_is_one_line_and_a_file(kvmtui, tmp_path):
    environment = {**kvmtui.environment, "TMPDIR": str(tmp_path)}
    with Terminal([sys.executable, "-c", FAULT], environment=environment) as terminal:
        terminal.wait_for("No guests yet")
        terminal.send("o")
        assert terminal.wait_end() == 1
        assert not terminal.alternate and is_cooked(terminal)
        shown = terminal.text.replace("\n", "")
        assert "kvmtui: the interface failed, guests go on: RuntimeError: made by the" in shown
        assert "Traceback" not in shown
    (file,) = tmp_path.glob("kvmtui-fault-*.txt")
    assert "in fail" in file.read_text()


def test_what_waits_for_a_dead_file_holds_up_nothing(kvmtui, open_app, tmp_path):
    for name in ("a", "b"):
        kvmtui.tiny(name)
    far = tmp_path / "far"
    far.mkdir()
    (kvmtui.folder("a") / "console.log").symlink_to(far / "console.log")
    with dead_mount(far):
        terminal = open_app()
        wait_row(terminal, "b", "stopped")
        terminal.send("l")
        terminal.wait_for("[Console log]")
        waiting = min(32, (os.cpu_count() or 1) + 4)  # As many threads as asyncio has of its own.
        for _ in range(50):
            if threads_in(terminal.process.pid, *_AT_DEAD_FILE) >= min(waiting, 8):
                break
            terminal.send("\t\t")
            terminal.wait_for("[Overview]")
            terminal.send("\t\t")
            terminal.wait_for("[Console log]")
        else:
            raise AssertionError("nothing waits for the file")
        terminal.send(ESC + DOWN)
        wait_row(terminal, "b", "▌")
        terminal.send("s")
        wait_row(terminal, "b", "running")
        terminal.send("q")
        assert terminal.wait_end() == 0
        assert not terminal.alternate and is_cooked(terminal)
