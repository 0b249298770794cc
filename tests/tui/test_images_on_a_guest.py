"""By keys, to the disk of a real Linux guest that writes to it meanwhile: grown, then moved."""

from __future__ import annotations

import hashlib
import re
import subprocess

import pytest
from tui.seen import CTRL_S

from tests.cli.test_image_guest import ask, boot
from tests.tui.test_images_on_a_terminal import fill, leftovers, open_images, row

_MIB = 1 << 20


def checksum_inside(kvmtui):
    said = ask(kvmtui, "echo 3 > /proc/sys/vm/drop_caches; md5sum /dev/sda")
    return re.search(r"\b[0-9a-f]{32}\b", said)[0]


def checksum_outside(path, scratch):
    words = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(path), str(scratch)]
    subprocess.run(words, check=True)
    assert scratch.stat().st_size == 48 * _MIB
    return hashlib.md5(scratch.read_bytes()).hexdigest()


@pytest.mark.slow
def test_grown_and_moved_while_the_guest_writes(kvmtui, linux_guest_files, open_app, tmp_path):
    example = linux_guest_files / "debian-kernel.yaml"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--disk", "32M")
    boot(kvmtui)
    ask(kvmtui, "dd if=/dev/urandom of=/dev/sda bs=1M count=24 2>/dev/null; sync")
    once = "dd if=/dev/urandom of=/dev/sda bs=64K seek=$((RANDOM % 500)) count=8 conv=notrunc"
    # Counted, so that it is seen to go on through both.
    ask(kvmtui, f"while [ ! -e /stop ]; do {once} 2>/dev/null; echo x >>/writes; done & true")
    (tmp_path / "new").mkdir()
    old, new = kvmtui.folder("g") / "disk0.qcow2", tmp_path / "new" / "disk0.qcow2"

    terminal = open_images(open_app)
    terminal.wait_until(lambda: "● g" in row(terminal, "g/disk0.qcow2"), what="its guest")
    writes = [written(kvmtui)]
    terminal.send("w")
    fill(terminal, "Size", "+16M")
    terminal.wait_for("g runs and sees the new size at once")
    terminal.send(CTRL_S)
    terminal.wait_for("it had 32M; g runs on")
    writes.append(written(kvmtui))
    terminal.wait_until(lambda: " 48M " in row(terminal, "g/disk0.qcow2"), what="its new size")
    terminal.send("m")
    fill(terminal, "To", f"{tmp_path}/new/")
    terminal.wait_for("✓ copied while g runs")
    terminal.send(CTRL_S)
    terminal.wait_until(lambda: new.exists() and not old.exists(), what="the move", deadline_s=120)
    # A long answer goes on in another line wherever it has a blank.
    terminal.wait_for("changed:")
    writes.append(written(kvmtui))
    assert writes == sorted(set(writes)), "the guest did not write meanwhile"

    rescan = "echo 1 > /sys/block/sda/device/rescan; cat /sys/block/sda/size"
    ask(kvmtui, "touch /stop; wait; sync")
    assert re.search(rf"\b{48 * _MIB // 512}\b", ask(kvmtui, rescan))
    inside = checksum_inside(kvmtui)
    kvmtui.ok("shutdown", "g")
    assert checksum_outside(new, tmp_path / "raw") == inside
    kvmtui.ok("image", "check", new)
    (disk,) = kvmtui.ok("show", "g", "--json").json["definition"]["disks"]
    assert disk["file"] == str(new) and leftovers(kvmtui) == []


def written(kvmtui):
    """How many times the guest has written so far."""
    return int(re.search(r"\b(\d+) /writes", ask(kvmtui, "wc -l /writes"))[1])
