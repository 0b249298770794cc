"""A page of graphs: read together, held together, scrolled, chosen."""

from __future__ import annotations

from tui.widgets.stage import Stage, play

from kvmtui.tui.render.figures import PERCENT
from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.graph_lines import GraphView, Series
from kvmtui.tui.widgets.sheet import Sheet, Tile, tile_width


def view(name, values, newest_s=1000.0):
    return GraphView(
        (Span(name),),
        (Span(f"{values[-1]} %"),),
        [Series("x", values)],
        PERCENT,
        1.0,
        newest_s,
        top=100.0,
        taken=1000,
        empty="nothing yet",
        subject=name,
    )


def bands(value, count=6, height=4):
    tiles = [Tile(f"t{n}", height, view(f"t{n}", [value] * 100)) for n in range(count)]
    return [tiles[at : at + 2] for at in range(0, count, 2)]


def on_stage(scene, *, size=(80, 12), choosing=False):
    sheet = Sheet(choosing=choosing)

    async def begin(stage, pilot):
        sheet.show(bands(50.0))
        sheet.focus()
        await pilot.pause()
        await scene(stage, pilot, sheet)

    play(Stage(sheet), begin, size=size)


def test_tiles_stand_side_by_side_each_with_its_title():
    async def scene(stage, pilot, sheet):
        grid = stage.grid()
        assert grid[0].startswith(" t0") and " t1" in grid[0][tile_width(80, 2) :]
        assert grid[4].startswith(" t2") and grid[8].startswith(" t4")
        assert sheet.below == 0

    on_stage(scene)


def test_one_cursor_reads_all_and_esc_takes_it_away():
    async def scene(stage, pilot, sheet):
        before = stage.grid()
        await pilot.press("left", "left")
        assert sheet.cursor_s is not None
        titles = [stage.grid()[y] for y in (0, 4, 8)]
        assert all(title.count("50 %") == 2 for title in titles)
        await pilot.press("right", "right")
        assert sheet.cursor_s is None, "right of the newest nothing is read"
        await pilot.press("left", "escape")
        assert sheet.cursor_s is None and stage.grid() == before

    on_stage(scene)


def test_held_it_stands_still_and_goes_on_with_the_newest():
    async def scene(stage, pilot, sheet):
        await pilot.press("space")
        assert sheet.held and stage.take(Sheet.HoldChanged)
        before = stage.grid()
        sheet.show(bands(90.0))
        await pilot.pause()
        assert stage.grid() == before
        sheet.show(bands(70.0), at_once=True)
        await pilot.pause()
        assert "70.0 %" in stage.grid()[0], "another subject is shown at once"
        sheet.show(bands(90.0))
        await pilot.press("space")
        await pilot.pause()
        assert "90.0 %" in stage.grid()[0] and not sheet.held

    on_stage(scene)


def test_what_does_not_fit_is_scrolled():
    async def scene(stage, pilot, sheet):
        assert sheet.below == 7
        await pilot.press("G")
        assert sheet.below == 0 and stage.grid()[1].startswith(" t4")
        await pilot.press("g")
        assert stage.grid()[0].startswith(" t0")
        await pilot.press("pagedown", "k")
        assert sheet.below == 4

    on_stage(scene, size=(80, 5))


def test_a_tile_is_chosen_and_brought_into_sight():
    async def scene(stage, pilot, sheet):
        assert sheet.chosen == "t0" and stage.grid()[0].startswith("▌t0")
        await pilot.press(*"jjjjjjjj")
        assert sheet.chosen == "t5"
        assert any("▌t5" in line for line in stage.grid())
        sheet.show(bands(50.0, count=2))
        assert sheet.chosen == "t0", "what is gone cannot be chosen"

    on_stage(scene, size=(80, 5), choosing=True)


def test_its_figures_are_text():
    async def scene(stage, pilot, sheet):
        text = sheet.as_text().splitlines()
        assert len(text) == 6 and text[0].split() == ["t0", "50.0", "%"]
        await pilot.press("y")
        assert stage.take(Sheet.CopyWanted)

    on_stage(scene)


def test_no_size_is_too_small():
    async def scene(stage, pilot, sheet):
        for size in ((1, 1), (3, 2), (10, 3), (200, 50), (80, 12)):
            await pilot.resize_terminal(*size)
            await pilot.press("left", "G", "j")
        await pilot.press("g")
        await pilot.pause()
        assert stage.grid()[0].startswith(" t0")

    on_stage(scene)
