"""`check --measure`, and what a guest's verbs tell of it, as a user calls them."""

from __future__ import annotations

import json
import os
import pty
import signal

import pytest
from conftest import PLAIN_UID
from ended import has_ended

from kvmtui.host.accelerator import Trial, verdict_to_json
from kvmtui.host.judging import judge
from kvmtui.manage import hosting
from kvmtui.qemu.binary import find_emulator, host_architecture

TINY = ["--memory", "16M", "--network", "none", "--set", "usb=false"]
WARNING = "accelerator kvm was measured not to serve on this host: "
FAULT = "its boot took 2800 ms, 35.0 times as long"


@pytest.fixture
def slow_kvm(kvmtui):
    """A home with a verdict that KVM does not serve here."""
    kvmtui.home.mkdir()
    found = judge([Trial("tcg", "max", 0.08, 0.05), Trial("kvm", "host", 2.8, 0.01)])
    found = found._replace(time="2026-01-01T00:00:00.000Z")
    key = hosting._key(kvmtui.library, find_emulator(host_architecture()))
    content = {"key": key, "verdict": verdict_to_json(found)}
    (kvmtui.home / "accelerator.json").write_text(json.dumps(content))
    return kvmtui


def accelerator_of(done):
    return next(one for one in done.json if one["id"] == "accelerator")


def test_each_accelerator_and_processor_has_its_verdict(kvmtui):
    kvmtui.home.mkdir()
    done = kvmtui.ok("check", "--measure", "--json")
    assert done.err == ""
    measured = accelerator_of(done)["measured"]
    trials = measured["trials"]
    assert [one["accelerator"] for one in trials] == ["tcg", "kvm", "kvm", "kvm"]
    for one in trials:
        assert one["serves"] is False or (one["boot_s"] > 0 and one["loop_rounds_per_s"] > 0)
        assert one["serves"] or one["detail"] or one["loop_s"]
    chosen = [one for one in trials if one["accelerator"] == measured["accelerator"]]
    assert any(one["cpu"] == measured["cpu"] and one["serves"] for one in chosen)
    text = kvmtui.ok("check").out
    assert measured["words"].partition(": ")[2] in text
    assert "tcg -cpu max" in text and "million rounds a second" in text
    kvmtui.ok("create", "a", *TINY)
    kvmtui.ok("start", "a")
    assert kvmtui.row("a")["accelerator"] == measured["accelerator"]


def test_show_says_why(slow_kvm):
    slow_kvm.ok("create", "a", *TINY)
    slow_kvm.ok("create", "b", *TINY, "--accelerator", "tcg", "--set", "cpu=qemu64")
    reason = slow_kvm.ok("show", "a", "--json").json["accelerator_reason"]
    assert reason["accelerator"] == "tcg" and reason["cpu"] == "max"
    assert reason["by"] == "measurement" and FAULT in reason["words"]
    assert reason["time"] == "2026-01-01T00:00:00.000Z" and reason["time"] in reason["words"]
    assert f"runs under  {reason['words']}" in slow_kvm.ok("show", "a").out
    reason = slow_kvm.ok("show", "b", "--json").json["accelerator_reason"]
    assert reason == {
        "accelerator": "tcg",
        "cpu": "qemu64",
        "by": "definition",
        "words": "tcg: as its definition says",
        "time": None,
    }


def test_a_guest_that_runs_keeps_the_reason_of_its_start(slow_kvm):
    slow_kvm.ok("create", "a", *TINY)
    slow_kvm.ok("start", "a")
    before = slow_kvm.ok("show", "a", "--json").json["accelerator_reason"]
    slow_kvm.ok("set", "a", "accelerator=kvm")
    assert slow_kvm.ok("show", "a", "--json").json["accelerator_reason"] == before
    assert FAULT in before["words"]


def test_kvm_that_does_not_serve_is_warned_of_once(slow_kvm):
    done = slow_kvm.ok("create", "a", *TINY, "--accelerator", "kvm")
    assert done.err.count(WARNING) == 1 and FAULT in done.err
    assert slow_kvm.ok("set", "a", "memory=32M").err == ""
    assert slow_kvm.ok("set", "a", "accelerator=auto").err == ""
    assert slow_kvm.ok("set", "a", "accelerator=kvm").err.count(WARNING) == 1
    assert slow_kvm.ok("create", "b", *TINY, "--accelerator", "tcg").err == ""
    assert slow_kvm.ok("create", "c", *TINY).err == ""
    both = slow_kvm.ok("create", "d", *TINY, "--accelerator", "kvm", "--quiet")
    assert both.err == ""


def test_a_start_with_such_a_kvm_tells_it_too(slow_kvm):
    slow_kvm.ok("create", "a", *TINY, "--accelerator", "kvm")
    done = slow_kvm("start", "a")
    assert done.err.count(WARNING) == 1 and FAULT in done.err
    if done.status:
        assert "try: kvmtui set a accelerator=auto" in done.err


def test_a_verdict_that_is_kept_is_not_waited_for(slow_kvm, tmp_path):
    slow_kvm.ok("create", "a", *TINY)
    before = (slow_kvm.home / "accelerator.json").stat().st_mtime_ns
    slow_kvm.ok("start", "a")
    slow_kvm.ok("list")
    assert (slow_kvm.home / "accelerator.json").stat().st_mtime_ns == before


@pytest.fixture
def hanging(kvmtui, tmp_path):
    """A QEMU that tells its version and hangs when it is to boot; its pid comes by a pipe."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / f"qemu-system-{host_architecture()}"
    os.mkfifo(tmp_path / "pids")
    program.write_text(
        '#!/bin/sh\ncase "$*" in\n*--version*) echo QEMU emulator version 7.2.0; exit;;\nesac\n'
        f"echo $$ > {tmp_path}/pids\nexec sleep 1000\n"
    )
    program.chmod(0o755)
    kvmtui.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    kvmtui.home.mkdir()
    return kvmtui


@pytest.mark.skipif(host_architecture() != "x86_64", reason="only x86_64 has a test that boots")
def test_an_interrupted_measurement_leaves_nothing(hanging, tmp_path):
    process = hanging.popen("check", "--measure")
    with open(tmp_path / "pids") as pids:
        pid = pids.readline()
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "Traceback" not in err
    assert has_ended(pid)
    assert not (hanging.home / "accelerator.json").exists()


@pytest.mark.skipif(host_architecture() != "x86_64", reason="only x86_64 has a test that boots")
def test_a_qemu_that_hangs_is_killed_and_told(hanging, tmp_path):
    reader = os.open(tmp_path / "pids", os.O_RDWR)
    one = accelerator_of(hanging.ok("check", "--measure", "--json"))
    pids = os.read(reader, 4096).split()
    os.close(reader)
    assert one["status"] == "unknown" and "nothing ran in time" in one["detail"]
    assert one["remedy"] == "kvmtui check --measure"
    assert one["measured"]["trials"][0]["slower_than_s"] == 2.0
    assert pids and not (hanging.home / "accelerator.json").exists()
    assert all(has_ended(pid) for pid in pids)


def test_progress_is_for_terminals_only(kvmtui):
    kvmtui.home.mkdir()
    ours, theirs = pty.openpty()
    environment = {**kvmtui.environment, "TERM": "xterm"}
    process = kvmtui.popen("check", "--measure", "--json", stderr=theirs, env=environment)
    os.close(theirs)
    told = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:
            break
        told += data
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert accelerator_of(type("Done", (), {"json": json.loads(out)}))["measured"]["trials"]
    steps = told.decode().split("\r")
    assert steps[1].startswith("measuring, 1 of 5: a page of code under KVM (at most ")
    assert any("tcg -cpu max" in step for step in steps)
    assert steps[-1] == "\x1b[K"


def test_a_user_who_may_not_open_kvm_is_told(plain_kvmtui):
    done = plain_kvmtui.ok("check", "--measure", "--json")
    run = next(one for one in done.json if one["id"] == "kvm-perm")
    if run["status"] == "ok" or run["measured"]["error"] != "EACCES":
        pytest.skip("this machine lets everybody open /dev/kvm, or has none")
    measured = accelerator_of(done)["measured"]
    assert [one["tried"] for one in measured["trials"]] == [True, False, False, False]
    assert "/dev/kvm does not open (EACCES, permission denied)" in measured["words"]


@pytest.mark.skipif(os.geteuid() != 0, reason="QEMU is run as another user by root")
def test_root_measures_as_the_user_of_guests(plain_kvmtui):
    plain_kvmtui.prefix = []
    trials = accelerator_of(plain_kvmtui.ok("check", "--measure", "--json"))["measured"]["trials"]
    assert trials[0]["serves"]
    if not os.stat("/dev/kvm").st_mode & 0o006:
        assert "EACCES" in trials[1]["detail"] and not trials[1]["tried"]
    assert (plain_kvmtui.home / "accelerator.json").stat().st_uid == PLAIN_UID


def test_in_a_home_that_cannot_be_written_it_is_told_and_not_kept(plain_kvmtui):
    plain_kvmtui.home.mkdir(exist_ok=True)
    plain_kvmtui.home.chmod(0o500)
    found = accelerator_of(plain_kvmtui("check", "--measure", "--json"))
    assert found["measured"]["trials"][0]["serves"]
    assert accelerator_of(plain_kvmtui("check", "--json"))["detail"] == "not measured yet"
