"""Homes of other users, and links where guests should be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

OTHER_UID = 65533

AS_ANOTHER_USER = f"""
import ctypes, importlib, os, pkgutil, sys
import kvmtui
# What is imported later could lie where this user may not read.
for module in pkgutil.walk_packages(kvmtui.__path__, "kvmtui."):
    if not module.name.startswith("kvmtui.tui") and module.name != "kvmtui.__main__":
        importlib.import_module(module.name)
import difflib, encodings.idna, pwd
from kvmtui.cli.main import run
os.setgroups([])
os.setgid({OTHER_UID})
os.setuid({OTHER_UID})
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def call_as_another(plain_kvmtui):
    """Call kvmtui on another user's home, as a plain user without any capability."""

    def call(*words):
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER, "--home", plain_kvmtui.home, *words],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_closed_home_of_another_user_is_one_line(plain_kvmtui, call_as_another, mode):
    if os.geteuid() != 0:
        pytest.skip("other users take root")
    plain_kvmtui.tiny("a")
    plain_kvmtui.ok("start", "a")
    plain_kvmtui.home.chmod(mode)
    (plain_kvmtui.home / "guests").chmod(mode)
    owner = subprocess.run(
        ["stat", "-c", "%U", plain_kvmtui.home], capture_output=True, text=True
    ).stdout.strip()
    for words in (["list"], ["stop", "--all"], ["list", "a"], ["stop", "a"], ["why", "a"]):
        done = call_as_another(*words)
        assert done.returncode == 1 and done.stdout == "", (words, done)
        line, remedy = done.stderr.splitlines()
        assert line.endswith(f"{plain_kvmtui.home} belongs to {owner}: run it as that user"), words
        assert remedy == f"  try: sudo -u {owner} kvmtui --home {plain_kvmtui.home} …"
    assert plain_kvmtui.row("a")["state"] == "running"


def test_a_home_that_another_user_opened_to_all_is_listed(plain_kvmtui, call_as_another):
    if os.geteuid() != 0:
        pytest.skip("other users take root")
    plain_kvmtui.tiny("a")
    for path in [plain_kvmtui.home, *plain_kvmtui.home.rglob("*")]:
        path.chmod(0o755)
    done = call_as_another("list")
    assert done.returncode == 0 and "stopped" in done.stdout


def test_a_link_below_guests_is_no_guest(kvmtui, tmp_path):
    kvmtui.tiny("a")
    kvmtui.folder("b").symlink_to(kvmtui.folder("a"))
    kvmtui.folder("c").symlink_to(tmp_path / "nowhere")
    (kvmtui.folder("a").parent / "notes").write_text("no guest either")
    assert [row["name"] for row in kvmtui.ok("list", "--json").json] == ["a"]
    for words in (["start", "b"], ["delete", "b", "--yes"], ["rename", "a", "b"], ["create", "c"]):
        assert "is a symbolic link, and a guest is a folder" in kvmtui.refused(*words, status=1)
    assert kvmtui.folder("b").is_symlink() and kvmtui.folder("a").is_dir()
    assert "there is no such guest" in kvmtui.refused("start", "notes", status=1)


def test_links_that_a_delete_left_are_swept(kvmtui):
    kvmtui.tiny("a")
    guests = kvmtui.home / "guests"
    (guests / ".deleted-x-0").symlink_to(guests / "nowhere")
    (guests / ".deleted-y-0").symlink_to(kvmtui.folder("a"))
    kvmtui.tiny("b")
    assert sorted(os.listdir(guests)) == ["a", "b"]
    assert (kvmtui.folder("a") / "guest.yaml").exists()


def test_a_home_on_a_read_only_file_system(kvmtui, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("other users take root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
    try:
        kvmtui.environment["KVMTUI_HOME"] = str(disk / "home")
        kvmtui.home = disk / "home"
        kvmtui.tiny("a")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert kvmtui.row("a")["state"] == "stopped"
        for words in (["start", "a"], ["create", "b"], ["set", "a", "cpus=2"]):
            done = kvmtui(*words)
            assert done.status == 1 and "Read-only file system" in done.err, (words, done)
            assert "choose another --home" in done.err
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        kvmtui.ok("start", "a")
        kvmtui.ok("stop", "a")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
