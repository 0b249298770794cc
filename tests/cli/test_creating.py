"""Guests defined, changed, renamed and deleted: whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest


def leftovers(kvmtui):
    guests = kvmtui.home / "guests"
    return sorted(entry.name for entry in guests.iterdir()) if guests.exists() else []


def test_options_become_a_definition(kvmtui, tmp_path):
    iso = tmp_path / "a b,c.iso"
    iso.write_bytes(bytes(65536))
    kvmtui.ok(
        "create",
        "web",
        "--memory",
        "512M",
        "--cpus",
        2,
        "--disk",
        "1G",
        "--cdrom",
        iso,
        "--forward",
        "2222:22",
        "--os",
        "debian12",
        "--tag",
        "prod",
        "--set",
        "description=off",
        "--set",
        "disks[0].cache=none",
    )
    shown = kvmtui.ok("show", "web", "--json").json
    definition = shown["definition"]
    assert definition["machine"].startswith("pc-q35-")
    assert definition["disks"] == [
        {"size": "1G", "file": "disk0.qcow2", "cache": "none", "format": "qcow2"}
    ]
    assert definition["cdroms"] == [{"file": str(iso)}]
    assert definition["networks"] == [{"forwards": ["2222:22"]}]
    assert definition["description"] == "off"
    assert shown["state"] == "stopped" and shown["last_stop"] is None
    assert shown["memory_bytes"] == 512 << 20 and shown["tags"] == ["prod"]
    assert (kvmtui.folder("web") / "disk0.qcow2").stat().st_mode & 0o777 == 0o600
    assert stat.S_IMODE(kvmtui.folder("web").stat().st_mode) == 0o700


def test_a_definition_may_come_from_standard_input(kvmtui):
    def create(text, *words):
        process = kvmtui.popen("create", *words, "--from", "-", stdin=subprocess.PIPE)
        return (*process.communicate(text, timeout=60), process.returncode)

    assert create("# mine\nname: web\nmemory: 64M\nnetworks: []\n")[1:] == ("", 0)
    assert (kvmtui.folder("web") / "guest.yaml").read_text().startswith("# mine\n")
    _, err, status = create("memory: 64M\n")
    assert status == 2 and "which name" in err
    _, err, status = create("memory: 64\nno: 1\n", "b")
    assert status == 1 and "standard input: no: unknown key" in err
    assert leftovers(kvmtui) == ["web"]


def test_a_file_keeps_its_comments(kvmtui, tmp_path):
    source = tmp_path / "web.yaml"
    source.write_text("# mine\nmemory: 64M # small\nnetworks: []\n")
    kvmtui.ok("create", "--from", source)
    text = kvmtui.ok("show", "web", "--yaml").out
    assert text.startswith("# mine\nmemory: 64M # small\nnetworks: []\nuuid: ")


def test_a_name_that_is_too_long_is_told_once(kvmtui):
    name = "x" * 100
    for words in (("create", name), ("start", name), ("show", name)):
        done = kvmtui(*words)
        assert done.status == 2 and done.err.count("x" * 60) == 1
        assert done.err.splitlines()[1] == "  try: a shorter one: 63 characters at most"


def test_an_entry_far_behind_a_list_is_told_with_the_next(kvmtui):
    kvmtui.tiny("a", "--disk", "1M")
    done = kvmtui("set", "a", "disks[3].size=1M")
    assert "disks[3].size: the list has 1 entry" in done.err and "[1] adds one" in done.err


@pytest.mark.parametrize("name", ["a/b", "a,b", "a b", "..", "a\nb", "x" * 64, ""])
def test_bad_names_leave_nothing(kvmtui, name):
    kvmtui.refused("create", name, "--memory", "64M", status=2)
    assert not kvmtui.home.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--memory", "1024"],
        ["--memory", "900T"],
        ["--cpus", "x"],
        ["--disk", "/nonexistent/disk.qcow2"],
        ["--disk", "/nonexistent/disk.img"],
        ["--disk", "/dev"],
        ["--cdrom", "/nonexistent.iso"],
        ["--disk", "1G", "--set", "disks[1].file=disk0.qcow2"],
        ["--disk", "/nonexistent/new.qcow2,size=1G"],
        ["--disk", "1G,colour=red"],
        ["--network", "wifi"],
        ["--forward", "22"],
        ["--set", "szie=3"],
        ["--set", "memory"],
        ["--kernel", "/nonexistent/vmlinuz"],
        ["--from", "/nonexistent.yaml"],
        ["--set", "machine=pc-q35-0.1"],
    ],
    ids=" ".join,
)
def test_bad_definitions_leave_nothing(kvmtui, words):
    kvmtui.refused("create", "web", *words)
    assert leftovers(kvmtui) == []


def test_an_image_whose_format_is_not_told_is_not_guessed(kvmtui, tmp_path):
    raw, layered = tmp_path / "a.img", tmp_path / "b.img"
    raw.write_bytes(bytes(1 << 20))
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", raw, "-F", "raw", layered], check=True
    )
    for path in (raw, layered):
        assert "not told by its name" in kvmtui.refused("create", "a", "--disk", path)
    kvmtui.ok("create", "a", "--disk", f"{raw},format=raw")
    single = tmp_path / "c.img"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", single, "1M"], check=True)
    kvmtui.ok("create", "c", "--disk", single)
    assert kvmtui.ok("show", "c", "--json").json["disks"][0]["format"] == "qcow2"


def test_a_second_guest_of_the_name_is_refused(kvmtui):
    kvmtui.tiny("a")
    before = kvmtui.ok("show", "a", "--yaml").out
    assert "exists" in kvmtui.refused("create", "a", "--memory", "64M")
    assert kvmtui.ok("show", "a", "--yaml").out == before


def test_set_and_edit(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("set", "a", "memory=32M", "tags=[x, y]")
    assert kvmtui.row("a")["memory_bytes"] == 32 << 20
    assert kvmtui.row("a")["tags"] == ["x", "y"]
    kvmtui.refused("set", "a", "memory=lots")
    environment = {**kvmtui.environment, "EDITOR": "sed -i s/32M/48M/"}
    kvmtui.ok("edit", "a", env=environment)
    assert kvmtui.row("a")["memory_bytes"] == 48 << 20
    environment["EDITOR"] = "/usr/bin/vim"
    assert "no terminal here for the editor vim" in kvmtui.refused("edit", "a", env=environment)
    environment["EDITOR"] = "sed -i s/48M/lots/"
    kvmtui.refused("edit", "a", env=environment)
    assert kvmtui.row("a")["memory_bytes"] == 48 << 20


def test_rename_keeps_the_identity(kvmtui):
    kvmtui.tiny("a")
    before = kvmtui.ok("show", "a", "--json").json["definition"]["uuid"]
    kvmtui.ok("rename", "a", "b")
    assert kvmtui.ok("show", "b", "--json").json["definition"]["uuid"] == before
    kvmtui.refused("show", "a")
    kvmtui.tiny("a")
    kvmtui.refused("rename", "a", "b")
    kvmtui.refused("rename", "a", "../b")


def test_delete_says_what_is_lost_and_needs_a_yes(kvmtui, tmp_path):
    outside = tmp_path / "outside.raw"
    outside.write_bytes(bytes(1 << 20))
    kvmtui.tiny("a", "--disk", "1M", "--disk", outside)
    line = kvmtui.refused("delete", "a", status=2)
    assert "disk0.qcow2" in line and str(outside) in line
    kvmtui.ok("set", "a", "protected=true")
    assert "protected" in kvmtui.refused("delete", "a", "--yes", status=1)
    kvmtui.ok("set", "a", "protected=")
    kvmtui.ok("delete", "a", "--yes")
    assert leftovers(kvmtui) == [] and outside.exists()


def test_delete_can_keep_the_disks(kvmtui):
    kvmtui.tiny("a", "--disk", "1M")
    content = (kvmtui.folder("a") / "disk0.qcow2").read_bytes()
    kvmtui.ok("delete", "a", "--yes", "--keep-disks")
    assert (kvmtui.home / "images" / "a-disk0.qcow2").read_bytes() == content
    assert leftovers(kvmtui) == []


def test_one_bad_definition_hurts_no_other(kvmtui):
    kvmtui.tiny("good")
    bad = kvmtui.folder("bad")
    bad.mkdir()
    (bad / "guest.yaml").write_text("memroy: 1G\n")
    empty = kvmtui.folder("empty")
    empty.mkdir()
    rows = {row["name"]: row for row in kvmtui.ok("list", "--json").json}
    assert rows["good"]["state"] == "stopped"
    assert rows["bad"]["state"] == rows["empty"]["state"] == "invalid"
    assert "memroy: unknown key: did you mean memory" in rows["bad"]["error"]
    assert rows["bad"]["cpus"] is None
    kvmtui.refused("start", "bad")
    kvmtui.ok("delete", "bad", "--yes")


def test_a_plain_user_runs_guests_in_a_home_of_its_own(plain_kvmtui):
    plain_kvmtui.tiny("a", "--disk", "1M")
    owner = plain_kvmtui.home.stat().st_uid
    assert owner != 0 and plain_kvmtui.folder("a").stat().st_uid == owner
    plain_kvmtui.ok("start", "a")
    assert os.stat(f"/proc/{plain_kvmtui.pid('a')}").st_uid == owner
    plain_kvmtui.ok("pause", "a")
    plain_kvmtui.ok("stop", "a")
    os.chmod(plain_kvmtui.home / "guests", 0o500)
    assert "Permission denied" in plain_kvmtui.refused("create", "b", "--memory", "16M")
    assert [row["name"] for row in plain_kvmtui.ok("list", "--json").json] == ["a"]


def test_root_runs_guests_as_the_owner_of_the_home(plain_kvmtui):
    if os.geteuid() != 0:
        pytest.skip("only root runs guests as another")
    plain_kvmtui.prefix = []
    plain_kvmtui.tiny("a", "--disk", "1M")
    plain_kvmtui.ok("start", "a")
    owner = plain_kvmtui.home.stat().st_uid
    assert os.stat(f"/proc/{plain_kvmtui.pid('a')}").st_uid == owner
    files = [path for path in plain_kvmtui.home.rglob("*") if not path.is_symlink()]
    assert {path.stat().st_uid for path in files} == {owner}
    plain_kvmtui.ok("stop", "a")


def test_one_file_under_two_names_is_one_disk(kvmtui, tmp_path):
    image, link = tmp_path / "a.raw", tmp_path / "b.raw"
    image.write_bytes(bytes(1 << 20))
    link.symlink_to(image)
    line = kvmtui.refused("create", "a", "--disk", image, "--disk", link)
    assert "same file as disks[0]" in line
    assert leftovers(kvmtui) == []
