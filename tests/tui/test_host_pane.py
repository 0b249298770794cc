"""The Host pane without a terminal: where things stand, and what keys do."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from rich.cells import cell_len
from textual.containers import Container
from tui.hosts import CLOCK, NESTED, NO_QEMU, PULSE, STAND, STORAGE, check, report, view
from tui.views import guest, trends
from tui.widgets.stage import Stage, play, watch

from kvmtui.errors import HostError
from kvmtui.guest.library import Library
from kvmtui.host.accelerator import Progress, Verdict
from kvmtui.host.remedies import Step
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.preferences import load_preferences
from kvmtui.tui.actions.keymap import checked_keys
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.panes.host import HostPane
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.screens.check import CheckScreen
from kvmtui.tui.screens.first_steps import FirstStepsScreen
from kvmtui.tui.screens.help import HelpScreen
from kvmtui.tui.themes import load_themes

KEYS, _ = checked_keys({})
HOSTILE = check("kvm-perm", "warn", "\x1b[2J\u202e[red]", "echo '\x1b]52;c;x\x07' é")


class Held(Container):
    """A place for a pane in the stage."""

    DEFAULT_CSS = "Held { height: 1fr; }"


async def until(pilot, condition):
    """Let the app go on until something is so."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "\n".join(pilot.app.grid())
        await pilot.pause(0.01)


def on_stage(scene, *, size, known=None):
    pane = HostPane(KEYS, trends())

    async def begin(stage, pilot):
        pane.take(known or view(CLOCK, NESTED))
        pane.table.focus()
        await until(pilot, lambda: "Checks" in "\n".join(stage.grid()))
        await pilot.pause()
        await scene(stage, pilot, pane)

    play(Stage(Held(pane)), begin, size=size)


def test_machine_and_checks_stand_side_by_side_where_it_is_wide():
    async def scene(stage, pilot, pane):
        grid = stage.grid()
        assert grid[0] == " ✓ Guests run here under KVM" and grid[1] == ""
        assert grid[2].startswith(" Machine") and grid[2].index("Checks") == 67
        assert grid[2].endswith("4 ok   1 ▲   1 unknown")
        assert grid[3].startswith(" CPU        AMD EPYC 7313P") and "Status ↑   Check" in grid[3]
        assert grid[4][66:].startswith("▌  ▲ warn     Clock")
        assert grid[5][66:].startswith("   ? unknown  Nested")
        assert grid[6][66:].startswith("   ▸ ok       4 more that are ok")
        assert any(line[66:].startswith("─ Clock ─") for line in grid)
        assert "Try    apt-get install -y chrony" in "\n".join(grid)
        assert "What clock is about." in "\n".join(grid)
        assert all(cell_len(line) <= 140 for line in grid)

    on_stage(scene, size=(140, 37))


def test_they_stand_one_below_the_other_in_80_columns():
    async def scene(stage, pilot, pane):
        grid = stage.grid()
        assert grid[0] == " ✓ Guests run here under KVM"
        assert grid[1].startswith(" AMD EPYC 7313P, 16 cores")
        assert grid[7].startswith(" Checks") and "Status ↑" in grid[8]
        assert grid[9].startswith("▌  ▲ warn     Clock")
        assert grid[16].startswith("─ Clock ─") and grid[18].startswith(" Try    apt-get")
        assert all(cell_len(line) <= 80 for line in grid)

    on_stage(scene, size=(80, 21))


def test_a_list_alone_stands_in_40_columns():
    async def scene(stage, pilot, pane):
        grid = stage.grid()
        assert grid[0] == " ✓ Guests run here under KVM" and grid[1].startswith(" Checks")
        assert grid[3].startswith("▌  ▲ warn     Clock") and "Machine" not in "\n".join(grid)
        assert all(cell_len(line) <= 40 for line in grid)
        await pilot.resize_terminal(80, 21)
        await until(pilot, lambda: any("─ Clock" in line for line in stage.grid()))
        await pilot.resize_terminal(140, 37)
        await until(pilot, lambda: any("Machine" in line for line in stage.grid()))

    on_stage(scene, size=(40, 9))


def test_what_is_ok_unfolds_and_the_cursor_goes_over_it():
    async def scene(stage, pilot, pane):
        await pilot.press("G", "enter")
        await until(pilot, lambda: pane.counts == (6, 6))
        assert pane.under_cursor is not None and pane.under_cursor.status == "ok"
        pane.switch_fold()
        await until(pilot, lambda: pane.counts == (2, 6))
        pane.set_filter("qemu")
        assert [row.key for row in pane.table.rows] == ["qemu"]
        pane.set_filter("")
        assert pane.sort_next() == "check"
        await pilot.press("g", "enter")
        (wanted,) = stage.take(HostPane.ExplainRequested)
        assert wanted.result == CLOCK
        await pilot.press("space", "asterisk")
        assert not pane.table.marked

    on_stage(scene, size=(100, 30))


def test_the_detail_follows_the_cursor_and_new_results():
    async def scene(stage, pilot, pane):
        await pilot.press("j")
        await until(pilot, lambda: any(line.startswith("─ Nested") for line in stage.grid()))
        pane.take(view(CLOCK, NESTED._replace(detail="now it is known")))
        await until(pilot, lambda: "now it is known" in "\n".join(stage.grid()[15:]))
        assert pane.under_cursor is not None and pane.under_cursor.id == "nested"

    on_stage(scene, size=(80, 24))


def test_figures_that_stand_still_draw_nothing():
    async def scene(stage, pilot, pane):
        asked = [watch(part) for part in (pane.verdict, pane.facts, pane.table, pane.detail)]
        pane.take(view(CLOCK, NESTED))
        await pilot.pause()
        assert asked == [[], [], [], []]
        pane.take(view(CLOCK, NESTED, pulse=PULSE._replace(load=(0.4, 0.42, 1.53))))
        await pilot.pause()
        assert [len(regions) for regions in asked] == [0, 1, 0, 0]

    on_stage(scene, size=(140, 37))


def test_nothing_known_yet():
    async def scene(stage, pilot, pane):
        text = "\n".join(stage.grid())
        assert "» looking at this machine …" in text and "The checks are being run." in text

    on_stage(scene, size=(80, 21), known=view()._replace(report=None, stand=None, storage=None))


def test_hostile_text_drives_nothing():
    async def scene(stage, pilot, pane):
        text = "\n".join(stage.grid())
        assert "\\x1b[2J\\u{202e}[red]" in text and "\x1b" not in text

    on_stage(scene, size=(140, 37), known=view(HOSTILE))


# The whole app.


class HeadlessApp(KvmtuiApp):
    """The app with its screen as text, and what it would copy."""

    copied = ""

    def grid(self):
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    def copy(self, text):
        self.copied = text
        return True


class Host(Fleet):
    """A fleet whose host says what a test wants, and whose measurement waits for it."""

    def __init__(self, home):
        super().__init__(Library(home))
        self.results = (CLOCK, NESTED)
        self.fault = None
        self.checked = 0
        self.go_on = asyncio.Event()
        self.given_up = False
        self.words = "Guests run here under KVM"

    async def refresh(self):
        fresh = {"a": guest("a", "running", cpu=3.0)}
        changed = {} if self.guests else dict(fresh)
        self.guests = fresh
        for callback in self._subscribers if changed else ():
            callback(changed)
        return fresh

    async def verdict(self, told):
        return Verdict("kvm", "host", "KVM serves", ())

    async def measure(self, told):
        told(Progress("kvm -cpu host", 2, 4, 5.0))
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        if self.fault:
            raise self.fault
        self.results = (NESTED,)
        return Verdict("kvm", "host", "KVM serves: 62 ms", ())

    async def check(self):
        self.checked += 1
        if self.fault:
            raise self.fault
        return report(*self.results, words=self.words)

    async def stand(self):
        return STAND

    async def storage(self):
        return STORAGE


def run(scene, tmp_path, *, size=(100, 30), prepare=lambda fleet: None):
    async def all_of_it():
        fleet = Host(tmp_path)
        prepare(fleet)
        theme = load_themes([], os.environ).by_name["terminal"]
        app = HeadlessApp(fleet, load_preferences(), theme, [])
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.fleet.guests and "running" in "\n".join(app.grid()))
            await scene(app, pilot, fleet)

    asyncio.run(all_of_it())


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def seen(app, text):
    return lambda: text in "\n".join(app.grid())


def test_4_shows_the_host_and_1_goes_back(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4")
        await until(pilot, seen(app, "▲ warn     Clock"))
        assert "4 Host ▲" in app.grid()[0] and app.main.focused is app.main.host.table
        assert app.grid()[-1].startswith(" m measure  Enter explain  y copy remedy  S set up")
        await until(pilot, seen(app, "vCPUs            2     2     32"))
        await pilot.press("1")
        await until(pilot, seen(app, "State"))
        assert not fleet.feels_pulse and app.main.focused is app.main.guests.table

    run(scene, tmp_path)


def test_the_sign_stands_there_before_anyone_looks(tmp_path):
    async def scene(app, pilot, fleet):
        await until(pilot, seen(app, "4 Host ✗"))
        assert app.grid()[1].startswith(" ✗ No guest can run here: QEMU")
        assert app.grid()[1].endswith("4 shows how to help")

    def prepare(fleet):
        fleet.results, fleet.words = (NO_QEMU,), "No guest can run here: QEMU: not installed"

    run(scene, tmp_path, prepare=prepare)


def test_enter_explains_and_y_copies(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4")
        await until(pilot, seen(app, "▲ warn     Clock"))
        await pilot.press("y")
        await until(pilot, seen(app, "✓ copied to your terminal's clipboard"))
        assert app.copied == "apt-get install -y chrony"
        app.copied = ""
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CheckScreen))
        await until(pilot, seen(app, "What clock is about."))
        assert "Reads  /proc/clock" in "\n".join(app.grid())
        await pilot.press("y")
        await until(pilot, lambda: app.screen is app.main)
        assert app.copied == "apt-get install -y chrony"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CheckScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)

    run(scene, tmp_path)


def test_where_nothing_is_to_do_nothing_is_copied(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4")
        await until(pilot, seen(app, "4 more that are ok"))
        assert "y copy" not in app.grid()[-1]
        await pilot.press("y")
        await until(pilot, seen(app, "▲ nothing is to be done for this check"))
        assert app.copied == ""

    run(scene, tmp_path, prepare=lambda fleet: setattr(fleet, "results", ()))


def test_m_measures_and_tells(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4")
        await until(pilot, seen(app, "▲ warn     Clock"))
        before = fleet.checked
        await pilot.press("m")
        told = "» measuring: kvm -cpu host … 2 of 4, at most 5 s   Esc gives it up"
        await until(pilot, seen(app, told))
        assert "4 Host »" in app.grid()[0]
        await pilot.press("m")
        await until(pilot, seen(app, "▲ it is being measured already"))
        fleet.go_on.set()
        await until(pilot, seen(app, "✓ measured: KVM serves: 62 ms"))
        await until(pilot, lambda: fleet.checked > before and not seen(app, "Clock")())
        assert "measuring" not in "\n".join(app.grid()) and not fleet.given_up

    run(scene, tmp_path)


def test_escape_gives_a_measurement_up(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4", "m")
        await until(pilot, seen(app, "» measuring: "))
        await pilot.press("escape")
        await until(pilot, seen(app, "the measurement was given up: what was known stays"))
        await until(pilot, seen(app, "✓ Guests run here under KVM"))
        assert fleet.given_up

    run(scene, tmp_path)


def test_a_measurement_that_fails_says_what_to_do(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4", "m")
        await until(pilot, seen(app, "» measuring: "))
        fleet.fault = HostError("QEMU is not installed", hint="apt install qemu-system-x86")
        fleet.go_on.set()
        await until(pilot, seen(app, "Try: apt install qemu-system-x86"))

    run(scene, tmp_path)


def test_a_measurement_ends_with_the_app(tmp_path):
    kept = {}

    async def scene(app, pilot, fleet):
        kept["fleet"] = fleet
        await pilot.press("4", "m")
        await until(pilot, seen(app, "» measuring: "))

    run(scene, tmp_path)
    assert kept["fleet"].given_up


def test_checks_that_cannot_be_run_are_told(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4")
        await until(pilot, seen(app, "✗ the checks could not be run: No space left on device"))
        fleet.fault = None
        await pilot.press("f5")
        await until(pilot, seen(app, "▲ warn     Clock"))

    def prepare(fleet):
        fleet.fault = OSError(28, "No space left on device")

    run(scene, tmp_path, prepare=prepare)


def test_while_the_pane_is_hidden_nothing_is_asked_or_drawn(tmp_path):
    async def scene(app, pilot, fleet):
        main = app.main
        await pilot.press("4")
        await until(pilot, seen(app, "▲ warn     Clock"))
        drawn = []
        for pane in (pane for pane in main.panes if isinstance(pane, ListPane)):
            pane.draw_rows = lambda name=pane.PLACE, draw=pane.draw_rows: (
                drawn.append(name),
                draw(),
            )
        main.take_changes(dict(fleet.guests))
        main.take_round("")
        assert "guests" not in drawn and "activity" not in drawn
        await pilot.press("5")
        drawn.clear()
        checked = fleet.checked
        main.take_round("")
        main.host_keeper.look()
        await until(pilot, lambda: fleet.checked > checked)
        assert set(drawn) == {"activity"}
        await pilot.press("1")
        assert "guests" in drawn

    run(scene, tmp_path)


def test_help_of_the_host_is_first_steps(tmp_path):
    async def scene(app, pilot, fleet):
        await pilot.press("4", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, FirstStepsScreen))
        titles = []
        for _ in range(7):
            titles.append(app.screen.heading())
            await pilot.press("right")
        assert titles[0] == "Host, guest, hypervisor  1 of 7" and len(set(titles)) == 7
        await pilot.press("4")
        await until(pilot, seen(app, "Guests run here under KVM."))
        await pilot.press("left", "left", "left", "left")
        assert app.screen.heading().endswith("1 of 7")
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until(pilot, seen(app, "copy remedy"))
        await pilot.press("escape", "1", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape", "f3")
        await until(pilot, lambda: isinstance(app.screen, FirstStepsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)

    run(scene, tmp_path)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (140, 40)])
def test_the_pages_fit(tmp_path, size):
    async def scene(app, pilot, fleet):
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, FirstStepsScreen))
        for _ in range(7):
            await pilot.pause()
            x, y, width, height = app.screen.box.region
            assert x >= 0 and y >= 0 and x + width <= size[0] and y + height <= size[1]
            assert all(cell_len(line) <= size[0] for line in app.grid())
            foot = app.grid()[y + height - 1]
            assert ("more below" in foot) <= (size[1] < 24), foot
            await pilot.press("G", "right")

    run(scene, tmp_path, size=size)


def test_S_shows_what_would_be_set_up_and_runs_it_once_agreed(tmp_path, monkeypatch):
    step = Step("packages", ("apt-get", "install", "-y", "qemu-system-x86"))
    lacking = NO_QEMU._replace(steps=(step,))
    ran = []

    async def outside(app, command):
        ran.append(command)
        return 1

    monkeypatch.setattr("kvmtui.tui.outside.run_outside", outside)
    monkeypatch.setattr("kvmtui.tui.keepers.host.os.geteuid", lambda: 0)

    async def scene(app, pilot, fleet):
        await pilot.press("4")
        await until(pilot, seen(app, "✗ fail"))
        await pilot.press("S")
        await until(pilot, seen(app, "apt-get install -y qemu-system-x86"))
        await pilot.press("S", "escape")
        await until(pilot, lambda: "Set up this host?" not in "\n".join(app.grid()))
        assert not ran
        await pilot.press("S")
        await until(pilot, seen(app, "Set up this host?"))
        await pilot.press("y")
        await until(pilot, seen(app, "not all of it could be set up"))
        assert ran[0][-2:] == ["setup", "--yes"] and str(fleet.library.home) in ran[0]

    run(scene, tmp_path, prepare=lambda fleet: setattr(fleet, "results", (lacking,)))
