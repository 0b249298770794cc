"""The difference of cells and styles, without an app: what is sent for what."""

from __future__ import annotations

import random

import pyte
import pytest
from rich.cells import set_cell_size
from rich.color import ColorSystem
from rich.segment import ControlType, Segment
from rich.style import Style

from kvmtui.tui.cells import Frame, Shadow, cells_of, moved_to
from kvmtui.tui.sgr import PLAIN, Look, Looks, transition

LOOKS = Looks(ColorSystem.TRUECOLOR)
RED = Style(color="red")


class Page:
    """A shadow of some cells, and the terminal that it is of."""

    def __init__(self, width: int = 20, height: int = 2) -> None:
        self.shadow = Shadow()
        self.shadow.fit(width, height)
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.Stream(self.screen)
        self.screen.reset_mode(7, private=True)
        frame = Frame(self.shadow, LOOKS)
        frame.erase()
        frame.text()

    def draw(
        self, *line: Segment | str, y: int = 0, x: int = 0, start: int = 0, stop: int = 99
    ) -> str:
        """Draw one part; what is sent for it."""
        frame = Frame(self.shadow, LOOKS)
        segments = [Segment(part) if isinstance(part, str) else part for part in line]
        frame.draw(y, x, segments, start, stop)
        sent = frame.text()
        self.stream.feed(sent)
        return sent

    def shown(self, y: int = 0) -> str:
        return self.screen.display[y].rstrip()


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ("web-01", "web-01", ""),
        ("web-01", "web-02", "\x1b[1;6H2"),
        ("a", "b", "\x1b[Hb"),
        # A gap of some cells is written, a wider one is jumped over.
        ("abcdefgh", "xbcdexgh", "\x1b[Hxbcdex"),
        ("abcdefghij", "xbcdefghix", "\x1b[Hx\x1b[8Cx"),
        ("a⣿⣿c", "x⣿⣿y", "\x1b[Hx\x1b[2Cy"),
        ("ab", "ab  ", ""),
        # Wide characters are whole or not at all.
        ("東京", "東都", "\x1b[1;3H都"),
        ("東京", "a東 ", "\x1b[Ha東 "),
        ("東bcdefghi", "京bcdefghx", "\x1b[H京\x1b[7Cx"),
        ("a東b", "abcb", "\x1b[1;2Hbc"),
        ("abcd", "a東d", "\x1b[1;2H東"),
        ("e\u0301x", "ex", "\x1b[He"),
        # Where a mark was written the cursor is put anew: terminals differ there.
        ("abc", "e\u0301xc", "\x1b[He\u0301\x1b[1;2Hx"),
        # What would drive the terminal, or cannot be encoded, is not sent.
        ("", "a\x1b[2Jb\x07\u202ec", "\x1b[Ha[2Jbc"),
        ("", "\ud800", "\x1b[H\ufffd"),
    ],
)
def test_what_is_sent(before: str, after: str, sent: str) -> None:
    page = Page()
    page.draw(before)
    assert page.draw(after) == sent
    assert page.draw(after) == ""
    fresh = Page()
    fresh.draw(after)
    assert page.shown() == fresh.shown() or len(before) > len(after)


def test_only_the_region_is_written_but_a_wide_character_is_written_whole() -> None:
    page = Page()
    page.draw("abcdef")
    assert page.draw("uvwxyz", start=2, stop=4) == "\x1b[1;3Hwx"
    assert page.draw("u東xyz", start=2, stop=3) == "\x1b[1;2H東"
    assert page.shown() == "a東xef"


def test_half_of_a_wide_character_beside_another_widget_becomes_blank() -> None:
    page = Page()
    page.draw("ab東京yz")
    assert page.draw("|", x=3) == "\x1b[1;3H |"
    assert page.draw("|", x=4) == "\x1b[1;6H \x1b[1;5H|"
    assert page.shown() == "ab || yz"


def test_the_screens_edge_cuts_a_wide_character_and_ends_a_run() -> None:
    page = Page(width=4)
    assert page.draw("abc東") == "\x1b[Habc"
    page.draw("abcd")
    assert page.draw("defgh", x=3, y=1) == "\x1b[2;4Hd"
    assert page.draw("x", y=7) == ""
    assert page.draw("x", x=9) == ""


def test_an_unknown_screen_is_written_in_full() -> None:
    page = Page(width=4)
    page.draw("ab")
    page.shadow.forget()
    assert not page.shadow.known
    assert page.shadow.fit(4, 2)
    assert page.draw("ab  ") == "\x1b[Hab  "


def test_blanks_need_no_foreground() -> None:
    page = Page()
    sent = page.draw(Segment("a", RED), Segment(" ", Style(color="blue")), Segment("b", RED))
    assert sent == "\x1b[H\x1b[31ma b\x1b[m"
    underlined = Style(color="blue", underline=True)
    assert "\x1b[4;34m" in page.draw(Segment("a", RED), Segment(" ", underlined))


def test_a_control_segment_is_sent_with_its_cell() -> None:
    page = Page()
    control = Segment("\x1b7\x1b[5mX\x1b8", None, [(ControlType.HOME,)])
    assert page.draw("a", control, "b") == "\x1b[Ha\x1b7\x1b[5mX\x1b8\x1b[m\x1b[1;2Hb"
    assert page.draw("a", control, "c") == "\x1b[1;2Hc"
    assert page.draw(control, "ac").startswith("\x1b[H\x1b7")


def test_cells_of_a_line_are_as_many_as_its_width() -> None:
    line = [Segment("ab"), Segment("東e\u0301", RED), Segment("\u0301")]
    assert cells_of(line, LOOKS).texts == ["a", "b", "東", "", "e\u0301\u0301"]


RED_LOOK, BOLD = Look(foreground="31"), Look(attributes=("1",))


@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [
        (PLAIN, PLAIN, ""),
        (PLAIN, RED_LOOK, "\x1b[31m"),
        (RED_LOOK, PLAIN, "\x1b[m"),
        (Look(("1",), "31", "41"), Look((), "31", "41"), "\x1b[22m"),
        (Look(("1", "2"), "31", "41"), Look(("1",), "31", "41"), "\x1b[22;1m"),
        (Look((), "38;2;1;2;3", "48;2;4;5;6"), Look((), "", "48;2;4;5;6"), "\x1b[39m"),
        (Look(("1", "4", "7")), RED_LOOK, "\x1b[;31m"),
        (PLAIN, Look(link="http://x"), "\x1b]8;;http://x\x1b\\"),
        (Look(link="http://x"), PLAIN, "\x1b]8;;\x1b\\"),
    ],
)
def test_a_style_is_changed_in_the_shortest_way(old: Look, new: Look, sent: str) -> None:
    assert transition(old, new) == sent


def test_equal_styles_are_one_look_and_default_colours_are_none() -> None:
    assert LOOKS.of(Style(color="red")) is LOOKS.of(Style(color="red", bold=False))
    assert LOOKS.of(Style(color="default", bgcolor="default")) is PLAIN
    assert LOOKS.of(None) is PLAIN
    assert LOOKS.of(Style(link="a\x1b\\b")).link == ""


@pytest.mark.parametrize(
    ("system", "codes"),
    [
        (ColorSystem.TRUECOLOR, "38;2;31;41;51"),
        (ColorSystem.EIGHT_BIT, "38;5;235"),
        (ColorSystem.STANDARD, "30"),
    ],
)
def test_exact_indices_hold_in_256_colours_only(system: ColorSystem, codes: str) -> None:
    looks = Looks(system, {(31, 41, 51): 235})
    assert looks.of(Style(color="#1f2933")).foreground == codes


def test_other_colours_take_the_nearest_of_256() -> None:
    assert Looks(ColorSystem.EIGHT_BIT, {}).of(Style(color="#ff0000")).foreground == "38;5;196"


def test_the_cursor_is_moved_in_few_bytes() -> None:
    assert (moved_to(0, 0), moved_to(0, 4), moved_to(3, 4)) == ("\x1b[H", "\x1b[5H", "\x1b[5;4H")


def test_rows_that_moved_up_are_moved_by_the_terminal() -> None:
    """Whatever moves, and whatever stands beside it: what is seen is what was to be seen."""
    chance = random.Random(5)
    words = ["login", "東京 tower", "e\u0301tude", "disk is full", "", "a" * 30, "⣿⣿⣀"]
    page = Page(60, 16)
    whole = Page(60, 16)
    rows = [""] * 12
    saved = plain = 0
    for number in range(120):
        steps = chance.choice([0, 1, 1, 1, 2, 5, 14])
        fresh = [
            f"{number}.{step} " + " ".join(chance.choices(words, k=4)) for step in range(steps)
        ]
        rows = (rows + fresh)[-12:]
        if chance.random() < 0.2:
            rows[chance.randrange(12)] = chance.choice(words)
        style = Style(bgcolor="blue") if chance.random() < 0.1 else Style()
        parts = []
        for y, text in enumerate(rows, 2):
            line = Segment(set_cell_size(text, 44), style)
            parts.append((y, 0, [line], 0, 44))
            parts.append((y, 44, [Segment(f" │ {'beside' if y == 5 else '':13}")], 44, 60))
        for of, scrolls in ((page, True), (whole, False)):
            frame = Frame(of.shadow, LOOKS)
            if scrolls:
                frame.scroll(parts)
            for part in parts:
                frame.draw(*part)
            sent = frame.text()
            of.stream.feed(sent)
            if scrolls:
                saved += len(sent)
            else:
                plain += len(sent)
        assert page.screen.display == whole.screen.display, number
        assert all(
            page.screen.buffer[y][x].bg == whole.screen.buffer[y][x].bg
            for y in range(16)
            for x in range(60)
        )
        assert page.shadow.rows == whole.shadow.rows
    assert saved < plain * 0.6


def test_nothing_is_moved_where_the_terminal_may_show_anything() -> None:
    page = Page(40, 10)
    parts = [(y, 0, [Segment(f"line {y}".ljust(40, "."))], 0, 40) for y in range(10)]
    for part in parts:
        page.draw(*part[2], y=part[0])
    page.shadow.forget_part(3, 3, 2, 2)
    moved = [(y, *rest) for (y, *_), (_, *rest) in zip(parts, parts[1:], strict=False)]
    frame = Frame(page.shadow, LOOKS)
    frame.scroll(moved)
    assert frame.text() == ""
