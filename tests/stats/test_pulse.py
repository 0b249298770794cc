"""Load, pressure and uptime, from a /proc of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvmtui.stats.pulse import Pulse, read_pulse

PRESSURE = (
    "some avg10={} avg60=0.00 avg300=0.00 total=7\nfull avg10=9.00 avg60=0 avg300=0 total=1\n"
)


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "pressure").mkdir()
    (tmp_path / "loadavg").write_text("0.31 0.42 1.53 2/212 9021\n")
    (tmp_path / "uptime").write_text("3542400.12 99.0\n")
    for name, share in (("cpu", "4.10"), ("memory", "0.00"), ("io", "12.50")):
        (tmp_path / "pressure" / name).write_text(PRESSURE.format(share))
    return tmp_path


def test_a_reading(proc):
    assert read_pulse(proc) == Pulse((0.31, 0.42, 1.53), 3542400.12, 4.1, 0.0, 12.5)


def test_this_machine_has_a_pulse():
    found = read_pulse()
    assert found.load is not None and found.uptime_s


@pytest.mark.parametrize(
    "text", ["", "\x00", "some", "some avg10=x", "full avg10=3.0", "some avg60=1"]
)
def test_pressure_that_is_not_told_is_not_known(proc, text):
    (proc / "pressure" / "io").write_text(text)
    assert read_pulse(proc).io_percent is None


def test_without_files_nothing_is_known(tmp_path):
    assert read_pulse(tmp_path) == Pulse(None, None, None, None, None)
    assert read_pulse(Path("/nowhere")) == Pulse(None, None, None, None, None)


def test_garbage_is_no_load(proc):
    (proc / "loadavg").write_text("busy 0.1 0.2\n")
    assert read_pulse(proc).load is None
