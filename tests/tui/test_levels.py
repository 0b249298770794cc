"""From where a figure has the colour of a warning."""

from __future__ import annotations

import pytest

from kvmtui.manage.thresholds import Thresholds
from kvmtui.tui.render import levels


@pytest.fixture
def follow():
    yield levels.follow
    levels.follow(Thresholds())


def test_the_settings_say_from_where(follow):
    assert levels.over("cpu_share", 0.95) and not levels.over("cpu_share", 0.85)
    follow(Thresholds(cpu_percent=50, disk_latency_ms=None))
    assert levels.over("cpu_share", 0.6)
    assert not levels.over("disk_latency_ms", 100_000.0)
    assert not levels.over("cpu_share", None)
