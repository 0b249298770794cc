"""A guest's disk that stands on other files: looked at before QEMU opens any of it."""

from __future__ import annotations

import subprocess
import sys

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


def test_another_guests_folder_is_told_and_a_linked_clone_keeps_the_word(kvmtui):
    """What a guest wrote into its own disk must not open to it what is another's."""
    kvmtui.tiny("web", "--disk", "4M")
    kvmtui.tiny("db", "--disk", "4M")
    mine, others = (kvmtui.folder(name) / "disk0.qcow2" for name in ("web", "db"))
    for backing in (others, "../db/disk0.qcow2"):
        mine.unlink()
        overlay(mine, backing, "qcow2")
        told = kvmtui.refused("start", "web", status=1)
        assert f"stands on {others}, which is in no folder of images" in told
        assert kvmtui.ok("image", "info", mine, "--json").json["trouble"] == "backing elsewhere"
        assert f"{others}" in kvmtui.refused("image", "convert", mine, "out.raw", status=1)
    mine.unlink()
    img("create", "-q", "-f", "qcow2", "-o", f"data_file={others},data_file_raw=on", mine, "4M")
    assert "keeps data in" in kvmtui.refused("start", "web", status=1)
    # Its own folder, whichever way it is written, needs no word.
    mine.unlink()
    img("create", "-q", "-f", "qcow2", kvmtui.folder("web") / "own.qcow2", "4M")
    overlay(mine, "../web/own.qcow2", "qcow2")
    kvmtui.ok("start", "web")
    kvmtui.ok("stop", "web", "--yes")
    # A person who clones a disk that nobody writes to has given the word for it.
    img("create", "-q", "-f", "qcow2", kvmtui.folder("db") / "golden.qcow2", "4M")
    kvmtui.ok("image", "clone", "db/golden.qcow2", "linked", "--linked")
    kvmtui.ok("set", "web", f"disks[0].file={kvmtui.home / 'images' / 'linked.qcow2'}")
    kvmtui.ok("start", "web")
    assert kvmtui.ok("image", "info", "linked.qcow2", "--json").json["trouble"] is None
    # That word is for that file, and for no other beside it.
    overlay(kvmtui.home / "images" / "sly.qcow2", others, "qcow2")
    assert kvmtui.ok("image", "info", "sly.qcow2", "--json").json["trouble"] == "backing elsewhere"


def test_a_start_with_an_overlay_loads_little(kvmtui):
    """Of other guests no more than the cache of definitions is read, and no module for it."""
    kvmtui.ok("image", "create", "base.qcow2", "4M")
    kvmtui.ok("image", "create", "over.qcow2", "--backing", "base.qcow2")
    kvmtui.tiny("a", "--disk", kvmtui.home / "images" / "over.qcow2")
    kvmtui.ok("list")
    script = (
        "import sys; from kvmtui.guest.library import Library\n"
        "from kvmtui.manage import starting, needs\n"
        "from kvmtui.manage.command_lines import CommandLine\n"
        f"library = Library({str(kvmtui.home)!r}); folder = library.folder('a')\n"
        "wants = CommandLine(library, folder).wants\n"
        "before = set(sys.modules)\n"
        "needs.check_chains(folder, wants)\n"
        "print(*set(sys.modules) - before)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "kvmtui.manage.disk_chains" in loaded
    heavy = {"re", "typing", "threading", "subprocess", "msgspec", "yaml", "asyncio"}
    assert not loaded & (heavy | {"kvmtui.manage.images", "kvmtui.manage.image_users"})
