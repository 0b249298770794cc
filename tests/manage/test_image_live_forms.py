"""The forms of what is also done while a guest runs: said, refused and done by one code."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess

import pytest
from disk_images import make

from kvmtui.manage.image_limiting import KEYS


@pytest.fixture
def images(kvmtui, fleet):
    """A base, an image on it that a guest runs on, and another of the same guest."""
    images = kvmtui.home / "images"
    make(images / "base.qcow2", size="8M")
    io = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 0 4M", os.fspath(images / "base.qcow2")]
    subprocess.run(io, check=True, capture_output=True)
    make(images / "top.qcow2", "-b", "base.qcow2", "-F", "qcow2", size="8M")
    make(images / "lone.qcow2")
    disks = ("--disk", images / "top.qcow2", "--disk", images / "lone.qcow2")
    kvmtui.tiny("web", *disks)
    kvmtui.ok("start", "web")
    return images


def said(fleet, kind, image="", **typed):
    async def all_of_it():
        form = await fleet.images.forms.open(kind, str(image))
        values = {field.id: field.value for field in form.fields} | typed
        return await fleet.images.forms.check(kind, str(image), values)

    return asyncio.run(all_of_it())


def done(fleet, kind, image="", **typed):
    async def all_of_it():
        form = await fleet.images.forms.open(kind, str(image))
        values = {field.id: field.value for field in form.fields} | typed
        found = await fleet.images.forms.check(kind, str(image), values)
        assert not found.problem, found
        return await fleet.images.forms.act(kind, str(image), values)

    return asyncio.run(all_of_it())


def test_a_move_of_a_guest_that_runs(kvmtui, fleet, images, tmp_path):
    lone = images / "lone.qcow2"
    found = said(fleet, "move", lone, target=f"{tmp_path}/", format="raw", rate="50M")
    assert found.fields["target"] == ("fine", "copied while web runs") and not found.problem
    folder, _, form = dict(found.figures)["To"].rpartition("/")
    # A path that is too long for its line is cut at its end.
    assert folder == str(tmp_path) and form in ("lone.raw, raw", "lone.r…, raw")
    assert " left" in dict(found.figures)["Space"]
    vmdk = said(fleet, "move", lone, target="x", format="vmdk")
    assert "a guest that runs is not moved to vmdk" in vmdk.fields["format"][1]
    # The live move is refused as on the command line, in the same words.
    below = said(fleet, "move", images / "base.qcow2", target="x")
    assert "web runs and uses it through an image that stands on it" in below.fault
    assert said(fleet, "move", lone, target="x", rate="fast").fields["rate"][0] == "problem"
    assert done(fleet, "move", lone, target=f"{tmp_path}/", format="raw").changed
    assert (tmp_path / "lone.raw").exists() and not lone.exists()
    disks = kvmtui.ok("show", "web", "--json").json["definition"]["disks"]
    assert disks[1]["file"] == str(tmp_path / "lone.raw") and disks[1]["format"] == "raw"


def test_a_move_of_a_guest_that_is_off(kvmtui, fleet, images):
    kvmtui.ok("stop", "web", "--yes")
    lone = images / "lone.qcow2"
    found = said(fleet, "move", lone, target="x.vmdk", format="vmdk", rate="1M")
    assert found.fields["target"] == ("fine", "written anew, as vmdk") and not found.problem
    assert found.fields["rate"][0] == "warning"
    assert done(fleet, "move", lone, target="x.vmdk", format="vmdk").changed
    subprocess.run(["qemu-img", "snapshot", "-c", "s", images / "top.qcow2"], check=True)
    asyncio.run(fleet.images.survey())
    kept = said(fleet, "move", images / "top.qcow2", target="y", format="raw")
    assert "internal snapshot" in kept.fields["format"][1]


def test_flatten_and_commit_tell_what_becomes_of_both(kvmtui, fleet, images):
    top = images / "top.qcow2"
    flat = dict(said(fleet, "flatten", top, rate="1M").figures)
    assert flat["To"] == "the same, alone; web runs on" and ", then " in flat["Space"]
    assert said(fleet, "flatten", images / "lone.qcow2").fault == "it stands on nothing already"
    figures = dict(said(fleet, "commit", top).figures)
    assert figures["Into"].startswith("base.qcow2, qcow2, 4.")
    assert figures["Then"] == "web has that, top.qcow2 is gone; web runs on"
    sibling = make(images / "other.qcow2", "-b", "base.qcow2", "-F", "qcow2", size="8M")
    asyncio.run(fleet.images.survey())
    assert "other.qcow2 also stands on base.qcow2" in said(fleet, "commit", top).fault
    os.unlink(sibling)
    asyncio.run(fleet.images.survey())
    assert done(fleet, "commit", top, rate="50M").message.startswith("base.qcow2 has the content")
    assert not top.exists()


def test_limits_are_filled_in_checked_and_set(kvmtui, fleet, images):
    top = str(images / "top.qcow2")
    kvmtui.ok("image", "limit", "top.qcow2", "--bytes", "1536K", "--iops", "100")
    form = asyncio.run(fleet.images.forms.open("limits", top))
    values = {field.id: field.value for field in form.fields}
    assert tuple(values) == KEYS
    assert (values["bytes_per_s"], values["iops"], values["read_iops"]) == ("1536K", "100", "")
    assert said(fleet, "limits", top, bytes_per_s="x").fields["bytes_per_s"][0] == "problem"
    assert said(fleet, "limits", top, iops="-1").fields["iops"][0] == "problem"
    assert said(fleet, "limits", top, read_bytes_per_s="1M").fault
    assert said(fleet, "limits", top).figures == (
        ("Of", "web disk0"),
        ("Live", "web: in force at once"),
    )
    assert done(fleet, "limits", top, bytes_per_s="2M", burst_bytes_per_s="8M", iops="0").changed
    (now,) = kvmtui.ok("image", "limit", "top.qcow2", "--json").json
    assert now["defined"] == {"bytes_per_s": 2 << 20, "burst_bytes_per_s": 8 << 20}
    assert now["in_force"]["burst_bytes_per_s"] == 8 << 20 and "iops" not in now["in_force"]
    assert not done(fleet, "limits", top).changed
    told = "is no guest's disk, and limits are a disk's"
    with pytest.raises(Exception, match=told):
        said(fleet, "limits", make(images / "nobody.qcow2"))


def test_an_encrypted_image_is_made_by_a_closed_file(kvmtui, fleet, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o644)
    one = {"name": "dark", "size": "4M", "secret": str(secret)}

    def words():
        return said(fleet, "create", **one).fields["secret"]

    assert words() == ("problem", "it can be read by others")
    secret.chmod(0o600)
    assert words()[0] == "problem" and "ends with a newline" in words()[1]
    secret.write_text("open sesame")
    assert words() == ("fine", "encrypted with LUKS")
    assert "encrypted" in dict(said(fleet, "create", **one).figures)["To"]
    assert said(fleet, "create", name="dark", secret="/nowhere").fields["secret"][0] == "problem"
    assert done(fleet, "create", **one).changed
    dark = kvmtui.home / "images" / "dark.qcow2"
    opened = f"driver=qcow2,file.filename={dark},encrypt.key-secret=s0"
    key = ["--object", f"secret,id=s0,file={secret}"]
    subprocess.run(["qemu-io", *key, "--image-opts", opened, "-c", "read 0 4M"], check=True)


def test_the_options_of_the_command_line_are_fields_too(kvmtui, fleet, tmp_path):
    images = kvmtui.home / "images"
    (images / "plain.data").write_bytes(b"QFI\xfb" * (1 << 20))
    base = {"name": "over", "size": "", "backing": "plain.data", "cluster": "128K"}
    assert said(fleet, "create", **base).fields["backing"][0] == "problem"
    assert said(fleet, "create", **base, format="raw").fields["cluster"][0] == "problem"
    odd = said(fleet, "create", **base | {"cluster": "100K"}).fields["cluster"]
    assert odd == ("problem", "a power of two from 512 to 2M")
    one = base | {"backing_format": "raw", "compression": "zstd"}
    assert done(fleet, "create", **one).changed
    words = ["qemu-img", "info", "--output=json", images / "over.qcow2"]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    assert found["cluster-size"] == 128 << 10 and found["backing-filename-format"] == "raw"
    assert found["format-specific"]["data"]["compression-type"] == "zstd"
    asyncio.run(fleet.images.survey())
    plain = str(images / "plain.data")
    assert said(fleet, "convert", plain, name="c").fault
    assert done(fleet, "convert", plain, format="qcow2", name="c", source_format="raw").changed
    outside = tmp_path / "other.data"
    outside.write_bytes(b"QFI\xfb" * (1 << 18))
    assert said(fleet, "import", source=str(outside)).fields["source"][0] == "problem"
    assert done(fleet, "import", source=str(outside), source_format="raw").changed
    over = str(images / "over.qcow2")
    assert said(fleet, "rebase", over, backing="plain.data").fields["backing"][0] == "problem"
    again = {"backing": "plain.data", "backing_format": "raw"}
    assert done(fleet, "rebase", over, **again).changed is not None


def test_what_is_asked_after_the_end_is_nobodys_fault(kvmtui, fleet):
    images = kvmtui.home / "images"
    path = make(images / "a.qcow2")
    asyncio.run(fleet.images.partitions(path))
    fleet.close()
    for ask in (fleet.images.survey, lambda: fleet.images.partitions(path), fleet.forecasts):

        async def asked(ask=ask):
            with pytest.raises(asyncio.CancelledError):
                await ask()

        asyncio.run(asked())
