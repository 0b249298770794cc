"""Trouble with the home, the disk and many guests at once: the app stays usable and says so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest
from bootable_cds import make_iso
from conftest import end_guests
from tui.seen import CLEAR, CTRL_S, DOWN, ENTER, ESC, RIGHT, UP, row, wait_row
from tui.terminal import Terminal

from kvmtui.qemu.process import lock_holder
from kvmtui.stats.process import read_process

MANY, REAL = 200, 24
MOST_BYTES = 110 << 20


@pytest.fixture
def full_home(kvmtui):
    """A home on a file system of its own; the function fills it and makes room again."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    kvmtui.home.mkdir()
    options = ["-o", "size=8m,mode=700"]
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", kvmtui.home], check=True)
    ballast = kvmtui.home / "ballast"

    def fill(full):
        ballast.unlink(missing_ok=True)
        if full:
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass

    yield fill
    end_guests(kvmtui.home)
    subprocess.run(["umount", "-l", kvmtui.home], check=True)


def test_a_full_disk(kvmtui, full_home, open_app):
    for name in ("a", "b"):
        kvmtui.tiny(name)
    terminal = open_app(140, 40)
    wait_row(terminal, "b", "stopped")
    full_home(True)
    terminal.send("s")
    terminal.wait_for("No space left on device")
    terminal.wait_for("Try: make room on that file system")
    assert terminal.text.count("No space left on device") == 1
    terminal.send(ESC)
    terminal.wait_gone("Esc ×")
    terminal.send("n")
    terminal.wait_for("✗ no room: ")
    terminal.send(CTRL_S)
    terminal.wait_for("▲ 1 field to put right: Disk: no room")
    terminal.send(ESC)
    wait_row(terminal, "a", "stopped")
    terminal.send("jl")
    terminal.wait_for("[Console log]")
    terminal.send(ESC)
    terminal.wait_gone("[Console log]")
    full_home(False)
    terminal.send("s")
    wait_row(terminal, "b", "running")


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(
    kvmtui, full_home, linux_guest_files, tmp_path, open_app
):
    files = [("install.amd/vmlinuz", linux_guest_files / "vmlinuz")]
    files += [("install.amd/initrd.gz", linux_guest_files / "initrd.img")]
    (tmp_path / "cds").mkdir()
    iso = make_iso(tmp_path / "cds" / "debian.iso", "Debian 12.5.0 amd64 n", files)
    kvmtui.library.make()
    terminal = open_app(140, 40)
    terminal.wait_for("No guests yet")
    terminal.send("3")
    terminal.wait_for("✓ free")
    terminal.send(UP * 3 + RIGHT + DOWN + str(iso))
    terminal.wait_for("✓ recognised")
    terminal.wait_for("● answer file made for you")
    terminal.send(CTRL_S)
    terminal.wait_for("No space left on")
    assert "debian.iso" in terminal.text, "what was filled in stays"
    assert not list((kvmtui.home / "guests").iterdir())


def test_a_home_that_cannot_be_read(plain_kvmtui):
    plain_kvmtui.tiny("a")
    command = [*plain_kvmtui.prefix, sys.executable, "-m", "kvmtui"]
    # Without the right to read everywhere: a plain user's own closed folder.
    command = [word.replace("+dac_read_search", "-all") for word in command]
    with Terminal(command, columns=140, rows=40, environment=plain_kvmtui.environment) as terminal:
        wait_row(terminal, "a", "stopped")
        guests = plain_kvmtui.home / "guests"
        os.chmod(guests, 0)
        terminal.wait_for(f"✗ {guests}: Permission denied")
        assert "stopped" in row(terminal, "a"), "what was known stays"
        os.chmod(guests, 0o700)
        terminal.wait_gone("Permission denied")
        shutil.rmtree(plain_kvmtui.home)
        terminal.wait_for(f"home {plain_kvmtui.home}")
        terminal.send("n")
        terminal.wait_for("✓ free")
        terminal.send(f"{CLEAR}new")
        terminal.wait_for("✓ free")
        terminal.send(ESC)
        terminal.wait_for("No guests yet")


def test_many_guests_that_die_at_once(kvmtui, open_app):
    kvmtui.tiny("g000")
    pattern = (kvmtui.folder("g000") / "guest.yaml").read_text()
    uuid = next(line for line in pattern.splitlines() if line.startswith("uuid:")).split()[1]
    for number in range(1, MANY):
        folder = kvmtui.home / "guests" / f"g{number:03}"
        folder.mkdir(mode=0o700)
        own = f"{uuid[:-4]}{number:04x}"
        (folder / "guest.yaml").write_text(pattern.replace(uuid, own))
    names = [f"g{number:03}" for number in range(REAL)]
    kvmtui.ok("start", *names)
    terminal = open_app(140, 40)
    wait_row(terminal, "g023", "running")
    pids = [lock_holder(kvmtui.folder(name) / "run" / "pid") for name in names]
    assert all(pids)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    terminal.send("G")
    wait_row(terminal, "g199", "stopped")
    terminal.wait_for("more")
    terminal.send("g")
    for name in names:
        wait_row(terminal, name, "crashed")
    terminal.send("!")
    terminal.wait_for("its process ended")
    terminal.send("5")
    terminal.wait_for("✗ crashed")
    terminal.send("1/g199" + ENTER)
    terminal.wait_for("1 of 200")
    figures = read_process(terminal.process.pid)
    assert figures is not None and figures.resident_bytes < MOST_BYTES
    terminal.send("q")
    assert terminal.wait_end() == 0
