"""`install` where something goes wrong in the middle: no room, two at once, kills at any change."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from tiny_installer import RESTART, make_cd

from kvmtui.guest.definition import Definition
from kvmtui.guest.install_record import read_install
from kvmtui.manage import install_prompt

LEAST = ("--memory", "32M", "--network", "none", "--accelerator", "tcg")
LIMIT_S = 40
DIES = """
import os, signal, sys
left = int(sys.argv[1])
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.symlink", "subprocess.Popen"}
def hook(event, args):
    global left
    writes = event == "open" and isinstance(args[2], int) and args[2] & os.O_ACCMODE
    if left and (event in CHANGES or (writes and not str(args[0]).startswith(("/dev/", "/proc/")))):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
from kvmtui.cli.main import run
import kvmtui.manage.installing
sys.addaudithook(hook)
run(sys.argv[2:])
"""
"""The command line, which dies just before the so-manieth change that it makes to files."""
DEFINED = """
import os, signal, sys
import kvmtui.manage.starting as module
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
module.start_now = killed
from kvmtui.cli.main import run
run(sys.argv[1:])
"""
"""The command line, which dies once the guest is defined."""


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run_program(kvmtui, program, *words):
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, env=kvmtui.environment, timeout=2 * LIMIT_S).returncode


def record_of(kvmtui):
    return read_install(kvmtui.library.folder("g"))


def is_installed(kvmtui):
    """It runs from its disk, with the medium taken out."""
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", LIMIT_S)
    definition = kvmtui.ok("show", "g", "--json").json["definition"]
    return record_of(kvmtui) is None and definition["cdroms"] == [{}]


def test_without_room_in_the_middle_it_stands_still_says_so_and_goes_on(kvmtui, tmp_path, new_disk):
    iso, small = make_cd(tmp_path / "cd.iso", RESTART), new_disk(2)
    words = ("install", "g", "--iso", iso, *LEAST, "--disk", f"{small}/d.qcow2,size=1M")
    assert run_program(kvmtui, DEFINED, *words) == -signal.SIGKILL
    with (
        open(small / "ballast", "wb", buffering=0) as file,
        pytest.raises(OSError, match="No space"),
    ):
        while True:
            file.write(bytes(4096))
    said = kvmtui.refused("install", "g", "--wait", "--timeout", LIMIT_S, "--quiet")
    still = "kvmtui: g stands still while it is being installed: there is no room left for its disk"
    assert said == still
    assert kvmtui.refused("install", "g") == still and kvmtui.row("g")["state"] == "io-error"
    (small / "ballast").unlink()
    kvmtui.ok("resume", "g")
    kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
    assert is_installed(kvmtui)


def test_watch_lets_it_go_on_that_ended_while_nobody_looked(kvmtui, tmp_path):
    iso = make_cd(tmp_path / "cd.iso", RESTART)
    kvmtui.ok("install", "g", "--iso", iso, *LEAST, "--disk", "1M")
    until(lambda: kvmtui.row("g")["pid"] is None)
    assert record_of(kvmtui).stage == "medium"
    watch = kvmtui.popen("watch")
    try:
        until(lambda: record_of(kvmtui) is None)
        assert is_installed(kvmtui)
        assert kvmtui.ok("install", "g").out.startswith("g is installed, 20")
    finally:
        watch.send_signal(signal.SIGTERM)
        watch.communicate(timeout=LIMIT_S)
    # Ended by itself, it lets the guest be.
    assert kvmtui.row("g")["state"] == "running"


def test_of_two_of_a_name_at_once_one_is_made_and_one_is_told(kvmtui, tmp_path):
    kvmtui.tiny("first")
    words = ("install", "g", "--iso", make_cd(tmp_path / "cd.iso", RESTART), *LEAST, "--disk", "1M")
    both = [kvmtui.popen(*words) for _ in range(2)]
    told = [process.communicate(timeout=2 * LIMIT_S)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], told
    (loser,) = (err for process, err in zip(both, told, strict=True) if process.returncode)
    assert loser.splitlines()[0].startswith("kvmtui: g: a guest of this name exists"), loser
    kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
    assert is_installed(kvmtui) and not list((kvmtui.home / "guests").glob(".new*"))


def test_enter_is_pressed_until_the_guest_reads_its_cd(kvmtui, tmp_path):
    key_then_restart = b"\xb4\x00\xcd\x16" + RESTART
    """mov ah, 0; int 16: wait for a key"""
    iso = make_cd(tmp_path / "cd.iso", key_then_restart)
    kvmtui.ok("install", "g", "--iso", iso, *LEAST, "--disk", "1M")
    folder = kvmtui.library.folder("g")
    # It reads, so nothing is pressed: it waits still.
    until(lambda: install_prompt.press_until_it_boots(folder, limit_s=1, boots_bytes=1))
    assert kvmtui.row("g")["state"] == "running" and record_of(kvmtui).stage == "medium"
    assert not install_prompt.press_until_it_boots(folder, limit_s=LIMIT_S)
    kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
    assert is_installed(kvmtui)
    assert not install_prompt.waits_for_key(Definition(os="win11", firmware="bios"))
    assert install_prompt.waits_for_key(Definition(os="win11", firmware="uefi"))
    assert not install_prompt.waits_for_key(Definition(os="debian12", firmware="uefi"))


@pytest.mark.slow
@pytest.mark.parametrize("begin", range(1, 25, 3))
def test_killed_before_any_of_its_changes_the_next_goes_on(kvmtui, tmp_path, begin):
    iso = make_cd(tmp_path / "cd.iso", RESTART)
    words = ("install", "g", "--iso", iso, *LEAST, "--disk", "1M", "--wait", "--timeout", LIMIT_S)
    kvmtui.tiny("first")
    for number in range(begin, 200, 24):
        ended = run_program(kvmtui, DIES, number, *words)
        if kvmtui.folder("g").exists():
            kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
        else:
            kvmtui.ok(*words)
        assert is_installed(kvmtui), number
        kvmtui.ok("stop", "g")
        kvmtui.ok("delete", "g", "--yes")
        if ended == 0:
            return
        assert ended == -signal.SIGKILL
    raise AssertionError("it makes more changes than anything does")
