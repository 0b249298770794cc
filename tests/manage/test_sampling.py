"""Figures of real guests, and what becomes of them when guests and clocks do not behave."""

from __future__ import annotations

import functools
import math
import os
import signal
import time

import pytest
from manage import rounds

from kvmtui.manage.live import Watch
from kvmtui.qemu.claims import claim
from kvmtui.stats import rates

until = functools.partial(rounds.until, limit_s=30.0)


class Clock:
    """The machine's clock, which a test may suspend."""

    suspended = 0.0

    def __call__(self):
        monotonic, boot = rates.now()
        return monotonic, boot + self.suspended


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watch(kvmtui, clock):
    watch = Watch(kvmtui.library, clock)
    yield watch
    watch.close()


def with_disk(kvmtui, tmp_path, name):
    kvmtui.tiny(name, "--disk", f"{tmp_path}/{name}.qcow2,size=64M")


def rests(found, name="a"):
    """Whether a guest's drives are known to rest."""
    figures = found[name].figures
    return figures is not None and figures.disk_read_bytes_per_s is not None


def test_nothing_is_asked_unless_somebody_looks(kvmtui, tmp_path, watch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    assert watch.round()["a"].figures is None
    assert claimed(kvmtui, "a") == []
    watch.wanted.want("pane", {"a"}, "columns")
    found = until(watch, rests)["a"].figures
    assert found.vcpu_percents and found.wait_ms_per_s is not None and found.missing == ""
    assert found.disks == () and found.disk_p99_ms is None and found.exits_per_s is None
    assert found.memory_guest_used_bytes is None, "it has no balloon"
    assert found.net_receive_bytes_per_s is None, "it has no network"
    assert claimed(kvmtui, "a") == ["qmp0"]
    watch.wanted.want("pane", None, None)
    assert watch.round()["a"].figures is None
    assert claimed(kvmtui, "a") == []


def claimed(kvmtui, name):
    """The monitors that somebody holds."""
    found = []
    for monitor in ("qmp0", "qmp1", "qmp2", "qmp3"):
        lock = claim(str(kvmtui.folder(name)), monitor, "a test")
        if lock is None:
            found.append(monitor)
        else:
            os.close(lock)
    return found


def test_several_may_look_and_the_closest_counts(kvmtui, tmp_path, watch):
    for name in ("a", "b"):
        with_disk(kvmtui, tmp_path, name)
    kvmtui.ok("start", "a", "b")
    watch.wanted.want("table", None, "columns")
    watch.wanted.want("detail", {"b", "none"}, "detail")
    found = until(watch, lambda found: rests(found) and rests(found, "b"))
    assert found["a"].figures.disks == ()
    (disk,) = found["b"].figures.disks
    assert disk.name == "hd0" and disk.write_bytes_per_s == 0 and disk.errors == 0
    watch.wanted.want("table", None, None)
    found = watch.round()
    assert found["a"].figures is None and found["b"].figures is not None


def test_what_is_looked_at_closely_has_a_histogram(kvmtui, tmp_path, watch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    watch.wanted.want("detail", {"a"}, "detail")
    until(watch, rests)

    def has_histogram(_):
        (drive,) = kvmtui.ok("qmp", "a", "query-blockstats").json
        return "rd_latency_histogram" in drive["stats"]

    until(watch, has_histogram)


def test_two_looks_at_once(kvmtui, tmp_path, watch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    other = Watch(kvmtui.library)
    for one in (watch, other):
        one.wanted.want("pane", None, "columns")
        until(one, rests)
    assert claimed(kvmtui, "a") == ["qmp0", "qmp1"]
    assert kvmtui.ok("stats", "a", "--count", "1", "--interval", "0.2", "--json").json["vcpus"]
    other.close()
    assert claimed(kvmtui, "a") == ["qmp0"]


def test_full_monitors_leave_figures_empty_and_say_so(kvmtui, tmp_path, watch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    locks = [claim(str(kvmtui.folder("a")), f"qmp{index}", "a test") for index in range(4)]
    watch.wanted.want("pane", None, "columns")
    found = until(watch, lambda found: found["a"].cpu_percent is not None)["a"]
    assert found.figures.missing == "its monitors are taken"
    assert found.figures.disk_read_bytes_per_s is None
    for lock in locks:
        os.close(lock)
    assert until(watch, rests)["a"].figures.missing == ""


def test_a_stopped_process_costs_its_own_figures_only(kvmtui, tmp_path, watch):
    for name in ("a", "b"):
        with_disk(kvmtui, tmp_path, name)
    kvmtui.ok("start", "a", "b")
    watch.wanted.want("pane", None, "detail")
    found = until(watch, lambda found: rests(found) and rests(found, "b"))
    pid = found["a"].view.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        found = until(watch, lambda found: found["a"].figures.missing and rests(found, "b"))
        assert found["a"].figures.missing == "does not answer"
        assert found["a"].figures.disk_read_bytes_per_s is None and found["a"].figures.disks == ()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert until(watch, rests)["a"].figures.missing == ""


def test_one_that_is_killed_or_started_again_within_a_round(kvmtui, tmp_path, watch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    watch.wanted.want("pane", None, "columns")
    first = until(watch, rests)["a"].view.pid
    kvmtui.ok("stop", "a")
    kvmtui.ok("start", "a")
    found = watch.round()["a"]
    assert found.view.pid != first
    assert found.cpu_percent is None and found.figures.disk_read_bytes_per_s is None
    found = until(watch, rests)["a"]
    os.kill(found.view.pid, signal.SIGKILL)
    found = until(watch, lambda found: found["a"].view.pid is None)["a"]
    assert found.figures is None and found.cpu_percent is None
    series = watch.history.series("a", "cpu", "1min", 60)
    assert all(map(math.isnan, series.values)), "its history ends with it"


def test_a_day_of_suspend_gives_no_figure(kvmtui, tmp_path, watch, clock):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    watch.wanted.want("pane", None, "columns")
    before = until(watch, rests)["a"]
    clock.suspended = 86400.0
    assert before.cpu_percent is not None and before.figures.vcpu_percents
    unknown = set()

    def all_were_unknown(found):
        one = found["a"]
        unknown.update(["cpu"] if one.cpu_percent is None else [])
        unknown.update(["disk"] if one.figures.disk_read_bytes_per_s is None else [])
        unknown.update(["vcpus"] if one.figures.vcpu_percents == () else [])
        return len(unknown) == 3

    until(watch, all_were_unknown)
    until(watch, rests)


def test_a_clock_that_is_set_back_moves_nothing(kvmtui, tmp_path, watch, monkeypatch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    watch.wanted.want("pane", None, "columns")
    until(watch, rests)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    for _ in range(20):
        found = watch.round()["a"]
        assert rests({"a": found}) and found.cpu_percent is not None


def test_twenty_six_drives(kvmtui, tmp_path, watch):
    for index in range(26):
        (tmp_path / f"d{index}.raw").write_bytes(bytes(1 << 20))
    disks = ", ".join(f"{{file: {tmp_path}/d{index}.raw}}" for index in range(26))
    kvmtui.tiny("a", "--set", f"disks=[{disks}]")
    kvmtui.ok("start", "a")
    watch.wanted.want("pane", None, "detail")
    found = until(watch, rests)["a"].figures
    assert [disk.name for disk in found.disks] == [f"hd{index}" for index in range(26)]
    until(watch, lambda found: rests(found) and found["a"].figures.missing == "")


def dying(kvmtui, watch, count):
    """So many guests, all killed at once while they are looked at."""
    names = [f"g{index}" for index in range(count)]
    kvmtui.tiny("first")
    text = kvmtui.folder("first").joinpath("guest.yaml").read_text()
    for index, name in enumerate(names):
        folder = kvmtui.folder(name)
        folder.mkdir(mode=0o700)
        uuid = f"uuid: {index:08x}-0000-4000-8000-000000000000"
        lines = [line for line in text.splitlines() if not line.startswith("uuid")]
        folder.joinpath("guest.yaml").write_text("\n".join([*lines, uuid, ""]))
    kvmtui.ok("start", *names)
    watch.wanted.want("pane", None, "columns")
    found = until(watch, lambda found: all(found[name].figures.vcpu_percents for name in names))
    files = len(os.listdir("/proc/self/fd"))
    for name in names:
        os.kill(found[name].view.pid, signal.SIGKILL)
    found = until(watch, lambda found: all(found[name].view.pid is None for name in names))
    assert {found[name].view.state for name in names} == {"crashed"}
    assert all(found[name].figures is None for name in names)
    assert len(os.listdir("/proc/self/fd")) <= files - 4 * count
    kvmtui.ok("start", names[0])
    until(watch, lambda found: found[names[0]].figures and found[names[0]].figures.vcpu_percents)


def test_many_that_die_at_once(kvmtui, watch):
    dying(kvmtui, watch, 20)


@pytest.mark.slow
def test_two_hundred_that_die_at_once(kvmtui, watch):
    dying(kvmtui, watch, 200)


def test_monitors_are_let_go_and_taken_again(kvmtui, tmp_path, watch):
    with_disk(kvmtui, tmp_path, "a")
    kvmtui.ok("start", "a")
    watch.wanted.want("pane", None, "columns")
    until(watch, rests)
    watch.let_go()
    assert claimed(kvmtui, "a") == []
    until(watch, rests)
    assert claimed(kvmtui, "a") == ["qmp0"]
