"""Lines to read, and rules."""

from __future__ import annotations

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play, watch

from kvmtui.tui.glyphs import ASCII, UNICODE, Glyphs
from kvmtui.tui.spans import Line, Span, plain
from kvmtui.tui.widgets.text_view import LineView, rule


def lines(*texts: str) -> list[Line]:
    return [(Span(text),) for text in texts]


def numbered(count: int) -> list[Line]:
    return lines(*(f"line {number}" for number in range(count)))


@pytest.mark.parametrize(
    ("title", "width", "glyphs", "drawn"),
    [
        ("db-01", 20, UNICODE, "─ db-01 ────────────"),
        ("db-01", 20, ASCII, "- db-01 ------------"),
        ("", 6, UNICODE, "──────"),
        ("a-long-name", 10, UNICODE, "─ a-lon… ─"),
        ("db-01", 3, UNICODE, "───"),
        ("db-01", 0, UNICODE, ""),
    ],
)
def test_rules(title: str, width: int, glyphs: Glyphs, drawn: str) -> None:
    assert plain(rule(title, width, glyphs)) == drawn


def test_only_lines_that_differ_are_drawn() -> None:
    view = LineView(lines("one", "two", "three"))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        asked = watch(view)
        view.set_lines(lines("one", "2", "three"))
        assert asked == [Region(0, 1, 80, 1)]
        await pilot.pause()
        assert stage.grid()[:4] == ["one", "2", "three", ""]
        view.set_lines(lines("one", "2", "three"))
        assert len(asked) == 1
        view.set_lines(lines("one"))
        assert asked[1:] == [Region(0, 1, 80, 1), Region(0, 2, 80, 1)]

    play(Stage(view), scene)


def test_it_scrolls_only_with_the_focus() -> None:
    view = LineView(numbered(30), focusable=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        seen = []
        for key in ("j", "down", "k", "G", "j", "pageup", "g", "space", "home", "up"):
            await pilot.press(key)
            seen.append(view.top)
        assert seen == [1, 2, 1, 20, 20, 11, 0, 9, 0, 0]
        await pilot.press("G")
        view.set_lines(numbered(25))
        assert view.top == 15
        view.set_lines(numbered(25), from_top=True)
        assert view.top == 0
        await pilot.pause()
        assert stage.grid()[0] == "line 0"

    play(Stage(view), scene, size=(80, 10))


def test_without_the_focus_keys_do_nothing() -> None:
    view = LineView(numbered(30))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("j")
        assert (stage.focused, view.top) == (None, 0)

    play(Stage(view), scene, size=(80, 10))
