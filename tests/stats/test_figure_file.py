"""Figures in a file: what is read back, and what becomes of files that are not whole."""

from __future__ import annotations

import math
import os
import random

import pytest

from kvmtui.stats import figure_file
from kvmtui.stats.figure_file import (
    BANK_BYTES,
    FILE_BYTES,
    HOST_KEYS,
    Content,
    Day,
    Stamp,
    owner_of,
    read,
    write,
)
from kvmtui.stats.history import KEYS, MINUTES, History

OWNER = owner_of("4f6c9a1e-0000-4000-8000-1234567890ab")
BOOT, OTHER_BOOT = b"b" * 16, b"o" * 16
NOW = Stamp(1_700_000_000.0, 90_000, BOOT)
DAYS = (Day(1_699_900_000.0, 5 << 30, 10 << 30), Day(1_700_000_000.0, 6 << 30, 10 << 30))


def recorded(until=90_000, seconds=5000):
    history = History()
    for second in range(until - seconds, until + 1):
        history.record("a", second, [("cpu", float(second % 97)), ("disk_read", 1e6)])
    return history


def content(sequence=1, stamp=NOW, history=None):
    dump = (history or recorded(stamp.second)).dump("a")
    return Content(sequence, OWNER, stamp, dump, DAYS)


def placed(found, now):
    history = History()
    history.restore("a", found.dump, found.shift_s(now))
    return history


def test_the_file_is_as_large_as_is_said(tmp_path):
    assert (BANK_BYTES, FILE_BYTES) == (57_344, 114_688)
    path = str(tmp_path / "f")
    for sequence in range(1, 5):
        write(path, content(sequence))
        found = os.stat(path)
        assert found.st_size == FILE_BYTES and found.st_blocks * 512 == FILE_BYTES
        assert found.st_mode & 0o777 == 0o600
        assert read(path, OWNER).sequence == sequence


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "f")
    wanted = content()
    write(path, wanted)
    assert read(path, OWNER) == wanted
    write(path, wanted._replace(sequence=2), HOST_KEYS)
    assert set(read(path, OWNER, HOST_KEYS).dump.tracks) == {"cpu", "disk_read"}


@pytest.mark.parametrize("span", ["1min", "10min", "24h"])
@pytest.mark.parametrize("shift_s", [0, 1, 59, 61, 40_007, -89_999])
def test_graphs_are_the_same_on_another_clock(span, shift_s):
    history = recorded()
    other = History()
    other.restore("a", history.dump("a"), shift_s)
    for key in ("cpu", "disk_read", "net_in"):
        before, after = (one.series("a", key, span, MINUTES) for one in (history, other))
        assert before.values.tobytes() == after.values.tobytes()
        assert before.peaks.tobytes() == after.peaks.tobytes()


def test_recording_goes_on_where_it_was_read_back():
    whole, first = History(), recorded(90_000)
    for second in range(85_000, 90_500):
        whole.record("a", second, [("cpu", float(second % 97)), ("disk_read", 1e6)])
    again = History()
    again.restore("a", first.dump("a"))
    for second in range(90_001, 90_500):
        again.record("a", second, [("cpu", float(second % 97)), ("disk_read", 1e6)])
    for span, width in (("10min", 600), ("24h", MINUTES)):
        one, two = whole.series("a", "cpu", span, width), again.series("a", "cpu", span, width)
        assert one.values == pytest.approx(two.values, rel=0.02, nan_ok=True)


def test_the_clock_set_back_moves_nothing_within_a_start_of_the_machine():
    now = NOW._replace(wall=NOW.wall - 7200, second=NOW.second + 60)
    assert content().shift_s(now) == 0


def test_another_start_of_the_machine_is_behind_the_time_that_passed():
    now = Stamp(NOW.wall + 3600, 120, OTHER_BOOT)
    shift_s = content().shift_s(now)
    assert shift_s == 120 - 3600 - NOW.second
    history = placed(content(), now)
    history.rest("a", 120)
    hours = history.series("a", "cpu", "24h", MINUTES)
    known = [index for index, value in enumerate(hours.values) if not math.isnan(value)]
    assert MINUTES - known[-1] in (60, 61, 62)


def test_what_cannot_be_placed_is_not():
    of_the_future = Stamp(NOW.wall - 3600, 120, OTHER_BOOT)
    assert content().shift_s(of_the_future) is None
    assert content().shift_s(Stamp(math.nan, 120, OTHER_BOOT)) is None
    assert content(stamp=NOW._replace(wall=math.nan)).shift_s(of_the_future) is None
    assert content().shift_s(NOW._replace(second=10)) is None
    ahead = content(history=recorded(NOW.second + 9999))
    assert ahead.shift_s(NOW) is None, "newer than its own stamp"
    minutes = content().dump.tracks["cpu"]._replace(minute=1 << 50)
    odd = content()._replace(dump=content().dump._replace(tracks={"cpu": minutes}))
    assert odd.shift_s(NOW) is None


def test_a_write_that_is_cut_short_leaves_the_one_before(tmp_path, monkeypatch):
    path = str(tmp_path / "f")
    write(path, content(1))
    write(path, content(2))
    whole = (tmp_path / "f").read_bytes()
    third = figure_file.packed(content(3))
    for cut in [*range(0, BANK_BYTES, 4096), 1, 56_000]:
        at = 3 % 2 * BANK_BYTES
        (tmp_path / "f").write_bytes(whole[:at] + third[:cut] + whole[at + cut :])
        found = read(path, OWNER)
        # Without its first bytes it is not begun; all behind the checksum is padding.
        assert found.sequence in ((2,) if cut < 56_284 else (3,)), cut
    monkeypatch.undo()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: bytes(FILE_BYTES),
        lambda data: b"#!/bin/sh\n" * 20_000,
        lambda data: random.Random(1).randbytes(FILE_BYTES),
        lambda data: data[:30_000] + b"\x01" + data[30_001:90_000] + b"\x01" + data[90_001:],
    ],
)
def test_damaged_short_and_foreign_files_are_none_and_made_anew(tmp_path, spoil):
    path = tmp_path / "f"
    write(str(path), content(1))
    write(str(path), content(2))
    path.write_bytes(spoil(path.read_bytes()))
    assert read(str(path), OWNER) is None
    write(str(path), content(1))
    assert read(str(path), OWNER) == content(1) and path.stat().st_size == FILE_BYTES


def test_another_guests_file_is_none(tmp_path):
    path = str(tmp_path / "f")
    write(path, content())
    assert read(path, owner_of("somebody else")) is None
    assert read(path, None) is not None


def test_what_is_no_file_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "link", "folder"):
        path = str(tmp_path / name)
        with pytest.raises(OSError):
            write(path, content())
    assert read(str(tmp_path / "fifo"), OWNER) is None
    assert not (tmp_path / "target").exists()
    assert read(str(tmp_path / "none" / "f"), OWNER) is None


def test_a_full_disk_stops_neither_the_next_writes_nor_what_was_there(tmp_path, new_disk):
    disk = new_disk(1)
    write(f"{disk}/f", content(1))
    with pytest.raises(OSError):
        (disk / "fill").write_bytes(bytes(2 << 20))
    write(f"{disk}/f", content(2))
    assert read(f"{disk}/f", OWNER) == content(2)
    with pytest.raises(OSError):
        write(f"{disk}/g", content(1))
    assert read(f"{disk}/g", OWNER) is None


def test_all_keys_have_a_place():
    history = History()
    history.record("a", 100, [(key, 1.0) for key in KEYS])
    found = figure_file.unpacked(figure_file.packed(content(history=history)))
    assert list(found.dump.tracks) == list(KEYS) and len(HOST_KEYS) <= len(KEYS)
