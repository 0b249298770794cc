"""A watch in this process, on real guests: what it keeps, notes, bounds, resumes and reports."""

from __future__ import annotations

import gc
import json
import math
import os
import shutil
import signal
import time

import pytest

from kvmtui.guest import history
from kvmtui.host.settings import Settings, Thresholds
from kvmtui.manage import black_box, recorded, watchman
from kvmtui.manage.live import Watch
from kvmtui.manage.watchman import Watchman
from kvmtui.stats import rates
from kvmtui.stats.figure_file import FILE_BYTES, Day, Stamp, stamp_now
from kvmtui.stats.history import HOST, KEYS, MINUTES

LIMIT_S = 30.0


class Clock:
    """Both clocks of the machine, which a test may move."""

    def __init__(self):
        self.ahead = self.suspended = self.wall = 0.0

    def moment(self):
        monotonic, boot = rates.now()
        return monotonic + self.ahead, boot + self.ahead + self.suspended

    def stamp(self):
        boot = stamp_now().boot
        return Stamp(time.time() + self.ahead + self.wall, int(self.moment()[1]), boot)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def begin(kvmtui, clock):
    """Makes a watch; all are closed in the end."""
    made = []

    def make(settings=None, **options):
        told = []
        one = Watchman(
            kvmtui.library,
            settings or Settings(),
            told.append,
            clock=clock.moment,
            stamp=clock.stamp,
            **options,
        )
        one.lines = told
        made.append(one)
        return one

    kvmtui.home.mkdir()
    (kvmtui.home / "guests").mkdir()
    yield make
    for one in made:
        one.close()


def until(one, condition):
    """Rounds until something is so."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        one.round()
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline
        os.sched_yield()


def content(kvmtui, name="a"):
    identity = "" if name == HOST else Watch(kvmtui.library).identity(name)
    return recorded.read(kvmtui.library, name, identity)


def begin_beside_a(kvmtui, begin):
    """A watch, and the guest ``a``, which runs."""
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    return begin()


def rounds(one, clock, count):
    """Some rounds, as five seconds after each other."""
    for _ in range(count):
        clock.ahead += 5
        one.round()


def seconds(kvmtui, name="a", key="cpu"):
    """How many seconds of a figure the file has."""
    found = content(kvmtui, name)
    track = found and found.dump.tracks.get(key)
    return sum(code != 0 for code in track.seconds) if track else 0


def test_a_guests_figures_are_in_its_folder_at_the_end(kvmtui, begin):
    one = begin_beside_a(kvmtui, begin)
    until(one, lambda: not math.isnan(one._watch.history.series("a", "cpu", "1min", 60).values[-1]))
    one.close()
    assert seconds(kvmtui) >= 1 and seconds(kvmtui, HOST) >= 1
    assert kvmtui.folder("a").joinpath("figures.bin").stat().st_size == FILE_BYTES


def test_once_a_minute_they_are_written(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    path = kvmtui.folder("a") / "figures.bin"
    one.round()
    written = set()
    for _ in range(30):
        clock.ahead += 10
        one.round()
        if path.exists():
            written.add(path.stat().st_mtime_ns)
    # Five minutes.
    assert 4 <= len(written) <= 6


def test_another_watch_goes_on_behind_the_gap(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    rounds(one, clock, 20)
    one.close()
    before = seconds(kvmtui)
    assert before > 50
    clock.ahead += 120
    other = begin()
    rounds(other, clock, 10)
    other.close()
    found = content(kvmtui).dump.tracks["cpu"]
    known = [code != 0 for code in found.seconds]
    first, last = known.index(True), len(known) - known[::-1].index(True)
    gap = [index for index in range(first, last) if not known[index]]
    assert 115 <= len(gap) <= 135, "what nobody saw stays unknown"
    assert seconds(kvmtui) >= before + 40


def test_the_app_sees_what_was_before(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    rounds(one, clock, 40)
    one.close()
    app = Watch(kvmtui.library, clock.moment)
    app.round()
    assert all(map(math.isnan, app.series("a", "cpu", "10min", 600).values))
    app.round()
    series = app.series("a", "cpu", "10min", 600)
    assert sum(not math.isnan(value) for value in series.values) > 100
    # Of a guest that does not run, too, and of the host.
    kvmtui.ok("stop", "a")
    app.round()
    assert any(not math.isnan(value) for value in app.series("a", "cpu", "10min", 60).values)
    app.series(None, "cpu", "10min", 60)
    app.round()
    assert any(not math.isnan(value) for value in app.series(None, "cpu", "10min", 60).values)
    app.close()


def test_without_a_file_nothing_is_known(kvmtui, begin):
    kvmtui.tiny("a")
    assert "no figures were recorded" in kvmtui.refused("stats", "a", "--past", "24h", status=1)
    app = Watch(kvmtui.library)
    for _ in range(3):
        series = app.series("a", "cpu", "24h", 60)
        assert len(series.values) == 60 and all(map(math.isnan, series.values))
        app.round()
    app.close()


def test_a_day_of_suspend_is_a_gap(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    rounds(one, clock, 20)
    clock.suspended += 6 * 3600
    rounds(one, clock, 20)
    one.close()
    means = content(kvmtui).dump.tracks["cpu"].means
    known = [code != 0 for code in means]
    first, last = known.index(True), len(known) - known[::-1].index(True)
    assert known[first:last].count(False) in range(357, 363)


def test_the_clock_set_back_loses_nothing(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    for step in range(40):
        clock.ahead += 5
        clock.wall = -3600.0 if step >= 20 else 0.0
        one.round()
    one.close()
    codes = content(kvmtui).dump.tracks["cpu"].seconds
    known = [code != 0 for code in codes]
    assert known[known.index(True) :].count(False) <= 6


def test_one_that_is_started_again_within_a_round_has_no_made_up_figure(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    rounds(one, clock, 10)
    before = one._watch.history.dump("a").tracks["cpu"].second
    kvmtui.ok("stop", "a")
    kvmtui.ok("start", "a")
    clock.ahead += 5
    one.round()
    dump = one._watch.history.dump("a")
    assert dump.tracks["cpu"].second == before
    clock.ahead += 5
    one.round()
    after = one._watch.history.dump("a").tracks["cpu"]
    then = after.seconds[-1 - (after.second - dump.second)]
    assert after.seconds[-1] and not then, "nothing is known of when it was started"


def test_guests_that_are_renamed_deleted_and_copied(kvmtui, begin, clock):
    kvmtui.tiny("a")
    kvmtui.tiny("gone")
    kvmtui.ok("start", "a", "gone")
    one = begin()
    rounds(one, clock, 30)
    kvmtui.ok("stop", "a", "gone")
    one.round()
    kvmtui.ok("rename", "a", "b")
    kvmtui.ok("delete", "gone", "--yes")
    kvmtui.tiny("a")
    one.round()
    names = {name for name in one._watch.history.names() if name != HOST}
    assert names == {"b"} and not kvmtui.folder("gone").exists()
    kvmtui.ok("start", "a", "b")
    until(one, lambda: one.snapshot.guests["a"].cpu_percent is not None)
    one.close()
    assert seconds(kvmtui, "a") < 20, "a new guest of an old name has nothing of it"
    assert seconds(kvmtui, "b") > 60
    # A copy of a folder is another guest.
    kvmtui.tiny("copy")
    shutil.copy(kvmtui.folder("b") / "figures.bin", kvmtui.folder("copy"))
    assert content(kvmtui, "copy") is None


def test_a_home_that_is_closed_is_told_once_and_watched_again(kvmtui, begin, clock, monkeypatch):
    kvmtui.tiny("a")
    one = begin()
    one.round()
    guests, closed = kvmtui.home / "guests", kvmtui.home / "closed"
    guests.rename(closed)
    guests.write_text("")
    import threading

    ended = threading.Event()
    monkeypatch.setattr(watchman, "_CLOSED_PAUSE_S", 0.01)
    one._settings = Settings(interval=0.01)
    thread = threading.Thread(target=one.run, args=(ended,))
    thread.start()
    wait_until(lambda: one.lines)
    guests.unlink()
    closed.rename(guests)
    wait_until(lambda: "home" not in one._faults)
    ended.set()
    thread.join(LIMIT_S)
    assert not thread.is_alive() and len(one.lines) == 1 and "Not a directory" in one.lines[0]


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_full_disk_under_the_files_is_told_and_gets_over(kvmtui, begin, new_disk, clock):
    disk = new_disk(8)
    kvmtui.home.joinpath("guests").rmdir()
    kvmtui.home.rmdir()
    kvmtui.home.symlink_to(disk)
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    one = begin()
    rounds(one, clock, 14)
    assert [line for line in one.lines if "No space left" in line and "figures of a" in line]
    assert content(kvmtui) is None
    # That the disk is full is a threshold's own line, which comes when its time has passed.
    told = [line for line in one.lines if "are not kept" in line]
    filler.unlink()
    rounds(one, clock, 14)
    assert seconds(kvmtui) > 10
    assert [line for line in one.lines if "are not kept" in line] == told
    assert not one._faults


def test_thresholds_are_noted_in_the_story(kvmtui, begin, clock):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    one = begin(Settings(thresholds=Thresholds(cpu_percent=1, for_s=30)))
    until(one, lambda: one.snapshot.guests["a"].cpu_percent is not None)
    lock = kvmtui.folder("a") / ".lock"
    import fcntl

    busy = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(busy, fcntl.LOCK_EX)
    # A guest that boots nothing spins in its firmware: some CPU, or none. Make it so.
    live = one.snapshot.guests["a"]
    for cpu, rounds in ((50.0, 8), (0.1, 8)):
        for _ in range(rounds):
            clock.ahead += 5
            one._look_at("a", live._replace(cpu_percent=cpu), clock.moment()[0])
    os.close(busy)
    one._look_at("a", live, clock.moment()[0])
    lines = history.read(kvmtui.folder("a") / "history.jsonl")
    notes = [line for line in lines if line["phase"] == "note"]
    assert [(line["what"], line["begins"]) for line in notes] == [("cpu", True), ("cpu", False)]
    assert notes[0]["text"] == "CPU above 1 % of its processors: 50 %"
    assert "CPU above 1 %" in kvmtui.ok("events", "a").out
    from kvmtui.manage.timeline import timeline

    kinds = [entry.kind for entry in timeline(kvmtui.library, "a")]
    assert kinds.count("warning") == 1


def test_the_consoles_log_is_bounded_while_qemu_writes(kvmtui, begin, monkeypatch):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    log = kvmtui.folder("a") / "console.log"
    with open(log, "ab") as file:
        for number in range(70):
            file.write(f"block {number}\n".encode().ljust(1 << 20, b"."))
    size = log.stat().st_size
    one = begin()
    one.round()
    found = log.stat()
    assert found.st_size == size and found.st_blocks * 512 <= 33 << 20
    with open(log, "ab") as file:
        file.write(b"\nthe newest line\n")
    out = kvmtui.ok("logs", "a").out
    assert "the newest line" in out and "\0" not in out and len(out) <= 33 << 20
    assert kvmtui.ok("wait", "a", "--for", "text=newest line", "--timeout", "5")
    from kvmtui.manage.logs import log_tail

    assert log_tail(kvmtui.library, "a", "console")[-1] == "the newest line"


def crash(kvmtui, name="a"):
    os.kill(kvmtui.pid(name), signal.SIGKILL)


def documents(kvmtui, name="a"):
    """The guest's reports, oldest first."""
    found = reversed(black_box.reports(kvmtui.library.folder(name)))
    return [json.loads(open(one.path).read()) for one in found]


def test_a_crash_has_a_report_which_why_names(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    rounds(one, clock, 30)
    kvmtui.folder("a").joinpath("console.log").write_bytes(b"last words\x1b[31m\n")
    crash(kvmtui)
    until(one, lambda: documents(kvmtui))
    until(one, lambda: one.lines)
    (report,) = (kvmtui.folder("a") / "reports").glob("*.json")
    (found,) = documents(kvmtui)
    assert found["guest"] == "a" and found["reason"] == "crashed" and found["accelerator"]
    assert found["console"] == ["last words"] and "qemu_log" in found
    assert not found["another_run_since"]
    figures = found["figures"]
    assert figures["step_s"] == 5 and len(figures["times"]) >= 20
    assert figures["times"] == sorted(figures["times"])
    assert all(len(figures[key]) == len(figures["times"]) for key in KEYS)
    assert any(value is not None for value in figures["cpu"])
    assert f": {report}" in kvmtui.ok("why", "a").out
    assert kvmtui.ok("why", "a", "--json").json["report"] == str(report)
    assert one.lines == [f"a crashed: {report}"]
    # The next watch knows that it is written; its clock may begin a second earlier or later.
    other = begin()
    until(other, lambda: not other._reporter._under_way and other._reporter._seen)
    (again,) = documents(kvmtui)
    assert again["made"] == found["made"] and again["figures"]["cpu"] == figures["cpu"]


def test_the_watch_adds_figures_to_a_report_that_another_made(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    rounds(one, clock, 5)
    figures = kvmtui.folder("a") / "figures.bin"
    figures.unlink(missing_ok=True)
    crash(kvmtui)
    kvmtui.ok("why", "a")
    (bare,) = documents(kvmtui)
    assert bare["figures"] is None
    until(one, lambda: documents(kvmtui)[0]["figures"])
    (found,) = documents(kvmtui)
    assert {**found, "figures": None} == bare


def test_a_report_takes_its_figures_from_the_file(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    until(one, lambda: not math.isnan(one._watch.history.series("a", "cpu", "1min", 60).values[-1]))
    one.close()
    crash(kvmtui)
    assert "crashed" in kvmtui.ok("why", "a").out
    assert documents(kvmtui)[0]["figures"]["times"]


def test_a_crash_that_was_followed_by_a_start_at_once_has_one_too(kvmtui, begin):
    one = begin_beside_a(kvmtui, begin)
    until(one, lambda: one.snapshot.guests["a"].view.state == "running")
    run = kvmtui.library.folder("a").start_record()["run"]
    crash(kvmtui)
    kvmtui.ok("start", "a")
    until(one, lambda: documents(kvmtui))
    (report,) = documents(kvmtui)
    assert report["another_run_since"] and report["run"] == run.lower()
    crash(kvmtui)
    until(one, lambda: len(documents(kvmtui)) == 2)


def test_a_stop_is_no_crash_and_time_goes_on_behind_it(kvmtui, begin, clock):
    one = begin_beside_a(kvmtui, begin)
    one.round()
    kvmtui.ok("stop", "a")
    until(one, lambda: one.snapshot.guests["a"].view.state == "stopped")
    before = one._watch.history.dump("a").second
    clock.ahead += 60
    one.round()
    assert one._watch.history.dump("a").second >= before + 60
    assert not (kvmtui.folder("a") / "reports").exists()


def test_a_link_in_place_of_the_reports_is_not_followed(kvmtui, begin, tmp_path):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    outside = tmp_path / "outside"
    outside.mkdir()
    (kvmtui.folder("a") / "reports").symlink_to(outside)
    one = begin()
    one.round()
    crash(kvmtui)
    until(one, lambda: one.lines)
    assert not list(outside.iterdir())


def memory_kib():
    gc.collect()
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def live_through(kvmtui, begin, clock, hours, step_s):
    """So many hours of a guest that runs, one that does not, one that comes and goes."""
    for name in ("a", "b"):
        kvmtui.tiny(name)
    kvmtui.ok("start", "a")
    one = begin()
    files, used = 0, []
    for _hour in range(hours):
        for _ in range(3600 // step_s):
            clock.ahead += step_s
            one.round()
        used.append(memory_kib())
        kvmtui.tiny("c")
        one.round()
        kvmtui.ok("delete", "c", "--yes")
        files = max(files, len(os.listdir("/proc/self/fd")))
    assert used[-1] - used[hours // 2] < 600, used
    assert files < 80
    one.close()
    means = content(kvmtui).dump.tracks["cpu"].means
    assert sum(code != 0 for code in means) in range(hours * 60 - 5, hours * 60 + 2)


def test_two_hours_are_all_kept_in_the_same_memory(kvmtui, begin, clock):
    live_through(kvmtui, begin, clock, 2, 60)


@pytest.mark.slow
def test_twenty_four_hours_are_all_kept_in_the_same_memory(kvmtui, begin, clock):
    live_through(kvmtui, begin, clock, 24, 30)


def test_growth_is_kept_by_the_day(kvmtui, begin, clock):
    kvmtui.tiny("a", "--disk", "8M")
    kvmtui.ok("start", "a")
    one = begin()
    until(one, lambda: one._days)
    one.close()
    (day,) = content(kvmtui).days
    assert day.used_bytes > 0 and day.size_bytes == 0
    (host,) = content(kvmtui, HOST).days
    assert 0 < host.used_bytes < host.size_bytes
    assert isinstance(host, Day) and MINUTES == 1440
