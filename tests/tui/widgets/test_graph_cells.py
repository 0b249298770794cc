"""How many cells a step of graphs changes: what `./dev bench` shows as bytes."""

from __future__ import annotations

import random

import pytest
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play

from kvmtui.tui.glyphs import ASCII, BLOCKS, UNICODE, Glyphs
from kvmtui.tui.render.figures import PERCENT
from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.graph import Graph
from kvmtui.tui.widgets.graph_lines import GraphView, Series
from kvmtui.tui.widgets.spark import QUIET_UNDER, sparkline
from kvmtui.tui.widgets.text_view import LineView

SPARKLINES, SECONDS, BEGIN = 30, 40, 200
CSS = "Graph { width: 61; height: 6; }"


def walk(seed: int) -> list[float]:
    dice, value, values = random.Random(seed), 30.0, []
    for _ in range(BEGIN + SECONDS):
        value = min(max(value + dice.gauss(0, 3), 0.0), 100.0)
        values.append(value)
    return values


@pytest.mark.parametrize(("glyphs", "most"), [(UNICODE, 60), (BLOCKS, 75), (ASCII, 30)])
def test_a_graph_and_thirty_sparklines(glyphs: Glyphs, most: int) -> None:
    graph, lines = Graph(), LineView()
    samples = [walk(seed) for seed in range(SPARKLINES + 1)]

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        changed, grids = [], []
        for taken in range(BEGIN, BEGIN + SECONDS):
            series = [Series("cpu", samples[0][:taken])]
            title, options = (Span("CPU"),), {"top": 100.0, "labels": False, "taken": taken}
            graph.show(GraphView(title, (), series, PERCENT, 1.0, 1e9 + taken, **options))
            lines.set_lines(
                [
                    sparkline(one[:taken], 12, 100, glyphs, quiet_under=QUIET_UNDER, taken=taken)
                    for one in samples[1:]
                ]
            )
            await pilot.pause()
            grids.append([line.ljust(61) for line in stage.grid()])
        for one, other in zip(grids, grids[1:], strict=False):
            pairs = zip("".join(one), "".join(other), strict=True)
            changed.append(sum(before != after for before, after in pairs))
        assert set(changed[::2]) == {0}, "a sample without its pair moves nothing"
        assert 0 < sum(changed) / len(changed) <= most, sum(changed) / len(changed)

    play(Stage(graph, lines, glyphs=glyphs, css=CSS), scene, size=(61, 36))
