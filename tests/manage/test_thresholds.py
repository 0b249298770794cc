"""What is too much, and for how long before it is told."""

from __future__ import annotations

import pytest

from kvmtui.host import settings
from kvmtui.host.settings import Thresholds
from kvmtui.manage.thresholds import Holding, over, storage_over
from kvmtui.manage.views import GuestView, LiveGuest
from kvmtui.stats.figures import Figures

VIEW = GuestView(
    "a", "running", 1, None, "x86_64", "kvm", 4, 1 << 30, 1, 1, (), (), "", False, None
)
NOTHING = Figures(None, (), None, None, None, None, None, None, None, None, None, None, None)


def live(cpu=None, latency=None, state="running"):
    figures = NOTHING._replace(disk_latency_ms=latency)
    return LiveGuest(VIEW._replace(state=state), cpu, None, figures)


@pytest.mark.parametrize(
    ("guest", "whats"),
    [
        (live(cpu=360.0), []),
        (live(cpu=361.0), ["cpu"]),
        (live(), []),
        (live(latency=200.0), []),
        (live(latency=201.0), ["disk-latency"]),
        (live(cpu=400.0, latency=999.0), ["cpu", "disk-latency"]),
        (live(state="io-error"), ["io-error"]),
    ],
)
def test_what_is_over(guest, whats):
    assert [one.what for one in over(Thresholds(), guest)] == whats


def test_what_is_not_wanted_or_not_known_is_never_over():
    none = Thresholds(cpu_percent=None, disk_latency_ms=None, storage_percent=None)
    assert over(none, live(cpu=400.0, latency=9999.0)) == ()
    assert storage_over(none, 100, 0) is None
    assert over(Thresholds(), live(cpu=400.0)._replace(view=VIEW._replace(cpus=None))) == ()
    assert storage_over(Thresholds(), 0, 0) is None and storage_over(Thresholds(), 100, 10) is None
    found = storage_over(Thresholds(), 100, 5)
    assert found.words == "storage above 90 % full: 95 %"


def notes(holding, samples):
    """By time: what was told."""
    found = []
    for moment, guest in samples:
        found += [(moment, note.what, note.begins) for note in holding.take("a", guest, moment)]
    return found


def test_it_is_told_once_it_has_held_and_once_it_is_over():
    busy, calm = over(Thresholds(), live(cpu=400.0)), ()
    held = [(second, busy) for second in range(0, 100, 10)]
    peak = [(100, calm), (110, busy), (120, calm)]
    ended = [(second, calm) for second in range(130, 300, 10)]
    told = notes(Holding(60.0), [*held, *peak, *ended])
    assert told == [(60, "cpu", True), (180, "cpu", False)]


def test_a_short_peak_is_not_told():
    busy = over(Thresholds(), live(cpu=400.0))
    assert notes(Holding(60.0), [(0, busy), (50, busy), (59, ()), (70, busy), (120, busy)]) == []


def test_what_goes_up_and_down_is_noted_now_and_then_only():
    busy = over(Thresholds(), live(cpu=400.0))
    told = notes(Holding(0.0), [(second, busy if second % 2 else ()) for second in range(3600)])
    assert 20 <= len(told) <= 26


def test_a_guest_that_ended_is_forgotten():
    holding = Holding(10.0)
    busy = over(Thresholds(), live(cpu=400.0))
    assert len(notes(holding, [(0, busy), (10, busy)])) == 1
    assert holding.all_told() == [("a", "cpu")]
    holding.forget("a")
    assert holding.all_told() == [] and notes(holding, [(20, busy)]) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thresholds: 3", "a mapping of cpu_percent"),
        ("thresholds: {cpu: 3}", "cpu: unknown key"),
        ("thresholds: {cpu_percent: 0}", "cpu_percent: a number from 1 to 100"),
        ("thresholds: {for_s: null}", "for_s: a number"),
        ("thresholds: {disk_latency_ms: true}", "disk_latency_ms: a number"),
    ],
)
def test_wrong_settings_are_told_and_the_defaults_hold(tmp_path, monkeypatch, text, said):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    monkeypatch.setattr(settings, "config_files", lambda: [str(file)])
    found, faults = settings.read_settings()
    assert found.thresholds == Thresholds() and said in faults[0]


def test_a_users_settings_go_over_those_of_all_key_by_key(tmp_path, monkeypatch):
    for name, text in (
        ("all", "thresholds: {cpu_percent: 50, for_s: 5}\nmetrics: 127.0.0.1:1\n"),
        ("own", "thresholds: {cpu_percent: null}\n"),
    ):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in ("all", "own")]
    monkeypatch.setattr(settings, "config_files", lambda: files)
    found, faults = settings.read_settings()
    assert faults == [] and found.metrics == "127.0.0.1:1"
    assert found.thresholds == Thresholds(cpu_percent=None, for_s=5)
