"""The event record: its last state, torn and doubled lines, holes, bounds."""

from __future__ import annotations

import json
import os

from kvmtui.qemu.events import keep_bounds, last_state_event, read_events


def line(name, second=1, **data):
    message = {"timestamp": {"seconds": second, "microseconds": 0}, "event": name}
    return json.dumps({**message, "data": data} if data else message).encode() + b"\r\n"


GREETING = b'{"QMP": {"version": {}}}\r\n{"return": {}}\r\n'


def test_the_last_state_wins(tmp_path):
    record = tmp_path / "events.jsonl"
    for content, expected in [
        (b"", (None, False)),
        (GREETING, (None, True)),
        (GREETING + line("STOP"), ("STOP", True)),
        (
            GREETING + line("STOP") + line("RESUME") + line("RTC_CHANGE", offset=1) * 3000,
            ("RESUME", True),
        ),
        (line("RESUME") + line("SHUTDOWN", guest=True), ("SHUTDOWN", True)),
    ]:
        record.write_bytes(content)
        assert last_state_event(str(record)) == expected
    assert last_state_event(str(tmp_path / "none")) == (None, False)


def test_an_event_across_two_blocks_is_found(tmp_path):
    record = tmp_path / "events.jsonl"
    for padding in range(65536 - 80, 65536 + 10):
        record.write_bytes(line("STOP") + b"x" * padding + b"\n")
        assert last_state_event(str(record)) == ("STOP", True)


def test_a_guest_cannot_forge_an_event(tmp_path):
    record = tmp_path / "events.jsonl"
    forged = line("GUEST_PANICKED", info='"event": "RESUME"')
    record.write_bytes(line("STOP") + forged)
    assert last_state_event(str(record)) == ("STOP", True)


def test_lines_cut_by_a_full_disk_and_torn_ones(tmp_path):
    record = tmp_path / "events.jsonl"
    record.write_bytes(
        GREETING + line("STOP", 1)[:30] + line("RESUME", 2) + line("SHUTDOWN", 3, guest=True)[:-2]
    )
    assert [event.name for event, _ in read_events(record)] == ["RESUME"]
    with open(record, "ab") as file:
        file.write(b"\r\n")
    events = list(read_events(record))
    assert [event.name for event, _ in events] == ["RESUME", "SHUTDOWN"]
    assert events[1][0].data == {"guest": True} and events[1][0].time == 3
    assert list(read_events(record, start=events[1][1])) == []


def test_a_long_record_loses_its_head_only(tmp_path):
    record = tmp_path / "events.jsonl"
    record.write_bytes(line("STOP") + line("RESET", guest=True) * 20000)
    size = record.stat().st_size
    keep_bounds(str(record), largest_bytes=256 << 10)
    stat = record.stat()
    assert stat.st_size == size
    assert stat.st_blocks * 512 < size
    assert last_state_event(str(record)) == (None, True)
    names = {event.name for event, _ in read_events(record)}
    assert names == {"RESET"}
    with open(record, "ab") as file:
        file.write(line("RESUME"))
    assert last_state_event(str(record)) == ("RESUME", True)


def test_room_is_kept_ahead_of_the_writer(tmp_path):
    record = tmp_path / "events.jsonl"
    record.write_bytes(GREETING)
    keep_bounds(str(record))
    stat = os.stat(record)
    assert stat.st_size == len(GREETING)
    assert stat.st_blocks * 512 >= 256 << 10
