"""Taps: found by their descriptors, counted from the guest's side."""

from __future__ import annotations

import os

import pytest

from kvmtui.stats import network
from kvmtui.stats.figures import NetworkFigures

DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0
tap0:5000 50 0 3 0 0 0 0 900 9 0 4 0 0 0 0
 broken: 1 2
 odd: a b c d e f g h i j k l m n o p
"""


@pytest.fixture
def proc(tmp_path):
    """A /proc of one process with two queues of a tap, another file and one that is gone."""
    for folder in ("7/fd", "7/fdinfo", "7/net", "7/ns"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "7/net/dev").write_text(DEV)
    (tmp_path / "7/ns/net").write_text("")
    for number, target in ((11, "/dev/net/tun"), (12, "/dev/net/tun"), (3, "/dev/null")):
        (tmp_path / f"7/fd/{number}").symlink_to(target)
        (tmp_path / f"7/fdinfo/{number}").write_text("pos:\t0\niff:\ttap0\n")
    (tmp_path / "7/fd/13").symlink_to("/dev/net/tun")
    return str(tmp_path)


def test_taps_are_found_by_their_descriptors(proc):
    assert network.taps_of(7, proc) == ("tap0",)
    assert network.taps_of(8, proc) is None
    assert network.taps_of(os.getpid()) == ()


def test_what_the_host_sends_the_guest_receives(proc):
    counters = network.read_counters(7, proc)
    assert counters == {"lo": (100, 1, 100, 1, 0), "tap0": (900, 9, 5000, 50, 7)}
    assert network.read_counters(8, proc) == {}


def test_namespaces(proc):
    assert network.namespace_of("self") == network.namespace_of(os.getpid()) != 0
    assert network.namespace_of(8, proc) == 0


def at(seconds):
    return float(seconds), float(seconds)


def test_rates_and_what_takes_them_away():
    meter = network.NetworksMeter()
    nothing = NetworkFigures("t", None, None, None, None, None)
    assert meter.take(["t"], {"t": (0, 0, 0, 0, 0)}, at(1)) == (nothing,)
    (found,) = meter.take(["t"], {"t": (2000, 20, 400, 4, 2)}, at(3))
    assert found == NetworkFigures("t", 1000, 200, 10, 2, 1)
    assert meter.take(["t"], {"t": (0, 0, 0, 0, 0)}, at(4)) == (nothing,), "made anew"
    assert meter.take(["t"], {}, at(5)) == (nothing,), "gone"
    assert meter.take(["t"], {"t": (9, 9, 9, 9, 9)}, at(6)) == (nothing,), "back again"


def test_a_sum_needs_all_of_them():
    known = NetworkFigures("a", 10.0, 20.0, 1.0, 1.0, 0.0)
    unknown = NetworkFigures("b", None, None, None, None, None)
    assert network.together([known, known], 2) == (20, 40)
    assert network.together([known], 2) == (None, None), "the other is a user network"
    assert network.together([known, unknown], 2) == (None, None)
    assert network.together([], 0) == (None, None)
    assert network.together([known], None) == (None, None)
