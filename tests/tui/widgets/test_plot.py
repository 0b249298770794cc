"""Columns as text, and graphs of one line."""

from __future__ import annotations

import math
from collections import deque

import pytest

from kvmtui.tui.glyphs import ASCII, BLOCKS, UNICODE, Glyphs
from kvmtui.tui.spans import Span, plain, width_of
from kvmtui.tui.widgets.axis import Values
from kvmtui.tui.widgets.plot import plot
from kvmtui.tui.widgets.spark import QUIET_UNDER, labelled, sparkline

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("glyphs", "rising", "hanging"),
    [
        (UNICODE, ["   ⢀⣴⣿", "⣀⣠⣾⣿⣿⣿"], ["⠒⠲⢶⣶⣶⣶", "  ⠈⠉⠻⣿"]),
        (BLOCKS, ["   ▁▅█", "▁▃▇███"], ["▔▀▓▓▓▓", "   ▔▀▓"]),
        (ASCII, ["    :|", "..||||"], ["''!!!!", "    :!"]),
    ],
)
def test_an_area_of_two_rows(glyphs: Glyphs, rising: list[str], hanging: list[str]) -> None:
    shares = [0, 0.1, 0.1, 0.25, 0.35, 0.5, 0.5, 0.6, 0.75, 0.85, 1, 1]
    assert plot(shares, 2, glyphs) == rising
    assert plot(shares, 2, glyphs, hanging=True) == hanging


@pytest.mark.parametrize("glyphs", [UNICODE, BLOCKS, ASCII])
def test_gaps_are_empty_and_nothing_is_a_base_line(glyphs: Glyphs) -> None:
    (line,) = plot([None, None, 0, 0, None, None], 1, glyphs)
    assert line[0] == line[2] == " " != line[1]
    (line,) = plot([0.0, 0.03, 0.05, 0.05], 1, glyphs, quiet_under=QUIET_UNDER)
    assert line[0] == " " != line[1]


def test_a_half_known_cell_is_drawn_by_what_is_known() -> None:
    assert plot([None, 1.0, 1.0, None], 1, UNICODE) == ["⢸⡇"]
    assert plot([None, 1.0, 0.0, 1.0], 1, BLOCKS) == ["█▄"]


@pytest.mark.parametrize("rows", [1, 4, 40])
def test_what_is_beyond_the_scale_is_drawn_at_its_end(rows: int) -> None:
    assert plot([7.0, 1e300], rows, UNICODE) == ["⣿"] * rows
    assert plot([-7.0, -1e300], rows, UNICODE)[-1] == "⣀"


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], "    "),
        ([100], "   ⢸"),
        ([100, 100], "   ⣿"),
        ([0, 50, 100, 100], "  ⣠⣿"),
        ([25] * 20, "⣀⣀⣀⣀"),
        ([0, 0, None, None, NAN, NAN, 100, 100], "⣀  ⣿"),
        ([INF, -INF, -1, -0.5, 1e22, 10**400, 100, 1e18], "   ⣿"),
        ([1e18, 1, 100, 0], "  ⣇⣇"),
    ],
)
def test_sparklines(values: Values, drawn: str) -> None:
    assert plain(sparkline(values, 4, 100, UNICODE)) == drawn


@pytest.mark.parametrize("top", [0, -1, NAN, INF])
def test_without_a_scale_nothing_is_drawn(top: float) -> None:
    assert sparkline([1, 2], 4, top, UNICODE) == ()


def test_a_sparkline_is_one_span_of_its_width() -> None:
    for width in (1, 7, 200):
        assert [width_of([span]) for span in sparkline([1, 2, 3], width, 3, ASCII)] == [width]
    assert sparkline([1], 0, 1, UNICODE) == ()
    assert sparkline([1], 3, 1, UNICODE)[0].role == "graph"


def test_little_is_nothing_in_a_table() -> None:
    drawn = sparkline([3, 3, 4, 4, 100, 100], 3, 100, UNICODE, quiet_under=QUIET_UNDER)
    assert plain(drawn) == " ⣀⣿"


def test_with_a_count_every_second_sample_moves_it() -> None:
    history: deque[float | None] = deque(maxlen=8)
    drawn = []
    for taken, value in enumerate([0, 25, 50, 75, 100, 75, 50, 25, 0, 100, 50, 50], start=1):
        history.append(value)
        drawn.append(plain(sparkline(list(history), 3, 100, UNICODE, taken=taken)))
    assert drawn[::2] == ["   ", *drawn[1:-1:2]]
    assert drawn[1::2] == ["  ⣀", " ⣀⣴", "⣀⣴⣷", "⣴⣷⣄", "⣷⣄⣸", "⣄⣸⣤"]


def test_a_graph_with_its_label_and_value() -> None:
    label, value = (Span("Read", "muted"),), (Span("1.1M"),)
    line = labelled(label, [0, 50, 100, 100], value, 30, 100, UNICODE)
    assert plain(line) == "Read                ⣠⣿    1.1M"
    line = labelled(label, [0, 0], value, 22, 100, ASCII)
    assert plain(line) == "Read         .    1.1M"
    line = labelled(label, [0, 0], value, 21, 100, ASCII)
    assert plain(line) == "Read      1.1M       "
    line = labelled((Span("a long label"),), [0], (Span("12345678"),), 24, 1, ASCII)
    assert plain(line) == "a long la…   .  12345678"


@pytest.mark.parametrize("width", range(0, 40))
def test_it_fits_any_width(width: int) -> None:
    label, value = (Span("Receive"),), (Span("288K"),)
    assert width_of(labelled(label, [1.0] * 9, value, width, 1, UNICODE)) == width
