"""How fast graphs move: whole cells of two samples, and slower above the budget."""

from __future__ import annotations

import math

import pytest
from tui.views import trends

from kvmtui.stats.history import History
from kvmtui.tui.budget import MOST_SLOWER, Budget
from kvmtui.tui.screens.connection import connection_lines, rate_text
from kvmtui.tui.spans import plain


def run(budget, seconds, bytes_per_s, *, begin=0, sent=0):
    """Send at a rate for some seconds; returns the time and all bytes."""
    for second in range(begin + 1, begin + seconds + 1):
        sent += bytes_per_s
        budget.take(float(second), sent)
    return begin + seconds, sent


def test_without_a_budget_nothing_slows_down():
    budget = Budget(None)
    run(budget, 120, 1_000_000)
    assert budget.slower == 1 and budget.now == pytest.approx(1_000_000)


def test_above_it_graphs_move_less_often_step_by_step_and_again_when_it_is_calm():
    budget = Budget(1000)
    at, sent = run(budget, 4, 5000)
    assert budget.slower == 1, "a moment is no trend"
    at, sent = run(budget, 8, 5000, begin=at, sent=sent)
    assert budget.slower == 2
    at, sent = run(budget, 300, 5000, begin=at, sent=sent)
    assert budget.slower == MOST_SLOWER
    at, sent = run(budget, 60, 900, begin=at, sent=sent)
    assert budget.slower == MOST_SLOWER, "within the budget it stays as it is"
    run(budget, 400, 100, begin=at, sent=sent)
    assert budget.slower == 1


def test_it_is_told():
    budget = Budget(1000)
    run(budget, 15, 5000)
    told = [plain(line) for line in connection_lines(budget, 150_000, 3, (80, 24), "night")]
    assert told[0].split("  ")[-1].strip() == "5.0 kB/s, mean of the last 10 s"
    assert any("every 4 s, to keep to the budget" in line for line in told)
    assert any("150 000 bytes" in line for line in told)
    assert rate_text(0) == "0 B/s"


def history_of(values):
    history = History()
    for second, value in enumerate(values, 1):
        history.record("a", second, [("cpu", value)])
    return history


def test_a_trend_has_whole_steps_and_moves_by_two():
    seen = []
    for count in range(20, 27):
        found = trends(history_of(range(1, count + 1))).of("a", "cpu", "1min", 60)
        assert found.taken % 2 == 0 and found.step_s == 1
        assert found.last == pytest.approx(found.taken - 1, rel=0.001)
        seen.append(found.taken)
    assert seen == sorted(seen) and len(set(seen)) == 4, "one look of two shows something new"


def test_slower_trends_stand_still_for_longer():
    taken = []
    for count in range(40, 56):
        slow = trends(history_of(range(1, count + 1)))
        slow.slower = 4
        taken.append(slow.of("a", "cpu", "1min", 60).taken)
    assert set(taken) == {40, 48}, "every 8 s"


def test_what_was_never_sampled_is_a_gap_and_no_nought():
    found = trends(History()).of("a", "cpu", "10min", 100)
    assert not found.is_known and found.last is None
    gap = history_of([5.0, None, None, 5.0, 5.0, 5.0])
    values = trends(gap).of("a", "cpu", "1min", 60).values
    assert any(math.isnan(value) for value in values)


def test_the_time_of_a_trend_does_not_flicker(monkeypatch):
    offsets = iter([100.0, 100.4, 99.7, 103.0])
    monkeypatch.setattr("kvmtui.tui.trends.wall_offset_s", lambda: next(offsets))
    same = trends(history_of([1.0] * 30))
    times = [same.of("a", "cpu", "1min", 60).newest_s for _ in range(4)]
    assert times[0] == times[1] == times[2] and times[3] == times[0] + 3.0
