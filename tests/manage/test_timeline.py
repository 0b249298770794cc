"""A guest's timeline: plain sentences, each once, from ends of files that may be long."""

from __future__ import annotations

import json
import os
import time

from kvmtui.durable import try_lock
from kvmtui.guest import history
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage.operations import read_operations
from kvmtui.manage.sentences import event_sentence, seconds_shown
from kvmtui.manage.timeline import timeline

USER = history.acting_user()


def texts(kvmtui, name="a", **options):
    return [entry.text for entry in timeline(kvmtui.library, name, **options)]


def test_a_life_is_told_in_sentences(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    kvmtui.ok("pause", "a")
    kvmtui.ok("pause", "a")
    kvmtui.ok("set", "a", "memory=32M", "tags=[x]")
    kvmtui.refused("shutdown", "a", status=1)
    kvmtui.ok("resume", "a")
    kvmtui.ok("reset", "a")
    while_it_runs = texts(kvmtui)
    kvmtui.ok("stop", "a")
    kvmtui.ok("set", "a", "description=x")
    kvmtui.ok("rename", "a", "b")
    entries = timeline(kvmtui.library, "b")
    (started,) = [entry.text for entry in entries if entry.verb == "start"]
    assert started.startswith(f"started by {USER}, tcg, ready in ") and started.endswith(" s")
    assert [entry.text for entry in entries] == [
        "created",
        started,
        f"paused by {USER}",
        "tags nothing → x, memory 16M → 32M, needs restart",
        "shutdown failed: a is paused and cannot notice the power button",
        f"resumed by {USER}",
        f"reset by {USER}",
        f"stopped by {USER}",
        "description nothing → x",
        "renamed to b",
    ]
    assert while_it_runs == [entry.text for entry in entries][: len(while_it_runs)]
    kinds = {entry.kind for entry in entries if entry.verb != "shutdown"}
    assert kinds == {"done"} and entries[4].kind == "failed"
    assert {entry.who for entry in entries} == {USER}
    moments = [entry.time for entry in entries]
    assert moments == sorted(moments) and 0 <= time.time() - moments[-1] < 60
    assert texts(kvmtui, "b", most=2) == ["description nothing → x", "renamed to b"]


def test_what_nobody_asked_for_is_told_as_such(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    kvmtui.ok("qmp", "a", "stop")
    kvmtui.ok("qmp", "a", "cont")
    kvmtui.ok("qmp", "a", "system_reset")
    kvmtui.ok("qmp", "a", "quit")
    kvmtui.ok("wait", "a", "--for", "stopped")
    told = ["paused", "resumed", "reset over QMP", "QEMU was told to quit"]
    assert texts(kvmtui)[2:] == told
    kvmtui.ok("start", "a")
    assert texts(kvmtui)[2:-1] == told, "folding the run changed what is told"


def test_a_crash_and_a_host_that_went_down(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), 9)
    kvmtui.ok("wait", "a", "--for", "stopped")
    entry = timeline(kvmtui.library, "a")[-1]
    assert entry.text == "crashed: its process ended without being asked to"
    assert (entry.kind, entry.who, entry.verb) == ("crash", "", "")
    record = kvmtui.folder("a") / "run" / "start.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "boot_id": "another"}))
    entry = timeline(kvmtui.library, "a")[-1]
    assert (entry.text, entry.kind) == ("host went down", "warning")
    kvmtui.ok("start", "a")
    entries = timeline(kvmtui.library, "a")
    assert [one.text for one in entries][-2:-1] == ["host went down"]
    assert abs(entries[-2].time - entry.time) < 0.01


def test_a_kill_and_a_forced_shutdown_are_told_once(kvmtui):
    kvmtui.tiny("a")
    for words in (["stop", "a"], ["shutdown", "a", "--force", "--timeout", "1"]):
        kvmtui.ok("start", "a")
        os.kill(kvmtui.pid("a"), 19)
        kvmtui.ok(*words)
    _, _, stopped, _, forced = texts(kvmtui)
    assert stopped == f"stopped by {USER}, QEMU had to be killed"
    assert forced == "stopped by force: QEMU did not answer"


def test_a_linux_guest_that_panics_and_one_that_goes_by_itself(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files, "crash")
    events = kvmtui.popen("events", "g", "-f")
    assert any("GUEST_PANICKED" in line for line in events.stdout)
    events.kill()
    events.communicate()
    entry = timeline(kvmtui.library, "g")[-1]
    assert (entry.text, entry.kind) == ("crashed: the guest's kernel panicked", "crash")
    kvmtui.ok("stop", "g")
    kvmtui.ok("set", "g", "append=console=ttyS0 quiet panic=-1 poweroff")
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "stopped")
    assert texts(kvmtui, "g")[-1] == "the guest shut itself down"
    kvmtui.ok("set", "g", "append=console=ttyS0 quiet panic=-1")
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY")
    kvmtui.ok("shutdown", "g")
    last = texts(kvmtui, "g")[-1]
    assert last.startswith("shut down in ") and last.endswith(" s")


def write(folder, *lines):
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.history.write_text("".join(json.dumps(line) + "\n" for line in lines))


def begin(verb, number, **more):
    line = {"time": f"2026-01-01T00:00:0{number}.000Z", "phase": "begin", "id": f"{number}"}
    return {**line, "verb": verb, "user": "anna", "pid": os.getpid(), **more}


def test_what_is_under_way_and_what_was_cut_off(tmp_path):
    folder = GuestFolder(tmp_path / "guests" / "a")
    write(folder, begin("set", 1), begin("start", 2, boot_id=history.boot_id()))
    lock = try_lock(folder.path / ".lock")
    cut_off, now = timeline(Library(tmp_path), "a")
    assert (cut_off.text, cut_off.kind) == ("set by anna was cut off", "failed")
    assert (now.text, now.kind, now.who, now.verb) == (
        "being started by anna",
        "under-way",
        "anna",
        "start",
    )
    os.close(lock)
    now = timeline(Library(tmp_path), "a")[-1]
    assert (now.text, now.kind) == ("start by anna was cut off", "failed")


def test_lines_of_earlier_versions_and_hostile_ones(tmp_path):
    folder = GuestFolder(tmp_path / "guests" / "a")
    ends = [
        {"verb": "start", "result": "done", "accelerator": "kvm"},
        {"verb": "set", "result": "done", "set": ["memory=8G"]},
        {"verb": "shutdown", "result": "done"},
        {"verb": "start", "result": "failed", "message": "a did not start: \x1b[31mno"},
        {"verb": "dance", "result": "done"},
        {"verb": "edit", "result": "interrupted", "changes": 3},
    ]
    lines = []
    for number, line in enumerate(ends, start=1):
        lines.append(begin(line["verb"], number))
        lines.append({"time": lines[-1]["time"], "phase": "end", "id": f"{number}", **line})
    run = {"phase": "run", "run": "x", "reason": "crashed", "started": "2026-01-01T00:00:07.000Z"}
    lines += [{"time": "2026-01-01T00:00:08.000Z", **run, "events": [{"odd": 1}]}, {"time": "?"}]
    write(folder, *lines)
    assert [entry.text for entry in timeline(Library(tmp_path), "a")] == [
        "started by anna, kvm",
        "memory=8G",
        "shut down",
        "did not start: \\x1b[31mno",
        "dance done by anna",
        "edit interrupted by anna",
        "crashed: its process ended without being asked to",
    ]


def test_a_long_life_costs_no_more_than_a_short_one(tmp_path):
    folder = GuestFolder(tmp_path / "guests" / "a")
    write(folder, begin("create", 1))
    with folder.history.open("a") as file:
        for number in range(60000):
            pair = begin("pause", 2, id=str(number), time=history.iso_time(number + 1e9))
            file.write(json.dumps(pair) + "\n")
            done = {"phase": "end", "verb": "pause", "result": "done", "time": pair["time"]}
            file.write(json.dumps({**done, "id": str(number)}) + "\n")
    stamp = '{"timestamp": {"seconds": 1000000000, "microseconds": 0}, "event": "STOP"}\r\n'
    folder.events.write_text(stamp * 100000)
    began = time.process_time()
    found = timeline(Library(tmp_path), "a", most=5)
    assert [entry.text for entry in found] == ["paused by anna"] * 5
    spent = time.process_time() - began
    began = time.process_time()
    json.loads("[" + ",".join(folder.history.read_text().splitlines()) + "]")
    assert spent < time.process_time() - began, "it reads all of the story"


def test_every_event_and_duration_has_its_words():
    assert event_sentence("RTC_CHANGE", {"offset": 1}) is None
    assert event_sentence("RESET", {"guest": True}) == ("the guest rebooted", "event")
    assert event_sentence("BLOCK_IO_ERROR", {"nospace": True, "node-name": "disk0"}) == (
        "no room for disk0 on the host: the guest waits",
        "warning",
    )
    assert event_sentence("BLOCK_IO_ERROR", {"device": "hd0", "operation": "read"})[0] == (
        "hd0: a read failed"
    )
    assert event_sentence("SHUTDOWN", {"reason": "new-reason"}) == ("ended: new-reason", "event")
    assert event_sentence("VSERPORT_CHANGE", {"open": True, "id": "other"}) is None
    assert event_sentence("VSERPORT_CHANGE", {"open": True, "id": "agentport"})[1] == "event"
    assert [seconds_shown(value) for value in (0.04, 1.84, 6.0, 34.4)] == [
        "0 s",
        "1.8 s",
        "6 s",
        "34 s",
    ]


def test_a_threshold_is_in_activity(kvmtui):
    kvmtui.tiny("a")
    folder = kvmtui.library.folder("a")
    line = {"time": "2026-11-24T09:31:00Z", "phase": "note", "what": "disk-latency"}
    told = {"text": "mean disk latency above 200 ms: 250 ms", "value": 250.0, "limit": 200.0}
    history.append(folder.history, line | told | {"begins": True})
    history.append(
        folder.history,
        line
        | {"begins": False, "text": "mean disk latency is within its threshold again, after 3 min"},
    )
    noted = [one for one in read_operations(folder) if one.result == "noted"]
    (one,) = noted
    assert (one.verb, one.user) == ("mean disk latency", "watch")
    assert one.message == "above 200 ms: 250 ms"
