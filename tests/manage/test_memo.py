"""Command lines remembered: the same as one made anew, and gone when anything differs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from kvmtui.guest.library import Library
from kvmtui.host import resources
from kvmtui.manage import command_lines, hosting, memo
from kvmtui.manage.command_lines import CommandLine, command_line
from kvmtui.manage.definitions import load_definition

START = """
import sys
from kvmtui.cli.main import run
run(["start", "a"])
print(sorted(sys.modules))
"""
HEAVY = {"msgspec", "yaml", "kvmtui.guest.definition", "subprocess", "ctypes", "argparse"}
HEAVY |= {"datetime", "pathlib", "typing", "json", "re", "enum"}


@pytest.fixture
def guest(kvmtui, monkeypatch):
    """A guest with a disk whose command line is remembered, and its folder."""
    kvmtui.tiny("a", "--disk", "1M", "--set", "description=first")
    folder = Library(kvmtui.home).folder("a")
    CommandLine(kvmtui.library, folder).built()
    return kvmtui.library, folder


@pytest.fixture
def made_anew(monkeypatch):
    """The guests whose command line was made anew from here on."""
    made = []
    build = command_lines.build_line

    def noted(library, definition, layout):
        made.append(layout.name)
        return build(library, definition, layout)

    monkeypatch.setattr(command_lines, "build_line", noted)
    return made


def line(guest):
    """The command line as a start has it."""
    return CommandLine(*guest).built()[0]


def record(guest):
    return guest[0].home / "starts" / "a.json"


def test_what_is_remembered_is_what_is_made_anew(guest, made_anew):
    library, folder = guest
    remembered = line(guest)
    assert made_anew == []
    assert remembered == command_line(library, folder, load_definition(folder))
    wants = CommandLine(*guest).wants
    assert wants.uuid in remembered and wants.disks == ["disk0.qcow2"]


@pytest.mark.parametrize("asked", [True, False])
def test_a_start_of_an_unchanged_guest_is_light_and_runs_the_same_line(kvmtui, asked):
    kvmtui.tiny("a", "--disk", "1M")
    kvmtui.ok("start", "a")
    first = kvmtui.ok("show", "a", "--json").json["argv"]
    if asked:
        kvmtui.ok("stop", "a")
    else:
        os.kill(kvmtui.pid("a"), signal.SIGKILL)
        while kvmtui.row("a")["pid"] is not None:
            time.sleep(0.05)
    done = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, env=kvmtui.environment
    )
    assert done.stdout.startswith("a runs under tcg\n"), done
    assert not HEAVY & set(json.loads(done.stdout.splitlines()[-1].replace("'", '"')))
    assert kvmtui.ok("show", "a", "--json").json["argv"] == first


def test_a_changed_byte_of_the_definition_is_seen_whatever_its_time(guest, made_anew):
    _, folder = guest
    before = os.stat(folder.definition)
    text = folder.definition.read_text()
    with open(folder.definition, "r+") as file:
        file.write(text.replace("memory: 16M", "memory: 17M"))
    os.utime(folder.definition, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(folder.definition)
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )
    assert any(str(17 << 20) in word for word in line(guest))
    assert made_anew == ["a"]


def test_another_emulator_is_seen(guest, made_anew, tmp_path, monkeypatch):
    emulator = line(guest)[0]
    other = tmp_path / os.path.basename(emulator)
    other.write_text(f'#!/bin/sh\nexec {emulator} "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert line(guest)[0] == str(other)
    os.utime(other, ns=(1, 1))
    line(guest)
    assert made_anew == ["a", "a"]


def test_a_disk_that_lost_direct_access_is_seen(guest, made_anew, monkeypatch):
    before = line(guest)
    assert any('"direct":true' in word for word in before)
    monkeypatch.setattr(resources, "opens_direct", lambda path: False)
    assert not any('"direct":true' in word for word in line(guest))
    assert made_anew == ["a"]


def test_another_verdict_on_the_accelerator_is_seen(kvmtui, made_anew, monkeypatch):
    kvmtui.ok("create", "a", "--memory", "16M", "--network", "none")
    guest = kvmtui.library, kvmtui.library.folder("a")
    verdict = hosting.verdict_for(kvmtui.library)
    line(guest)
    line(guest)
    other = "kvm" if verdict.accelerator == "tcg" else "tcg"
    monkeypatch.setattr(hosting, "verdict_for", lambda _: verdict._replace(accelerator=other))
    assert other in line(guest)
    assert made_anew == ["a", "a"]


def test_other_code_is_seen(guest, made_anew, monkeypatch):
    content = record(guest).read_bytes().split(b"\n", 1)[1]
    kept = json.loads(content)
    assert any(path.endswith("kvmtui/qemu/command/storage.py") for path, *_ in kept["code"])
    kept["code"][0][2] += 1
    changed = json.dumps(kept).encode()
    record(guest).write_bytes(b"%d\n%s" % (memo._checksum(changed), changed))
    line(guest)
    assert made_anew == ["a"]
    monkeypatch.setattr("kvmtui.__version__", "0.0.other")
    line(guest)
    assert made_anew == ["a", "a"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"-uuid", b"-uuIe"),
        lambda data: b"0\nnull",
        lambda data: b"4\n[1]",
        lambda data: os.urandom(2000),
    ],
)
def test_a_damaged_record_is_none(guest, made_anew, damage):
    before = line(guest)
    record(guest).write_bytes(damage(record(guest).read_bytes()))
    assert line(guest) == before
    assert made_anew == ["a"]
    line(guest)
    assert made_anew == ["a"]


def test_every_check_is_made_at_every_start(kvmtui):
    kvmtui.tiny("a", "--disk", "1M")
    kvmtui.ok("start", "a")
    kvmtui.ok("stop", "a")
    (kvmtui.folder("a") / "disk0.qcow2").unlink()
    assert "disk0.qcow2 does not exist" in kvmtui.refused("start", "a", status=1)


def test_an_image_that_became_qcow2_is_refused(kvmtui):
    kvmtui.tiny("a", "--disk", "1M,format=raw")
    kvmtui.ok("start", "a")
    kvmtui.ok("stop", "a")
    disk = kvmtui.folder("a") / "disk0.raw"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1M"], check=True)
    assert "is called raw, but is qcow2" in kvmtui.refused("start", "a", status=1)


def test_a_twin_that_runs_is_told_at_every_start(kvmtui):
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    uuid = kvmtui.ok("show", "a", "--json").json["definition"]["uuid"]
    kvmtui.ok("set", "b", f"uuid={uuid}")
    for _ in range(2):
        assert "of a" not in kvmtui.ok("start", "b").err
        kvmtui.ok("stop", "b")
    kvmtui.ok("start", "a")
    note = "kvmtui: b has the UUID of a, which runs: kvmtui set b uuid="
    assert note in kvmtui.ok("start", "b").err.splitlines()


def test_a_home_that_keeps_nothing_starts_all_the_same(kvmtui):
    kvmtui.tiny("a")
    (kvmtui.home / "starts").write_text("no folder")
    kvmtui.ok("start", "a")


def test_what_is_remembered_goes_with_the_guest(guest):
    library, folder = guest
    assert record(guest).exists()
    library.discard(folder)
    library.sweep()
    assert not record(guest).exists()
