"""A real cloud image made into a guest by keys alone, and a login to it by ssh."""

from __future__ import annotations

import hashlib
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tui.seen import CTRL_S, ENTER, ESC, TAB

sys.path.insert(0, str(Path(__file__).parent.parent))
import cloud_guest

CACHE = Path(__file__).parent.parent.parent / ".cache"
LIMIT_S = 900
CTRL_T, BACKSPACE = "\x14", "\x7f"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image, as a person has it who fetched it elsewhere."""
    why = cloud_guest.missing()
    if why:
        pytest.skip(why)
    CACHE.mkdir(exist_ok=True)
    guest = cloud_guest.build(CACHE)
    return cloud_guest.bootable(guest, tmp_path_factory.mktemp("cloud"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_a_cloud_image_by_keys_alone_is_reached_by_ssh(kvmtui, image, open_app, tmp_path):
    ssh = tmp_path / "person" / ".ssh"
    ssh.mkdir(parents=True)
    key = ssh / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    kvmtui.environment["HOME"] = str(ssh.parent)
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho \'bootcmd: ["touch /edited-by-hand"]\' >> "$1"\n')
    editor.chmod(0o755)
    digest = hashlib.sha512(image.read_bytes()).hexdigest()
    kvmtui.ok("catalog", "pull", "debian-12", "--file", image, "--checksum", digest)
    port = free_port()

    terminal = open_app(80, 24, EDITOR=str(editor), VISUAL=None)
    terminal.wait_for("measured: ")
    terminal.send("3")
    terminal.wait_for("✓ here already")
    # Each default is selected: what is typed takes its place.
    terminal.send("web" + TAB + "768M" + TAB * 9 + BACKSPACE + TAB * 3 + ENTER)
    terminal.wait_for("▾ More disks and networks")
    terminal.send(TAB * 4 + f"127.0.0.1:{port}:22")
    terminal.wait_for("checks passed")
    terminal.send(CTRL_T)
    terminal.wait_for("[user-data]")
    terminal.send("e")
    terminal.wait_for("✓ edited")
    terminal.wait_for("touch /edited-by-hand")
    terminal.send(ESC)
    terminal.wait_for("Ctrl-S create")
    terminal.send(CTRL_S)
    terminal.wait_for("Started")
    terminal.wait_until(lambda: kvmtui.row("web")["state"] == "running", what="web runs")

    words = ["ssh", "-F", "none", "-i", key, "-p", port, "-o", "BatchMode=yes"]
    words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    words += ["-o", "ConnectTimeout=10", "debian@127.0.0.1"]
    command = [*map(str, words), "hostname; id -un; ls /edited-by-hand; stat -c %T -f /"]
    deadline = time.monotonic() + LIMIT_S
    while True:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            break
        tail = (kvmtui.folder("web") / "console.log").read_bytes()[-2000:]
        assert time.monotonic() < deadline, tail.decode(errors="replace")
        terminal.pump()
        select.select([], [], [], 2)
    assert done.stdout == "web\ndebian\n/edited-by-hand\next2/ext3\n"
    kvmtui.ok("stop", "web")
