"""Panes and screens without a terminal: what they post, and what stands where."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual import events
from textual.containers import Container
from tui.views import guest, operation, trends
from tui.widgets.stage import Stage, play

from kvmtui.errors import KvmtuiError
from kvmtui.host.accelerator import Verdict
from kvmtui.manage.detail import DiskUse, GuestDetail
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.preferences import load_preferences
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.panes.activity import ActivityPane
from kvmtui.tui.panes.guests import GuestsPane
from kvmtui.tui.screens.help import HelpScreen
from kvmtui.tui.screens.palette import PaletteScreen
from kvmtui.tui.themes import load_themes

GUESTS = {
    "db": guest("db", "running", cpu=38.0, tags=("prod",)),
    "mail": guest("mail", "crashed"),
    "web": guest("web", "paused", cpu=0.0),
}


class Held(Container):
    """A place for a pane in the stage."""

    DEFAULT_CSS = "Held { height: 1fr; }"


def detail(name):
    disk = DiskUse("disk0.qcow2", "qcow2", 1 << 30, 20 << 30)
    return GuestDetail(
        name,
        "pc-q35-7.2",
        (disk,),
        ("user 2222:22",),
        "auto",
        False,
        (),
        "/h/guests/db",
        "",
        (),
        (),
    )


async def until(pilot, condition):
    """Let the app go on until something is so."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "\n".join(pilot.app.grid())
        await pilot.pause(0.01)


def on_stage(scene, *, size, pane=None):
    pane = pane or GuestsPane(trends())
    play(Stage(Held(pane)), lambda stage, pilot: scene(stage, pilot, pane), size=size)


def test_the_detail_stands_beside_a_wide_list():
    async def scene(stage, pilot, pane):
        pane.take(GUESTS)
        pane.take_detail(detail("db"))
        await pilot.pause()
        grid = stage.grid()
        assert grid[0].startswith("     Name ↑")
        assert grid[1].startswith("▌  ● db              running          2    38")
        assert grid[1].index("│") == grid[5].index("│") == grid[35].index("│") == 94
        assert grid[0].split("│")[1].startswith(" db  ● running · kvm · 12d")
        assert any("disk0 " in line and "1.0G / 20G" in line for line in grid)
        await pilot.resize_terminal(110, 36)
        await pilot.pause()
        assert "│" not in "".join(stage.grid())
        assert stage.grid()[30].startswith("─ db ─")
        await pilot.resize_terminal(70, 36)
        await pilot.pause()
        assert "─ db" not in "\n".join(stage.grid())

    on_stage(scene, size=(140, 36))


def test_the_detail_stands_below_in_80_columns():
    async def scene(stage, pilot, pane):
        pane.take(GUESTS)
        pane.take_detail(detail("db"))
        await pilot.pause()
        grid = stage.grid()
        assert grid[15].startswith("─ db ─────")
        assert grid[16] == " debian12 · kvm · pid 4121 · prod"
        assert grid[17].startswith(" CPU ") and grid[17].split()[:2] == ["CPU", "38%"]
        assert all(cell_len(line) <= 80 for line in grid)

    on_stage(scene, size=(80, 21))


def test_what_a_person_does_leaves_as_messages():
    async def scene(stage, pilot, pane):
        pane.take(GUESTS)
        pane.table.focus()
        await pilot.press("j")
        await until(pilot, lambda: stage.take(GuestsPane.DetailWanted))
        assert pane.chosen == ["mail"] and stage.take(GuestsPane.ChoiceChanged)
        await pilot.press("enter")
        (wanted,) = stage.take(GuestsPane.ActionRequested)
        assert (wanted.action_id, wanted.names) == ("guest.open", ["mail"])
        await pilot.press("g", "space", "space")
        assert pane.chosen == ["db", "mail"]
        pane.set_filter("web")
        assert pane.counts == (1, 3)
        pane.set_filter("")
        pane.sort_by("state")
        await pilot.pause()
        assert " mail " in stage.grid()[1], "trouble first"

    on_stage(scene, size=(100, 30))


def test_a_pane_that_goes_asks_for_nothing_more():
    async def scene(stage, pilot, pane):
        pane.take(GUESTS)
        pane.table.focus()
        await pilot.press("j", "j", "k")
        stage.take(GuestsPane.DetailWanted)
        await pane.remove()
        await pilot.pause(0.2)
        assert not stage.take(GuestsPane.DetailWanted)

    on_stage(scene, size=(100, 30))


def test_activity_has_what_runs_first_and_can_show_failures_alone():
    done = operation("web", "stop", begun=3000.0, ended=3001.5)
    failed = operation("db", "start", "failed", begun=2000.0, ended=2001.0, message="no [red]disk")
    running = operation("mail", "shutdown", "running", begun=1000.0)

    async def scene(stage, pilot, pane):
        pane.table.focus()
        assert stage.grid()[1].strip() == "Nothing runs, nothing has run."
        pane.take([done, failed, running])
        await pilot.pause()
        assert [line.split()[-1] for line in stage.grid()[1:4]] == ["anna"] * 3
        assert "shutdown" in stage.grid()[1] and "done in 1.5 s" in stage.grid()[2]
        assert "no [red]disk" in stage.grid()[3]
        pane.switch_failures()
        await pilot.pause()
        assert "start" in stage.grid()[1] and not stage.grid()[2].strip()
        await pilot.press("enter")
        (wanted,) = stage.take(ActivityPane.OutputRequested)
        assert wanted.operation == failed
        pane.set_filter("nothing of it")
        assert pane.counts == (0, 3) and pane.under_cursor is None

    on_stage(scene, size=(100, 20), pane=ActivityPane())


class HeadlessApp(KvmtuiApp):
    """The app with its screen as text."""

    def grid(self):
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


@pytest.fixture
def headless(kvmtui, monkeypatch, tmp_path):
    """Runs the whole app without a terminal, on a home with one faulty guest and one more."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    async def verdict(self, told):
        return Verdict("kvm", "host", "Guests run here: kvm boots in 0.4 s.", ())

    monkeypatch.setattr(Fleet, "verdict", verdict)
    kvmtui.tiny("a", "--description", "first")
    kvmtui.tiny("b")
    (kvmtui.folder("b") / "guest.yaml").write_text("memroy: 1G\n")

    @asynccontextmanager
    async def running(size):
        theme = load_themes([], os.environ).by_name["terminal"]
        app = HeadlessApp(Fleet(kvmtui.library), load_preferences(), theme, [])
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.fleet.guests and "invalid" in "\n".join(app.grid()))
            await pilot.pause()
            yield app, pilot

    def run(scene, size):
        async def all_of_it():
            async with running(size) as (app, pilot):
                await scene(app, pilot)

        asyncio.run(all_of_it())

    return run


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
def test_the_main_screen(headless, size):
    async def scene(app, pilot):
        grid = app.grid()
        assert len(grid) == size[1]
        wide = size[0] > 120
        assert grid[0].startswith("  1 Guests 2   2 Images" if wide else "  1 Guests  2 Images")
        assert grid[1].startswith(" ? b has a faulty definition: ")
        if size[0] == 80:
            assert grid[16].startswith("─ a ─")
        else:
            assert grid.pop(2) == "", "an empty row parts them where there is room"
            assert "│ a  ○ stopped" in grid[2] and "│ first" in grid[3]
        assert grid[2].startswith("     Name ↑")
        assert grid[3].startswith("▌  ○ a") and "stopped" in grid[3] and "16M" in grid[3]
        assert grid[4].startswith("   ? b") and "invalid" in grid[4]
        assert grid[-1].startswith(" s start") and grid[-1].endswith("? help")
        assert all(cell_len(line) <= size[0] for line in grid)
        await pilot.press("exclamation_mark")
        assert app.main.chosen == ["b"]
        await until(pilot, lambda: "memroy: unknown key" in "\n".join(app.grid()[2:]))

    headless(scene, size)


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
def test_help_and_palette_fit(headless, size):
    async def scene(app, pilot):
        def framed():
            x, y, width, height = app.screen.box.region
            assert x >= 0 and y >= 0 and x + width <= size[0] and y + height <= size[1]
            box = [line.ljust(size[0])[x : x + width] for line in app.grid()[y : y + height]]
            edges = [line[0] + line[-1] for line in box]
            assert edges == ["┌┐", *["││"] * (height - 2), "└┘"], "\n".join(box)
            return "\n".join(box)

        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        assert "Esc closes" in framed() and "start" in framed()
        await pilot.press("enter", "j")
        assert "Esc closes" in framed()
        for key in ("f2", *["pagedown"] * 9):
            await pilot.press(key)
        assert "Esc closes" in framed()
        await pilot.press("escape", "colon")
        await pilot.pause()
        assert isinstance(app.screen, PaletteScreen)
        assert ": " in framed() and "Start a" in framed()
        await pilot.press(*["down"] * 30)
        assert "▌" in framed()
        await pilot.press("escape")
        assert app.screen is app.main

    headless(scene, size)


def test_an_explanation_is_seen_below_its_key(headless):
    async def scene(app, pilot):
        await pilot.press("question_mark")
        await pilot.press("k", "enter")
        await pilot.pause()
        text = "\n".join(app.grid())
        assert "Esc closes" in text
        action = app.screen._action
        assert action.help.split()[0] in text and f"{action.label}: " in text

    headless(scene, (80, 14))


def test_a_failure_never_lies_over_the_cursor_or_the_edge(headless, kvmtui):
    for number in range(40):
        shutil.copytree(kvmtui.folder("a"), kvmtui.folder(f"c{number}"))

    async def scene(app, pilot):
        screen = app.screen
        await until(pilot, lambda: screen.listing.table.cursor_line is not None)
        screen.tell_failure("a", KvmtuiError("a did not start", hint="another word"))

        def is_free():
            table = screen.listing.table.region
            row = range(table.x, table.right)
            y = table.y + screen.listing.table.cursor_line
            return not any(screen.toast.region.contains(x, y) for x in row)

        await until(pilot, lambda: "Try: another word" in "\n".join(app.grid()))
        below = screen.toast.region.y
        await pilot.press("G")
        await until(pilot, lambda: screen.toast.region.y != below)
        assert is_free()
        await pilot.resize_terminal(100, 24)
        await until(pilot, lambda: screen.toast.region.bottom <= 23)
        assert is_free()
        await pilot.press("g")
        await until(pilot, lambda: screen.toast.region.y != below)
        assert is_free()

    headless(scene, (140, 40))


def test_a_click_on_another_pane_ends_the_filter_of_the_first(headless):
    async def scene(app, pilot):
        await pilot.press("slash", "a")
        assert app.main.guests.filter == "a"
        activity = (app.grid()[0].index("Activity"), 0)
        await pilot.click("#title", offset=activity)
        await pilot.pause()
        assert app.main.pane is app.main.activity
        assert not app.main.message.filtering
        assert (app.main.guests.filter, app.main.activity.filter) == ("a", "")
        await pilot.press("1", "slash", "ctrl+u")
        await pilot.click("#title", offset=activity)
        await pilot.pause()
        assert (app.main.guests.filter, app.main.activity.filter) == ("", "")

    headless(scene, (100, 30))


def test_the_guest_screen_and_the_form(headless):
    async def scene(app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "Timeline" in "\n".join(app.grid()))
        grid = app.grid()
        assert grid[0].startswith(" a  ○ stopped") and "[Overview]" in grid[0]
        assert grid[2] == " first"
        assert any(line.startswith(" Memory    16M") for line in grid)
        await pilot.press("tab")
        await until(pilot, lambda: "does not run: there is nothing to" in "\n".join(app.grid()))
        assert "[Graphs]" in app.grid()[0] and "[1 min]" in app.grid()[1]
        await pilot.press("tab")
        await until(pilot, lambda: "Nothing was written yet." in "\n".join(app.grid()))
        await pilot.press("J")
        await until(pilot, lambda: app.grid()[0].startswith(" b  ? invalid"))
        await pilot.press("escape")
        assert app.screen is app.main
        await pilot.press("e")
        await until(pilot, lambda: "✓ host has" in "\n".join(app.grid()))
        grid = app.grid()
        assert grid[0] == " Edit a" and grid[2] == " Guest"
        assert grid[-1].startswith(" Ctrl-S save") and grid[-1].endswith("F1 help")
        assert any("Description   first" in line for line in grid)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)

    headless(scene, (80, 24))


def test_the_toolkits_own_keys_do_what_ours_do(headless):
    async def scene(app, pilot):
        table = app.main.guests.table
        for key in ("tab", "shift+tab", "f1", "ctrl+c"):
            await pilot.press(key)
            await pilot.pause()
            if app.screen is not app.main:
                await pilot.press("escape")
            assert app.main.focused is table, key
        app.post_message(events.AppBlur())
        await pilot.pause()
        assert app.main.focused is table
        await pilot.press("ctrl+c")
        assert "leaves kvmtui; guests go on" in app.grid()[-2]
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert app._exit

    headless(scene, (100, 30))


def test_qemu_is_asked_only_for_what_is_looked_at(headless):
    async def scene(app, pilot):
        def wanted():
            return app.fleet._watch.wanted.of({"a", "b"})

        await until(pilot, lambda: wanted() == {"a": "columns", "b": "columns"})
        await pilot.press("m")
        await until(pilot, lambda: wanted() == {"a": "detail"})
        await pilot.press("colon")
        await pilot.pause(0.1)
        assert wanted() == {"a": "detail"}, "a box over it changes nothing"
        await pilot.press("escape", "tab")
        await until(pilot, lambda: not wanted())
        await pilot.press("escape")
        await until(pilot, lambda: wanted() == {"a": "columns", "b": "columns"})
        await pilot.press("4")
        await until(pilot, lambda: not wanted())
        await pilot.press("1", "asterisk", "m")
        await until(pilot, lambda: "Wall of 2 guests" in app.grid()[0])
        await until(pilot, lambda: not wanted())
        await pilot.press("f")
        await until(pilot, lambda: wanted() == {"a": "columns", "b": "columns"})

    headless(scene, (140, 40))
