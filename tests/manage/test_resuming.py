"""Guests that wait for room, on a disk that is really full."""

from __future__ import annotations

import os
import time

import pytest

from kvmtui.guest.folder import GuestFolder
from kvmtui.manage import resuming
from kvmtui.manage.demo import boot_image
from kvmtui.manage.live import Watch
from kvmtui.manage.resuming import Resumer

LIMIT_S = 60.0


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def full(kvmtui, new_disk):
    """A guest that writes to a disk without room, and what takes the room."""
    disk = new_disk(4)
    image = disk / "disk.raw"
    data = boot_image("wave.bin")
    image.write_bytes(data[:512])
    os.truncate(image, max(len(data), 1 << 20))
    with open(image, "r+b") as file:
        file.write(data[: 64 << 10])
    filler = disk / "filler"

    def start(on_full):
        kvmtui.tiny("a", "--disk", image, "--set", f"on_full={on_full}")
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        kvmtui.ok("start", "a")
        wait_for(lambda: kvmtui.row("a")["state"] == "io-error")
        return filler

    return start


def wait_for(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def steps(watch, resumer, clock, condition):
    """Rounds, five seconds each, until something was told."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        clock.seconds += 5
        told = resumer.step(watch.round())
        if condition(told):
            return told
        assert time.monotonic() < deadline
        os.sched_yield()


def test_it_goes_on_as_soon_as_there_is_room_and_not_before(kvmtui, full):
    filler = full("resume")
    clock = Clock()
    watch, resumer = Watch(kvmtui.library), Resumer(kvmtui.library, clock)
    tried = []
    real = resuming.has_room

    def looked(folder):
        tried.append(real(folder))
        return tried[-1]

    resuming.has_room = looked
    try:
        steps(watch, resumer, clock, lambda _: len(tried) >= 3)
        assert not any(tried) and kvmtui.row("a")["state"] == "io-error"
        filler.unlink()
        (told,) = steps(watch, resumer, clock, bool)
    finally:
        resuming.has_room = real
    assert told == ("a", "a runs again")
    assert kvmtui.row("a")["state"] == "running"
    watch.close()
    resumer.close()


def test_one_that_waits_is_left_to_a_person(kvmtui, full):
    full("wait").unlink()
    clock = Clock()
    watch, resumer = Watch(kvmtui.library), Resumer(kvmtui.library, clock)
    for _ in range(20):
        clock.seconds += 60
        assert resumer.step(watch.round()) == []
        wait_for(lambda: all(one.done() for one in resumer._threads._under_way.values()))
    assert kvmtui.row("a")["state"] == "io-error"
    watch.close()
    resumer.close()


@pytest.mark.parametrize(("nospace", "said"), [("true", True), ("false", False)])
def test_only_a_disk_that_said_it_has_no_room(tmp_path, nospace, said):
    line = (
        '{"timestamp": {"seconds": 1, "microseconds": 0}, "event": "BLOCK_IO_ERROR",'
        ' "data": {"device": "", "nospace": %s, "action": "stop"}}\n'
    )
    (tmp_path / "events.jsonl").write_text(line % nospace)
    assert resuming.paused_for_room(GuestFolder(tmp_path)) is said


def test_how_much_room_it_takes():
    assert resuming.room_needed(1 << 40) == 256 << 20
    assert resuming.room_needed(20 << 20) == 1 << 20
