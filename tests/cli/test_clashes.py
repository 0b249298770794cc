"""What a guest shares with another, or asks of a host that has less: told or refused in time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest


def make_image(path, image_format="qcow2"):
    subprocess.run(["qemu-img", "create", "-q", "-f", image_format, path, "1M"], check=True)
    return path


def test_an_image_in_use_is_told_at_create_and_set(kvmtui, tmp_path):
    image = make_image(tmp_path / "shared.qcow2")
    kvmtui.tiny("a", "--disk", image)
    assert "in use" not in kvmtui.ok("create", "b", "--disk", image).err
    kvmtui.ok("start", "a")
    told = f"disks[0]: {image} is in use by a (pid {kvmtui.pid('a')})"
    assert f"kvmtui: c: {told}" in kvmtui.ok("create", "c", "--disk", image).err
    kvmtui.ok("create", "d")
    assert f"kvmtui: d: {told}" in kvmtui.ok("set", "d", f"disks[0].file={image}").err
    assert "in use" not in kvmtui.ok("set", "d", "description=as before").err
    assert "in use" not in kvmtui.ok("set", "a", "description=its own disk").err


def test_an_image_that_all_only_read_is_no_clash(kvmtui, tmp_path):
    image = make_image(tmp_path / "shared.qcow2")
    words = ["--disk", f"{image},read_only=true,bus=virtio"]
    kvmtui.tiny("a", *words)
    kvmtui.ok("start", "a")
    assert "in use" not in kvmtui.ok("create", "b", *words).err
    assert "in use by a" in kvmtui.ok("create", "c", "--disk", image).err


def test_a_mac_of_another_guest_is_told(kvmtui):
    mac = "52:54:00:12:34:AB"
    card = f"user,mac={mac}"
    kvmtui.ok("create", "a", "--network", card)
    done = kvmtui.ok("create", "b", "--network", card)
    assert done.err.splitlines()[0] == (
        f"kvmtui: b has the MAC {mac.lower()} of a: kvmtui set b 'networks[0].mac='"
    )
    kvmtui.ok("create", "c")
    assert "of a" in kvmtui.ok("set", "c", f"networks[0].mac={mac}").err
    assert "of a" not in kvmtui.ok("set", "c", "description=known by now").err
    environment = {**kvmtui.environment, "EDITOR": "sed -i s/34:AB/34:AC/I"}
    assert "of a" not in kvmtui.ok("edit", "c", env=environment).err
    environment = {**kvmtui.environment, "EDITOR": "sed -i s/34:AC/34:AB/I"}
    assert "of a" in kvmtui.ok("edit", "c", env=environment).err


def test_a_copy_of_a_guest_that_runs_is_told_at_its_start(kvmtui):
    kvmtui.tiny("web")
    kvmtui.ok("set", "web", "networks=[{}]")
    kvmtui.ok("start", "web")
    shutil.copytree(kvmtui.folder("web"), kvmtui.folder("copy"), ignore=lambda *_: ["run"])
    note = "kvmtui: copy has the UUID of web, which runs: kvmtui set copy uuid="
    assert note in kvmtui.ok("start", "copy").err.splitlines()
    kvmtui.ok("stop", "copy")
    kvmtui.ok("set", "copy", "uuid=")
    assert "web" not in kvmtui.ok("start", "copy").err
    kvmtui.ok("stop", "web", "copy")
    kvmtui.ok(
        "set", "copy", "uuid=" + kvmtui.ok("show", "web", "--json").json["definition"]["uuid"]
    )
    assert "web" not in kvmtui.ok("start", "copy").err


def test_a_qcow2_file_called_raw_is_refused(kvmtui, tmp_path):
    image = make_image(tmp_path / "a.img")
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "qcow2", tmp_path / "b.img"],
        check=True,
    )
    for path in (image, tmp_path / "b.img"):
        line = kvmtui.refused("create", "a", "--disk", f"{path},format=raw", status=1)
        assert f"disks[0]: {path} is called raw, but is qcow2" in line
    kvmtui.ok("create", "a", "--disk", f"{image},format=qcow2")
    before = kvmtui.ok("show", "a", "--yaml").out
    assert "called raw" in kvmtui.refused("set", "a", "disks[0].format=raw", status=1)
    assert kvmtui.ok("show", "a", "--yaml").out == before
    definition = kvmtui.folder("a") / "guest.yaml"
    definition.write_text(before.replace("format: qcow2", "format: raw"))
    assert "called raw" in kvmtui.refused("start", "a", status=1)


def test_a_raw_file_called_qcow2_is_refused(kvmtui, tmp_path):
    image = make_image(tmp_path / "a.img", "raw")
    line = kvmtui.refused("create", "a", "--disk", f"{image},format=qcow2", status=1)
    assert "is called an image of another format, but is raw" in line
    kvmtui.tiny("a", "--disk", f"{image},format=raw")
    definition = kvmtui.folder("a") / "guest.yaml"
    definition.write_text(definition.read_text().replace("format: raw", "format: qcow2"))
    assert "but is raw" in kvmtui.refused("start", "a", status=1)
    assert kvmtui.row("a")["state"] == "stopped"


def test_more_memory_than_the_host_has_is_refused_alike(kvmtui):
    lines = {kvmtui.refused("create", "a", "--memory", "900T", status=1)}
    kvmtui.tiny("a")
    before = kvmtui.ok("show", "a", "--yaml").out
    lines.add(kvmtui.refused("set", "a", "memory=900T", status=1))
    environment = {**kvmtui.environment, "EDITOR": "sed -i s/16M/900T/"}
    done = kvmtui("edit", "a", env=environment)
    assert done.status == 1
    line, remedy = done.err.splitlines()
    assert kvmtui.ok("show", "a", "--yaml").out == before
    (kvmtui.folder("a") / "guest.yaml").write_text(before.replace("16M", "900T"))
    assert len(lines | {line, kvmtui.refused("start", "a", status=1)}) == 1
    draft = remedy.removeprefix("  try: look into ").partition(",")[0]
    with open(draft) as file:
        assert "memory: 900T" in file.read()
    os.unlink(draft)
    kvmtui.ok("set", "a", "description=from a larger host")
    kvmtui.ok("set", "a", "memory=16M")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("memroy: 1G\n", "memroy: unknown key"),
        ("memory: 1G\nmemory: 2G\n", "line 2: the key 'memory' stands twice"),
        ("memory: lots\n", "memory: 'lots' is no size"),
    ],
)
def test_problems_of_a_file_name_the_file(kvmtui, tmp_path, text, says):
    source = tmp_path / "web.yaml"
    source.write_text(text)
    line = kvmtui.refused("create", "--from", source, "--tag", "x", status=1)
    assert f"{source}: {says}" in line
    source.write_text("memory: 1G\n")
    line = kvmtui.refused("create", "--from", source, "--cpus", "many", status=1)
    assert line.startswith("kvmtui: web: cpus: ") and str(source) not in line


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "disks=[{file: gone.qcow2}]"],
        ["--set", "disks=[{file: sub/new.qcow2, size: 1M}]"],
        ["--set", "kernel=vmlinuz"],
    ],
    ids=" ".join,
)
def test_a_missing_file_is_named_where_it_would_lie(kvmtui, words):
    line = kvmtui.refused("create", "web", *words, status=1)
    assert f"{kvmtui.folder('web')}/" in line and ".new-" not in line
    assert os.listdir(kvmtui.home / "guests") == []


def test_a_disk_that_went_missing(kvmtui):
    kvmtui.tiny("a", "--disk", "1M")
    (kvmtui.folder("a") / "disk0.qcow2").unlink()
    line = kvmtui.refused("start", "a", status=1)
    assert line.endswith(f"disks[0]: {kvmtui.folder('a')}/disk0.qcow2 does not exist")


def test_create_is_json_as_every_changing_verb(kvmtui):
    done = kvmtui.ok("create", "a", "--memory", "16M", "--json")
    assert done.json == [
        {"name": "a", "ok": True, "changed": True, "message": "a is defined", "started": False}
    ]
    kvmtui.tiny("b", "--start", "--json")
    words = ["--memory", "16M", "--accelerator", "tcg", "--start", "--json"]
    done = kvmtui.ok("create", "c", *words)
    assert done.json[0]["ok"] is True and done.json[0]["started"] is True
    for name, again in (("a", False), ("none/such", False)):
        done = kvmtui("create", name, "--json")
        (document,) = json.loads(done.out)
        assert document["ok"] is False and document["started"] is again and document["error"]
    for words in (["set", "nobody", "cpus=1", "--json"], ["rename", "nobody", "x", "--json"]):
        done = kvmtui(*words)
        assert done.status == 1 and done.json[0]["ok"] is False
