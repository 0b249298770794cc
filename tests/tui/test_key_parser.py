"""Keys as they were typed."""

from __future__ import annotations

import pytest

from kvmtui.tui.key_parser import KeyParser


@pytest.fixture
def parser():
    KeyParser.literal = True
    yield KeyParser()
    KeyParser.literal = False


def keys(parser, *pieces):
    found = [event for piece in pieces for event in parser.feed(piece)]
    parser._held_until = 0.0
    found += parser.tick()
    return [event.key for event in found]


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        (("\x1b:wq\r",), ["escape", "colon", "w", "q", "enter"]),
        (("\x1b", ":w"), ["escape", "colon", "w"]),
        (("\x1b",), ["escape"]),
        (("\x1b\x1b",), ["escape", "escape"]),
        (("a\x1b[A",), ["a", "up"]),
        (("\x1b", "[A"), ["up"]),
        (("\x1b\x1b[B",), ["escape", "down"]),
        (("\x1bOP",), ["f1"]),
        (("\x1bOhello",), ["escape", "O", "h", "e", "l", "l", "o"]),
        (("\x1bO",), ["escape", "O"]),
        (("\x1b[", "5~"), ["pageup"]),
        (("\x1bdd" * 20,), ["escape", "d", "d"] * 20),
    ],
)
def test_escape_is_a_key(parser, pieces, found):
    assert [key.replace("upper_o", "O") for key in keys(parser, *pieces)] == found


def test_a_paste_is_one(parser):
    event, *_ = parser.feed("\x1b[200~two\nlines\x1b[201~x")
    assert event.text == "two\nlines"


def test_elsewhere_it_is_as_textual_has_it(parser):
    KeyParser.literal = False
    assert keys(parser, "\x1b[A") == ["up"]
