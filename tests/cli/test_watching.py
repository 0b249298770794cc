"""Watching a guest: its events followed over restarts, its logs as they grow."""

from __future__ import annotations

import json
import os
import pty
import re
import select

from kvmtui.qemu.plain import connect_below


def lines_until(process, word, limit=400):
    """What a follower prints, up to a line with the word."""
    found = []
    for line in process.stdout:
        found.append(line)
        if word in line or len(found) > limit:
            return found
    raise AssertionError((word, found))


def end(process):
    process.kill()
    process.communicate()


def words_of(lines):
    """The second column of each line: a verb or an event."""
    return [line.split()[1] for line in lines]


def test_events_are_merged_by_time(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    kvmtui.ok("pause", "a")
    kvmtui.ok("resume", "a")
    lines = kvmtui.ok("events", "a").out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    order = [word for word in words_of(lines) if word in ("start", "pause", "STOP", "resume")]
    assert order == ["start", "start", "pause", "STOP", "pause", "resume", "resume"]
    kvmtui.ok("stop", "a")
    again = kvmtui.ok("events", "a").out.splitlines()
    assert again[: len(lines)] == lines, "folding the run changed what was told"
    objects = [json.loads(line) for line in kvmtui.ok("events", "a", "--json").out.splitlines()]
    assert [item["time"] for item in objects] == sorted(item["time"] for item in objects)
    assert [item["event"] for item in objects if "event" in item].count("SHUTDOWN") == 1


def test_events_are_followed_over_a_restart(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    follower = kvmtui.popen("events", "a", "-f")
    seen = lines_until(follower, "start done")
    kvmtui.ok("pause", "a")
    seen += lines_until(follower, "pause done")
    kvmtui.ok("stop", "a")
    kvmtui.ok("start", "a")
    kvmtui.ok("pause", "a")
    kvmtui.ok("set", "a", "description=the end")
    seen += lines_until(follower, "set done")
    end(follower)
    assert "".join(seen) == kvmtui.ok("events", "a").out
    told = words_of(seen)
    assert told.count("SHUTDOWN") == 1 and told.count("STOP") == 2
    assert told.count("start") == 4 and told.count("stop") == 2


def test_a_crash_is_told_among_the_events(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), 9)
    kvmtui.ok("wait", "a", "--for", "stopped")
    kvmtui.ok("start", "a")
    lines = kvmtui.ok("events", "a").out.splitlines()
    crash = next(index for index, line in enumerate(lines) if "run ended" in line)
    assert "its process ended without being asked to" in lines[crash]
    assert "start done" in lines[crash - 1] and "start by" in lines[crash + 1]


def test_following_ends_when_the_guest_is_gone(kvmtui):
    kvmtui.tiny("a")
    followers = [kvmtui.popen("events", "a", "-f"), kvmtui.popen("logs", "a", "-f")]
    lines_until(followers[0], "create done")
    kvmtui.ok("delete", "a", "--yes")
    for follower in followers:
        _, err = follower.communicate(timeout=30)
        assert follower.returncode == 1
        assert err.startswith("kvmtui: a: there is no such guest")


def read_until(descriptor, pattern):
    """Read a descriptor until the pattern came; the limit is the failure's, not the test's."""
    found = b""
    while not re.search(pattern, found):
        ready, _, _ = select.select([descriptor], [], [], 60)
        assert ready, found
        found += os.read(descriptor, 65536)
    return found


def test_a_prompt_is_printed_before_its_line_has_an_end(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files)
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    plain = kvmtui.popen("logs", "g", "-f")
    assert read_until(plain.stdout.fileno(), rb"guest# (\x1b\[6n)?$")
    end(plain)
    ours, theirs = pty.openpty()
    shown = kvmtui.popen("logs", "g", "-f", stdout=theirs)
    os.close(theirs)
    read_until(ours, rb"guest# (\\x1b\[6n)?$")
    with connect_below(kvmtui.folder("g") / "run", "serial") as console:
        console.sendall(b"printf 'ab\\303\\251\\033[31m'; sleep 100\n")
        said = read_until(ours, "abé".encode() + rb"\\x1b\[31m$")
    assert b"\x1b[31m" not in said and b"\\x0d" not in said.replace(b"\\x0d\\x0d", b"")
    end(shown)
    os.close(ours)


def test_logs_as_json_are_whole_lines(kvmtui):
    kvmtui.tiny("a")
    kvmtui.folder("a").joinpath("console.log").write_bytes(b"one\r\n\xfftwo\x1b\r\nlogin: ")
    lines = [json.loads(line)["line"] for line in kvmtui.ok("logs", "a", "--json").out.splitlines()]
    assert lines == ["one", "\ufffdtwo\x1b", "login: "]
    follower = kvmtui.popen("logs", "a", "--json", "-f")
    assert [json.loads(line)["line"] for line in lines_until(follower, "two")] == lines[:2]
    with kvmtui.folder("a").joinpath("console.log").open("ab") as log:
        log.write(b"root\r\n")
    assert json.loads(lines_until(follower, "login")[0])["line"] == "login: root"
    kvmtui.folder("a").joinpath("console.log").write_bytes(b"begun anew\n")
    assert json.loads(lines_until(follower, "anew")[0])["line"] == "begun anew"
    end(follower)
