"""Failures over the list."""

from __future__ import annotations

import pytest
from textual.app import ComposeResult
from textual.containers import Container
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play

from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable
from kvmtui.tui.widgets.toast import FailureToast, spot_for


def line(text: str) -> Line:
    return (Span(text),)


FAILURE = [
    (Span("✗", "err", glyph=True), Span(" web-03 did not start")),
    line("Its disk web-03/disk0.qcow2 is in use by web-02 (pid 3907)."),
    line("Try: shut web-02 down, or give web-03 a clone:  C on web-02"),
]


class Pane(Container):
    """A list with a toast over it."""

    DEFAULT_CSS = "Pane { layers: base above; width: 80; height: 10; }"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.table = LineTable([Column("name", "Name", 10, flexible=True)])
        self.table.set_rows([Row(f"guest-{i}", (line(f"guest-{i}"),)) for i in range(9)])
        self.toast = FailureToast(clock=clock)

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.toast


class Clock:
    """Stands still until it is put forward."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("height", "area", "avoid", "place"),
    [
        (4, 20, None, (16, 4)),
        (4, 20, 15, (16, 4)),
        (4, 20, 16, (12, 4)),
        (4, 20, 19, (15, 4)),
        (4, 6, 3, (0, 3)),
        (4, 6, 2, (3, 3)),
        (4, 3, None, (0, 3)),
        (4, 1, 0, (0, 0)),
        (4, 6, 9, (2, 4)),
    ],
)
def test_the_spot_leaves_the_cursor_free(
    height: int, area: int, avoid: int | None, place: tuple[int, int]
) -> None:
    spot = spot_for(30, height, 80, area, avoid)
    assert (spot.y, spot.height) == place
    assert avoid is None or not spot.y <= avoid < spot.y + spot.height


def test_it_is_told_until_it_was_seen() -> None:
    clock = Clock()
    pane = Pane(clock)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert not pane.toast.shown
        pane.toast.show(FAILURE, avoid_y=1)
        await pilot.pause()
        assert stage.grid()[6:10] == [
            "   guest-5",
            "   guest-6         ▌ ✗ web-03 did not start                                Esc ×",
            "   guest-7         ▌ Its disk web-03/disk0.qcow2 is in use by web-02 (pid 3907).",
            "   guest-8         ▌ Try: shut web-02 down, or give web-03 a clone:  C on web-02",
        ]
        pane.toast.show([line("db-01 did not stop"), line("why")], avoid_y=1)
        await pilot.pause()
        assert stage.grid()[8].endswith("▌ db-01 did not stop   +1 in Activity   Esc ×")
        assert stage.grid()[7] == "   guest-6"
        pane.toast.avoid(9)
        await pilot.pause()
        assert stage.grid()[7].endswith("+1 in Activity   Esc ×")
        assert stage.grid()[9] == "   guest-8"
        clock.now += 29.9
        pane.toast.tick()
        assert pane.toast.shown
        clock.now += 0.1
        pane.toast.tick()
        await pilot.pause()
        assert not pane.toast.shown
        assert stage.grid()[8] == "   guest-7"
        assert len(stage.take(FailureToast.ToastClosed)) == 1

    play(Stage(pane), scene)


def test_closing_and_clicking() -> None:
    pane = Pane(Clock())

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        pane.toast.close()
        pane.toast.show(FAILURE)
        await pilot.pause()
        assert stage.focused is pane.table
        await pilot.click(pane.toast)
        assert not pane.toast.shown
        assert len(stage.take(FailureToast.ToastClosed)) == 1

    play(Stage(pane), scene)


def test_long_words_are_broken_into_four_lines_at_most() -> None:
    pane = Pane(Clock())

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        pane.toast.show([line("it failed"), line("because " * 40), line("Try again")])
        await pilot.pause()
        assert [text.strip() for text in stage.grid()[6:10]][-1].endswith("▌ Try again")
        assert pane.toast.size.height == 4

    play(Stage(pane), scene)
