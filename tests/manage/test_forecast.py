"""When a storage is full, and when nobody can tell."""

from __future__ import annotations

import shutil
import time

import pytest

from kvmtui.manage import recorded
from kvmtui.manage.forecast import forecast_of, storage_forecast
from kvmtui.manage.recording import with_day
from kvmtui.stats import figure_file
from kvmtui.stats.figure_file import Content, Day, stamp_now
from kvmtui.stats.history import HOST, History

DAY, GIB = 86400.0, 1 << 30
NOW = time.mktime((2027, 1, 8, 12, 0, 0, 0, 0, 0))


def days(*pairs, size=100 * GIB):
    return [Day(NOW - ago * DAY, int(used * GIB), size) for ago, used in pairs]


def found(*pairs, used=90.0, size=100 * GIB, of=None):
    return forecast_of("/", of or days(*pairs), Day(NOW, int(used * GIB), size))


def test_at_the_growth_of_seven_days():
    one = found((9, 10), (7, 83), (3, 89), (0.1, 90))
    assert one.bytes_per_day == pytest.approx(GIB, rel=0.001) and one.over_days == 7
    assert one.full_at == pytest.approx(NOW + 10 * DAY, abs=60)
    assert one.words == "/ is full on 18 Jan at the growth of the last 7 days (1.0G a day)"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (found(), "not known"),
        (found((0.9, 10)), "not known"),
        (found((8.5, 10)), "not known"),
        (found((-1, 10)), "not known"),
        (found(of=days((7, 10), size=50 * GIB)), "not known"),
        (found((2, 90)), "/ has not grown in the last 2 days"),
        (found((2, 95)), "/ has not grown in the last 2 days"),
        (found((1, 89.999)), "/ is not full within a year at the growth of the last day (1.0M"),
        (found((7, 20)), "/ is full on 9 Jan"),
        (found((1, 80), used=100), "/ is full on 8 Jan"),
    ],
)
def test_words(one, words):
    assert one.words.startswith(words), one.words


def test_each_day_keeps_its_last_sample_and_none_of_the_future():
    kept = ()
    for hour in range(24 * 20):
        moment = hour * 3600.0
        kept = with_day(kept, Day(moment, hour, 1), moment)
    assert len(kept) == figure_file.DAYS
    assert [day.used_bytes % 24 for day in kept] == [23] * figure_file.DAYS
    assert with_day(kept, None, kept[3].time) == kept[:4]


def test_which_guests_grow(kvmtui):
    for name in ("slow", "fast", "still"):
        kvmtui.tiny(name)
    stamp, size = stamp_now(), shutil.disk_usage(kvmtui.home).total
    for name, per_day in (("slow", 1 << 20), ("fast", GIB), ("still", 0), (HOST, GIB)):
        samples = [
            Day(stamp.wall - ago * DAY, (20 - ago) * per_day, size if name == HOST else 0)
            for ago in range(9, -1, -1)
        ]
        identity = recorded.host_identity() if name == HOST else uuid_of(kvmtui, name)
        history = History()
        history.record(name, stamp.second, [])
        content = Content(
            1, figure_file.owner_of(identity), stamp, history.dump(name), tuple(samples)
        )
        path = recorded.path_of(kvmtui.library, name)
        figure_file.write(path, content, recorded.keys_of(name))
    guests = storage_forecast(kvmtui.library).guests
    assert [one.name for one in guests] == ["fast", "slow"]
    assert guests[0].bytes_per_day == pytest.approx(GIB, rel=0.01)
    status = kvmtui.ok("watch", "status").out
    assert "  fast grows by 1.0G a day" in status
    (check,) = [one for one in kvmtui.ok("check", "--json").json if one["id"] == "forecast"]
    assert check["measured"]["over_days"] == pytest.approx(7, abs=0.1)
    assert kvmtui.ok("watch", "status", "--json").json["forecast"]["guests"][1]["name"] == "slow"


def uuid_of(kvmtui, name):
    from kvmtui.manage.summaries import Summaries

    return recorded.identity_of(kvmtui.library, name, Summaries(kvmtui.library))
