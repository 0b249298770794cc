"""The row of panes and figures."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play

from kvmtui.tui.glyphs import ASCII, UNICODE, Glyphs
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.title_bar import Figure, Tab, TitleBar


def line(text: str) -> Line:
    return (Span(text),)


def title_bar(glyphs: Glyphs) -> TitleBar:
    bar = TitleBar()
    bar.set_tabs(
        [
            Tab("guests", "1", "Guests", "26"),
            Tab("images", "2", "Images"),
            Tab("install", "3", "Install"),
            Tab("host", "4", "Host", badge=line(glyphs.trouble), badge_stays=True),
            Tab("activity", "5", "Activity", badge=line(f"{glyphs.under_way}2")),
        ],
        "guests",
    )
    bar.set_figures(
        "hv1",
        [
            Figure(line("cpu  71%"), line("cpu  71%")),
            Figure(line("memory 41G of 64G"), line("mem 41G/64G")),
            Figure(line("/srv  312G left")),
        ],
    )
    bar.set_alarm(line(f"{glyphs.trouble}2"))
    return bar


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            140,
            "  1 Guests 26   2 Images   3 Install   4 Host ▲   5 Activity »2"
            "                        hv1   cpu  71%   memory 41G of 64G   /srv  312G left",
        ),
        (
            113,
            "  1 Guests 26   2 Images   3 Install   4 Host ▲   5 Activity »2"
            "   cpu  71%   memory 41G of 64G   /srv  312G left",
        ),
        (
            100,
            "  1 Guests  2 Images  3 Install  4 Host ▲  5 Activity »2"
            "                      cpu  71%  mem 41G/64G",
        ),
        (80, "  1 Guests  2 Images  3 Install  4 Host ▲  5 Activity     cpu  71%  mem 41G/64G"),
        (70, "  1 Guests  2 Images  3 Install  4 Host ▲  5 Activity        cpu  71%"),
        (42, "  1 Guests 26   ▲2  cpu  71%  mem 41G/64G"),
        (40, "  1 Guests 26   ▲2             cpu  71%"),
        (20, "  1 Guests 26   ▲2"),
        (12, "  1 Guests"),
    ],
)
def test_it_becomes_narrower(width: int, shown: str) -> None:
    bar = title_bar(UNICODE)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.grid() == [shown]

    play(Stage(bar), scene, size=(width, 1))


def test_ascii_and_no_colour() -> None:
    bar = title_bar(ASCII)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.grid() == [
            " [1 Guests] 2 Images  3 Install  4 Host !  5 Activity     cpu  71%  mem 41G/64G"
        ]

    play(Stage(bar, glyphs=ASCII), scene, size=(80, 1))


def test_the_active_tab_has_its_ground() -> None:
    bar = title_bar(UNICODE)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.styles_at(0)[:2] == [(" ", ""), (" 1 Guests ", "bold reverse")]

    play(Stage(bar), scene, size=(80, 1))


def test_clicks() -> None:
    bar = title_bar(UNICODE)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        for x in (2, 12, 70):
            await pilot.click(offset=(x, 0))
        assert [m.tab for m in stage.take(TitleBar.TabClicked)] == ["guests", "images"]

    play(Stage(bar), scene, size=(80, 1))
