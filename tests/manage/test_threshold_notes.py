"""What is too much, on real guests: noted in the story, and told as a warning."""

from __future__ import annotations

import contextlib
import os
import time

import pytest
from boot_guests import READS_DISK, SPINS

from kvmtui.guest import history
from kvmtui.host.settings import Settings, Thresholds
from kvmtui.manage.demo import boot_image
from kvmtui.manage.storage_days import read_days
from kvmtui.manage.timeline import timeline
from kvmtui.manage.watchman import Watchman

LIMIT_S = 60.0


def notes(path):
    """Those of a story, the newest last."""
    return [line for line in history.read(path) if line["phase"] == "note"]


def watched(kvmtui, limits, path):
    """Rounds until a story has its first note."""
    told = []
    one = Watchman(kvmtui.library, Settings(thresholds=limits), told.append)
    deadline = time.monotonic() + LIMIT_S
    try:
        while not (found := notes(path)):
            one.round()
            assert time.monotonic() < deadline
            os.sched_yield()
    finally:
        one.close()
    return found[0], told


def start(kvmtui, disk, words=""):
    kvmtui.tiny("a", "--set", f"disks=[{{file: {disk}{words}}}]")
    kvmtui.ok("start", "a")


@pytest.mark.parametrize(
    ("what", "boot", "limits", "text"),
    [
        ("cpu", SPINS, Thresholds(cpu_percent=5, for_s=0), "CPU above 5 %"),
        (
            "disk-latency",
            READS_DISK,
            Thresholds(cpu_percent=None, disk_latency_ms=20, for_s=0),
            "mean disk latency above 20 ms: ",
        ),
    ],
    ids=["cpu", "disk-latency"],
)
def test_what_a_guest_does_too_much_is_noted(kvmtui, tmp_path, what, boot, limits, text):
    (tmp_path / "d.raw").write_bytes(boot)
    # A read waits for its turn: there are twenty a second.
    start(kvmtui, tmp_path / "d.raw", ", limits: {iops: 20}")
    path = kvmtui.folder("a") / "history.jsonl"
    note, told = watched(kvmtui, limits, path)
    assert (note["what"], note["begins"]) == (what, True)
    assert note["text"].startswith(text) and note["value"] > note["limit"]
    assert told == [f"a: {note['text']}"]
    assert note["text"] in kvmtui.ok("events", "a").out
    (entry,) = [one for one in timeline(kvmtui.library, "a") if one.kind == "warning"]
    assert entry.text == note["text"]


def test_a_guest_that_qemu_paused_is_noted_at_once(kvmtui, new_disk):
    disk = new_disk(4)
    image = disk / "d.raw"
    image.write_bytes(boot_image("wave.bin")[: 64 << 10])
    os.truncate(image, 1 << 20)
    with open(disk / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    start(kvmtui, image)
    path = kvmtui.folder("a") / "history.jsonl"
    note, _ = watched(kvmtui, Thresholds(for_s=3600, cpu_percent=None), path)
    assert (note["what"], note["begins"], note.get("value")) == ("io-error", True, None)
    assert note["text"] == "paused: its disk has no room, or failed"


def test_full_storage_is_noted_in_the_homes_story(kvmtui):
    (kvmtui.home / "guests").mkdir(parents=True)
    note, told = watched(
        kvmtui, Thresholds(storage_percent=1, for_s=0), kvmtui.home / "history.jsonl"
    )
    assert (note["what"], note["begins"]) == ("storage", True)
    assert told == [note["text"]] and note["text"].startswith("storage above 1 % full: ")


def test_other_storage_with_disks_is_noted_and_kept_by_the_day(kvmtui, new_disk):
    disk = new_disk(4)
    kvmtui.tiny("a", "--disk", f"{disk}/a.raw,size=1M")
    (disk / "filler").write_bytes(bytes((4 << 20) - (128 << 10)))
    home = os.statvfs(kvmtui.home)
    home_percent = 100 * (1 - home.f_bavail / home.f_blocks)
    limits = Thresholds(storage_percent=max(74.0, home_percent + 1), for_s=0)
    note, told = watched(kvmtui, limits, kvmtui.home / "history.jsonl")
    assert note["what"] == "storage" and note["text"].startswith(f"{disk} ")
    assert told == [note["text"]]
    (days,) = [read_days(kvmtui.library)[str(disk)]]
    assert [day.size_bytes for day in days] == [4 << 20]
