"""Secure Boot and the TPM: what Windows 11 asks of a machine, with real firmware and swtpm."""

from __future__ import annotations

import array
import os
import signal
import socket
import struct
import time

import pytest
from conftest import PLAIN_UID
from efi_disk import efi_disk
from ended import has_ended

from kvmtui.qemu import tpm

WINDOWS = ("tpm=true", "secure_boot=true", "hyperv=true", "clock=localtime", "os=win11")
SET_DATA_FD, INIT = 16, 2
GET_RANDOM = bytes.fromhex("8001 0000000c 0000017b 0008")
STARTUP = bytes.fromhex("8001 0000000c 00000144 0000")


@pytest.fixture
def windows(kvmtui):
    """Defines the guest ``w`` as Windows 11 wants it."""
    changes = [word for change in WINDOWS for word in ("--set", change)]
    words = ("--firmware", "uefi", "--memory", "128M", "--accelerator", "tcg")
    kvmtui.ok("create", "w", *words, "--network", "none", "--disk", "16M,bus=sata", *changes)
    return kvmtui


def swtpm_of(kvmtui, name="w"):
    return tpm.find_tpm(os.fspath(kvmtui.folder(name) / "run"))


def state_of(kvmtui):
    return (kvmtui.folder("w") / "tpm" / tpm.STATE_FILE).read_bytes()


def test_the_tpm_lives_and_dies_with_its_guest(windows):
    windows.ok("start", "w")
    assert windows.ok("qmp", "w", "query-tpm").json[0]["model"] == "tpm-crb"
    first, made = swtpm_of(windows), state_of(windows)
    assert first and (windows.folder("w") / "run/tpm.log").stat().st_mode & 0o77 == 0
    os.kill(windows.pid("w"), signal.SIGKILL)
    assert has_ended(first)

    windows.ok("start", "w")
    second = swtpm_of(windows)
    assert second and state_of(windows)[:64] == made[:64]
    windows.ok("stop", "w")
    assert has_ended(second)
    assert not (windows.folder("w") / "run/tpm.pid").exists()


def test_a_tpm_whose_qemu_never_came_is_no_hindrance(windows):
    run = windows.folder("w") / "run"
    run.mkdir(exist_ok=True)
    place = tpm.Tpm(os.fspath(run), os.fspath(windows.folder("w") / "tpm"), None, None)
    tpm.make_state(place)
    tpm.start_tpm(place)
    # It writes its pid anew once it runs, and for a moment there is none.
    deadline = time.monotonic() + 30
    while not (stale := swtpm_of(windows)):
        assert time.monotonic() < deadline
    windows.ok("start", "w")
    assert has_ended(stale) and swtpm_of(windows) not in (None, stale)


def test_a_start_that_fails_leaves_no_tpm(windows):
    windows.ok("set", "w", 'qemu_args=["-device", "nonsense"]')
    windows.refused("start", "w")
    assert swtpm_of(windows) is None
    assert not [pid for pid in os.listdir("/proc") if stands_in(pid, windows.folder("w") / "run")]


def stands_in(pid, folder):
    try:
        return pid.isdecimal() and os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False


def test_swtpm_answers_a_command_as_qemu_gives_it(tmp_path):
    """In a folder with a comma, deeper than a socket's name may be."""
    run = tmp_path / "a,b" / ("d" * 120) / "run"
    run.mkdir(parents=True)
    place = tpm.Tpm(os.fspath(run), os.fspath(run.parent / "tpm"), None, None)
    tpm.make_state(place)
    tpm.start_tpm(place)
    pid = tpm.find_tpm(place.run)
    folder = os.open(run, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(f"/proc/self/fd/{folder}/tpm")
        control.settimeout(20)
        ours, theirs = socket.socketpair()
        fds = array.array("i", [theirs.fileno()])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        control.sendmsg([struct.pack(">I", SET_DATA_FD)], rights)
        assert control.recv(4) == bytes(4)
        theirs.close()
        control.send(struct.pack(">II", INIT, 0))
        assert control.recv(4) == bytes(4)
        ours.settimeout(20)
        for command in (STARTUP, GET_RANDOM):
            ours.send(command)
            tag, size, code = struct.unpack(">HII", ours.recv(4096)[:10])
            assert (tag, code) == (0x8001, 0)
        assert size == 10 + 2 + 8
        ours.close()
    os.close(folder)
    assert has_ended(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives QEMU another user")
def test_the_tpm_runs_as_the_guests_user(plain_kvmtui):
    plain_kvmtui.prefix = []
    kvmtui = plain_kvmtui
    words = ("--memory", "32M", "--accelerator", "tcg", "--network", "none")
    kvmtui.ok("create", "w", *words, "--set", "tpm=true", "--set", "machine=pc")
    kvmtui.ok("start", "w")
    pid = swtpm_of(kvmtui)
    assert os.stat(f"/proc/{pid}").st_uid == PLAIN_UID
    assert (kvmtui.folder("w") / "tpm").stat().st_uid == PLAIN_UID


def test_secure_boot_lets_nothing_unsigned_through(kvmtui, tmp_path, linux):
    disk = tmp_path / "esp.raw"
    efi_disk(disk, linux[0], "BOOTX64.EFI")
    words = ("--firmware", "uefi", "--memory", "128M", "--accelerator", "tcg", "--network", "none")
    kvmtui.ok("create", "w", *words, "--disk", disk, "--set", "secure_boot=true")
    kvmtui.ok("start", "w")
    denied = "text=failed to load Boot0001 .*: Access Denied"
    kvmtui.ok("wait", "w", "--for", denied, "--timeout", "90")


def test_variables_without_keys_are_no_secure_boot(kvmtui):
    words = ("--firmware", "uefi", "--memory", "64M", "--accelerator", "tcg")
    kvmtui.ok("create", "w", *words, "--network", "none")
    kvmtui.ok("set", "w", "secure_boot=true")
    said = kvmtui.refused("start", "w")
    assert "efivars.qcow2 was made without Secure Boot" in said
    (kvmtui.folder("w") / "efivars.qcow2").unlink()
    kvmtui.ok("start", "w")
    assert "OVMF_CODE_4M.ms.fd" in kvmtui.ok("show", "w", "--argv").out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["secure_boot=true"], "firmware: secure_boot needs uefi"),
        (["machine=pc", "secure_boot=true", "firmware=uefi"], "secure_boot needs q35, not pc"),
        (["machine=isapc", "tpm=true"], "machine: isapc has no place for a tpm"),
        (["arch=aarch64", "hyperv=true"], "arch: aarch64 has no hyperv"),
    ],
)
def test_what_no_machine_has_is_refused(kvmtui, changes, said):
    words = [word for change in changes for word in ("--set", change)]
    assert said in kvmtui.refused("create", "w", *words)


def test_without_swtpm_the_package_is_named(kvmtui, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("qemu-system-x86_64", "qemu-img"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    kvmtui.environment["PATH"] = os.fspath(tools)
    made = kvmtui.ok("create", "w", "--memory", "32M", "--network", "none", "--set", "tpm=true")
    assert "it would not start now: swtpm is not installed" in made.err
    done = kvmtui("start", "w")
    assert done.err.startswith("kvmtui: w: swtpm is not installed: it is the guest's TPM")
    assert "swtpm" in done.err.splitlines()[1]
