"""The message line: answers and how long they stand, the filter's text."""

from __future__ import annotations

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play

from kvmtui.tui.glyphs import ASCII
from kvmtui.tui.spans import Line, Span, plain
from kvmtui.tui.widgets.message_line import MessageLine, beside
from kvmtui.tui.widgets.table import LineTable

Changed, Ended = MessageLine.FilterChanged, MessageLine.FilterEnded


def line(text: str) -> Line:
    return (Span(text),)


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("left", "right", "width", "shown"),
    [
        ("", "✓ web resumed", 30, "✓ web resumed"),
        ("2 marked", "✓ web resumed", 30, "2 marked         ✓ web resumed"),
        ("2 marked: all of them", "✓ web resumed", 30, "2 marked: all …  ✓ web resumed"),
        ("2 marked: all of them", "✓ web resumed", 22, "✓ web resumed"),
        ("2 marked", "✓ web resumed", 8, "✓ web r…"),
    ],
)
def test_two_parts_of_a_line(left: str, right: str, width: int, shown: str) -> None:
    assert plain(beside(line(left) if left else (), line(right), width)) == shown


def test_a_success_stands_for_a_while() -> None:
    clock = Clock()
    message = MessageLine(clock=clock)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        message.show(line("winsrv22 resumed"))
        await pilot.pause()
        assert stage.grid() == [" ✓ winsrv22 resumed"]
        message.set_standing(line("2 marked"))
        message.key_pressed()
        clock.now += 7.9
        message.tick()
        await pilot.pause()
        assert stage.grid() == [" 2 marked" + " " * 52 + "✓ winsrv22 resumed"]
        clock.now += 0.1
        message.tick()
        await pilot.pause()
        assert stage.grid() == [" 2 marked"]

    play(Stage(message), scene, size=(80, 1))


def test_a_long_answer_takes_more_lines_while_it_stands() -> None:
    message = MessageLine(most_lines=3)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        message.show(line("a starts with the host; nothing shuts it down"))
        await pilot.pause()
        await pilot.pause()
        found = [row.rstrip() for row in stage.grid() if row.strip()]
        assert found == [" ✓ a starts with the host;", " nothing shuts it down"]
        message.clear()
        await pilot.pause()
        assert message.size.height == 1

    play(Stage(message), scene, size=(30, 4))


def test_a_refusal_stands_until_the_next_key() -> None:
    clock = Clock()
    message = MessageLine(clock=clock)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        message.set_standing(line("2 marked"))
        message.show(line("web-01 is paused: resume it first (p)"), kind="refusal")
        clock.now += 100
        message.tick()
        await pilot.pause()
        assert stage.grid() == [" ▲ web-01 is paused: resume it first (p)"]
        message.key_pressed()
        await pilot.pause()
        assert stage.grid() == [" 2 marked"]
        message.show(line("vault is shutting down"), kind="progress", until=clock.now + 1)
        message.key_pressed()
        await pilot.pause()
        assert stage.grid()[0].endswith("» vault is shutting down")
        clock.now += 1
        message.tick()
        await pilot.pause()
        assert stage.grid() == [" 2 marked"]

    play(Stage(message), scene, size=(80, 1))


def test_the_filter_is_typed_here() -> None:
    table = LineTable([])
    message = MessageLine()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        message.open_filter()
        message.set_found(26, 26)
        await pilot.press("w", "e", "x", "backspace", "b", "left", "right")
        message.set_found(4, 26)
        await pilot.pause()
        assert stage.grid()[-1] == " /web▌   4 of 26   Enter keeps it, Esc clears"
        assert [m.text for m in stage.take(Changed)] == ["w", "we", "wex", "we", "web"]
        await pilot.press("enter")
        assert [m.kept for m in stage.take(Ended)] == [True]
        assert stage.focused is table
        assert not message.filtering
        await pilot.press("j")
        assert stage.grid()[-1] == ""

    play(Stage(table, message), scene, size=(80, 5))


def test_the_filter_is_cleared_or_left() -> None:
    table = LineTable([])
    message = MessageLine()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        message.open_filter("web")
        await pilot.press("escape")
        message.open_filter("web")
        await pilot.pause()
        table.focus()
        await pilot.pause()
        message.open_filter()
        await pilot.press("enter")
        assert [m.kept for m in stage.take(Ended)] == [False, True, False]
        message.open_filter("a")
        message.post_message(Paste("b\nc"))
        await pilot.pause()
        assert [m.text for m in stage.take(Changed)] == ["abc"]
        assert stage.focused is message

    play(Stage(table, message), scene, size=(80, 5))


def test_ascii_signs() -> None:
    message = MessageLine()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        message.show(line("a is paused"), kind="refusal")
        await pilot.pause()
        assert stage.grid() == [" ! a is paused"]
        message.open_filter("a")
        await pilot.pause()
        assert stage.grid()[0].startswith(" /a_   Enter")

    play(Stage(message, glyphs=ASCII), scene, size=(80, 1))
