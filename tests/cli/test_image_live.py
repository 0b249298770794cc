"""Images of guests that run: moved, flattened and committed by the guest's own QEMU."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from kvmtui.manage.image_records import records
from kvmtui.qemu.block_nodes import drives
from kvmtui.qemu.brief import brief_session

SLOW = "64K"


def io(path, *commands, image_format="qcow2"):
    words = [word for command in commands for word in ("-c", command)]
    command = ["qemu-io", "-f", image_format, *words, str(path)]
    subprocess.run(command, check=True, capture_output=True)


def pattern(path, *commands, image_format="qcow2"):
    """Whether an image reads as told; also while a guest has it."""
    words = [word for command in commands for word in ("-c", command)]
    command = ["qemu-io", "-U", "-r", "-f", image_format, *words, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return "failed" not in done.stdout


TOP = ("read -P 7 0 1M", "read -P 9 1M 1M", "read -P 7 2M 1M", "read -P 9 3M 1M", "read -P 0 4M 4M")
"""Two places, since QEMU copies what lies side by side at one go, whatever the rate."""


def img(*words):
    command = ["qemu-img", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """A base, and an overlay on it."""
    folder = tmp_path_factory.mktemp("pair")
    img("create", "-q", "-f", "qcow2", folder / "base.qcow2", "8M")
    io(folder / "base.qcow2", "write -P 7 0 4M")
    img("create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", folder / "top.qcow2")
    io(folder / "top.qcow2", "write -P 9 1M 1M", "write -P 9 3M 1M")
    return folder


@pytest.fixture
def images(kvmtui, pair):
    """A guest that runs on such an overlay; the folder of both images."""
    kvmtui.library.make()
    images = kvmtui.home / "images"
    for name in ("base.qcow2", "top.qcow2"):
        shutil.copy(pair / name, images / name)
    kvmtui.tiny("web", "--disk", images / "top.qcow2")
    kvmtui.ok("start", "web")
    return images


def disk(kvmtui):
    """The file and format that the definition names, and the file that QEMU has."""
    named = kvmtui.ok("show", "web", "--json").json["definition"]["disks"][0]
    with brief_session(kvmtui.library.folder("web"), "a test") as monitor:
        (drive,) = drives(monitor)
    assert os.path.samefile(named["file"], drive.file)
    return named["file"]


def jobs(kvmtui):
    return kvmtui.ok("qmp", "web", "query-jobs", "--json").json


def nodes(kvmtui):
    """The formats' nodes in the guest, but those that QEMU names itself."""
    found = kvmtui.ok("qmp", "web", "query-named-block-nodes", "--json").json
    return [one["node-name"] for one in found if one["drv"] not in ("file", "host_device")]


def told(kvmtui):
    return json.loads((kvmtui.home / "history.jsonl").read_text().splitlines()[-1])


def no_work(kvmtui):
    return not list(records(kvmtui.library))


def test_moved_to_another_directory_while_the_guest_runs(kvmtui, images, tmp_path):
    (tmp_path / "new").mkdir()
    pid = kvmtui.pid("web")
    (images / "top.qcow2").chmod(0o640)
    done = kvmtui.ok("image", "move", "top.qcow2", tmp_path / "new", "--json")
    assert done.json["changed"]
    target = tmp_path / "new" / "top.qcow2"
    assert disk(kvmtui) == str(target) and kvmtui.pid("web") == pid
    assert not (images / "top.qcow2").exists() and pattern(target, *TOP)
    assert json.loads(img("info", "-U", "--output=json", target))["backing-filename"] == str(
        images / "base.qcow2"
    )
    assert jobs(kvmtui) == [] and no_work(kvmtui)
    assert "disk0" not in nodes(kvmtui)
    assert told(kvmtui)["result"] == "done" and target.stat().st_mode & 0o777 == 0o640
    kvmtui.ok("image", "resize", target, "16M")
    kvmtui.ok("image", "move", target, "back.qcow2")
    assert disk(kvmtui) == str(images / "back.qcow2") and pattern(images / "back.qcow2", *TOP)
    kvmtui.ok("stop", "web")
    kvmtui.ok("start", "web")
    assert pattern(images / "back.qcow2", *TOP)


def test_the_definition_has_the_size_that_the_image_has(kvmtui, images):
    def size():
        return kvmtui.ok("show", "web", "--json").json["definition"]["disks"][0].get("size")

    kvmtui.ok("image", "resize", "top.qcow2", "+1M")
    assert size() is None, "a size that nobody wrote is not written"
    kvmtui.ok("set", "web", "disks[0].size=9M")
    kvmtui.ok("image", "resize", "top.qcow2", "16M")
    assert size() == "16M"
    kvmtui.ok("stop", "web")
    kvmtui.ok("image", "resize", "top.qcow2", "1G")
    assert size() == "1G"


def test_moved_to_another_format_while_the_guest_runs(kvmtui, images):
    kvmtui.ok("image", "move", "top.qcow2", "top.raw")
    assert disk(kvmtui) == str(images / "top.raw")
    assert pattern(images / "top.raw", *TOP, image_format="raw")
    definition = kvmtui.ok("show", "web", "--json").json["definition"]
    assert definition["disks"][0]["format"] == "raw"
    told = kvmtui.refused("image", "move", "top.raw", "x", "--format", "vmdk", status=2)
    assert "is not moved to vmdk" in told
    kvmtui.ok("stop", "web")
    kvmtui.ok("image", "move", "top.raw", "x.vmdk", "--format", "vmdk")
    kvmtui.ok("image", "move", "x.vmdk", f"{images}/", "--format", "qcow2")
    assert pattern(images / "x.qcow2", *TOP)
    kvmtui.ok("start", "web")
    assert disk(kvmtui) == str(images / "x.qcow2")


def test_flattened_while_the_guest_runs(kvmtui, images):
    kvmtui.ok("image", "flatten", "top.qcow2")
    info = json.loads(img("info", "-U", "--output=json", images / "top.qcow2"))
    assert "backing-filename" not in info and pattern(images / "top.qcow2", *TOP)
    assert jobs(kvmtui) == [] and no_work(kvmtui) and disk(kvmtui) == str(images / "top.qcow2")
    assert "stands on nothing already" in kvmtui.ok("image", "flatten", "top.qcow2").out
    assert "stands on nothing" in kvmtui.refused("image", "commit", "top.qcow2", "--yes")


@pytest.mark.parametrize("running", [True, False])
def test_committed(kvmtui, images, running):
    if not running:
        kvmtui.ok("stop", "web")
    kvmtui.ok("image", "commit", "top.qcow2", "--yes")
    assert not (images / "top.qcow2").exists() and no_work(kvmtui)
    assert pattern(images / "base.qcow2", *TOP)
    kvmtui.ok("start", "web")
    assert disk(kvmtui) == str(images / "base.qcow2") and jobs(kvmtui) == []
    kvmtui.ok("image", "move", "base.qcow2", "again.qcow2")
    assert disk(kvmtui) == str(images / "again.qcow2") and pattern(images / "again.qcow2", *TOP)


@pytest.mark.parametrize("running", [True, False])
def test_a_commit_that_would_damage_others(kvmtui, images, running):
    if not running:
        kvmtui.ok("stop", "web")
    kvmtui.ok("image", "create", "other", "--backing", "base.qcow2")
    said = kvmtui.refused("image", "commit", "top.qcow2", "--yes")
    assert str(images / "other.qcow2") in said and "would be damaged" in said
    (images / "other.qcow2").unlink()
    kvmtui.tiny("reader", "--disk", images / "base.qcow2")
    assert "is a disk of reader" in kvmtui.refused("image", "commit", "top.qcow2", "--yes")


def test_what_is_refused_while_the_guest_runs(kvmtui, images):
    assert "runs and uses it" in kvmtui.refused("image", "move", "base.qcow2", "x.qcow2")
    (images / "there.qcow2").write_bytes(b"")
    assert "exists already" in kvmtui.refused("image", "move", "top.qcow2", "there.qcow2")
    kvmtui.ok("image", "create", "child", "--backing", "top.qcow2")
    assert "child.qcow2 stands on it" in kvmtui.refused("image", "move", "top.qcow2", "x.qcow2")
    (images / "child.qcow2").unlink()
    kvmtui.tiny("twin", "--disk", images / "top.qcow2")
    assert "a disk of twin" in kvmtui.refused("image", "move", "top.qcow2", "x.qcow2")
    assert jobs(kvmtui) == [] and pattern(images / "top.qcow2", *TOP)


@pytest.fixture
def slow(kvmtui, images, tmp_path):
    """A move that takes long, under way."""
    (tmp_path / "new").mkdir()
    words = ("image", "move", "top.qcow2", tmp_path / "new", "--rate", SLOW)
    process = kvmtui.popen(*words)
    while process.poll() is None:
        found = [record for record, held in records(kvmtui.library) if held]
        if found and found[0].get("percent") is not None:
            break
    yield process, tmp_path / "new" / "top.qcow2", found[0]
    process.kill()
    process.communicate()


def test_cancelled_the_guest_has_its_old_disk(kvmtui, images, slow):
    process, target, record = slow
    assert target.exists() and disk_in_work(kvmtui)
    kvmtui.ok("image", "cancel", record["id"])
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "was not moved: it was cancelled" in err
    assert not target.exists() and disk(kvmtui) == str(images / "top.qcow2")
    assert jobs(kvmtui) == [] and no_work(kvmtui) and "disk0" in nodes(kvmtui)


def disk_in_work(kvmtui):
    (job,) = jobs(kvmtui)
    return job["type"] == "mirror" and job["status"] == "running"


def test_killed_the_next_one_ends_the_job(kvmtui, images, slow):
    process, target, record = slow
    process.kill()
    process.wait()
    assert len(jobs(kvmtui)) == 1
    out = kvmtui.ok("image", "orphans", "--json").json
    assert str(target) in out["removed"] and not target.exists()
    assert jobs(kvmtui) == [] and disk(kvmtui) == str(images / "top.qcow2")
    assert told(kvmtui)["id"] == record["id"] and told(kvmtui)["result"] == "interrupted"
    assert no_work(kvmtui) and "disk0" in nodes(kvmtui)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_guest_ends_meanwhile(kvmtui, images, slow, how):
    process, target, _ = slow
    if how == "stop":
        kvmtui.ok("stop", "web")
    else:
        os.kill(kvmtui.pid("web"), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "web ended meanwhile" in err
    assert not target.exists() and no_work(kvmtui) and pattern(images / "top.qcow2", *TOP)
    kvmtui.ok("start", "web")
    assert disk(kvmtui) == str(images / "top.qcow2")


def test_the_new_disk_is_full(kvmtui, images, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        process = kvmtui.popen("image", "move", "top.qcow2", small, "--rate", "256K")
        while process.poll() is None:
            if any(record.get("percent") for record, held in records(kvmtui.library)):
                break
        with open(small / "filler", "wb") as file, pytest.raises(OSError, match="No space"):
            while True:
                os.write(file.fileno(), b"x" * 4096)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1 and "was not moved: No space left" in err, err
        assert "make room" in err and os.listdir(small) == ["filler"]
        assert jobs(kvmtui) == [] and disk(kvmtui) == str(images / "top.qcow2")
        assert "it needs" in kvmtui.refused("image", "move", "top.qcow2", small)
        assert no_work(kvmtui)
    finally:
        subprocess.run(["umount", "-l", small], check=True)


KILLED = """
import os, signal, sys
from kvmtui.errors import ConnectionLost
from kvmtui.qemu.plain import PlainMonitor
from kvmtui.manage import image_jobs
moment, target = sys.argv.pop(1), sys.argv.pop(1)
def die():
    os.kill(os.getpid(), signal.SIGKILL)
real = PlainMonitor.execute
def execute(self, command, arguments=None):
    if moment == "guest dies at job-complete" and command == "job-complete":
        real(self, command, arguments)
        while "concluded" not in str(real(self, "query-jobs")):
            pass
        os.kill(int(target), signal.SIGKILL)
        raise ConnectionLost("QEMU closed its monitor")
    if moment == f"before {command}":
        die()
    answer = real(self, command, arguments)
    if moment == f"after {command}":
        die()
    return answer
PlainMonitor.execute = execute
save = image_jobs.save_change
def save_change(*rest):
    if moment == "before definition":
        die()
    save(*rest)
    if moment == "after definition":
        die()
image_jobs.save_change = save_change
from kvmtui.__main__ import main
sys.exit(main())
"""
MOMENTS = [
    ("before blockdev-add", "old", "runs"),
    ("before blockdev-add", "old", "dies"),
    ("after blockdev-add", "old", "runs"),
    ("after blockdev-mirror", "old", "runs"),
    ("after blockdev-mirror", "old", "dies"),
    ("before job-complete", "old", "runs"),
    ("before job-complete", "old", "dies"),
    ("after job-complete", "either", "runs"),
    ("after job-complete", "new", "dies"),
    ("after job-dismiss", "new", "runs"),
    ("after job-dismiss", "new", "dies"),
    ("before definition", "new", "dies"),
    ("after definition", "new", "runs"),
    ("after definition", "new", "dies"),
]
QUICK = (MOMENTS[2], MOMENTS[6], MOMENTS[7], MOMENTS[10])
"""Those that the plain run of the tests has."""


def test_the_guest_dies_as_it_changes_over(kvmtui, images):
    """QEMU did it, but nobody heard: its record of events says so."""
    moment, pid = "guest dies at job-complete", kvmtui.pid("web")
    words = [
        sys.executable,
        "-c",
        KILLED,
        moment,
        str(pid),
        "image",
        "move",
        "top.qcow2",
        "n.qcow2",
    ]
    done = subprocess.run(words, env=kvmtui.environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done
    kvmtui.ok("start", "web")
    assert disk(kvmtui) == str(images / "n.qcow2") and pattern(images / "n.qcow2", *TOP)
    assert not (images / "top.qcow2").exists() and no_work(kvmtui)


def killed_at(kvmtui, moment, *words):
    command = [sys.executable, "-c", KILLED, moment, "", *map(str, words)]
    process = subprocess.Popen(command, env=kvmtui.environment, stdin=subprocess.DEVNULL)
    assert process.wait(timeout=60) == -signal.SIGKILL


def end_guest(kvmtui):
    pid = kvmtui.pid("web")
    fd = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([fd], [], [], 10)[0]
    os.close(fd)


@pytest.mark.parametrize(
    ("moment", "expected", "guest"),
    [pytest.param(*one, marks=[] if one in QUICK else pytest.mark.slow) for one in MOMENTS],
)
def test_killed_at_each_moment_one_disk_is_in_force(kvmtui, images, moment, expected, guest):
    old, new = images / "top.qcow2", images / "new.qcow2"
    killed_at(kvmtui, moment, "image", "move", "top.qcow2", "new.qcow2")
    if guest == "dies":
        if moment == "after job-complete":
            # QEMU says in its record which of the two it is, once the job has ended.
            deadline = time.monotonic() + 30
            while jobs(kvmtui)[0]["status"] != "concluded":
                assert time.monotonic() < deadline
        end_guest(kvmtui)
        kvmtui.ok("start", "web")
    else:
        kvmtui.ok("image", "orphans")
    now = disk(kvmtui)
    assert now in (str(old), str(new))
    if expected != "either":
        assert now == str(old if expected == "old" else new)
    assert pattern(now, *TOP) and old.exists() != new.exists()
    assert jobs(kvmtui) == [] and no_work(kvmtui)
    assert not [one for one in images.iterdir() if ".part" in one.name]


@pytest.mark.parametrize(
    ("moment", "guest"),
    [
        ("after job-dismiss", "dies"),
        pytest.param("after block-commit", "runs", marks=pytest.mark.slow),
        pytest.param("after block-commit", "dies", marks=pytest.mark.slow),
        pytest.param("after job-dismiss", "runs", marks=pytest.mark.slow),
        pytest.param("after definition", "dies", marks=pytest.mark.slow),
    ],
)
def test_a_commit_killed_at_each_moment(kvmtui, images, moment, guest):
    killed_at(kvmtui, moment, "image", "commit", "top.qcow2", "--yes")
    if guest == "dies":
        end_guest(kvmtui)
        kvmtui.ok("start", "web")
    else:
        kvmtui.ok("image", "orphans")
    now = disk(kvmtui)
    old = moment == "after block-commit"
    assert now == str(images / ("top.qcow2" if old else "base.qcow2")) and pattern(now, *TOP)
    assert (images / "top.qcow2").exists() == old and (images / "base.qcow2").exists()
    assert jobs(kvmtui) == [] and no_work(kvmtui)


def test_a_start_tells_of_images_that_stand_on_its_disk(kvmtui, images):
    kvmtui.tiny("base", "--disk", images / "base.qcow2")
    said = kvmtui.refused("start", "base")
    assert "web runs on an image that stands on its disk base.qcow2" in said
    kvmtui.ok("stop", "web")
    done = kvmtui.ok("start", "base")
    assert f"{images / 'top.qcow2'} stands on the disk base.qcow2 of base" in done.err
    kvmtui.ok("stop", "base")
    kvmtui.ok("set", "base", "disks[0].read_only=true")
    assert "stands on" not in kvmtui.ok("start", "base").err
    kvmtui.ok("stop", "base")
    kvmtui.ok("set", "base", "disks[0].read_only=false")
    # Made by another program, in the folder of images.
    (images / "top.qcow2").unlink()
    assert "stands on" not in kvmtui.ok("start", "base").err
    kvmtui.ok("stop", "base")
    img("create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", images / "z.qcow2")
    assert "z.qcow2 stands on" in kvmtui.ok("start", "base").err
    kvmtui.ok("stop", "base")
    kvmtui.ok("image", "flatten", "z.qcow2")
    assert "stands on" not in kvmtui.ok("start", "base").err


@pytest.mark.parametrize(
    ("moment", "guest"),
    [
        ("after job-finalize", "dies"),
        pytest.param("after block-stream", "runs", marks=pytest.mark.slow),
        pytest.param("after block-stream", "dies", marks=pytest.mark.slow),
        pytest.param("before job-finalize", "dies", marks=pytest.mark.slow),
        pytest.param("after job-finalize", "runs", marks=pytest.mark.slow),
    ],
)
def test_a_flattening_killed_at_each_moment(kvmtui, images, moment, guest):
    killed_at(kvmtui, moment, "image", "flatten", "top.qcow2")
    if guest == "dies":
        end_guest(kvmtui)
        kvmtui.ok("start", "web")
    else:
        kvmtui.ok("image", "orphans")
    assert disk(kvmtui) == str(images / "top.qcow2")
    assert pattern(images / "top.qcow2", *TOP) and pattern(images / "base.qcow2", "read -P 7 0 4M")
    assert jobs(kvmtui) == [] and no_work(kvmtui)
    kvmtui.ok("image", "flatten", "top.qcow2")
    kvmtui.ok("stop", "web", "--yes")
    (images / "base.qcow2").unlink()
    assert pattern(images / "top.qcow2", *TOP)
