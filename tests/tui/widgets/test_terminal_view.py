"""A terminal as a widget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual.events import MouseMove
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play, watch

from kvmtui.tui.widgets.emulator import Emulator
from kvmtui.tui.widgets.terminal_view import TerminalView


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def terminal(width: int = 80, height: int = 24) -> TerminalView:
    return TerminalView(Emulator(width, height))


def test_what_comes_is_shown_and_only_that_is_drawn() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed(b"login: ")
        await until(lambda: stage.grid()[0] == "login:")
        asked = watch(view)
        view.feed(b"\x1b[5;3Hhere")
        await until(lambda: stage.grid()[4] == "  here")
        assert {region.y for region in asked} == {0, 4}, "the cursor left the first row"
        asked.clear()
        view.feed(b"\x1b[5;3Hhere")
        await until(lambda: not view.waiting and not view._painting)
        assert not asked

    play(Stage(view), scene)


def test_colours_and_the_cursor() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed(b"\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[48;2;1;2;3mon\x1b[0m")
        await until(lambda: "orange" in stage.grid()[0])
        pieces = dict(stage.styles_at(0))
        assert pieces["red"] == "bold color(1)"
        assert "color(208)" in pieces["orange"] and "#010203" in pieces["on"]
        assert "reverse" in stage.styles_at(0)[4][1]
        view.feed(b"\x1b[?25l")
        await until(lambda: all("reverse" not in style for _, style in stage.styles_at(0)))

    play(Stage(view), scene)


def test_wide_characters_keep_their_cells() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed("漢字|é|\x1b[1;1H".encode())
        await until(lambda: stage.grid()[0] == "漢字|é|")
        assert stage.styles_at(0)[0][0] == "漢"

    play(Stage(view), scene)


def test_a_flood_ends_and_asks_for_more() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        stage.take(TerminalView.Hungry)
        view.feed(b"y\r\n" * 20_000 + b"\x1b[2J\x1b[Hdone")
        assert view.waiting > 50_000
        await until(lambda: stage.grid()[0] == "done")
        assert stage.take(TerminalView.Hungry) and view.waiting == 0

    play(Stage(view), scene)


def test_answers_and_keys_leave_as_messages() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed(b"\x1b[6n")
        await until(lambda: any(isinstance(one, TerminalView.Typed) for one in stage.posted))
        (answer,) = stage.take(TerminalView.Typed)
        assert (answer.data, answer.answer) == (b"\x1b[1;1R", True)
        view.paste("two\nlines")
        await until(lambda: any(isinstance(one, TerminalView.Typed) for one in stage.posted))
        (typed,) = stage.take(TerminalView.Typed)
        assert (typed.data, typed.answer) == (b"two\rlines", False)
        await pilot.click(view, offset=(3, 2))
        assert not stage.take(TerminalView.Typed)
        view.feed(b"\x1b[?1000h\x1b[?1006h")
        await until(lambda: view.emulator.wants_mouse)
        await pilot.click(view, offset=(3, 2))
        await until(lambda: any(isinstance(one, TerminalView.Typed) for one in stage.posted))
        assert stage.take(TerminalView.Typed)[0].data == b"\x1b[<0;4;3M"

    play(Stage(view), scene)


@pytest.mark.parametrize("size", [(40, 12), (120, 40)])
def test_the_cursor_stays_in_sight(size: tuple[int, int]) -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed("".join(f"line {number}\r\n" for number in range(23)).encode() + b"prompt$ ")
        await until(lambda: "prompt$" in stage.grid())
        assert view.top == max(24 - size[1], 0)
        view.resize_terminal(*size)
        await until(lambda: "prompt$" in stage.grid())
        assert view.top == 0

    play(Stage(view), scene, size=size)


def test_the_past_is_drawn_muted() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed(b"\x1b[31mred")
        await until(lambda: stage.grid()[0] == "red")
        view.mute(True)
        await pilot.pause()
        assert len(stage.styles_at(0)) == 1, "no colour, no cursor"
        view.mute(False)
        await pilot.pause()
        assert len(stage.styles_at(0)) > 1

    play(Stage(view), scene)


def test_what_is_old_is_shown_and_its_queries_are_not_answered() -> None:
    view = terminal()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        view.feed(b"\x1b[6n\x1b[cold", old=True)
        view.feed(b" new")
        await until(lambda: stage.grid()[0] == "old new")
        assert not stage.take(TerminalView.Typed)
        view.begin_anew(Emulator(80, 24))
        view.feed(b"another run")
        await until(lambda: stage.grid()[0] == "another run")

    play(Stage(view), scene)


def test_the_mouse_is_dragged_as_far_as_the_program_asked() -> None:
    view = terminal(40, 10)
    sent: list[bytes] = []

    class Hears(Stage):
        def on_terminal_view_typed(self, event: TerminalView.Typed) -> None:
            sent.append(event.data)

    async def drag(pilot: Pilot[None]) -> list[bytes]:
        sent.clear()
        await pilot.hover(view, offset=(3, 2))
        await pilot.mouse_down(view, offset=(3, 2))
        for x, y in ((4, 2), (4, 2), (60, 5)):
            await pilot._post_mouse_events([MouseMove], view, offset=(x, y), button=1)
        await pilot.mouse_up(view, offset=(60, 5))
        await pilot.pause()
        return list(sent)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert await drag(pilot) == []
        view.emulator.feed(b"\x1b[?1000h\x1b[?1006h")
        assert await drag(pilot) == [b"\x1b[<0;4;3M", b"\x1b[<0;40;6m"]
        view.emulator.feed(b"\x1b[?1002h")
        dragged = [b"\x1b[<0;4;3M", b"\x1b[<32;5;3M", b"\x1b[<32;40;6M", b"\x1b[<0;40;6m"]
        assert await drag(pilot) == dragged
        view.emulator.feed(b"\x1b[?1003h")
        assert await drag(pilot) == [b"\x1b[<35;4;3M", *dragged]

    play(Hears(view), scene)
