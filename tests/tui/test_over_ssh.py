"""The app over a real sshd, in the terminals that people come with."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tui.terminal import Terminal

from kvmtui.stats.process import read_process

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as line:
        return line.recv(4) == b"SSH-"
    return False


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    """The words that log in to an sshd of this test's own."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(make, check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = free_port()
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPermitRootLogin yes\n"
        "UsePAM no\nPasswordAuthentication no\nAcceptEnv KVMTUI_HOME\nPrintMotd no\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            assert server.poll() is None and time.monotonic() < deadline, "sshd does not answer"
            select.select([], [], [], 0.02)
        yield [
            *("ssh", "-F", "none", "-i", str(folder / "user"), "-p", str(port)),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR", "-o", "SendEnv=KVMTUI_HOME", "-tt", "localhost"),
        ]
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def log_in(sshd, kvmtui):
    """Opens kvmtui over ssh in a terminal of some kind."""
    with contextlib.ExitStack() as stack:

        def open_one(term):
            command = f"exec {sys.executable} -m kvmtui"
            here = Path(__file__).parent.parent.parent
            return stack.enter_context(
                Terminal(
                    [*sshd, f"cd {here} && {command}"],
                    environment={"KVMTUI_HOME": str(kvmtui.home), "TERM": term, "COLORTERM": None},
                )
            )

        yield open_one


def app_on(home):
    """The process of the app that shows a home; None when there is none."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
            mine = f"KVMTUI_HOME={home}\0".encode()
            if words.endswith(b"\0-m\0kvmtui\0") and mine in (entry / "environ").read_bytes():
                return int(entry.name)
    return None


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "linux"])
def test_it_works_in(kvmtui, log_in, term):
    kvmtui.tiny("a")
    terminal = log_in(term)
    terminal.wait_for("stopped")
    assert terminal.alternate
    terminal.send("s")
    terminal.wait_for("running")
    grounds = {cell.background for line in terminal.cells() for cell in line}
    assert grounds == {"default"}, "the terminal's own colours are the default over SSH"
    assert terminal.text.isascii() == (term == "linux")
    terminal.send("q")
    assert terminal.wait_end() == 0
    assert not terminal.alternate
    assert kvmtui.row("a")["state"] == "running"


def test_a_dumb_terminal_is_told_what_works(log_in):
    terminal = log_in("dumb")
    assert terminal.wait_end() == 2
    shown = terminal.text.replace("\n", "")
    assert shown.startswith("kvmtui: this terminal (TERM=dumb) cannot place text: list, show")
    assert shown.count("kvmtui: ") == 1 and not terminal.alternate


def test_a_lost_line_ends_the_app_and_no_guest(kvmtui, log_in):
    kvmtui.tiny("a")
    terminal = log_in("xterm-256color")
    terminal.wait_for("stopped")
    terminal.send("s")
    terminal.wait_for("running")
    app = app_on(kvmtui.home)
    assert app is not None
    terminal.process.kill()

    def gone():
        figures = read_process(app)
        return figures is None or figures.state == "Z"

    terminal.wait_until(gone, what="the app's end")
    assert kvmtui.row("a")["state"] == "running"
