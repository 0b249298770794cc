"""The graph as a widget: what it draws, its keys, holding, and whatever it is given."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from textual.containers import Vertical
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play, watch

from kvmtui.tui.glyphs import ASCII, BLOCKS, UNICODE, Glyphs
from kvmtui.tui.render.figures import BYTES_PER_S, COUNT_PER_S, PERCENT
from kvmtui.tui.spans import Span, width_of
from kvmtui.tui.widgets.axis import Values
from kvmtui.tui.widgets.graph import Graph
from kvmtui.tui.widgets.graph_lines import GraphView, Series, layout_of

NOON = 1_764_072_000.0
EMPTY = "Two samples are needed"
SIZE = (40, 6)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def view(*series: Values, newest_s: float = NOON, **options: Any) -> GraphView:
    names = ("read", "write", "third")
    return GraphView(
        (Span(options.pop("title", "vdb"), bold=True),),
        (Span(options.pop("value", "1.1M/s")),),
        [Series(name, values) for name, values in zip(names, series, strict=False)],
        options.pop("unit", COUNT_PER_S),
        1.0,
        newest_s,
        empty=EMPTY,
        **options,
    )


def ramp(count: int, top: float = 100.0) -> list[float]:
    return [top * at / (count - 1) for at in range(count)]


def shown(
    given: GraphView | None, *, size: tuple[int, int] = SIZE, glyphs: Glyphs = UNICODE
) -> list[str]:
    graph = Graph()
    found: list[str] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        if given is not None:
            graph.show(given)
        await pilot.pause()
        found.extend(stage.grid())

    play(Stage(graph, glyphs=glyphs), scene, size=size)
    return found


def test_one_series() -> None:
    assert shown(view(ramp(66), top=100, unit=PERCENT, clock=True)) == [
        " vdb                              1.1M/s",
        "   100                          ⢀⣀⣠⣤⣴⣶⣾⣿",
        "                        ⢀⣀⣠⣤⣴⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "                ⢀⣀⣠⣤⣴⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "     0 ⣀⣀⣀⣠⣤⣴⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "                    11:59:30",
    ]


@pytest.mark.parametrize(
    ("glyphs", "lines"),
    [
        (
            UNICODE,
            [
                " vdb  ↑ read  ↓ write             1.1M/s",
                "   100                        ⢀⣀⣀⣤⣤⣴⣶⣶⣾⣿",
                "                   ⢀⣀⣀⣤⣤⣤⣶⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
                "     0 ⣀⣀⣀⣀⣠⣤⣤⣶⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
                "       ⣶⣶⣶⣶⣶⣶⣶⣶⣶⣶⣶⣶⣶⡶⠶⠶⠶⠶⠶⠶⠶⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒",
                "   100 ⠉⠉⠉⠉⠉⠁",
            ],
        ),
        (
            BLOCKS,
            [
                " vdb  ↑ read  ↓ write             1.1M/s",
                "   100                        ▁▂▃▃▄▅▆▆▇█",
                "                   ▁▂▃▃▄▅▅▆▇████████████",
                "     0 ▁▁▂▂▃▄▅▅▆▇███████████████████████",
                "       ▓▓▓▓▓▓▓▓▓▓▓▀▀▀▀▀▀▀▀▀▀▀▀▀▔▔▔▔▔▔▔▔▔",
                "   100 ▔▔▔▔",
            ],
        ),
        (
            ASCII,
            [
                " vdb  ^ read  v write             1.1M/s",
                "   100                         ...::::||",
                "                    ....:::|||||||||||||",
                "     0 ......:::||||||||||||||||||||||||",
                "       !!!!!!!!!!:::::::::''''''''''''''",
                "   100 '",
            ],
        ),
    ],
)
def test_two_series_are_told_apart_without_colour(glyphs: Glyphs, lines: list[str]) -> None:
    assert shown(view(ramp(66), ramp(66, 60)[::-1], top=100), glyphs=glyphs) == lines


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (50, " vdb  ↑ read 24K/s  ↓ write 40K/s       p99 4 ms ▲"),
        (44, " vdb  ↑ read  ↓ write             p99 4 ms ▲"),
        (40, " vdb  ↑ read  ↓ write         p99 4 ms ▲"),
        (30, " vdb  ↑ read  ↓ write  p99 4 …"),
        (20, " vdb  ↑ rea…  p99 4…"),
    ],
)
def test_the_names_of_two_series_stay_where_room_is_short(width: int, line: str) -> None:
    given = view([1.0] * 99, [2.0] * 99, value="p99 4 ms ▲")
    read, write = given.series
    series = [read._replace(now="24K/s"), write._replace(now="40K/s")]
    assert shown(given._replace(series=series), size=(width, 4))[0] == line


def test_a_gap_is_a_gap_and_zero_is_a_base_line() -> None:
    values: list[float | None] = [0.0] * 20 + [None] * 10 + [math.nan] * 10 + [8.0] * 26
    line = shown(view(values))[-1]
    assert line == "     0 " + "⣀" * 10 + " " * 10 + "⣿" * 13


@pytest.mark.parametrize("glyphs", [UNICODE, BLOCKS, ASCII])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [5.0],
        [None],
        [math.nan] * 70,
        [math.inf, -math.inf],
        [-5.0] * 70,
        [1e18] * 70,
        [1e300, 10**400, -(10**400)],
        [0.0] * 70,
        [1e-300] * 70,
        [True, False],
    ],
)
def test_whatever_it_is_given(values: Sequence[Any], glyphs: Glyphs) -> None:
    for given in (view(values, taken=2), view(values, values, unit=BYTES_PER_S, taken=2)):
        lines = shown(given, glyphs=glyphs)
        known = [value for value in values if value is not None and 0 <= value <= 1e21]
        assert (EMPTY in "".join(lines)) is not bool(known)
        assert all(width_of([Span(line)]) <= SIZE[0] for line in lines)
        assert lines[0].endswith("1.1M/s")


@pytest.mark.parametrize("top", [0, -1, math.nan, math.inf])
def test_a_top_that_is_none_leaves_it_to_the_scale(top: float) -> None:
    assert shown(view([3.0] * 70, top=top))[1].startswith("     3 ⣿")


def test_without_anything_it_is_empty() -> None:
    assert shown(None) == [""] * 6
    lines = shown(view([], clock=True))
    assert lines == [
        " vdb                              1.1M/s",
        "",
        f"         {EMPTY}",
        "",
        "",
        "",
    ]
    assert shown(view([], title="東京" * 30), size=(20, 3))[0].startswith(" 東京")


@pytest.mark.parametrize("sizes", [[(40, 12), (40, 3), (34, 3), (30, 2)], [(1, 1), (2, 2), (7, 5)]])
def test_the_least_sizes(sizes: Sequence[tuple[int, int]]) -> None:
    for size in sizes:
        for given in (view(ramp(66), clock=True), view(ramp(66), ramp(66), clock=True)):
            lines = shown(given, size=size)
            assert len(lines) == size[1]
            assert all(width_of([Span(line)]) <= size[0] for line in lines)
            assert lines[0].strip().startswith("vdb"[: size[0] - 1]) or size[0] < 12


def test_what_fits_where() -> None:
    one, two = view(ramp(9), clock=True), view(ramp(9), ramp(9), clock=True)
    for given, height, rows, split, clock in (
        *((one, 1, 0, 0, False), (one, 2, 1, 1, False), (one, 4, 3, 3, False)),
        *((one, 5, 3, 3, True), (two, 2, 0, 0, False), (two, 3, 2, 1, False)),
        *((two, 6, 4, 2, True), (two, 5, 3, 2, True)),
    ):
        layout = layout_of(given, 60, height)
        assert (layout.rows, layout.split, layout.clock) == (rows, split, clock), height
    assert layout_of(one, 29, 5).cells == 28
    assert layout_of(one, 30, 5).cells == 23
    assert layout_of(one._replace(labels=False), 30, 5).cells == 29


def test_a_graph_has_one_series_or_two() -> None:
    for given in (view(), view([1.0], [1.0], [1.0])):
        with pytest.raises(ValueError, match="one series or two"):
            Graph().show(given)
    with pytest.raises(ValueError, match="no time"):
        Graph().show(view([1.0], newest_s=math.nan))


def test_it_steps_at_every_second_sample_and_asks_for_no_more() -> None:
    graph = Graph()
    samples = [float(at * 31 % 17) for at in range(120)]

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        grids = []
        asked = watch(graph)
        for taken in range(100, 108):
            # A sampler is a little late now and then.
            newest_s = NOON + taken + 0.45 * math.sin(taken)
            graph.show(view(samples[:taken], newest_s=newest_s, span_s=60.0))
            await pilot.pause()
            grids.append(stage.grid())
            stepped = len(grids) < 2 or grids[-1] != grids[-2]
            assert bool(asked) is stepped
            asked.clear()
        changes = [one != other for one, other in zip(grids, grids[1:], strict=False)]
        assert changes in ([True, False] * 3 + [True], [False, True] * 3 + [False])

    play(Stage(graph), scene, size=(67, 6))


def test_graphs_that_are_given_the_count_step_together() -> None:
    graphs = [Graph(), Graph()]
    samples = [float(at * 31 % 17) for at in range(120)]

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        for taken in range(100, 106):
            for graph, newest_s in zip(graphs, (NOON + taken, NOON + taken + 0.7), strict=True):
                graph.show(view(samples[:taken], newest_s=newest_s, taken=taken))
            await pilot.pause()
            grid = stage.grid()
            assert grid[1:6] == grid[7:12]

    play(Stage(*graphs), scene, size=(60, 12))


def test_the_cursor_reads_times_and_values() -> None:
    graph = Graph(focusable=True)
    values = [1000.0] * 60 + [None, None, 2000.0, 4000.0, 6000.0, 6000.0]

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view(values, taken=66))
        graph.focus()
        await pilot.pause()
        assert stage.grid()[0] == "▌vdb                              1.1M/s"
        await pilot.press("escape", "right")
        assert not stage.take(Graph.CursorMoved)
        seen = []
        for key in ("left", "left", "left", "left", "right"):
            await pilot.press(key)
            seen.append(stage.grid()[0][6:].split())
        assert seen == [
            ["12:00:00", "6K/s"],
            ["11:59:58", "3K/s"],
            ["11:59:56", "–"],
            ["11:59:54", "1K/s"],
            ["11:59:56", "–"],
        ]
        assert len(stage.take(Graph.CursorMoved)) == 5
        await pilot.press(*["left"] * 60)
        assert stage.grid()[0].split()[1] == "11:58:56"
        # Data that come move what is read, not the time.
        await pilot.press("escape", *["left"] * 3)
        graph.show(view([*values, 0.0, 0.0], newest_s=NOON + 2, taken=68))
        await pilot.pause()
        assert stage.grid()[0].split()[1:] == ["11:59:56", "–"]
        stage.take(Graph.CursorMoved)
        await pilot.press("escape")
        assert stage.grid()[0].endswith("1.1M/s")
        assert [message.at_s for message in stage.take(Graph.CursorMoved)] == [None]
        assert graph.cursor_s is None

    play(Stage(graph), scene, size=SIZE)


def test_the_cell_that_is_read_is_seen_in_every_theme() -> None:
    graph = Graph(focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view([4.0] * 66, [4.0] * 66))
        graph.focus()
        await pilot.press("left", "left")
        for theme, mark in (("ansi-dark", "7"), ("night", "48;2;36;55;74")):
            stage.theme = theme
            await pilot.pause()
            for y in range(1, 6):
                looks = [look for _, look in stage.cells_at(y)]
                assert mark in looks[38] and mark not in looks[37] and mark not in looks[39]
                assert looks[37] == looks[39]

    play(Stage(graph), scene, size=SIZE)


def test_one_cursor_for_two_graphs() -> None:
    one, other = Graph(focusable=True), Graph()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        one.show(view([7.0] * 66, [3.0] * 66))
        other.show(view([5.0] * 66))
        one.focus()
        await pilot.press("left", "left")
        (*_, told) = stage.take(Graph.CursorMoved)
        assert told.control is one
        other.read(told.at_s)
        await pilot.pause()
        grid = stage.grid()
        assert grid[0].split()[1:] == ["↑", "read", "7/s", "↓", "write", "3/s", "11:59:58"]
        assert grid[6].split()[1:] == ["11:59:58", "5/s"]
        assert not stage.take(Graph.CursorMoved)

    play(Stage(one, other), scene, size=(50, 12))


def test_a_click_reads_what_it_hits() -> None:
    graph = Graph(focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view(ramp(66, 65), taken=66))
        await pilot.click(graph, offset=(39, 3))
        assert stage.grid()[0].split()[1:] == ["12:00:00", "64/s"]
        await pilot.click(graph, offset=(7, 5))
        assert stage.grid()[0].split()[1:] == ["11:58:56", "0.5/s"]
        stage.take(Graph.CursorMoved)
        for place in ((39, 0), (3, 3)):
            await pilot.click(graph, offset=place)
        assert not stage.take(Graph.CursorMoved)

    play(Stage(graph), scene, size=SIZE)


def test_held_it_stands_still_while_data_come() -> None:
    graph = Graph(focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view(ramp(66)))
        graph.focus()
        await pilot.pause()
        before = stage.grid()
        await pilot.press("space")
        assert [message.held for message in stage.take(Graph.HoldChanged)] == [True]
        assert stage.grid()[0] == "▌vdb               held 12:00:00  1.1M/s"
        for later in range(1, 50):
            graph.show(view([50.0] * 70, newest_s=NOON + later, value="0"))
        await pilot.pause()
        assert stage.grid()[1:] == before[1:]
        assert graph.view is not None and graph.view.newest_s == NOON
        await pilot.press("left")
        assert stage.grid()[0].split()[1:] == ["12:00:00", "99/s"]
        await pilot.press("escape", "space")
        assert stage.grid()[0] == "▌vdb                                   0"
        assert stage.grid()[-1] == "     0 " + "⣿" * 33
        assert graph.view.newest_s == NOON + 49
        graph.hold(True)
        graph.hold(False)
        await pilot.pause()
        assert stage.grid()[0].endswith(" 0")
        assert [message.held for message in stage.take(Graph.HoldChanged)] == [False]

    play(Stage(graph), scene, size=SIZE)


def test_without_room_or_data_the_keys_do_nothing() -> None:
    graph = Graph(focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.focus()
        await pilot.press("left", "right", "escape")
        graph.show(view([]))
        await pilot.press("left")
        assert stage.grid()[0].split()[1:] == ["12:00:00", "–"]
        await pilot.press("escape")
        stage.take(Graph.CursorMoved)
        await pilot.resize_terminal(40, 1)
        await pilot.press("left")
        assert not stage.take(Graph.CursorMoved)

    play(Stage(graph), scene, size=SIZE)


def test_many_resizes_end_in_the_right_picture() -> None:
    graph = Graph()
    given = view(ramp(700), ramp(700)[::-1], span_s=600.0, clock=True)
    wanted = shown(given, size=(60, 8))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(given)
        for step in range(40):
            await pilot.resize_terminal(1 + step * 37 % 120, 1 + step * 13 % 30)
        await pilot.resize_terminal(60, 8)
        await pilot.pause()
        assert stage.grid() == wanted

    play(Stage(graph), scene)


def test_another_span_begins_with_its_own_scale() -> None:
    graph = Graph()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        for span_s, peak, top in ((60.0, 900.0, "1K"), (60.0, 9.0, "1K"), (600.0, 9.0, "10")):
            graph.show(view([peak] * 600, span_s=span_s))
            await pilot.pause()
            assert stage.grid()[1].split()[0] == top

    play(Stage(graph), scene, size=SIZE)


def test_another_subject_is_shown_at_once_on_its_own_scale() -> None:
    graph = Graph(focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view([900.0] * 70, title="vda", subject="web-01 vda"))
        graph.focus()
        await pilot.press("space")
        graph.show(view([9.0] * 70, title="vdb", subject="web-02 vdb"))
        await pilot.pause()
        assert stage.grid()[0].startswith("▌vdb      ")
        assert stage.grid()[1].split()[0] == "10"
        assert graph.held
        graph.show(view([5.0] * 70, title="vdb", subject="web-02 vdb", newest_s=NOON + 50))
        await pilot.press("space")
        assert stage.grid()[-1] == "     0 " + "⣿" * 33
        assert graph.view is not None and graph.view.newest_s == NOON + 50

    play(Stage(graph), scene, size=SIZE)


def test_held_before_there_is_anything_it_shows_the_first() -> None:
    graph = Graph()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.hold(True)
        graph.show(view([9.0] * 70))
        await pilot.pause()
        assert "held 12:00:00" in stage.grid()[0]

    play(Stage(graph), scene, size=SIZE)


@pytest.mark.parametrize("jump_s", [-3600.0, 86400.0, -1e9])
def test_a_clock_that_was_set_changes_nothing_but_the_times(jump_s: float) -> None:
    graph = Graph(focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view(ramp(66)))
        graph.focus()
        await pilot.press("left")
        before = stage.grid()
        graph.show(view(ramp(66), newest_s=NOON + jump_s))
        await pilot.pause()
        assert stage.grid()[1][:6] == before[1][:6]
        graph.read(None)
        await pilot.pause()
        assert [line[7:] for line in stage.grid()[1:]] == [line[7:] for line in before[1:]]

    play(Stage(graph), scene, size=SIZE)


def test_other_signs_and_colours_redraw_all() -> None:
    graph = Graph()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        graph.show(view(ramp(66)))
        await pilot.pause()
        stage.glyphs = ASCII
        stage.theme = "night"
        await pilot.pause()
        assert stage.grid()[-1].isascii()
        assert all("48;2;17;21;26" in look for _, look in stage.cells_at(3))

    play(Stage(graph), scene, size=SIZE)


def test_graphs_in_a_narrow_terminal() -> None:
    graphs = [Graph(focusable=number == 1) for number in range(3)]
    column = Vertical(*graphs)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        for graph in graphs:
            graph.show(view(ramp(66), ramp(66), clock=True))
        graphs[1].focus()
        await pilot.pause()
        grid = stage.grid()
        assert [line[:4] for line in grid[::4]] == [" vdb", "▌vdb", " vdb"]
        assert all(grid[y].startswith("   100") for y in (1, 3, 5, 7, 9, 11))

    play(Stage(column), scene, size=(40, 12))
