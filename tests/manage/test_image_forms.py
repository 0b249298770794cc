"""Operations on images as forms: fields, what is said of them, what they do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess

import pytest
from disk_images import make

from kvmtui.errors import KvmtuiError
from kvmtui.manage.image_records import cut_off


def values_of(form, **typed):
    return {field.id: field.value for field in form.fields} | typed


def said(fleet, kind, image="", **typed):
    """What is said of a form at first, with some values typed."""

    async def all_of_it():
        form = await fleet.images.forms.open(kind, image)
        return await fleet.images.forms.check(kind, image, values_of(form, **typed))

    return asyncio.run(all_of_it())


def done(fleet, kind, image="", **typed):
    async def all_of_it():
        form = await fleet.images.forms.open(kind, image)
        values = values_of(form, **typed)
        found = await fleet.images.forms.check(kind, image, values)
        assert not found.problem, found
        return await fleet.images.forms.act(kind, image, values)

    return asyncio.run(all_of_it())


def virtual(path):
    out = subprocess.run(
        ["qemu-img", "info", "-U", "--output=json", str(path)], capture_output=True, check=True
    )
    return json.loads(out.stdout)


@pytest.mark.parametrize(
    ("kind", "typed", "field", "words"),
    [
        ("create", {}, "name", "a name is needed"),
        ("create", {"name": "/nowhere/b"}, "name", "no such folder"),
        ("create", {"name": ".hidden"}, "name", "cannot be the name"),
        ("create", {"name": "base.qcow2"}, "name", "exists already"),
        ("create", {"name": "n", "size": "x"}, "size", "is no size"),
        ("create", {"name": "n", "size": "0"}, "size", "it cannot be 0"),
        ("create", {"name": "n", "size": "4E"}, "size", "it cannot be 4.0E"),
        ("create", {"name": "n", "backing": "nothing"}, "backing", "there is no such image"),
        ("create", {"name": "n", "backing": "base.qcow2", "format": "raw"}, "backing", "only a"),
        ("create", {"name": "n", "backing": "base.qcow2", "size": "1M"}, "size", "not less"),
        ("create", {"name": "n", "size": "1M", "preallocation": "metadata", "format": "raw"},
         "preallocation", "falloc or full"),
        ("create", {"name": "n", "size": "500P", "preallocation": "full"}, "preallocation", "room"),
        ("import", {"source": ""}, "source", "a file is needed"),
        ("import", {"source": "/"}, "source", "a folder"),
        ("import", {"source": "/dev/zero"}, "source", "no such file"),
        ("add", {"path": "/nowhere/at/all"}, "path", "no such directory"),
        ("add", {"path": "/etc/passwd"}, "path", "neither a directory"),
        ("remove", {}, "path", "none was added"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_said_while_it_is_typed(fleet, library, kind, typed, field, words):
    make(library.images / "base.qcow2")
    standing, told = said(fleet, kind, **typed).fields[field]
    assert standing == "problem" and words in told


@pytest.mark.parametrize(
    ("kind", "typed", "field", "standing", "words"),
    [
        ("resize", {"size": "+4M"}, "size", "fine", "from 4.0M to 8.0M"),
        ("resize", {"size": "4M"}, "size", "problem", "it has 4.0M already"),
        ("resize", {"size": "2M"}, "size", "problem", "data would be lost"),
        ("resize", {"size": "2M", "shrink": "yes"}, "shrink", "warning", "2.0M at its end"),
        ("resize", {"size": "+"}, "size", "problem", "is no size"),
        ("resize", {"size": "8E"}, "size", "problem", "is larger than"),
        ("convert", {"format": "raw", "compress": "yes"}, "compress", "problem", "no compression"),
        ("convert", {"rate": "fast"}, "rate", "problem", "is no size"),
        ("convert", {"name": "a"}, "name", "fine", "free"),
        ("clone", {"name": "base"}, "name", "problem", "exists already"),
        ("rebase", {"backing": "base.qcow2"}, "backing", "problem", "cannot stand on itself"),
        ("rebase", {"unsafe": "yes"}, "unsafe", "warning", "may become another"),
        ("move", {"target": ""}, "target", "problem", "a place is needed"),
        ("move", {"target": "/nowhere/x"}, "target", "problem", "no such folder"),
        ("move", {"target": "other.qcow2"}, "target", "fine", "at once"),
        ("repair", {"repair": "all"}, "repair", "warning", "may be lost"),
        ("repair", {"repair": "undo the last repair"}, "repair", "problem", "no repair kept"),
    ],
)
def test_what_is_said_of_an_image(fleet, library, kind, typed, field, standing, words):
    path = make(library.images / "base.qcow2")
    found = said(fleet, kind, path, **typed)
    assert found.fields[field][0] == standing and words in found.fields[field][1]
    assert found.fault == "" and found.figures[0] == ("From", "base.qcow2, qcow2, 196K of 4.0M")


def test_the_room_is_said_before_and_after(fleet, library):
    path = make(library.images / "base.qcow2", size="1G")
    figures = dict(said(fleet, "convert", path, format="raw").figures)
    assert figures["To"] == "base.raw, raw, 1.0G"
    assert " left, then " in figures["Space"]
    figures = dict(said(fleet, "resize", path, size="500P").figures)
    assert figures["Space"].endswith("too little once all of it is written")


def test_each_form_does_what_it_says(fleet, library, tmp_path):
    images = library.images
    assert done(fleet, "create", name="a", size="8M").message == "a.qcow2 is made: 8.0M"
    a = str(images / "a.qcow2")
    done(fleet, "resize", a, size="+8M")
    assert virtual(a)["virtual-size"] == 16 << 20
    done(fleet, "resize", a, size="4M", shrink="yes")
    assert virtual(a)["virtual-size"] == 4 << 20
    done(fleet, "convert", a, format="vmdk")
    assert virtual(images / "a.vmdk")["format"] == "vmdk"
    done(fleet, "clone", a, way="linked")
    assert virtual(images / "a-2.qcow2")["backing-filename"] == "a.qcow2"
    done(fleet, "rebase", str(images / "a-2.qcow2"), backing="")
    assert "backing-filename" not in virtual(images / "a-2.qcow2")
    done(fleet, "rebase", str(images / "a-2.qcow2"), backing="a.qcow2", unsafe="yes")
    done(fleet, "move", a, target=f"{tmp_path}/")
    assert virtual(images / "a-2.qcow2")["backing-filename"] == str(tmp_path / "a.qcow2")
    done(fleet, "import", source=str(images / "a.vmdk"), name="back")
    assert virtual(images / "back.qcow2")["virtual-size"] == 4 << 20
    done(fleet, "repair", str(images / "back.qcow2"))
    undo = done(fleet, "repair", str(images / "back.qcow2"), repair="undo the last repair")
    assert "as before the repair" in undo.message
    assert done(fleet, "add", path=str(tmp_path)).changed
    assert done(fleet, "remove", path=str(tmp_path)).changed


def test_what_leads_elsewhere_is_followed_only_on_a_word(fleet, library, tmp_path):
    make(tmp_path / "base.qcow2")
    words = ("-u", "-b", str(tmp_path / "base.qcow2"), "-F", "qcow2")
    path = make(library.images / "far.qcow2", *words)
    for kind in ("convert", "clone", "rebase"):
        assert "in no folder of images" in said(fleet, kind, path).fault
        assert said(fleet, kind, path, follow="yes").fault == ""
    assert done(fleet, "clone", path, follow="yes", way="full").changed
    near = make(library.images / "near.qcow2")
    form = asyncio.run(fleet.images.forms.open("convert", near))
    assert "follow" not in [field.id for field in form.fields]


def test_an_image_that_is_gone(fleet, library):
    path = make(library.images / "a.qcow2")
    form = asyncio.run(fleet.images.forms.open("resize", path))
    os.unlink(path)
    found = asyncio.run(fleet.images.forms.check("resize", path, values_of(form)))
    assert found.problem == "the image is gone"
    with pytest.raises(KvmtuiError):
        asyncio.run(fleet.images.forms.act("clone", path, {"name": "x", "way": "full"}))
    with pytest.raises(KvmtuiError):
        asyncio.run(fleet.images.forms.open("resize", str(library.images / "never")))


def test_a_damaged_one_is_refused_in_words(fleet, library):
    path = library.images / "bad.qcow2"
    path.write_bytes(b"QFI\xfb" + os.urandom(4000))
    found = said(fleet, "resize", str(path))
    assert found.fault.startswith("it cannot be read: ")
    assert said(fleet, "convert", str(path)).fault


def test_a_hostile_name_gives_a_name_that_can_be(fleet, library):
    path = os.fsdecode(
        os.path.join(os.fsencode(library.images), b"a\n\x1b[2J\xff\xe2\x80\xae.qcow2")
    )
    make(path)
    form = asyncio.run(fleet.images.forms.open("clone", path))
    name = values_of(form)["name"]
    assert name.isprintable() and name.startswith("a")
    assert form.title.startswith("Clone a\\x0a\\x1b[2J") and form.title.isprintable()


def test_a_device_or_a_guest_that_runs_is_no_surprise(fleet, kvmtui):
    kvmtui.tiny("g", "--disk", "8M")
    kvmtui.ok("start", "g")
    path = str(kvmtui.folder("g") / "disk0.qcow2")
    figures = dict(said(fleet, "resize", path, size="+8M").figures)
    assert figures["Live"] == "g runs and sees the new size at once"
    assert "g runs and uses it" in said(fleet, "convert", path).fault
    assert "g writes to it" in said(fleet, "clone", path, way="linked").fields["way"][1]
    assert done(fleet, "resize", path, size="+8M").message.endswith("g runs on")
    kvmtui.ok("stop", "g", "--yes")


def test_what_was_cut_off_is_told_once_and_cleaned_up(fleet, library):
    work = library.home / "work"
    work.mkdir()
    part = library.images / ".x.qcow2.part-0123456789ab"
    part.mkdir()
    record = {"id": "0123456789ab", "verb": "convert", "image": "/i/x.raw", "parts": [str(part)]}
    (work / "0123456789ab.json").write_text(json.dumps(record))
    (one,) = cut_off(library)
    assert (one.verb, one.image, one.unfinished) == ("convert", "/i/x.raw", True)
    asyncio.run(fleet.images.survey())
    assert fleet.images.cut_off == (one,) and not part.exists() and cut_off(library) == ()
    asyncio.run(fleet.images.survey())
    assert fleet.images.cut_off == (one,)
