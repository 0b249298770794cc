"""A real Linux guest reads the same bytes before and after everything that was done to its disk."""

from __future__ import annotations

import re
import select
import socket

import pytest

from kvmtui.guest.folder import RUN
from kvmtui.qemu.plain import connect_below


def ask(kvmtui, line):
    """Type a line into the guest's shell and return what it says, up to a word of its own."""
    with connect_below(kvmtui.folder("g") / RUN, "serial") as console:
        console.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        console.sendall(f"{line}; echo d''one\n".encode())
        said = b""
        while b"\ndone" not in said.replace(b"\r", b""):
            assert select.select([console], [], [], 60)[0], said
            said += console.recv(1 << 16)
    return said.decode("utf-8", "replace")


def checksum(kvmtui):
    said = ask(kvmtui, "dd if=/dev/sda bs=1M count=24 2>/dev/null | md5sum")
    return re.search(r"\b[0-9a-f]{32}\b", said)[0]


def boot(kvmtui):
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY")


def written_while_moved(kvmtui):
    """The guest writes behind what is compared, and to the disk's end, while its disk moves."""
    once = "dd if=/dev/urandom of=/dev/sda bs=1M seek=26 count=4 2>/dev/null"
    ask(kvmtui, f"while [ ! -e /stop ]; do {once}; done & true")
    kvmtui.ok("image", "move", "g/disk0.qcow2", "live.raw", "--format", "raw")
    ask(kvmtui, "touch /stop; wait; sync")
    ask(kvmtui, "dd if=/dev/sda bs=1M skip=26 count=4 2>/dev/null | md5sum > /after")
    said = ask(kvmtui, "echo 3 > /proc/sys/vm/drop_caches; cat /after")
    again = ask(kvmtui, "dd if=/dev/sda bs=1M skip=26 count=4 2>/dev/null | md5sum")
    assert re.search(r"\b[0-9a-f]{32}\b", said)[0] == re.search(r"\b[0-9a-f]{32}\b", again)[0]


def test_a_linux_guest_keeps_its_data_while_it_runs(kvmtui, linux_guest_files):
    """From the top of three images down to a raw one and back, without a stop."""
    example = linux_guest_files / "debian-kernel.yaml"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg")
    images, disk = kvmtui.home / "images", kvmtui.folder("g") / "disk0.qcow2"
    disk.unlink(missing_ok=True)
    kvmtui.ok("image", "create", "base.qcow2", "32M")
    kvmtui.ok("image", "create", images / "middle.qcow2", "--backing", "base.qcow2")
    kvmtui.ok("image", "create", disk, "--backing", "middle.qcow2")
    kvmtui.ok("set", "g", "disks=[{file: disk0.qcow2}]")
    boot(kvmtui)
    ask(kvmtui, "dd if=/dev/urandom of=/dev/sda bs=1M count=20; sync")
    before = checksum(kvmtui)
    kvmtui.ok("image", "resize", "g/disk0.qcow2", "48M")
    grown = "cat /sys/block/sda/size"
    assert re.search(r"\b98304\b", ask(kvmtui, f"echo 1 > /sys/block/sda/device/rescan; {grown}"))
    assert "g runs and uses it" in kvmtui.refused("image", "compact", "g/disk0.qcow2")
    kvmtui.ok("image", "commit", "g/disk0.qcow2", "--yes")
    assert not disk.exists() and checksum(kvmtui) == before
    kvmtui.ok("image", "flatten", "middle.qcow2")
    assert checksum(kvmtui) == before
    kvmtui.ok("image", "move", "middle.qcow2", disk)
    written_while_moved(kvmtui)
    kvmtui.ok("image", "move", "live.raw", disk)
    assert checksum(kvmtui) == before
    kvmtui.ok("shutdown", "g")
    kvmtui.ok("image", "check", disk)


@pytest.mark.slow
def test_a_linux_guest_keeps_its_data(kvmtui, linux_guest_files):
    example = linux_guest_files / "debian-kernel.yaml"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--disk", "48M")
    boot(kvmtui)
    ask(kvmtui, "dd if=/dev/urandom of=/dev/sda bs=1M count=20; sync")
    before = checksum(kvmtui)
    kvmtui.ok("shutdown", "g")

    kvmtui.ok("image", "create", "base.qcow2", "48M")
    kvmtui.ok("image", "rebase", "g/disk0.qcow2", "--backing", "base.qcow2")
    kvmtui.ok("image", "compact", "g/disk0.qcow2")
    kvmtui.ok("image", "flatten", "g/disk0.qcow2")
    kvmtui.ok("image", "check", "g/disk0.qcow2")
    kvmtui.ok("image", "check", "g/disk0.qcow2", "--repair", "leaks")
    kvmtui.ok("image", "resize", "g/disk0.qcow2", "64M")
    kvmtui.ok("image", "move", "g/disk0.qcow2", "moved.qcow2")
    boot(kvmtui)
    assert checksum(kvmtui) == before
    kvmtui.ok("shutdown", "g")

    kvmtui.ok("image", "clone", "moved.qcow2", "clone.qcow2")
    kvmtui.ok("image", "convert", "clone.qcow2", "a.vmdk")
    kvmtui.ok("image", "convert", "a.vmdk", "a.vhdx")
    kvmtui.ok("image", "import", kvmtui.home / "images" / "a.vhdx", "back.raw", "--format", "raw")
    back = kvmtui.home / "images" / "back.raw"
    kvmtui.ok("set", "g", f"disks[0].file={back}", "disks[0].format=raw")
    boot(kvmtui)
    assert checksum(kvmtui) == before
    kvmtui.ok("stop", "g")
