"""The figures in the table: what is drawn, and whom QEMU is asked for."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from tui.test_panes import Held, on_stage
from tui.views import guest, trends
from tui.widgets.stage import Stage, play

from kvmtui.manage.views import LiveGuest
from kvmtui.stats.figures import Figures
from kvmtui.stats.history import History
from kvmtui.tui.glyphs import UNICODE
from kvmtui.tui.panes.guest_columns import Minutes, columns_for
from kvmtui.tui.panes.guests import GuestsPane
from kvmtui.tui.render.guests import arranged, row_cells
from kvmtui.tui.spans import plain
from kvmtui.tui.widgets.columns import lay_out

UNKNOWN = Figures(*(None,) * 2, *(None,) * 11)._replace(vcpu_percents=())


def live(name, *, disk=None, net=None, wait=None, **fields):
    """A guest that runs, with what QEMU told of it."""
    figures = UNKNOWN._replace(
        disk_read_bytes_per_s=disk,
        disk_write_bytes_per_s=None if disk is None else 0.0,
        net_receive_bytes_per_s=net,
        net_transmit_bytes_per_s=None if net is None else 0.0,
        wait_ms_per_s=wait,
    )
    return guest(name, "running", cpu=1.0, **fields)._replace(figures=figures)


def cells(one: LiveGuest):
    return {name: plain(line) for name, line in row_cells(one, UNICODE, kvm_serves="").items()}


def test_what_is_not_known_is_empty_and_nothing_is_nought():
    unknown = cells(live("a"))
    assert unknown["disk"] == unknown["net"] == unknown["wait"] == unknown["minute"] == ""
    assert cells(guest("a", "running", cpu=1.0))["disk"] == ""
    known = cells(live("a", disk=1.2 * (1 << 20), net=0.0, wait=305.0))
    assert (known["disk"], known["net"], known["wait"]) == ("1.2M", "0", "30")


def test_columns_go_in_their_order():
    def shown(width, sort="name"):
        places = lay_out(columns_for(width, sort), width - 46 * (width >= 120), 3)
        return [place.column.id for place in places]

    assert shown(80) == ["name", "state", "cpus", "cpu", "minute", "memory", "disk", "up"]
    assert shown(140) == [
        *("name", "state", "cpus", "cpu", "minute", "memory", "disk", "net", "up", "acc")
    ]
    assert "wait" in shown(200) and "address" in shown(200)
    assert "wait" in shown(80, sort="wait"), "what rows are sorted by stays"
    gone = [set(shown(width)) for width in range(79, 30, -1)]
    assert all(narrow <= wide for wide, narrow in zip(gone, gone[1:], strict=False))


@pytest.mark.parametrize("sort", ["disk", "net", "wait"])
def test_the_most_comes_first_and_what_is_not_known_last(sort):
    guests = {
        "a": live("a"),
        "b": live("b", **{sort: 5.0}),
        "c": live("c", **{sort: 50.0}),
    }
    assert [one.view.name for one in arranged(guests, sort=sort)] == ["c", "b", "a"]


def test_a_minute_is_drawn_of_whom_is_seen_and_moves_every_six_seconds():
    history = History()
    minutes = Minutes(trends(history))
    one, quiet = guest("a", "running", cpu=1.0), guest("b", "running", cpu=1.0)
    changes = []
    for second in range(1, 121):
        history.record("a", second, [("cpu", 40.0 + second)])
        history.record("b", second, [("cpu", 1.0)])
        changes.append(minutes.draw([one, quiet], 10, UNICODE))
    moved = [second for second, names in enumerate(changes, 1) if names]
    assert all(later - before in (6, 12) for before, later in zip(moved, moved[1:], strict=False))
    assert {name for names in changes for name in names} == {"a"}, "under 4 % nothing is drawn"
    assert len(plain(minutes.line("a"))) == 10 and not minutes.line("b")
    assert minutes.draw([guest("a")], 10, UNICODE) == ["a"] and not minutes.line("a")


def test_qemu_is_asked_where_it_is_seen():
    async def scene(stage, pilot, pane):
        guests = {f"g{number:03}": live(f"g{number:03}") for number in range(200)}
        pane.take(guests)
        await pilot.pause()
        near = pane.asked_of_qemu
        assert {"g000", "g030"} <= near and "g199" not in near
        pane.table.focus()
        await pilot.press("G")
        await pilot.pause()
        assert "g199" in pane.asked_of_qemu and "g000" not in pane.asked_of_qemu
        pane.sort_by("wait")
        assert pane.asked_of_qemu == set(guests)
        pane.sort_by("name")
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        assert pane.asked_of_qemu == set()

    on_stage(scene, size=(140, 36))


def test_a_row_that_comes_into_sight_has_the_figures_of_now():
    async def scene(stage, pilot, pane):
        for percent in (11.0, 22.0):
            pane.take({f"g{n:03}": guest(f"g{n:03}", "running", cpu=percent) for n in range(200)})
            await pilot.pause()
        pane.table.focus()
        await pilot.press("G")
        await pilot.pause()
        rows = [line for line in stage.grid() if " ● g" in line]
        assert rows and all(" 22 " in row and " 11 " not in row for row in rows)

    on_stage(scene, size=(100, 30))


def test_two_hundred_that_die_at_once_are_rows_without_figures():
    async def scene(stage, pilot, pane):
        history = stage.history
        names = [f"g{number:03}" for number in range(200)]
        for second in range(1, 91):
            for name in names:
                history.record(name, second, [("cpu", 80.0), ("disk_read", 5e6)])
        pane.take({name: live(name, disk=5e6, net=1e6, wait=9.0) for name in names})
        pane.move_graphs()
        await pilot.pause()
        assert "⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤" in stage.grid()[1] and "4.8M" in stage.grid()[1]
        for name in names:
            history.forget(name)
        pane.take({name: guest(name, "crashed") for name in names})
        pane.move_graphs()
        await pilot.pause()
        grid = stage.grid()
        assert all("crashed" in line for line in grid[1:20])
        assert not any(sign in "".join(grid[:20]) for sign in "⣀⣤⣶⣿")
        assert "4.8M" not in "".join(grid)

    history = History()
    pane = GuestsPane(trends(history))
    stage = Stage(Held(pane))
    stage.history = history
    play(stage, lambda shown, pilot: scene(shown, pilot, pane), size=(140, 36))


@pytest.mark.slow
def test_memory_is_flat_however_long_graphs_move():
    async def scene(stage, pilot, pane):
        names = [f"g{number:03}" for number in range(40)]

        async def rounds(first, count):
            for number in range(first, first + count):
                for at, name in enumerate(names):
                    percent = float((number * 37 + at) % 100)
                    history.record(name, 60 * number, [("cpu", percent), ("disk_read", percent)])
                pane.take({name: live(name, disk=float(number)) for name in names})
                pane.move_graphs()
                await pilot.pause()

        tracemalloc.start()
        found = []
        for part in range(4):
            await rounds(1 + 40 * part, 40)
            stage.posted.clear()
            gc.collect()
            found.append(tracemalloc.get_traced_memory()[0] // 1000)
        tracemalloc.stop()
        assert found[3] - found[1] < 60, f"kB after each 40 minutes: {found}"

    history = History()
    pane = GuestsPane(trends(history))
    play(Stage(Held(pane)), lambda shown, pilot: scene(shown, pilot, pane), size=(140, 36))
