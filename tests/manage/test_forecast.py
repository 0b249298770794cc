"""When a storage is full, and when nobody can tell."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest

from kvmtui.manage import growth, recorded, storage_days
from kvmtui.manage.forecast import forecast_of, forecasts
from kvmtui.manage.storage_days import with_day
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
        (found(), "/: not known when it is full: it takes the figures of 3 days"),
        (found((2.9, 10)), "/: not known"),
        (found((8.5, 10)), "/: not known"),
        (found((-4, 10)), "/: not known"),
        (found(of=days((7, 10), size=50 * GIB)), "/: not known"),
        (found((4, 90)), "/ has not grown in the last 4 days"),
        (found((4, 95)), "/ has not grown in the last 4 days"),
        (found((3, 89.999)), "/ is not full within a year at the growth of the last 3 days (350K"),
        (found((7, 20)), "/ is full on 9 Jan"),
        (found((4, 80), used=100), "/ is full on 8 Jan"),
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
    guests = forecasts(kvmtui.library)[0].guests
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


def test_every_file_system_with_disks_has_its_own(kvmtui, new_disk):
    disk = new_disk(8)
    kvmtui.tiny("a", "--disk", f"{disk}/a.raw,size=1M")
    size = os.statvfs(disk).f_blocks * os.statvfs(disk).f_frsize
    now = time.time()
    kept = [[now - ago * DAY, 1000, size] for ago in range(7, 0, -1)]
    (kvmtui.home / storage_days.FILE).write_text(json.dumps({str(disk): kept, "/gone": kept}))
    (disk / "more").write_bytes(bytes(4 << 20))
    home, other = forecasts(kvmtui.library)
    assert home.mount != str(disk) and home.bytes_per_day is None
    assert other.mount == str(disk) and other.size_bytes == size
    assert other.bytes_per_day == pytest.approx((size - other.free_bytes - 1000) / 7, rel=0.01)
    assert other.full_at is not None and not other.is_watched
    # One that grows, and is full in a week, is a warning of the host's check.
    (check,) = [one for one in kvmtui.ok("check", "--json").json if one["id"] == "forecast"]
    assert check["status"] == "warn" and check["measured"]["mount"] == str(disk)
    assert f"storage: {disk} is full on" in kvmtui.ok("watch", "status").out
    told = kvmtui.ok("watch", "status", "--json").json
    assert [one["mount"] for one in told["storages"]] == [home.mount, str(disk)]


def test_a_watch_keeps_the_days_of_all_of_them(kvmtui, new_disk):
    disk = new_disk(8)
    kvmtui.tiny("a", "--disk", f"{disk}/a.raw,size=1M")
    one = storage_days.StorageDays(kvmtui.library)
    measured = growth.mounts_of(growth.measure(kvmtui.library))
    assert list(measured) == [str(disk)]
    one.take(measured)
    again = storage_days.read_days(kvmtui.library)
    assert again == {str(disk): (measured[str(disk)],)} and one.fault == ""
    tomorrow = measured[str(disk)]._replace(time=measured[str(disk)].time + DAY)
    other = storage_days.StorageDays(kvmtui.library)
    other.take({"/other": tomorrow})
    assert set(storage_days.read_days(kvmtui.library)) == {str(disk), "/other"}
    other.take({"/other": tomorrow._replace(time=tomorrow.time + 20 * DAY)})
    assert set(storage_days.read_days(kvmtui.library)) == {"/other"}, "the old ones are forgotten"


@pytest.mark.parametrize("text", ["", "[]", '{"/a": 3}', '{"/a": [[1]]}', '{"/a": [["x", 1, 2]]}'])
def test_a_damaged_file_of_days_is_none(kvmtui, text):
    kvmtui.home.mkdir()
    (kvmtui.home / storage_days.FILE).write_text(text)
    assert storage_days.read_days(kvmtui.library) == {}
