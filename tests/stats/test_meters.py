"""Processes and threads against the kernel's own word, by another way."""

from __future__ import annotations

import os
import resource
import threading
import time

import pytest

from kvmtui.stats import rates
from kvmtui.stats.meter import ProcessMeter
from kvmtui.stats.threads import NO_THREADS, ThreadsMeter


class Clock:
    """A clock that is told how much later it is."""

    def __init__(self):
        self.moment = (100.0, 100.0)

    def __call__(self):
        return self.moment

    def go_on(self, seconds, suspended=0.0):
        mono, boot = self.moment
        self.moment = (mono + seconds, boot + seconds + suspended)


def burn(seconds):
    """Use so much CPU in this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def used_s():
    """CPU of this process by another way than /proc."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def test_the_cpu_of_a_process_is_what_getrusage_says():
    meter = ProcessMeter(os.getpid())
    meter.read()
    began, used = time.monotonic(), used_s()
    burn(1.0)
    percent = meter.read()[1]
    theirs = 100 * (used_s() - used) / (time.monotonic() - began)
    # The kernel's ticks of 10 ms at both ends of a second, and 2 %.
    assert percent == pytest.approx(theirs, rel=0.02, abs=2)
    meter.close()


def test_a_reading_that_follows_at_once_changes_nothing():
    clock = Clock()
    meter = ProcessMeter(os.getpid(), clock)
    assert meter.read()[1] is None
    burn(0.05)
    clock.go_on(1)
    percent = meter.read()[1]
    assert percent > 0
    clock.go_on(0.1)
    assert meter.read()[1] == percent
    clock.go_on(0.1)
    assert meter.read()[1] < percent
    meter.close()


@pytest.mark.parametrize(("passed", "suspended"), [(1, 86400), (3600, 0)])
def test_a_gap_gives_no_figure_and_the_next_reading_does(passed, suspended):
    clock = Clock()
    meter = ProcessMeter(os.getpid(), clock)
    meter.read()
    clock.go_on(passed, suspended)
    assert meter.read()[1] is None
    clock.go_on(1)
    assert meter.read()[1] is not None
    meter.close()


def test_each_thread_has_its_own_time():
    ids, go, end = [], threading.Event(), threading.Event()
    ready = threading.Barrier(3)

    def rest():
        ids.append(threading.get_native_id())
        ready.wait()
        end.wait()

    def work():
        ids.insert(0, threading.get_native_id())
        ready.wait()
        go.wait()
        burn(0.3)
        worked.append(time.thread_time_ns())
        done.set()
        end.wait()

    worked, done = [], threading.Event()
    threads = [threading.Thread(target=one) for one in (rest, work)]
    for thread in threads:
        thread.start()
    ready.wait()
    meter = ThreadsMeter(os.getpid(), tuple(ids))
    assert meter.read(rates.now()) == NO_THREADS
    began = time.monotonic()
    go.set()
    done.wait()
    found = meter.read(rates.now())
    passed = time.monotonic() - began
    assert found.percents[0] == pytest.approx(30 / passed, rel=0.02)
    assert found.percents[1] < 2
    assert found.wait_ms_per_s >= 0
    end.set()
    for thread in threads:
        thread.join()
    assert meter.read(rates.now()) == NO_THREADS, "the threads are gone"
    meter.close()


def test_processors_that_share_a_thread_are_not_known():
    mine = threading.get_native_id()
    meter = ThreadsMeter(os.getpid(), (mine, mine))
    meter.read((1.0, 1.0))
    assert meter.read((2.0, 2.0)) == NO_THREADS
    meter.close()


def test_a_thread_that_is_gone_leaves_no_file_open():
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError):
        ThreadsMeter(os.getpid(), (threading.get_native_id(), 2**22 + 1))
    assert len(os.listdir("/proc/self/fd")) == before
