"""Pictures as a terminal's bytes, and what it answers when asked."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import struct
import termios

import pytest
from textual.geometry import Size
from tui.drawn import kitty_commands, png_size, sixels

from kvmtui.qemu.picture import Picture
from kvmtui.tui import pixels
from kvmtui.tui.graphics import QUESTION, Graphics
from kvmtui.tui.key_parser import KeyParser
from kvmtui.tui.screens.display_picture import MOST_BYTES, drawn


def noise(width, height, *, colors=0):
    """A picture of random pixels, of all colours or of a few."""
    chance = random.Random(3)
    if not colors:
        return Picture(width, height, chance.randbytes(width * height * 3))
    some = [chance.randbytes(3) for _ in range(colors)]
    return Picture(width, height, b"".join(chance.choices(some, k=width * height)))


@pytest.mark.parametrize("size", [(1, 1), (7, 6), (50, 13), (33, 24)])
def test_sixels_are_the_picture_in_216_colours(size):
    picture = noise(*size)
    width, height, seen = sixels(pixels.sixel(picture).encode())
    assert (width, height) == size
    for at, color in enumerate(seen):
        wanted = [(value * 5 + 127) // 255 * 20 for value in picture.rgb[at * 3 : at * 3 + 3]]
        assert list(color) == wanted


def test_kitty_has_the_picture_itself():
    picture = noise(90, 60)
    commands = kitty_commands(pixels.kitty(picture.png(), 7, 12, 5).encode())
    assert len(commands) == 1 and commands[0][1] == picture.png()
    told = commands[0][0]
    assert {key: told[key] for key in "afiqCcr"} == {
        **{"a": "T", "f": "100", "i": "7", "q": "2", "C": "1", "c": "12", "r": "5"}
    }
    assert max(len(part) for part in pixels.kitty(picture.png(), 7, 1, 1).split("\x1b\\")) < 4300


@pytest.mark.parametrize("as_kitty", [True, False])
def test_a_picture_has_its_bounds(as_kitty):
    """The worst picture there is, on a large terminal: smaller, or none, never too many bytes."""
    most = (1000, 1000)
    found = drawn(noise(800, 600), as_kitty, (10, 20), Size(200, 60), 1, most)
    assert found is not None and len(found[1]) <= MOST_BYTES
    some, room = noise(640, 480, colors=2), Size(40, 20)
    (columns, rows), text = drawn(some, as_kitty, (10, 20), room, 1, most)
    assert columns <= 40 and rows <= 20 and len(text) <= MOST_BYTES
    if as_kitty:
        assert png_size(kitty_commands(text.encode())[0][1]) == (400, 300)
        assert (columns, rows) == (40, 15)
        return
    # xterm draws nothing of a picture of sixels that is larger than it says.
    (columns, rows), text = drawn(some, False, (10, 20), room, 1, (200, 1000))
    assert sixels(text.encode())[:2] == (200, 150) and (columns, rows) == (20, 8)


ANSWERS = "\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;4;22c"


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_answers_are_no_keys(size):
    """Among them, and cut anywhere, what is typed stays what it was."""

    async def typed():
        graphics = Graphics({"TERM": "xterm-256color"})
        assert graphics.kind == "blocks" and graphics.question == QUESTION
        assert graphics.question == ""
        KeyParser.graphics = graphics
        parser = KeyParser()
        keys = []
        text = "a\x1b[A" + ANSWERS[:22] + "b" + ANSWERS[22:] + "c\x1b[B"
        for at in range(0, len(text), size):
            keys += [event.key for event in parser.feed(text[at : at + size])]
        await graphics.settled()
        keys += [event.key for event in parser.feed("d")]
        return keys, graphics

    try:
        keys, graphics = asyncio.run(typed())
    finally:
        KeyParser.graphics = None
    assert keys == ["a", "up", "b", "c", "down", "d"]
    assert graphics.kind == "kitty" and graphics.cell == (10, 20)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("\x1b[?1;2c", "blocks"),
        ("\x1b[?4c", "blocks"),
        ("\x1b[?62;4c", "blocks"),
        ("\x1b[6;16;8t\x1b[?62;4c", "sixel"),
        ("\x1b[6;16;8t\x1b[?2;0;1000;900S\x1b[?62;4c", "sixel"),
        ("\x1b[6;16;8t\x1b[?2;3;S\x1b[?62;4c", "sixel"),
        ("\x1b_Gi=31;ENOSYS:no\x1b\\\x1b[6;9999;8t\x1b[?62;4c", "blocks"),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62c", "kitty"),
    ],
)
def test_what_a_terminal_can(answer, kind):
    async def asked():
        graphics = Graphics({"TERM": "xterm"})
        assert graphics.question
        assert graphics.without_answers(answer) == ""
        await graphics.settled()
        assert graphics.most == ((1000, 900) if "900S" in answer else (1000, 1000))
        return graphics.kind

    assert asyncio.run(asked()) == kind


@pytest.mark.parametrize(
    ("size", "cell"),
    [((40, 100, 1003, 804), (10, 20)), ((40, 100, 0, 0), None), ((0, 0, 9, 9), None)],
)
def test_the_kernel_knows_the_size_of_a_cell(size, cell):
    """xterm tells it by no answer; what it counts of its edges makes no difference."""
    ours, theirs = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("4H", *size))
    graphics = Graphics({"TERM": "xterm"})
    graphics.measure(theirs)
    assert graphics.cell == cell
    os.close(ours)
    os.close(theirs)


def test_esc_is_a_key_while_an_answer_is_waited_for():
    async def typed():
        graphics = Graphics({"TERM": "xterm"})
        assert graphics.question
        KeyParser.graphics, KeyParser.literal = graphics, True
        parser = KeyParser()
        keys = [event.key for event in parser.feed("\x1b")]
        parser._answers_held_until = 0.0
        keys += [event.key for event in parser.tick()]
        parser._held_until = 0.0
        keys += [event.key for event in parser.tick()]
        return keys

    try:
        assert asyncio.run(typed()) == ["escape"]
    finally:
        KeyParser.graphics, KeyParser.literal = None, False
    assert not Graphics({"TERM": "linux"}).question
