"""Limits of disks and passphrases: in the definition, at the start, in a guest that runs."""

from __future__ import annotations

import subprocess

import pytest

from kvmtui.qemu.block_nodes import throttles
from kvmtui.qemu.brief import brief_session


def in_force(kvmtui, name, path):
    with brief_session(kvmtui.library.folder(name), "a test") as monitor:
        found = throttles(monitor, str(path))
    names = ("bps", "iops")
    return {key: value for key, value in found.items() if key.startswith(names) and value}


def test_limits_are_set_at_the_start_and_while_it_runs(kvmtui):
    kvmtui.tiny("web", "--disk", "1M", "--set", "disks[0].limits.iops=500")
    path = kvmtui.folder("web") / "disk0.qcow2"
    assert "without the limits" not in kvmtui.ok("start", "web").err
    assert in_force(kvmtui, "web", path) == {"iops": 500}
    words = ("--read-bytes", "4M", "--burst-read-bytes", "8M", "--burst-seconds", "5")
    done = kvmtui.ok("image", "limit", "web/disk0.qcow2", *words)
    assert "is limited" in done.out and done.err == ""
    expected = {"iops": 500, "bps_rd": 4 << 20, "bps_rd_max": 8 << 20, "bps_rd_max_length": 5}
    assert in_force(kvmtui, "web", path) == expected
    (shown,) = kvmtui.ok("image", "limit", "web/disk0.qcow2", "--json").json
    assert shown["defined"] == shown["in_force"] and shown["defined"]["burst_s"] == 5
    assert "read_bytes_per_s 4.0M" in kvmtui.ok("image", "limit", "web/disk0.qcow2").out
    # The other way to the same; no start is due.
    assert kvmtui.ok("set", "web", "disks[0].limits.iops=200").err == ""
    assert in_force(kvmtui, "web", path)["iops"] == 200
    kvmtui.ok("image", "move", "web/disk0.qcow2", "moved.qcow2")
    moved = kvmtui.home / "images" / "moved.qcow2"
    assert in_force(kvmtui, "web", moved)["iops"] == 200
    kvmtui.ok("image", "limit", "moved.qcow2", "--iops", "0")
    assert "iops" not in in_force(kvmtui, "web", moved)
    assert "no limits" in kvmtui.ok("image", "limit", "moved.qcow2", "--none").out
    assert in_force(kvmtui, "web", moved) == {}


def test_limits_on_each_bus(kvmtui, tmp_path):
    kvmtui.tiny("web", "--set", "usb=true")
    for index, bus in enumerate(("virtio", "sata", "nvme", "usb")):
        path = tmp_path / f"{bus}.raw"
        path.write_bytes(bytes(1 << 20))
        disk = f"{{file: {path}, bus: {bus}, limits: {{bytes_per_s: {index + 1}M}}}}"
        kvmtui.ok("set", "web", f"disks[{index}]={disk}")
    assert "without the limits" not in kvmtui.ok("start", "web").err
    for index, bus in enumerate(("virtio", "sata", "nvme", "usb")):
        assert in_force(kvmtui, "web", tmp_path / f"{bus}.raw") == {"bps": (index + 1) << 20}
    assert "a total, or" in kvmtui.refused("set", "web", "disks[0].limits.read_bytes_per_s=1M")


@pytest.mark.parametrize("image_format", ["qcow2", pytest.param("raw", marks=pytest.mark.slow)])
def test_a_guest_on_an_encrypted_disk(kvmtui, tmp_path, image_format):
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    name = f"e.{image_format}"
    kvmtui.library.make()
    # As `image create --encrypt` makes them, but quick to open.
    kind = {"qcow2": "qcow2", "raw": "luks"}[image_format]
    prefix = "encrypt." if kind == "qcow2" else ""
    options = f"{prefix}key-secret=s0,{prefix}iter-time=10"
    options += ",encrypt.format=luks" if kind == "qcow2" else ""
    words = ["qemu-img", "create", "-q", "--object", f"secret,id=s0,file={secret}", "-f", kind]
    words += ["-o", options, str(kvmtui.home / "images" / name), "1M"]
    while subprocess.run(words, capture_output=True).returncode:
        # QEMU times its own work, which may be too quick for its clock.
        pass
    kvmtui.tiny("web", "--disk", kvmtui.home / "images" / name)
    if image_format == "qcow2":
        told = kvmtui.refused("start", "web")
        assert "is encrypted, and no passphrase is named" in told
        assert "names no passphrase" in kvmtui.ok("image", "info", name).out
        assert "names its passphrase" in kvmtui.refused("image", "resize", name, "8M")
    kvmtui.ok("set", "web", f"disks[0].secret={secret}")
    assert "can be read by others" in kvmtui.refused("start", "web")
    secret.chmod(0o600)
    secret.write_text("hunter2\n")
    assert "ends with a newline" in kvmtui.refused("start", "web")
    secret.write_text("hunter3")
    assert "does not open its disk" in kvmtui.refused("start", "web")
    secret.write_text("hunter2")
    kvmtui.ok("start", "web")
    assert "hunter2" not in kvmtui.ok("show", "web", "--argv").out
    assert "encrypted" in kvmtui.refused("image", "move", name, "x.qcow2")
    kvmtui.ok("image", "resize", name, "8M")
    kvmtui.ok("stop", "web")
    if image_format == "qcow2":
        assert f"passphrase in {secret}" in kvmtui.ok("image", "info", name).out
        assert "the copy would not be" in kvmtui.refused("image", "convert", name, "x")
        kvmtui.ok("image", "resize", name, "9M")
        assert kvmtui.ok("image", "info", name, "--json").json["virtual_size_bytes"] == 9 << 20
    kvmtui.ok("start", "web")
