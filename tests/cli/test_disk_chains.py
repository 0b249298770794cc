"""A guest's disk that stands on other files: looked at before QEMU opens any of it."""

from __future__ import annotations

import pytest

from tests.cli.test_images import img


def overlay(path, backing, image_format="raw", size="4M"):
    """A qcow2 that names another file; that is not looked at."""
    img("create", "-q", "-f", "qcow2", "-u", "-b", backing, "-F", image_format, path, size)
    return path


@pytest.mark.parametrize(
    ("backing", "told"),
    [
        ("/etc/shadow", "stands on /etc/shadow, which is in no folder of images"),
        ("../../../../../../../../../etc/shadow", "which is in no folder of images"),
        ("nbd://127.0.0.1:1/x", "which is no plain file and is not followed"),
        ('json:{"driver":"file","filename":"/etc/shadow"}', "is no plain file"),
        ("missing.qcow2", "backing gone"),
    ],
)
def test_a_disk_that_leads_elsewhere_starts_nothing(kvmtui, tmp_path, backing, told):
    disk = overlay(tmp_path / "disk.qcow2", backing)
    assert told in kvmtui.refused("create", "a", "--disk", disk, status=1)
    good = tmp_path / "good.qcow2"
    img("create", "-q", "-f", "qcow2", good, "4M")
    kvmtui.tiny("a", "--disk", good)
    disk.rename(good)
    refused = kvmtui.refused("start", "a", status=1)
    assert f"a: disks[0]: {good} stands on" in refused and told in refused
    assert "--follow" not in refused
    assert kvmtui.row("a")["pid"] is None


def test_a_circle_and_a_data_file_elsewhere(kvmtui, tmp_path):
    one, two = tmp_path / "one.qcow2", tmp_path / "two.qcow2"
    overlay(one, two, "qcow2")
    overlay(two, one, "qcow2")
    assert "go in a circle" in kvmtui.refused("create", "a", "--disk", one, status=1)
    own = tmp_path / "own.qcow2"
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    data = folder / "data.raw"
    img("create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", own, "4M")
    assert "keeps data in" in kvmtui.refused("create", "a", "--disk", own, status=1)


def test_a_word_of_the_user_lets_it_be_followed(kvmtui, tmp_path):
    bases = tmp_path / "bases"
    bases.mkdir()
    base = bases / "base.raw"
    base.write_bytes(bytes(4 << 20))
    (tmp_path / "own").mkdir()
    disk = overlay(tmp_path / "own" / "disk.qcow2", base)
    refused = kvmtui("create", "a", "--disk", disk)
    assert refused.status == 1 and f"try: kvmtui image add-directory {bases}\n" in refused.err
    kvmtui.ok("image", "add-directory", bases)
    kvmtui.tiny("a", "--disk", disk)
    kvmtui.ok("start", "a")
    kvmtui.ok("stop", "a", "--yes")
    # What lies beside it needs no word.
    beside = overlay(bases / "beside.qcow2", base)
    kvmtui.ok("set", "a", f"disks[0].file={beside}")
    kvmtui.ok("start", "a")


def test_dots_are_taken_as_the_kernel_takes_them(kvmtui, tmp_path):
    """``..`` of a linked folder is above where the link leads to."""
    real, other = tmp_path / "real" / "deep", tmp_path / "other"
    real.mkdir(parents=True)
    other.mkdir()
    (tmp_path / "real" / "base.raw").write_bytes(bytes(4 << 20))
    (other / "link").symlink_to(real)
    overlay(real / "disk.qcow2", "../base.raw")
    (other / "base.raw").write_bytes(bytes(1 << 20))
    told = kvmtui.ok("image", "info", other / "link" / "disk.qcow2", "--json").json
    assert told["trouble"] == "backing elsewhere"
    kvmtui.ok("image", "add-directory", tmp_path / "real")
    told = kvmtui.ok("image", "info", other / "link" / "disk.qcow2", "--json").json
    assert told["trouble"] is None
