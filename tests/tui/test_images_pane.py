"""The Images pane in the whole app, without a terminal: real images, what keys do."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import time
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len

from kvmtui.host.accelerator import Verdict
from kvmtui.manage import image_partitions
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.forecast import Forecast
from kvmtui.manage.preferences import load_preferences
from kvmtui.stats.host import mount_of
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.screens.image import ImageScreen
from kvmtui.tui.screens.image_form import ImageFormScreen
from kvmtui.tui.screens.palette import PaletteScreen
from kvmtui.tui.themes import load_themes
from kvmtui.tui.widgets.dialog import Dialog


class HeadlessApp(KvmtuiApp):
    """The app with its screen as text."""

    def grid(self):
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    @property
    def seen(self):
        return "\n".join(self.grid())


async def until(pilot, condition):
    """Let the app go on until something is so."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, pilot.app.seen
        await pilot.pause(0.01)


def make(path, *words, size="16M"):
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *words, os.fspath(path), size]
    subprocess.run(command, check=True)


@pytest.fixture
def images(kvmtui):
    kvmtui.library.make()
    return kvmtui.home / "images"


@pytest.fixture
def play(kvmtui, monkeypatch, tmp_path):
    """Runs the app on the home and lets a scene happen on its Images pane."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    async def verdict(self, told):
        return Verdict("kvm", "host", "Guests run here: kvm boots in 0.4 s.", ())

    monkeypatch.setattr(Fleet, "verdict", verdict)

    @asynccontextmanager
    async def running(size):
        theme = load_themes([], os.environ).by_name["terminal"]
        app = HeadlessApp(Fleet(kvmtui.library), load_preferences(), theme, [])
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.main.images_keeper is not None and app.fleet.host)
            await pilot.press("2")
            await until(pilot, lambda: app.main.images_keeper.view.known)
            await until(pilot, lambda: "looking at the images" not in app.seen)
            yield app, pilot

    def run(scene, size=(140, 40)):
        async def all_of_it():
            async with running(size) as (app, pilot):
                await scene(app, pilot)

        asyncio.run(all_of_it())

    return run


def chain(images):
    make(images / "base.qcow2")
    make(images / "one.qcow2", "-b", "base.qcow2", "-F", "qcow2")
    make(images / "two.qcow2", "-b", "one.qcow2", "-F", "qcow2")
    make(images / "lost.qcow2", "-u", "-b", "gone.qcow2", "-F", "qcow2")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (140, 40)])
def test_where_things_stand(play, images, size):
    chain(images)

    async def scene(app, pilot):
        await until(pilot, lambda: app.main.images.storage.lines or size[0] == 40)
        await pilot.pause()
        grid = app.grid()
        assert "2 Images" in grid[0] and len(grid) == size[1]
        assert all(cell_len(line) <= size[0] for line in grid)
        text = "\n".join(grid)
        assert "▾ base.qcow2" in text and "│ └ ▾ one.q" in text
        assert "✗ backing gone" in text and grid[-1].startswith(" n new")
        if size[0] == 140:
            assert "│ base.qcow2" in grid[3] and " promised " in text and "Changed" in grid[3]
            assert grid[-2].startswith(" 4 images · ")
        elif size[0] == 80:
            assert any(line.startswith("─ base.qcow2 ─") for line in grid) and " of " in grid[-3]
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: any(line.startswith("─ base") for line in app.grid()))

    play(scene, size)


def test_fold_sort_filter_and_the_tree_by_directory(play, images):
    chain(images)

    async def scene(app, pilot):
        pane = app.main.images
        await pilot.press("j", "j", "left")
        assert pane.under_cursor.name == "one.qcow2"
        await pilot.press("left")
        await until(pilot, lambda: "▸ one.qcow2" in app.seen)
        assert pane.counts == (3, 4)
        await pilot.press("left", "left", "right", "right")
        await until(pilot, lambda: "▾ base.qcow2" in app.seen)
        await pilot.press("d")
        await until(pilot, lambda: "▾ images " in app.seen and "│ └ two.qcow2" in app.seen)
        await pilot.press("d", "o", "o")
        await until(pilot, lambda: "sorted by size" in app.seen)
        await pilot.press("slash", *"lost", "enter")
        await until(pilot, lambda: pane.counts == (1, 4))
        await pilot.press("escape")
        await until(pilot, lambda: pane.counts[0] > 1)

    play(scene)


def test_trouble_is_gone_to_from_pane_to_pane(kvmtui, play, images):
    chain(images)
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    (kvmtui.folder("b") / "guest.yaml").write_text("memroy: 1G\n")

    async def scene(app, pilot):
        main = app.main
        await until(pilot, lambda: len(app.fleet.guests) == 2)
        assert "2 Images" in app.grid()[0] and "▲" in app.grid()[0]
        await pilot.press("exclamation_mark")
        assert main.pane is main.images and main.images.under_cursor.name == "lost.qcow2"
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: main.pane is main.guests)
        assert main.chosen == ["b"]
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: main.pane is main.images)
        assert main.images.under_cursor.name == "lost.qcow2"

    play(scene)


def test_nothing_is_in_trouble(play, images):
    make(images / "a.qcow2")

    async def scene(app, pilot):
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "no guest and no image is in trouble" in app.seen)

    play(scene)


def test_a_folded_image_in_trouble_is_unfolded(play, images):
    chain(images)
    make(images / "bad.qcow2", "-b", "two.qcow2", "-F", "qcow2")
    data = bytearray((images / "bad.qcow2").read_bytes())
    data[79] |= 2  # Marked corrupt.
    (images / "bad.qcow2").write_bytes(data)

    async def scene(app, pilot):
        await pilot.press("g", "left")
        await until(pilot, lambda: "▸ base.qcow2" in app.seen)
        await pilot.press("exclamation_mark", "exclamation_mark")
        await until(pilot, lambda: "✗ corrupt" in app.seen)
        await pilot.press("g", "exclamation_mark")
        await until(pilot, lambda: app.main.images.under_cursor is not None)

    play(scene)


def test_enter_shows_all_of_an_image(play, images):
    chain(images)
    subprocess.run(["qemu-img", "snapshot", "-c", "before", str(images / "two.qcow2")], check=True)

    async def scene(app, pilot):
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, ImageScreen))
        await until(pilot, lambda: "Snapshot  before" in app.seen)
        assert "one.qcow2 (qcow2)" in app.seen and "└ two.qcow2" in app.seen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)

    play(scene)


def test_compact_flatten_and_check_by_keys(play, images):
    chain(images)

    async def scene(app, pilot):
        await pilot.press("g", "T")
        await until(pilot, lambda: "base.qcow2 stands on nothing already" in app.seen)
        await pilot.press("j", "c")
        await until(pilot, lambda: "one.qcow2: no errors" in app.seen)
        await pilot.press("j", "T")
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        assert "It stands on" in app.seen and "are left there, then" in app.seen
        await pilot.press("T", "y")
        await until(pilot, lambda: "two.qcow2 stands alone now" in app.seen)
        two = str(images / "two.qcow2")
        await until(pilot, lambda: app.main.images_keeper.view.images[two].backing is None)
        app.main.images.go_to_image(two)
        await pilot.press("Z")
        await until(pilot, lambda: "Compact two.qcow2?" in app.seen)
        await pilot.press("y")
        await until(pilot, lambda: "two.qcow2 takes" in app.seen)
        await pilot.press("M")
        await until(pilot, lambda: "a copy of two.qcow2 takes" in app.seen)

    play(scene)


def test_what_cannot_be_done_stays_as_it_was_and_is_told(play, images):
    chain(images)
    before = (images / "lost.qcow2").read_bytes()

    async def scene(app, pilot):
        app.main.images.go_to_image(str(images / "lost.qcow2"))
        await pilot.press("T")
        await until(pilot, lambda: "This cannot be done: backing gone." in app.seen)
        await pilot.press("y")
        await until(pilot, lambda: "Try: kvmtui image rebase" in app.seen)
        await pilot.press("escape", "c")
        await until(pilot, lambda: "backing gone" in app.seen and "Try:" in app.seen)
        await pilot.press("escape", "X")
        await until(pilot, lambda: "nothing is being done to lost.qcow2" in app.seen)
        assert (images / "lost.qcow2").read_bytes() == before

    play(scene)


def test_dangerous_forms_ask_first(play, images):
    make(images / "a.qcow2")

    async def scene(app, pilot):
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, ImageFormScreen) and app.screen._form)
        await pilot.press("ctrl+u", "8", "M", "tab", "space")
        await until(pilot, lambda: "▲ 8.0M at its end are lost" in app.seen)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Shrink a.qcow2?" in app.seen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ImageFormScreen))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Shrink a.qcow2?" in app.seen)
        await pilot.press("y")
        await until(pilot, lambda: "a.qcow2 has 8.0M now" in app.seen)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ImageFormScreen) and app.screen._form)
        await pilot.press("right")
        await until(pilot, lambda: "may be lost" in app.seen)
        await pilot.press("escape")
        await until(pilot, lambda: "Leave the form?" in app.seen)
        await pilot.press("y")
        await until(pilot, lambda: app.screen is app.main)

    play(scene)


def test_only_what_nobody_uses(kvmtui, play, images):
    kvmtui.tiny("web", "--disk", "16M")
    make(images / "free.qcow2")
    (images / ".left.qcow2.part-abc").mkdir()

    async def scene(app, pilot):
        await until(pilot, lambda: "○ web" in app.seen)
        await pilot.press("u")
        await until(pilot, lambda: app.main.images.counts == (1, 2))
        await until(pilot, lambda: "1 used by nobody" in app.seen and "left of work" in app.seen)
        await pilot.press("u")
        await until(pilot, lambda: app.main.images.counts == (2, 2))

    play(scene)


def test_a_directory_that_does_not_answer_is_muted_and_says_since_when(play, images, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    make(far / "x.qcow2")
    make(images / "a.qcow2")

    async def scene(app, pilot):
        door = app.fleet.images
        await door.add_place(str(far))
        await pilot.press("f5")
        await until(pilot, lambda: "x.qcow2" in app.seen)
        real = door.survey

        async def silent():
            found = await real()
            left = {path: one for path, one in found.images.items() if str(far) not in path}
            return found._replace(images=left, silent=(str(far),))

        door.survey = silent
        await pilot.press("f5")
        await until(pilot, lambda: "? no answer since" in app.seen)
        table = app.main.images.table
        (row,) = [one for one in table.rows if one.key == str(far / "x.qcow2")]
        assert row.muted and app.main.images.counts == (2, 2)
        door.survey = real
        await pilot.press("f5")
        await until(pilot, lambda: "no answer since" not in app.seen)

    play(scene)


def test_figures_that_stand_still_draw_nothing_and_out_of_sight_nothing_is_asked(play, images):
    chain(images)

    async def scene(app, pilot):
        pane, keeper = app.main.images, app.main.images_keeper
        await until(pilot, lambda: pane.storage.lines)
        drawn = []
        draw = pane.draw_rows
        pane.draw_rows = lambda: (drawn.append(1), draw())
        app.main.take_round("")
        app.main.take_round("")
        assert drawn == []
        await pilot.press("1")
        asked = []
        look = keeper.look
        keeper.look = lambda: (asked.append(1), look())
        keeper.take_changes({})
        assert asked == [] and keeper._every is None

    play(scene)


def test_the_palette_says_why_not(play, images):
    make(images / "a.qcow2")

    async def scene(app, pilot):
        await pilot.press("colon", *"flatten")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
        await until(pilot, lambda: "not now: a.qcow2 stands on nothing" in app.seen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Images: keys" in app.seen)
        assert "V convert" in app.seen and "d by directory" in app.seen

    play(scene)


def test_a_thousand_images_are_listed_and_never_keep_a_key_waiting(play, images):
    make(images / "base.qcow2")
    make(images / "c.qcow2", "-b", "base.qcow2", "-F", "qcow2")
    linked = (images / "c.qcow2").read_bytes()
    whole = (images / "base.qcow2").read_bytes()
    for number in range(1000):
        (images / f"i{number:04}.qcow2").write_bytes(linked if number % 2 else whole)

    async def scene(app, pilot):
        pane = app.main.images
        await until(pilot, lambda: pane.counts[1] == 1002)
        begun = time.thread_time()
        await app.fleet.images.survey()
        pane.draw_rows()
        app.main.images_keeper.fill()
        assert time.thread_time() - begun < 1.0, "of the interface's own thread"
        await pilot.press("G")
        assert pane.table.cursor_key == pane.table.rows[-1].key
        await pilot.press("g", "right")
        await until(pilot, lambda: pane.counts == (1002, 1002))

    play(scene)


def test_a_circle_a_chain_without_end_and_random_bytes(play, images):
    for number in range(70):
        words = ("-u", "-b", f"d{number - 1:02}.qcow2", "-F", "qcow2") if number else ()
        make(images / f"d{number:02}.qcow2", *words)
    make(images / "x.qcow2", "-u", "-b", "y.qcow2", "-F", "qcow2")
    make(images / "y.qcow2", "-u", "-b", "x.qcow2", "-F", "qcow2")
    (images / "noise.qcow2").write_bytes(b"QFI\xfb" + os.urandom(1 << 16))

    async def scene(app, pilot):
        pane = app.main.images
        assert pane.counts == (73, 73)
        found = app.main.images_keeper.view.images
        assert found[str(images / "noise.qcow2")].trouble
        assert found[str(images / "x.qcow2")].trouble == "backing files go in a circle"
        for name in ("x.qcow2", "d69.qcow2", "noise.qcow2"):
            pane.go_to_image(str(images / name))
            await pilot.press("V")
            await until(pilot, lambda: isinstance(app.screen, ImageFormScreen) and app.screen._said)
            assert app.screen._said.fault, name
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "▲ " in app.grid()[-2])
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImageScreen))

    play(scene)


def test_a_page_shows_partitions_read_once(play, images, monkeypatch):
    disk = images / "parts.raw"
    entry = struct.pack("<8B2I", 0, 0, 0, 0, 0x83, 0, 0, 0, 2048, 4096)
    disk.write_bytes(bytes(446) + entry + bytes(48) + b"\x55\xaa" + bytes(8 << 20))
    reads = []
    real = image_partitions.partitions
    monkeypatch.setattr(
        image_partitions, "partitions", lambda *words: reads.append(words) or real(*words)
    )

    async def scene(app, pilot):
        for _ in range(2):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ImageScreen))
            await until(pilot, lambda: "Parts      1 2.0M  Linux" in app.seen)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        assert len(reads) == 1
        os.utime(disk, ns=(1, 1))
        await pilot.press("enter")
        await until(pilot, lambda: len(reads) == 2 and "Parts      1 2.0M" in app.seen)

    play(scene)


def test_why_there_is_no_commit_and_no_limit(play, images):
    chain(images)

    async def scene(app, pilot):
        await pilot.press("g", "W")
        await until(pilot, lambda: "base.qcow2 stands on nothing" in app.seen)
        await pilot.press("L")
        await until(pilot, lambda: "base.qcow2 is no guest's disk, and limits are" in app.seen)
        await pilot.press("j", "W")
        await until(pilot, lambda: "two.qcow2 stands on it" in " ".join(app.seen.split()))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ImageFormScreen))
        assert not isinstance(app.screen, Dialog)

    play(scene)


def test_storage_says_when_it_is_full_once_it_is_seen(play, images, monkeypatch):
    make(images / "a.qcow2")
    asked = []

    async def forecasts(self):
        asked.append(1)
        return (Forecast(mount_of(str(images)), 1, 1, 1.0, 7.0, time.time() + 86400 * 30),)

    monkeypatch.setattr(Fleet, "forecasts", forecasts)

    async def scene(app, pilot):
        await until(pilot, lambda: ", full on " in app.seen)
        app.main.images_keeper.look()
        await until(pilot, lambda: not app.main.images_keeper._looking)
        await pilot.press("1", "2")
        await pilot.pause()
        assert len(asked) == 1

    play(scene)
