"""Rates are over the time that really passed, or there are none."""

from __future__ import annotations

import pytest

from kvmtui.stats import rates

BEGIN = (1000.0, 5000.0)


def later(seconds, suspended=0.0):
    return BEGIN[0] + seconds, BEGIN[1] + seconds + suspended


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        (BEGIN, later(1.25), 1.25),
        (BEGIN, later(60), 60),
        (None, later(1), None),
        (BEGIN, BEGIN, None),
        (BEGIN, later(-1), None),
        (BEGIN, later(91), None),
        (BEGIN, later(1, suspended=86400), None),
        (BEGIN, later(1, suspended=0.01), 1),
    ],
)
def test_what_lies_between_two_readings(before, after, passed):
    assert rates.passed_s(before, after) == passed


@pytest.mark.parametrize(
    ("before", "after", "passed", "rate"),
    [
        (100, 350, 2.5, 100),
        (100, 100, 1.0, 0),
        (100, 99, 1.0, None),
        (None, 99, 1.0, None),
        (100, None, 1.0, None),
        (100, 200, None, None),
    ],
)
def test_a_counter(before, after, passed, rate):
    assert rates.per_second(before, after, passed) == rate


def test_setting_the_clock_moves_no_moment(monkeypatch):
    before = rates.now()
    monkeypatch.setattr("time.time", lambda: 0.0)
    after = rates.now()
    assert 0 <= after[0] - before[0] < 60 and 0 <= after[1] - before[1] < 60
