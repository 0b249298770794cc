"""Which sample stands in which column, the clock below, and the scale."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator

import pytest

from kvmtui.tui.render.figures import (
    BYTES,
    BYTES_PER_S,
    COUNT_PER_S,
    MILLISECONDS,
    PERCENT,
)
from kvmtui.tui.widgets.axis import axis_for, cell_time, columns_of, reading, time_line
from kvmtui.tui.widgets.scale import Scale, Unit, round_top

NOON = 1_764_072_000.0
"""12:00 UTC on a day in November."""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("span_s", "sample_s", "cells", "merged", "held", "cell_s"),
    [
        (None, 1, 22, 1, 1, 2),
        (None, 3, 10, 1, 1, 6),
        (60, 1, 30, 1, 1, 2),
        (60, 1, 60, 1, 2, 1),
        (60, 1, 100, 1, 3, 2 / 3),
        (600, 1, 60, 5, 1, 10),
        (600, 1, 61, 5, 1, 10),
        (86400, 60, 60, 12, 1, 1440),
        (60, 0.2, 30, 5, 1, 2),
        (86400, 0.2, 1, 216000, 1, 86400),
        (60, 1, 0, 30, 1, 60),
        (1, 60, 10, 1, 20, 6),
    ],
)
def test_a_span_fills_the_cells(
    span_s: float | None, sample_s: float, cells: int, merged: int, held: int, cell_s: float
) -> None:
    axis = axis_for(span_s, sample_s, cells, 1000, NOON)
    assert (axis.merged, axis.held) == (merged, held)
    assert axis.cell_s == pytest.approx(cell_s)
    assert span_s is None or cells < 2 or axis.cell_s * cells >= span_s - 1e-6 or held > 1


@pytest.mark.parametrize(
    ("span_s", "sample_s", "newest_s"),
    [
        *((0, 1, 0), (-1, 1, 0), (math.nan, 1, 0), (math.inf, 1, 0), (60, 0, 0)),
        *((60, math.nan, 0), (60, 1, math.nan), (60, 1, math.inf)),
    ],
)
def test_what_is_no_time_is_refused(span_s: float, sample_s: float, newest_s: float) -> None:
    with pytest.raises(ValueError, match="no time"):
        axis_for(span_s, sample_s, 10, 0, newest_s)


@pytest.mark.parametrize(("span_s", "step"), [(None, 2), (60, 2), (600, 10)])
def test_it_moves_by_whole_cells(span_s: float | None, step: int) -> None:
    """What is drawn after a step is what was drawn before it, further left."""
    samples = [float(at * 7919 % 101) for at in range(2000)]
    cells = 60

    def drawn(taken: int) -> list[float | None]:
        axis = axis_for(span_s, 1, cells, taken, NOON + taken)
        return columns_of(samples[:taken], taken, axis, cells)

    base = drawn(1500)
    moved = 4 if span_s == 60 else 2
    for taken in range(1501, 1500 + step):
        assert drawn(taken) == base
    after = drawn(1500 + step)
    assert after[:-moved] == base[moved:]
    assert after != base


def test_columns_merge_by_mean_or_by_peak() -> None:
    axis = axis_for(8, 1, 2, 8, NOON)
    values = [1, 3, None, None, None, 6, math.nan, math.inf]
    assert columns_of(values, 8, axis, 2) == [2, None, 6, None]
    assert columns_of(values, 8, axis, 2, peaks=True) == [3, None, 6, None]


def test_a_sample_may_take_several_columns() -> None:
    axis = axis_for(4, 1, 6, 4, NOON)
    assert columns_of([1, 2, 3, 4], 4, axis, 6) == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert [reading([1, 2, 3, 4], 4, axis, cell) for cell in range(6)] == [4, 3.5, 3, 2, 1.5, 1]


def test_older_than_the_oldest_is_a_gap() -> None:
    axis = axis_for(None, 1, 3, 2, NOON)
    assert columns_of([5, 6], 2, axis, 3) == [None] * 4 + [5, 6]
    assert columns_of([], 0, axis_for(None, 1, 3, 0, NOON), 3) == [None] * 6
    assert columns_of([5], 2, axis, 0) == []


def test_the_newest_waits_for_its_pair() -> None:
    axis = axis_for(None, 1, 2, 7, NOON)
    assert columns_of([1, 2, 3, 4, 5], 7, axis, 2) == [1, 2, 3, 4]
    assert axis.edge_s == NOON - 1
    assert reading([1, 2, 3, 4, 5], 7, axis, 0) == 3.5


def test_a_reading_is_what_is_drawn() -> None:
    samples = [float(at * 31 % 17) for at in range(700)]
    for span_s in (None, 60, 600):
        for cells in (20, 33, 60):
            axis = axis_for(span_s, 1, cells, 700, NOON)
            drawn = columns_of(samples, 700, axis, cells)
            for cell in range(cells):
                pair = drawn[len(drawn) - 2 - 2 * cell : len(drawn) - 2 * cell]
                value = reading(samples, 700, axis, cell)
                assert None not in pair and value is not None
                assert min(pair) - 1e-9 <= value <= max(pair) + 1e-9


def test_times_find_their_cells() -> None:
    axis = axis_for(600, 1, 60, 1000, NOON)
    for cell in range(60):
        assert axis.cell_at(axis.middle_s(cell), 60) == cell
    assert axis.cell_at(NOON + 1e9, 60) == 0
    assert axis.cell_at(0, 60) == 59


@pytest.mark.parametrize(
    ("span_s", "sample_s", "cell", "text"),
    [
        (60, 1, 0, "12:00:00"),
        (60, 1, 5, "11:59:55"),
        (86400, 60, 0, "12:00"),
        (86400, 60, 10, "08:00"),
        (86400, 60, 40, "24 Nov 20:00"),
    ],
)
def test_the_time_of_a_cell(span_s: float, sample_s: float, cell: int, text: str) -> None:
    assert cell_time(axis_for(span_s, sample_s, 60, 1440, NOON), cell) == text


@pytest.mark.parametrize(
    ("span_s", "sample_s", "text"),
    [
        (600, 1, "         11:52       11:54       11:56       11:58"),
        (60, 1, "          11:59:15       11:59:30       11:59:45"),
        (86400, 60, "            18:00          00:00          06:00"),
    ],
)
def test_the_clock_below(span_s: float, sample_s: float, text: str) -> None:
    axis = axis_for(span_s, sample_s, 60, 1440, NOON)
    assert time_line(axis, 60) == text
    for label in text.split():
        middle = text.index(label) + len(label) // 2
        assert label in cell_time(axis, 59 - middle)


def test_the_clock_of_another_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", "XXX-5:45")
    time.tzset()
    line = time_line(axis_for(86400, 60, 60, 1440, NOON), 60)
    assert {label[3:] for label in line.split()} == {"00"}


@pytest.mark.parametrize("when", [1e18, -1e18, 1e300])
def test_a_time_that_no_calendar_has_is_not_shown(when: float) -> None:
    axis = axis_for(60, 1, 30, 10, when)
    assert cell_time(axis, 0) == ""
    assert time_line(axis, 30) == ""


@pytest.mark.parametrize("cells", [0, 1, 5, 9])
def test_a_narrow_clock_is_not_cut(cells: int) -> None:
    line = time_line(axis_for(60, 1, cells, 10, NOON), cells)
    assert len(line) <= cells
    assert all(len(word) in (5, 6, 8) for word in line.split() if ":" in word)


@pytest.mark.parametrize(
    ("unit", "peak", "top", "text"),
    [
        (BYTES, 0, 1024, "1.0K"),
        (BYTES, 1025, 2048, "2.0K"),
        (BYTES_PER_S, 5.2 * 2**20, 6 * 2**20, "6.0M"),
        (BYTES_PER_S, 700 * 1024, 800 * 1024, "800K"),
        (BYTES_PER_S, 801 * 1024, 2**20, "1.0M"),
        (BYTES, 1e18, 2**60, "1.0E"),
        (BYTES, 1e21, 1000 * 2**60, "1000E"),
        (PERCENT, 0.2, 10, "10"),
        (PERCENT, 38, 40, "40"),
        (PERCENT, 401, 600, "600"),
        (PERCENT, 1e18, 1e18, "1000000000000000000"),
        (COUNT_PER_S, 0, 1, "1"),
        (COUNT_PER_S, 4100, 6000, "6K"),
        (COUNT_PER_S, 1e18, 1e18, "1E"),
        (COUNT_PER_S, 1e21, 1e21, "1000E"),
        (MILLISECONDS, 61, 80, "80"),
    ],
)
def test_round_tops(unit: Unit, peak: float, top: float, text: str) -> None:
    if unit is BYTES and peak == 1e21:
        assert round_top(peak, unit) >= peak
        return
    assert round_top(peak, unit) == top
    assert unit.text(top) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (0.04, "0"), (0.4, "0.4"), (9.94, "9.9"), (9.96, "10"), (999.4, "999")),
        *((999.6, "1K"), (4100, "4.1K"), (123456, "123K")),
    ],
)
def test_plain_figures(value: float, text: str) -> None:
    assert COUNT_PER_S.text(value) == text


def test_the_scale_rises_at_once_and_falls_after_a_minute() -> None:
    scale = Scale(COUNT_PER_S)
    assert scale.fit(None, 0) == 1
    assert scale.fit(70, 1) == 80
    assert scale.fit(500, 2) == 600
    assert [scale.fit(15, at) for at in (3, 30, 62)] == [600, 600, 600]
    assert scale.fit(25, 62.5) == 600
    assert scale.fit(15, 63) == 30
    assert scale.fit(15, 64) == 30
    assert scale.fit(None, 90) == 30
    assert scale.fit(15, 124) == 20


def test_rising_again_begins_the_minute_anew() -> None:
    scale = Scale(COUNT_PER_S)
    scale.fit(500, 0)
    scale.fit(10, 1)
    scale.fit(599, 50)
    assert [scale.fit(10, at) for at in (51, 62, 110)] == [600, 600, 600]
    assert scale.fit(10, 111) == 10


def test_a_clock_set_back_begins_the_minute_anew() -> None:
    scale = Scale(COUNT_PER_S)
    scale.fit(500, 10000)
    scale.fit(10, 10001)
    assert [scale.fit(10, at) for at in (6400, 6459)] == [600, 600]
    assert scale.fit(10, 6460) == 10
