"""Rates of drives: of each, of all together, and none where they would not be true."""

from __future__ import annotations

import pytest

from kvmtui.stats.answers import DiskCounters
from kvmtui.stats.disks import NO_DISKS, DisksMeter

BOUNDARIES = (1_000_000, 2_000_000, 4_000_000)


def counters(name="hd0", size=0, ops=0, busy_ns=0, bins=(), errors=0):
    boundaries = BOUNDARIES if bins else ()
    return DiskCounters(name, size, 2 * size, ops, 0, 0, busy_ns, ops, errors, boundaries, bins)


def at(seconds):
    return float(seconds), float(seconds)


def test_one_drive():
    meter = DisksMeter()
    together, each = meter.take([counters(bins=(0, 0, 0, 0))], at(1))
    assert together == NO_DISKS and each[0].name == "hd0" and each[0].latency_ms is None
    after = counters(size=3000, ops=100, busy_ns=150_000_000, bins=(98, 1, 1, 0), errors=2)
    together, (one,) = meter.take([after], at(3))
    assert together == one
    assert (one.read_bytes_per_s, one.write_bytes_per_s, one.read_ops_per_s) == (1500, 3000, 50)
    assert (one.latency_ms, one.p99_ms, one.errors) == (1.5, 2.0, 2)
    together, (one,) = meter.take([after], at(4))
    assert (one.read_bytes_per_s, one.latency_ms, one.p99_ms) == (0, None, None)


def test_beyond_the_last_boundary_nothing_is_known():
    meter = DisksMeter()
    meter.take([counters(bins=(0, 0, 0, 0))], at(1))
    _, (one,) = meter.take([counters(ops=2, bins=(1, 0, 0, 1))], at(2))
    assert one.p99_ms is None


def test_all_together():
    meter = DisksMeter()
    meter.take([counters("a", bins=(0, 0, 0, 0)), counters("b", bins=(0, 0, 0, 0))], at(1))
    together, each = meter.take(
        [
            counters("a", 100, 99, 99_000_000, (99, 0, 0, 0)),
            counters("b", 300, 1, 51_000_000, (0, 0, 1, 0)),
        ],
        at(2),
    )
    assert together.read_bytes_per_s == 400 and together.latency_ms == 1.5
    assert together.p99_ms == 1.0 and [one.p99_ms for one in each] == [1.0, 4.0]


def test_one_that_is_plugged_in_is_not_in_the_sum_yet():
    meter = DisksMeter()
    meter.take([counters("a")], at(1))
    together, each = meter.take([counters("a", 100), counters("b", 9000)], at(2))
    assert together.read_bytes_per_s == 100
    assert [one.read_bytes_per_s for one in each] == [100, None]
    together, _ = meter.take([counters("b", 9050)], at(3))
    assert together.read_bytes_per_s == 50


@pytest.mark.parametrize("last", [counters(size=5), counters(ops=5), counters(busy_ns=5)])
def test_counters_that_went_back_give_nothing(last):
    meter = DisksMeter()
    meter.take([last], at(1))
    together, each = meter.take([counters()], at(2))
    assert together == NO_DISKS and each[0].read_bytes_per_s is None
    assert meter.take([counters(size=7)], at(3))[0].read_bytes_per_s == 7


def test_an_answer_that_did_not_come_is_a_gap():
    meter = DisksMeter()
    meter.take([counters()], at(1))
    meter.forget()
    assert meter.take([counters(size=100)], at(3))[0] == NO_DISKS


def test_a_histogram_that_was_begun_anew_tells_nothing():
    meter = DisksMeter()
    meter.take([counters(bins=(5, 0, 0, 0))], at(1))
    _, (one,) = meter.take([counters(ops=9, bins=(1, 0, 0, 0))], at(2))
    assert one.p99_ms is None and one.read_ops_per_s == 9


def test_no_drives_are_not_drives_that_rest():
    meter = DisksMeter()
    meter.take([], at(1))
    assert meter.take([], at(2)) == (NO_DISKS, ())


def test_twenty_six_drives():
    meter = DisksMeter()
    names = [f"hd{index}" for index in range(26)]
    meter.take([counters(name) for name in names], at(1))
    together, each = meter.take([counters(name, 10) for name in names], at(2))
    assert together.read_bytes_per_s == 260 and len(each) == 26
