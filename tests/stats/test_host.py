"""The figures of this machine, against what the kernel says itself."""

from __future__ import annotations

import os
import time

from kvmtui.stats.host import HostMeter


def test_processors_are_known_from_the_second_reading_on(tmp_path):
    meter = HostMeter(tmp_path)
    assert meter.read().cpu_percent is None
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    percent = meter.read().cpu_percent
    assert percent is not None
    assert 50 / os.cpu_count() < percent <= 100


def test_memory_is_what_the_kernel_says(tmp_path):
    found = HostMeter(tmp_path).read()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert abs(found.memory_total_bytes - total) < 1 << 20
    assert 0 < found.memory_used_bytes < total


def test_a_home_that_is_not_there_yet_has_the_room_of_its_place(tmp_path):
    found = HostMeter(tmp_path / "not" / "there").read()
    assert found.disk_free_bytes is not None
    assert os.path.ismount(found.mount)
