"""The key bar."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play

from kvmtui.tui.glyphs import ASCII, UNICODE, Glyphs
from kvmtui.tui.widgets.key_bar import KeyBar

KEYS = [
    ("d", "shut down"),
    ("x", "stop"),
    ("p", "pause"),
    ("c", "console"),
    ("v", "screen"),
    ("m", "graphs"),
    ("t", "snapshots"),
    ("b", "backup"),
    ("/", "filter"),
    ("o", "sort"),
    (":", "commands"),
]


@pytest.mark.parametrize(
    ("width", "glyphs", "shown"),
    [
        (
            140,
            UNICODE,
            " d shut down   x stop   p pause   c console   v screen   m graphs   t snapshots"
            "   b backup   / filter   o sort   : commands          ? help",
        ),
        (
            80,
            UNICODE,
            " d shut down  x stop  p pause  c console  v screen  m graphs             ? help",
        ),
        (40, UNICODE, " d shut down  x stop  p pause    ? help"),
        (
            80,
            ASCII,
            " [d] shut down  [x] stop  [p] pause  [c] console  [v] screen         [?] help",
        ),
        (9, UNICODE, "  ? help"),
    ],
)
def test_what_fits_is_shown(width: int, glyphs: Glyphs, shown: str) -> None:
    bar = KeyBar()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        bar.set_keys(KEYS)
        await pilot.pause()
        cells = stage.grid()[0]
        assert " ".join(cells.split()) == " ".join(shown.split())
        assert cells.startswith(shown[:20].rstrip())
        assert len(cells) == width - 1

    play(Stage(bar, glyphs=glyphs), scene, size=(width, 1))


def test_clicks() -> None:
    bar = KeyBar()
    bar.set_keys(KEYS[:2])

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        for x in (1, 11, 12, 14, 78, 0):
            await pilot.click(offset=(x, 0))
        assert [m.key for m in stage.take(KeyBar.KeyClicked)] == ["d", "d", "x", "?"]

    play(Stage(bar), scene, size=(80, 1))


def test_without_a_last_key() -> None:
    bar = KeyBar()
    bar.set_keys(KEYS[:2], last=None)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.grid() == [" d shut down  x stop"]

    play(Stage(bar), scene, size=(80, 1))
