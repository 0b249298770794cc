"""Memory that does not grow, and what can be read out of it."""

from __future__ import annotations

import math
import sys
import tracemalloc

import pytest

from kvmtui.stats.history import KEYS, MINUTES, MOST_VCPUS, SECONDS, History


def numbers(values):
    return [None if math.isnan(value) else round(value, 2) for value in values]


def recorded(samples, key="cpu", begin=6000):
    history = History()
    for second, value in samples:
        history.record("web", begin + second, [(key, value)])
    return history


def test_the_last_minute_newest_last():
    history = recorded([(second, second % 10) for second in range(200)])
    series = history.series("web", "cpu", "1min", 100)
    assert series.step_s == 1 and len(series.values) == 60
    assert numbers(series.values)[-12:] == [8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_what_is_not_known_is_no_number():
    history = recorded([(0, 1.0), (1, None), (2, 3.0), (3, 0.0)])
    assert numbers(history.series("web", "cpu", "1min", 60).values)[-5:] == [None, 1, None, 3, 0]
    for name, key in (("web", "net_in"), ("other", "cpu")):
        series = history.series(name, key, "10min", 60)
        assert len(series.values) == 60 and all(map(math.isnan, series.values))


def test_a_value_holds_for_the_time_since_the_last():
    history = recorded([(0, 1.0), (5, 7.0)])
    values = numbers(history.series("web", "cpu", "1min", 60).values)
    assert values[-6:] == [1, 7, 7, 7, 7, 7]


def test_several_values_of_a_second_are_its_mean():
    history = recorded([(0, 1.0), (1, 2.0), (1, 4.0), (2, 5.0)])
    assert numbers(history.series("web", "cpu", "1min", 60).values)[-3:] == [1, 3, 5]
    minutes = history.series("web", "cpu", "24h", MINUTES)
    # The mean of the seconds 1 and 3; the present second is not over yet.
    assert (numbers(minutes.values)[-1], numbers(minutes.peaks)[-1]) == (2, 3)


def test_a_day_of_suspend_is_a_gap_of_a_day():
    history = recorded([(second, 5.0) for second in range(600)])
    history.record("web", 6000 + 600 + 86400, [("cpu", 9.0)])
    assert numbers(history.series("web", "cpu", "10min", 600).values) == [None] * 599 + [9]
    day = numbers(history.series("web", "cpu", "24h", MINUTES).values)
    assert day.count(5) == 0 and day[-2:] == [None, None]
    history.record("web", 6000 + 600 + 86401, [("cpu", 9.0)])
    assert numbers(history.series("web", "cpu", "24h", MINUTES).values)[-1] == 9


def test_minutes_have_mean_and_peak():
    history = recorded([(second, 100.0 if second == 70 else 10.0) for second in range(181)])
    series = history.series("web", "cpu", "24h", MINUTES)
    assert series.step_s == 60
    assert numbers(series.values)[-4:] == [10, 11.5, 10, None]
    assert numbers(series.peaks)[-4:] == [10, 100, 10, None]


def test_steps_begin_at_multiples_of_their_length():
    history = History()
    shapes = []
    for second in range(6000, 6100):
        history.record("web", second, [("cpu", float(second % 20))])
        if second >= 6080:
            values = numbers(history.series("web", "cpu", "1min", 6).values)
            shapes.append(values[:-1])
    # A graph moves by whole steps: the shape is the same within one.
    assert len({tuple(shape) for shape in shapes}) == 2


def test_values_come_back_within_a_thousandth():
    for value in (0.01, 1, 99.9, 4e3, 5.8e9, 3.3e11):
        history = recorded([(0, value)])
        assert history.series("web", "cpu", "1min", 60).values[-1] == pytest.approx(value, rel=1e-3)


def test_memory_is_flat_over_a_day_and_as_large_as_is_said():
    keys = KEYS[:4]
    tracemalloc.start()
    try:
        history = History()
        values = [(key, 5.0) for key in keys]
        for second in range(3 * 60):
            history.record("web", second, values)
        before = tracemalloc.get_traced_memory()[0]
        for second in range(3 * 60, 24 * 3600, 7):
            history.record("web", second, values)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 4_000
    each = 2 * SECONDS + 4 * MINUTES
    assert each == 6960 and after < len(keys) * (each + 700) + 2000
    assert (len(KEYS) + MOST_VCPUS) * (each + 700) < 185_000
    history.forget("web")
    assert math.isnan(history.series("web", "cpu", "1min", 1).values[0])
    assert sys.getsizeof(history.series("web", "cpu", "24h", 60).values) < 1000
