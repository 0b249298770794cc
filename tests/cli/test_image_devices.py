"""Block devices as images, such as the LVM volumes of a guest: read, never replaced."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.cli.test_images import img, leftovers, same

_SIZE = 8 << 20


@pytest.fixture
def device(tmp_path):
    """A block device with a known content: a loop device, as whole disks and LVM are."""
    file = tmp_path / "behind"
    file.write_bytes(os.urandom(1 << 20) + bytes(_SIZE - (1 << 20)))
    try:
        words = ["losetup", "--find", "--show", file]
        made = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no loop device can be had here: {error}")
    yield made
    subprocess.run(["losetup", "--detach", made], check=True)


def test_a_device_is_listed_read_and_never_replaced(kvmtui, tmp_path, device):
    behind = tmp_path / "behind"
    kvmtui.ok("image", "add-directory", device)
    (row,) = kvmtui.ok("image", "list", "--json").json
    assert (row["file"], row["format"]) == (device, "raw")
    assert row["virtual_size_bytes"] == _SIZE and row["actual_size_bytes"] is None
    kvmtui.ok("image", "info", device)
    kvmtui.ok("image", "measure", device)
    kvmtui.ok("image", "convert", device, "a.qcow2")
    kvmtui.ok("image", "clone", device, "b.raw", "--full")
    kvmtui.ok("image", "import", device, "c")
    images = kvmtui.home / "images"
    for name, image_format in (("a.qcow2", "qcow2"), ("b.raw", "raw"), ("c.qcow2", "qcow2")):
        assert same(images / name, behind, (image_format, "raw")), name
    before = behind.read_bytes()
    for words in (
        ("resize", device, "16M"),
        ("compact", device),
        ("move", device, "d.raw"),
        ("delete", device, "--yes"),
    ):
        assert "it is a block device" in kvmtui.refused("image", *words, status=1)
    assert behind.read_bytes() == before and leftovers(kvmtui) == []
    # An image may stand on one.
    kvmtui.ok("image", "create", "on", "--backing", device, "--backing-format", "raw")
    img("compare", "-f", "qcow2", "-F", "raw", images / "on.qcow2", behind)
    kvmtui.ok("image", "remove-directory", device)


def test_what_a_guest_wrote_into_its_volume_does_not_count(kvmtui, tmp_path, device):
    sly = tmp_path / "sly.qcow2"
    img("create", "-q", "-f", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw", sly, "4M")
    with open(device, "r+b") as file:
        file.write(sly.read_bytes()[: 1 << 16])
    kvmtui.ok("image", "add-directory", device)
    (row,) = kvmtui.ok("image", "list", "--json").json
    assert row["format"] == "raw" and row["trouble"] is None
    kvmtui.ok("image", "convert", device, "a.raw")
    assert (kvmtui.home / "images" / "a.raw").read_bytes() == (tmp_path / "behind").read_bytes()


def test_a_guest_runs_on_a_device(kvmtui, device):
    kvmtui.ok("image", "add-directory", device)
    kvmtui.tiny("web", "--disk", device)
    kvmtui.ok("set", "web", "disks[0].format=raw")
    kvmtui.ok("start", "web")
    (row,) = kvmtui.ok("image", "list", "--json").json
    assert row["in_use_by"][0]["guest"] == "web" and row["in_use_by"][0]["running"]
    assert "web runs" in kvmtui.refused("image", "convert", device, "x", status=1)
    assert kvmtui.refused("image", "delete", device, "--yes", status=1)
    kvmtui.ok("stop", "web", "--yes")
    kvmtui.ok("image", "convert", device, "x")
