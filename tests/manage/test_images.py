"""The survey of images, and the Fleet's door to work on them."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import threading
import time

import pytest
from disk_images import make

from kvmtui.errors import KvmtuiError, StateError
from kvmtui.manage import image_checking, image_info, image_tree, image_work, images
from kvmtui.manage.image_copying import Copy
from kvmtui.manage.image_making import Wish
from kvmtui.manage.image_story import read_image_work
from kvmtui.manage.image_waiting import Patience
from kvmtui.qemu import image_tool
from tests.qemu.test_image_header import mutated


def test_what_did_not_change_is_not_read_again(library, monkeypatch):
    make(library.images / "a.qcow2")
    make(library.images / "b.qcow2")
    catalog = images.ImageCatalog(library)
    first = catalog.survey()
    read = []
    real = images.read_header
    monkeypatch.setattr(
        images, "read_header", lambda path, *rest: read.append(path) or real(path, *rest)
    )
    assert catalog.survey() == first and read == []
    subprocess.run(["qemu-img", "snapshot", "-c", "s", str(library.images / "b.qcow2")], check=True)
    fresh = catalog.survey().images
    assert read == [str(library.images / "b.qcow2")]
    assert fresh[read[0]].snapshots == 1


def test_a_home_without_a_folder_of_images_has_none(library):
    os.rmdir(library.at("images"))
    survey = images.survey(library)
    assert (survey.images, survey.silent) == ({}, ())


def test_a_tree_of_two_directories(library, tmp_path):
    make(library.images / "base.qcow2")
    make(library.images / "one.qcow2", "-b", "base.qcow2", "-F", "qcow2")
    make(library.images / "two.qcow2", "-b", "one.qcow2", "-F", "qcow2")
    found = images.survey(library).images
    rows = [(depth, view.name) for depth, view in image_tree.tree_rows(found)]
    assert rows == [(0, "base.qcow2"), (1, "one.qcow2"), (2, "two.qcow2")]
    chain = image_tree.chain_below(found, str(library.images / "two.qcow2"))
    assert [view.name for view in chain] == ["two.qcow2", "one.qcow2", "base.qcow2"]
    assert image_tree.tree_signs([0, 1, 2, 1, 0]) == ["", "├ ", "│ └ ", "└ ", ""]


def test_an_image_reached_by_a_link_has_its_users(kvmtui, library, tmp_path):
    make(tmp_path / "real.qcow2")
    (library.images / "link.qcow2").symlink_to(tmp_path / "real.qcow2")
    kvmtui.tiny("web", "--disk", library.images / "link.qcow2")
    view = images.survey(library, [str(tmp_path / "real.qcow2")])
    for path in (library.images / "link.qcow2", tmp_path / "real.qcow2"):
        assert [user.guest for user in view.images[str(path)].used_by] == ["web"]
    assert "web uses it" in kvmtui.refused("image", "delete", tmp_path / "real.qcow2", "--yes")
    assert "it is a link" in kvmtui.refused("image", "move", "link.qcow2", "x.qcow2")
    kvmtui.ok("delete", "web", "--yes")
    assert "stays" in kvmtui.ok("image", "delete", "link.qcow2", "--yes").err
    assert (tmp_path / "real.qcow2").exists()


def test_a_directory_that_cannot_be_read_hurts_no_other(kvmtui, library, monkeypatch):
    make(library.images / "a.qcow2")
    kvmtui.ok("image", "add-directory", library.home / "guests")
    real = os.listdir

    def listdir(path):
        if path == str(library.guests):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    found = images.survey(library)
    assert [view.name for view in found.images.values()] == ["a.qcow2"]
    assert found.unreadable == ((str(library.guests), "Input/output error"),)


def test_a_dead_disk_takes_only_its_own_images(kvmtui, library, tmp_path, monkeypatch):
    dead = tmp_path / "dead"
    dead.mkdir()
    make(dead / "base.qcow2")
    make(library.images / "top.qcow2", "-b", dead / "base.qcow2", "-F", "qcow2")
    make(library.images / "other.qcow2")
    kvmtui.tiny("web", "--disk", dead / "base.qcow2")
    kvmtui.ok("image", "add-directory", dead)
    release = threading.Event()

    def held(real):
        def call(path, *rest, **named):
            if isinstance(path, str) and path.startswith(str(dead)):
                release.wait(60)
            return real(path, *rest, **named)

        return call

    monkeypatch.setattr(images, "ANSWER_LIMIT_S", 0.1)
    for name in ("stat", "lstat", "listdir", "open", "readlink"):
        monkeypatch.setattr(os, name, held(getattr(os, name)))
    try:
        found = images.survey(library)
        assert found.silent == (str(dead),)
        assert {view.name: view.trouble for view in found.images.values()} == {
            "other.qcow2": "",
            "top.qcow2": "backing does not answer",
        }
    finally:
        release.set()


def test_what_never_answers_is_left_alone_and_not_asked_again():
    patience = Patience()
    asked = []
    release = threading.Event()

    def hang():
        asked.append(1)
        release.wait(60)
        return 5

    for _ in range(3):
        assert patience.within(0.05, "a", hang) is None
    assert asked == [1]
    assert patience.within(5, "b", lambda: 7) == 7
    release.set()
    with pytest.raises(KvmtuiError, match="why"):
        patience.within(5, "c", lambda: (_ for _ in ()).throw(KvmtuiError("why")))


def test_work_that_clashes_is_refused_and_readers_go_together(library):
    make(library.images / "a.qcow2")
    path = str(library.images / "a.qcow2")
    with image_work.work(library, "convert", path, reads=(path,)):
        with image_work.work(library, "clone", path, reads=(path,)):
            views = read_image_work(library)
            assert [(one.verb, one.result) for one in views] == [
                ("convert", "running"),
                ("clone", "running"),
            ]
            assert views[0].image == "a.qcow2" and views[0].guest == ""
        with (
            pytest.raises(KvmtuiError, match="is busy: image convert"),
            image_work.work(library, "compact", path, writes=(path,)),
        ):
            pass
    with (
        pytest.raises(StateError),
        image_work.work(library, "compact", path, writes=(path,)) as one,
    ):
        part = one.new_part(path)
        raise StateError(f"{part} was not made")
    assert [one.result for one in read_image_work(library)] == ["done", "done", "failed"]
    assert read_image_work(library)[-1].message == f"{path} was not made"
    assert os.listdir(library.at("work")) == []


def test_the_fleet_makes_watches_and_ends_work(library, fleet):
    async def scene():
        made = await fleet.images.create("a", 4 << 20, Wish())
        assert made.name == "a.qcow2"
        path = await fleet.images.find("a.qcow2")
        survey = await fleet.images.survey()
        assert list(survey.images) == [path]
        storage = await fleet.images.storage(survey)
        assert storage[0].images_actual_bytes == survey.images[path].actual_size_bytes
        with open(library.at("images", "big.raw"), "wb") as file:
            file.write(os.urandom(8 << 20))
        told = asyncio.Event()
        big = await fleet.images.find("big.raw")
        how = Copy(rate_bytes_per_s=256 << 10)
        task = asyncio.create_task(
            fleet.images.convert(big, "copy", how, tell=lambda progress: told.set())
        )
        await told.wait()
        await fleet.refresh()
        under_way = [one for one in fleet.operations if one.result == "running"]
        assert [one.image for one in under_way] == ["big.raw"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fleet.refresh()
        assert (
            fleet.operations[0].result == "interrupted" and fleet.operations[0].image == "big.raw"
        )
        info = await fleet.images.info(big)
        assert info.view.virtual_size_bytes == 8 << 20
        assert (await fleet.images.measure(big, "qcow2")).required_bytes > 8 << 20
        assert (await fleet.images.check(path)).is_sound
        assert (await fleet.images.resize(path, 8 << 20)).changed
        assert len((await fleet.images.orphans()).images) == 2
        assert not await fleet.images.cancel("none")
        assert (await fleet.images.delete(path)).changed

    asyncio.run(scene())
    assert not [path for path in library.home.rglob("*") if ".part" in path.name]


def test_a_thousand_mutated_images_are_told_of_within_bounds(library, tmp_path):
    """All of `image info`; and every tenth goes to qemu-img, whatever it makes of it."""
    path = library.images / "mutated.img"
    began, most = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faults = 0
    for number, data in enumerate(mutated(tmp_path, 1000)):
        path.write_bytes(data)
        found = image_info.image_info(library, str(path))
        told = json.dumps(image_info.info_document(found))
        assert len(told) < 1 << 18
        faults += bool(found.view.trouble)
        if number % 10:
            continue
        driver = found.view.header.driver if found.view.header is not None else "raw"
        try:
            image_checking.check(library, str(path))
            image_tool.run_json(["info", "-U", "-f", driver, "--", str(path)], "x")
        except KvmtuiError as error:
            assert "\n" not in error.message and len(error.message) < 1000
    assert faults > 20
    # In kibibytes, and in seconds of a processor, of which a whole start takes 0.1.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 64 << 10
    assert time.process_time() - began < 60
    assert os.listdir(library.at("work")) == []


def test_a_thousand_images_are_listed_without_qemu_img(kvmtui, library, monkeypatch):
    make(library.images / "0.qcow2")
    data = (library.images / "0.qcow2").read_bytes()
    for number in range(1, 1000):
        (library.images / f"{number}.qcow2").write_bytes(data)
    environment = {**kvmtui.environment, "PATH": "/nowhere"}
    assert len(kvmtui("image", "list", "--json", env=environment).json) == 1000
