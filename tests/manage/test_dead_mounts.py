"""Images on a mount that does not answer: their rows wait, everything else goes on."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from kvmtui.errors import ImageError
from kvmtui.manage import image_readers, image_storage, images
from kvmtui.manage.fleet import Fleet
from tests.cli.test_images import img
from tests.dead_mount import dead_mount


@pytest.fixture
def far(kvmtui, tmp_path):
    """A folder of images, which a link, a guest, a backing file and the list lead to."""
    kvmtui.library.make()
    folder = tmp_path / "far"
    folder.mkdir()
    here = kvmtui.home / "images"
    for path in (folder / "base.qcow2", folder / "disk.qcow2", here / "near.qcow2"):
        img("create", "-q", "-f", "qcow2", path, "4M")
    words = ("-b", folder / "base.qcow2", "-F", "qcow2", here / "top.qcow2")
    img("create", "-q", "-f", "qcow2", *words)
    (here / "link.qcow2").symlink_to(folder / "disk.qcow2")
    kvmtui.tiny("web", "--disk", folder / "disk.qcow2")
    kvmtui.ok("image", "add-directory", folder)
    return folder


def test_a_list_answers_within_its_limit(kvmtui, far):
    os.mkfifo(kvmtui.home / "images" / "fifo.qcow2")
    with dead_mount(far):
        listed = kvmtui.ok("image", "list", "--json")
        rows = {row["name"]: row for row in listed.json}
        assert rows["near.qcow2"]["trouble"] is None
        assert rows["top.qcow2"]["trouble"] == "backing does not answer"
        assert not {"link.qcow2", "fifo.qcow2"} & set(rows)
        assert f"{far}" in kvmtui("image", "list").err
        for verb in (["info"], ["resize"]):
            size = ["8M"] if verb == ["resize"] else []
            told = kvmtui.refused("image", *verb, far / "disk.qcow2", *size, status=1)
            assert "its disk does not answer" in told
    assert len(kvmtui.ok("image", "list", "--json").json) == 5


def test_what_waits_is_not_asked_again(kvmtui, far, monkeypatch):
    monkeypatch.setattr(images, "ANSWER_LIMIT_S", 1.0)
    monkeypatch.setattr(image_storage, "_LIMIT_S", 1.0)
    catalog = images.ImageCatalog(kvmtui.library)
    before = catalog.survey()
    assert len(before.images) == 5 and before.silent == ()
    with dead_mount(far):
        link = str(kvmtui.home / "images" / "link.qcow2")
        first = catalog.survey()
        assert set(first.silent) == {str(far), link}
        assert {view.name for view in first.images.values()} == {"near.qcow2", "top.qcow2"}
        standing = threading.active_count()
        for _ in range(3):
            assert catalog.survey().images == first.images
            found = image_storage.storages(kvmtui.library, first, catalog._patience)
            assert found and all(str(far) not in one.directories for one in found)
        assert threading.active_count() <= standing + 1
    assert len(catalog.survey().images) == 5


def test_stuck_readers_give_way_to_others(kvmtui, far, monkeypatch):
    monkeypatch.setattr(image_readers, "SLOW_S", 0.2)
    monkeypatch.setattr(image_readers, "_LIMIT_S", 3.0)
    monkeypatch.setattr(images, "ANSWER_LIMIT_S", 1.0)
    fleet = Fleet(kvmtui.library)
    disk = str(far / "disk.qcow2")

    async def all_of_it():
        await fleet.images.survey()
        with dead_mount(far):
            waiting = [
                asyncio.create_task(fleet.images.read(lambda: os.stat(disk))) for _ in range(5)
            ]
            survey = await asyncio.wait_for(fleet.images.survey(), 30)
            assert {view.name for view in survey.images.values()} == {"near.qcow2", "top.qcow2"}
            for one in waiting:
                with pytest.raises(ImageError, match="did not answer for 3 s"):
                    await one
            more = [
                asyncio.create_task(fleet.images.read(lambda: os.stat(disk)))
                for _ in range(image_readers._MOST_STUCK)
            ]
            told = [str(one) for one in await asyncio.gather(*more, return_exceptions=True)]
            assert any("wait for disks that do not answer" in one for one in told)
        # It answers again, and nobody is in the way any more.
        while fleet.images._reader._left:
            await asyncio.sleep(0.01)
        assert len((await fleet.images.survey()).images) == 5

    asyncio.run(all_of_it())
    fleet.close()
