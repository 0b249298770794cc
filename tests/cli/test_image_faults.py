"""`kvmtui image` with hostile images, full disks, killed programs and guests that run."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys

import pytest

from kvmtui.guest.units import format_size
from kvmtui.manage.image_records import records
from tests.cli.test_images import content, img, io, leftovers, pair, pair_made_once, same

__all__ = ["pair", "pair_made_once"]


def row_of(kvmtui, name):
    rows = kvmtui.ok("image", "list", "--json").json
    return next(row for row in rows if row["name"] == name)


@pytest.fixture
def images(kvmtui):
    kvmtui.ok("image", "create", "good", "4M")
    return kvmtui.home / "images"


def unsafe(path, backing, image_format="raw", size="4M"):
    words = ["-u", "-b", backing, "-F", image_format] if backing else []
    img("create", "-q", "-f", "qcow2", *words, path, size)


def test_a_size_that_no_image_can_have_is_told_with_what_can_be(kvmtui):
    done = kvmtui("image", "create", "big", "9999T")
    assert done.err.count("big.qcow2") == 1 and "  try: a smaller one: 2048T at most" in done.err


@pytest.mark.parametrize(
    ("backing", "trouble"),
    [
        ("/etc/shadow", "backing elsewhere"),
        ("../../../../../../../../etc/shadow", "backing elsewhere"),
        ("nbd://127.0.0.1:1/x", "backing is no file"),
        ("ssh://nobody@127.0.0.1/x", "backing is no file"),
        ('json:{"driver":"file","filename":"/etc/shadow"}', "backing is no file"),
        ("missing.qcow2", "backing gone"),
    ],
)
def test_a_backing_file_that_must_not_be_followed(kvmtui, images, backing, trouble):
    unsafe(images / "bad.qcow2", backing)
    assert row_of(kvmtui, "bad.qcow2")["trouble"] == trouble
    assert kvmtui.ok("image", "info", "bad.qcow2", "--json").json["trouble"] == trouble
    for words in (("convert", "bad.qcow2", "x"), ("flatten", "bad.qcow2"), ("check", "bad.qcow2")):
        assert "stands on" in kvmtui.refused("image", *words)
    if trouble != "backing elsewhere":
        assert "stands on" in kvmtui.refused("image", "convert", "bad.qcow2", "x", "--follow")
    assert not (images / "x.qcow2").exists() and not leftovers(kvmtui)
    kvmtui.ok("image", "delete", "bad.qcow2", "--yes")


def test_a_person_may_vouch_for_a_backing_file_elsewhere(kvmtui, images, tmp_path):
    base = tmp_path / "base.raw"
    base.write_bytes(b"k" * (4 << 20))
    unsafe(images / "top.qcow2", base)
    assert "in no folder of images" in kvmtui.refused("image", "convert", "top.qcow2", "x.raw")
    kvmtui.ok("image", "convert", "top.qcow2", "x.raw", "--follow")
    assert (images / "x.raw").read_bytes() == base.read_bytes()
    kvmtui.ok("image", "add-directory", tmp_path)
    assert row_of(kvmtui, "top.qcow2")["trouble"] is None


def test_a_data_file_elsewhere(kvmtui, images):
    text = (
        '# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 2 FLAT "/etc/passwd" 0\n'
    )
    (images / "bad.vmdk").write_text(text)
    assert "keeps data in /etc/passwd" in kvmtui.refused("image", "convert", "bad.vmdk", "x")
    assert "/etc/passwd" in kvmtui.ok("image", "info", "bad.vmdk").out


def test_backing_files_in_a_circle(kvmtui, images):
    unsafe(images / "self.qcow2", "self.qcow2", "qcow2")
    unsafe(images / "one.qcow2", "two.qcow2", "qcow2")
    unsafe(images / "two.qcow2", "one.qcow2", "qcow2")
    for name in ("self", "one", "two"):
        assert row_of(kvmtui, f"{name}.qcow2")["trouble"] == "backing files go in a circle"
        assert "in a circle" in kvmtui.refused("image", "convert", f"{name}.qcow2", "x")
    assert kvmtui.ok("image", "tree").out.count(".qcow2") == 4
    kvmtui.ok("image", "rebase", "one.qcow2", "--no-backing", "--unsafe", "--yes")
    assert row_of(kvmtui, "two.qcow2")["trouble"] is None


@pytest.mark.parametrize(
    ("offset", "value", "told"),
    [(24, 1 << 63, "claims 8.0E"), (60, 0x4000_0000 << 32, "claims 1073741824 snapshots")],
)
def test_a_header_that_claims_too_much(kvmtui, images, offset, value, told):
    path = images / "good.qcow2"
    data = bytearray(path.read_bytes())
    data[offset : offset + (8 if offset == 24 else 4)] = value.to_bytes(8, "big")[
        : 8 if offset == 24 else 4
    ]
    path.write_bytes(data)
    assert row_of(kvmtui, "good.qcow2")["trouble"] == told
    assert told in kvmtui.ok("image", "info", "good.qcow2").out
    for words in (
        ("convert", "good.qcow2", "x"),
        ("resize", "good.qcow2", "8M"),
        ("check", "good.qcow2"),
    ):
        assert told in kvmtui.refused("image", *words)


def test_a_raw_disk_that_begins_like_a_qcow2(kvmtui, images, tmp_path):
    kvmtui.tiny("web", "--disk", "1M,format=raw,file=d.img")
    disk = kvmtui.folder("web") / "d.img"
    unsafe(tmp_path / "bad", "/etc/shadow")
    data = (tmp_path / "bad").read_bytes()
    disk.write_bytes(data.ljust(1 << 20, b"\0"))
    row = row_of(kvmtui, "web/d.img")
    assert row["format"] == "raw" and row["backing_file"] is None
    kvmtui.ok("image", "convert", "web/d.img", "copy.raw")
    assert (images / "copy.raw").read_bytes() == disk.read_bytes()


NAMES = [
    "a\nb.qcow2",
    "a:b.qcow2",
    "a,b=c.qcow2",
    "100%s.qcow2",
    "\x1b[2J.qcow2",
    "\u202ereverse.qcow2",
    "-f.qcow2",
    " .qcow2",
]


@pytest.mark.parametrize("name", NAMES)
def test_names(kvmtui, images, name):
    (images / "good.qcow2").rename(images / name)
    out = kvmtui.ok("image", "list").out
    assert "\x1b" not in out and "\u202e" not in out and len(out.splitlines()) == 2
    assert row_of(kvmtui, name)["format"] == "qcow2"
    path = images / name
    kvmtui.ok("image", "convert", path, f"{images}/to-{name}")
    kvmtui.ok("image", "clone", path, f"{images}/on-{name}", "--linked")
    kvmtui.ok("image", "compact", f"{images}/on-{name}")
    kvmtui.ok("image", "flatten", f"{images}/on-{name}")
    kvmtui.ok("image", "check", path)
    kvmtui.ok("image", "resize", path, "8M")
    done = kvmtui.ok("image", "delete", path, "--yes")
    assert "\x1b" not in done.out and not path.exists() and not leftovers(kvmtui)


def test_a_name_that_is_no_utf_8_through_every_verb(kvmtui, images, tmp_path):
    """Such a name cannot be shown, nor stand in a definition; all else works with it."""

    def place(name):
        return os.fsdecode(os.fsencode(images) + b"/\xff\xfe" + name)

    one, two, top = place(b"1.qcow2"), place(b"2.qcow2"), place(b"top.qcow2")
    os.rename(images / "good.qcow2", one)
    io(one, "write -P 5 0 1M")
    assert "\\u{dcff}" in kvmtui.ok("image", "list").out
    assert kvmtui.ok("image", "list", "--json").json[0]["format"] == "qcow2"
    done = [
        kvmtui.ok("image", *words)
        for words in (
            ("info", one),
            ("measure", one),
            ("partitions", one),
            ("check", one),
            ("check", one, "--repair", "leaks"),
            ("convert", one, two),
            ("clone", one, place(b"full.qcow2"), "--full"),
            ("clone", one, top, "--linked"),
            ("create", place(b"new.qcow2"), "1M"),
            ("import", one, place(b"in.raw"), "--format", "raw"),
            ("tree",),
            ("rebase", top, "--backing", two),
            ("move", two, place(b"moved.qcow2")),
            ("resize", top, "8M"),
            ("compact", top),
            ("commit", top, "--yes"),
            ("clone", one, top, "--linked"),
            ("flatten", top),
            ("storage",),
            ("orphans",),
        )
    ]
    assert all("\udcff" not in one.out + one.err for one in done)
    assert same(top, one) and not os.path.exists(two) and not leftovers(kvmtui)
    assert kvmtui.ok("image", "tree").out.count("\\u{dcff}") == 6
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    os.mkdir(folder)
    kvmtui.ok("image", "add-directory", folder)
    kvmtui.ok("image", "move", top, f"{folder}/")
    assert os.path.exists(f"{folder}/{os.path.basename(top)}")
    kvmtui.ok("image", "remove-directory", folder)
    refused = kvmtui.refused("create", "web", "--disk", one)
    assert "\udcff" not in refused
    for path in (one, place(b"moved.qcow2"), place(b"full.qcow2"), place(b"new.qcow2")):
        kvmtui.ok("image", "delete", path, "--yes")


def test_what_is_no_file(kvmtui, images):
    os.mkfifo(images / "fifo.qcow2")
    (images / "folder.qcow2").mkdir()
    (images / "gone.qcow2").symlink_to("nowhere")
    assert [row["name"] for row in kvmtui.ok("image", "list", "--json").json] == ["good.qcow2"]
    for name in ("fifo.qcow2", "folder.qcow2", "gone.qcow2"):
        kvmtui.refused("image", "info", name)
        kvmtui.refused("image", "delete", name, "--yes")
    unsafe(images / "on-fifo.qcow2", "fifo.qcow2")
    assert "backing is no file" in kvmtui.refused("image", "convert", "on-fifo.qcow2", "x")


def test_a_directory_of_ten_thousand_files(kvmtui, images, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_000):
        suffix = "qcow2" if number % 10 == 0 else "txt"
        (folder / f"{number}.{suffix}").touch()
    kvmtui.ok("image", "add-directory", folder)
    assert len(kvmtui.ok("image", "list", "--json").json) == 1001


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_too_small_or_fills_up(kvmtui, images, small_disk):
    kvmtui.ok("image", "create", "big.raw", "32M", "--format", "raw")
    (images / "big.raw").write_bytes(os.urandom(32 << 20))
    before = (images / "big.raw").read_bytes()
    assert "it needs 32M" in kvmtui.refused("image", "convert", "big.raw", small_disk / "a.qcow2")
    words = ("image", "convert", "big.raw", small_disk / "a.qcow2", "--compress")
    assert "No space left" in kvmtui.refused(*words)
    told = kvmtui.refused(
        "image", "import", images / "big.raw", small_disk / "b.raw", "--format", "raw"
    )
    assert "is full" in told
    assert os.listdir(small_disk) == [] and not leftovers(kvmtui)
    assert (images / "big.raw").read_bytes() == before


def begun(kvmtui, process, verb):
    """The record of work that has begun to write."""
    while process.poll() is None:
        for record, held in records(kvmtui.library):
            if held and record.get("verb") == verb and record.get("percent") is not None:
                return record
    raise AssertionError(process.communicate())


@pytest.fixture
def slow(kvmtui, pair):
    """A conversion that takes long, under way."""
    io(pair / "base.qcow2", "write -P 3 4M 8M")
    process = kvmtui.popen("image", "convert", "base.qcow2", "slow", "--rate", "256K")
    yield process, begun(kvmtui, process, "convert")
    process.kill()
    process.wait()


def test_a_killed_conversion_leaves_nothing_for_long(kvmtui, pair, slow):
    process, record = slow
    process.kill()
    process.wait()
    part = record["parts"][0]
    assert os.path.isdir(part)
    out = kvmtui.ok("image", "orphans", "--json").json
    assert out["removed"] == [part] and not os.path.exists(part)
    assert not leftovers(kvmtui) and not (pair / "slow.qcow2").exists()
    last = json.loads((kvmtui.home / "history.jsonl").read_text().splitlines()[-1])
    assert last["result"] == "interrupted" and last["id"] == record["id"]
    kvmtui.ok("image", "convert", "base.qcow2", "slow")


def test_an_interrupted_conversion_leaves_nothing(kvmtui, slow):
    process, _ = slow
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "interrupted" in err and not leftovers(kvmtui)


def test_another_kvmtui_sees_and_ends_it(kvmtui, pair, slow):
    process, record = slow
    done = kvmtui("image", "resize", "base.qcow2", "32M")
    assert done.status == 1 and f"image cancel {record['id']}" in done.err
    assert "image convert by" in done.err
    kvmtui.ok("image", "cancel", record["id"])
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "it was cancelled" in err
    assert not leftovers(kvmtui) and not (pair / "slow.qcow2").exists()
    assert "no such work" in kvmtui.refused("image", "cancel", record["id"])


@pytest.mark.parametrize(
    "verb", ["compact", "flatten", "rebase", "move", "resize", "clone", "check"]
)
def test_killed_in_the_middle_the_image_is_whole(kvmtui, pair, tmp_path, verb):
    """A stand-in does half of the work, then waits to be killed."""
    real = shutil.which("qemu-img")
    program = tmp_path / "bin" / "qemu-img"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, subprocess, sys, time\n"
        f"subprocess.run([{real!r}, *sys.argv[1:]], stdout=sys.stdout)\n"
        "if sys.argv[1] in ('convert', 'resize', 'rebase', 'check'):\n"
        f"    open({str(tmp_path / 'half')!r}, 'w').close()\n"
        "    time.sleep(100)\n"
    )
    program.chmod(0o755)
    words = {
        "compact": ["top.qcow2"],
        "flatten": ["top.qcow2"],
        "rebase": ["top.qcow2", "--no-backing"],
        "move": ["top.qcow2", "/dev/shm/kvmtui-test-move.qcow2"],
        "resize": ["top.qcow2", "32M"],
        "clone": ["top.qcow2", "c", "--full"],
        "check": ["top.qcow2", "--repair", "leaks"],
    }[verb]
    environment = {**kvmtui.environment, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    process = kvmtui.popen("image", verb, *words, env=environment)
    while not (tmp_path / "half").exists():
        assert process.poll() is None, process.communicate()
    process.kill()
    process.wait()
    kvmtui.ok("image", "orphans")
    kvmtui.ok("image", "check", "top.qcow2")
    kvmtui.ok("image", "resize", "top.qcow2", "16M", "--shrink", "--yes")
    assert content(kvmtui, pair / "top.qcow2") and not leftovers(kvmtui)
    assert not os.path.exists("/dev/shm/kvmtui-test-move.qcow2")


def test_in_use_by_a_process_that_is_not_ours(kvmtui, pair):
    path = pair / "top.qcow2"
    process = subprocess.Popen(
        ["qemu-io", "-f", "qcow2", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdin.write(b"length\n")
    process.stdin.flush()
    process.stdout.readline()
    try:
        assert row_of(kvmtui, "top.qcow2")["trouble"] == f"in use by qemu-io (pid {process.pid})"
        for words in (
            ("convert", path, "x"),
            ("compact", path),
            ("flatten", path),
            ("resize", path, "32M"),
            ("check", path),
            ("move", path, "y"),
            ("delete", path, "--yes"),
        ):
            assert f"qemu-io (pid {process.pid})" in kvmtui.refused("image", *words)
    finally:
        process.communicate(b"quit\n")
    assert content(kvmtui, path)


def test_a_guest_that_runs_keeps_its_disk_and_grows_it(kvmtui, pair):
    kvmtui.tiny("web", "--disk", pair / "top.qcow2")
    kvmtui.ok("start", "web")
    pid = kvmtui.pid("web")
    assert row_of(kvmtui, "top.qcow2")["in_use_by"][0]["running"] is True
    for words in (
        ("convert", "top.qcow2", "x"),
        ("clone", "top.qcow2", "x"),
        ("compact", "top.qcow2"),
        ("check", "top.qcow2"),
        ("check", "top.qcow2", "--repair", "all", "--yes"),
        ("rebase", "top.qcow2", "--no-backing"),
        ("resize", "top.qcow2", "8M", "--shrink", "--yes"),
        ("compact", "base.qcow2"),
        ("resize", "base.qcow2", "32M"),
    ):
        assert "web runs and uses it" in kvmtui.refused("image", *words)
    assert "web uses it" in kvmtui.refused("image", "delete", "top.qcow2", "--yes")
    done = kvmtui.ok("image", "resize", "top.qcow2", "32M")
    assert "web runs on" in done.out and "inside the guest" in done.err
    nodes = kvmtui.ok("qmp", "web", "query-named-block-nodes", "--json").json
    sizes = [node["image"]["virtual-size"] for node in nodes if node["node-name"] == "disk0"]
    assert sizes == [32 << 20] and kvmtui.pid("web") == pid
    assert row_of(kvmtui, "top.qcow2")["virtual_size_bytes"] == 32 << 20
    kvmtui.ok("image", "convert", "base.qcow2", "copy")
    assert same(pair / "base.qcow2", pair / "copy.qcow2")
    kvmtui.ok("stop", "web")


def test_a_guest_that_is_killed_leaves_its_disk_to_others(kvmtui, pair):
    kvmtui.tiny("web", "--disk", pair / "top.qcow2")
    kvmtui.ok("start", "web")
    pid = kvmtui.pid("web")
    fd = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([fd], [], [], 10)[0]
    os.close(fd)
    kvmtui.ok("image", "compact", "top.qcow2")


def test_a_plain_user_is_told_what_is_closed(plain_kvmtui, tmp_path):
    plain_kvmtui.ok("image", "create", "a", "1M")
    images = plain_kvmtui.home / "images"
    kept = images / "b.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", kept, "1M"], check=True)
    os.chmod(kept, 0o444)
    assert "Permission denied" in plain_kvmtui.refused("image", "resize", "b.qcow2", "2M")
    shut = plain_kvmtui.home.parent / "shut"
    shut.mkdir(mode=0o755)
    told = plain_kvmtui.refused("image", "convert", "a.qcow2", shut / "c.qcow2")
    assert "Permission denied" in told and os.listdir(shut) == []


def test_without_qemu_img(kvmtui, images, tmp_path):
    (tmp_path / "bin").mkdir()
    environment = {**kvmtui.environment, "PATH": str(tmp_path / "bin")}
    assert kvmtui("image", "list", env=environment).status == 0
    done = kvmtui("image", "create", "x", "1M", env=environment)
    assert done.status == 1 and "qemu-img is not installed" in done.err and not leftovers(kvmtui)


def test_a_word_lets_each_verb_follow(kvmtui, images, tmp_path):
    """The hint offers it, so each verb that gives the hint takes it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    img("create", "-q", "-f", "qcow2", elsewhere / "base.qcow2", "4M")
    top = images / "top.qcow2"
    for words in (
        ("check", top),
        ("resize", top, "8M"),
        ("move", top, "moved.qcow2"),
        ("measure", top),
        ("partitions", top),
        ("clone", top, "c.qcow2", "--full"),
        ("compact", top),
        ("commit", top, "--yes"),
    ):
        unsafe(top, elsewhere / "base.qcow2", "qcow2")
        done = kvmtui("image", *words)
        assert done.status == 1 and "in no folder of images" in done.err, words
        assert f"image add-directory {elsewhere}, or --follow" in done.err
        kvmtui.ok("image", *words, "--follow")
        for name in ("moved.qcow2", "c.qcow2", "top.qcow2"):
            (images / name).unlink(missing_ok=True)
    assert not leftovers(kvmtui)


def test_a_resize_can_be_cancelled(kvmtui, images, tmp_path):
    """By another kvmtui, or Ctrl-C; a qemu-img that stands still is not waited for."""
    program = tmp_path / "bin" / "qemu-img"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\nexec sleep 100\n")
    program.chmod(0o755)
    environment = {**kvmtui.environment, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    process = kvmtui.popen("image", "resize", "good.qcow2", "8M", env=environment)
    while not (tmp_path / "began").exists():
        assert process.poll() is None, process.communicate()
    ((record, held),) = records(kvmtui.library)
    assert held and record["verb"] == "resize"
    kvmtui.ok("image", "cancel", record["id"])
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "was not resized: it was cancelled" in err
    kvmtui.ok("image", "resize", "good.qcow2", "8M")


def test_what_compacting_gives_back_is_measured(kvmtui, images):
    """What was written and then marked as zero still takes its room."""
    good = images / "good.qcow2"
    io(good, "write -P 5 0 3M", "write -z 0 2M")
    found = kvmtui.ok("image", "measure", "good.qcow2", "--json").json
    before = good.stat().st_blocks * 512
    told = kvmtui.ok("image", "measure", "good.qcow2").out
    assert f"compact would give back {format_size(found['reclaim_bytes'])}" in told
    kvmtui.ok("image", "compact", "good.qcow2")
    freed = before - good.stat().st_blocks * 512
    assert abs(freed - found["reclaim_bytes"]) < 256 << 10
    found = kvmtui.ok("image", "measure", "good.qcow2", "--json").json
    assert (found["reclaim_bytes"] or 0) < 256 << 10
    # Of one that stands on another nothing is said: what a copy takes is not what it takes.
    kvmtui.ok("image", "create", "on", "--backing", "good.qcow2")
    assert kvmtui.ok("image", "measure", "on.qcow2", "--json").json["reclaim_bytes"] is None
