"""Why a guest runs as it does; what is kept of a measurement, and for how long."""

from __future__ import annotations

import asyncio
import json
import os
import threading

import pytest

from kvmtui.host import accelerator, measuring
from kvmtui.host.accelerator import Cancelled, Progress, Trial
from kvmtui.host.judging import judge
from kvmtui.manage import choosing, hosting
from kvmtui.manage.choosing import choose
from kvmtui.manage.fleet import Fleet
from kvmtui.qemu.binary import host_architecture

TCG = Trial("tcg", "max", 0.08, 0.05)
SLOW = judge([TCG, Trial("kvm", "host", detail="MSR"), Trial("kvm", "qemu64", 2.8, 0.01)])
FINE = judge([TCG, Trial("kvm", "host", detail="MSR"), Trial("kvm", "qemu64", 0.08, 0.01)])
HERE = host_architecture()


@pytest.fixture
def measured(kvmtui, monkeypatch):
    """A home, and a measurement that finds what ``found`` holds and counts itself."""
    kvmtui.home.mkdir()
    calls = []

    def measure(conditions, **_):
        calls.append(conditions)
        return measured.found

    def measured(found):
        measured.found = found
        return hosting.verdict_for(kvmtui.library)

    measured.found = SLOW
    measured.calls = calls
    monkeypatch.setattr(measuring, "measure", measure)
    return measured


def test_auto_follows_the_measurement(kvmtui, measured):
    choice = choose(kvmtui.library, HERE, "auto")
    assert (choice.accelerator, choice.cpu, choice.by) == ("tcg", "max", "measurement")
    assert choice.words.startswith(f"auto, as measured at {choice.time}: emulation: ")
    assert "2800 ms, 35.0 times as long" in choice.words
    assert choosing.warning(kvmtui.library, HERE, "auto") == ""


def test_a_definition_that_insists_is_followed_and_warned_of(kvmtui, measured):
    measured(SLOW)
    choice = choose(kvmtui.library, HERE, "kvm")
    assert (choice.accelerator, choice.cpu, choice.by) == ("kvm", "host", "definition")
    assert "as its definition says; it was measured not to serve" in choice.words
    told = choosing.warning(kvmtui.library, HERE, "kvm")
    assert told.startswith("accelerator kvm was measured not to serve on this host: ")
    assert "35.0 times as long" in told


def test_kvm_by_name_has_the_processor_that_serves(kvmtui, measured):
    measured(FINE)
    choice = choose(kvmtui.library, HERE, "kvm")
    assert (choice.cpu, choice.words) == ("qemu64", "kvm: as its definition says")
    assert choosing.warning(kvmtui.library, HERE, "kvm") == ""


def test_nothing_is_measured_for_a_name_or_another_architecture(kvmtui, measured):
    assert choose(kvmtui.library, HERE, "kvm").cpu == "host"
    assert choose(kvmtui.library, HERE, "tcg").words == "tcg: as its definition says"
    choice = choose(kvmtui.library, "riscv64", "auto")
    assert (choice.accelerator, choice.cpu, choice.by) == ("tcg", None, "architecture")
    assert choosing.warning(kvmtui.library, HERE, "kvm") == ""
    assert choosing.warning(kvmtui.library, "riscv64", "kvm") == ""
    assert measured.calls == []


def test_a_kept_verdict_is_not_measured_again(kvmtui, measured):
    first = measured(SLOW)
    assert first.time and hosting.kept_verdict(kvmtui.library) == first
    assert measured(FINE) == first and len(measured.calls) == 1
    assert hosting.verdict_for(kvmtui.library, again=True).accelerator == "kvm"
    assert hosting.kept_verdict(kvmtui.library).accelerator == "kvm"


OLD = {
    "accelerator": "kvm",
    "cpu": "host",
    "words": "KVM serves",
    "trials": [{"accelerator": "tcg", "cpu": "max", "booted": True, "seconds": 1, "detail": ""}],
}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"not json",
        b"\xff\xfe",
        b'{"key": "another", "verdict": {}}',
        {"verdict": OLD},
        {"verdict": None},
        {"verdict": {"accelerator": "kvm"}},
        {"verdict": {**accelerator.verdict_to_json(SLOW), "accelerator": "xen"}},
        {"verdict": {**accelerator.verdict_to_json(SLOW), "words": 7}},
        {"verdict": {**accelerator.verdict_to_json(SLOW), "trials": [1]}},
    ],
)
def test_a_file_that_is_none_of_ours_is_measured_anew(kvmtui, measured, content):
    measured(FINE)
    file = kvmtui.home / "accelerator.json"
    if isinstance(content, dict):
        content = json.dumps({**json.loads(file.read_bytes()), **content}).encode()
    file.write_bytes(content)
    assert hosting.kept_verdict(kvmtui.library) is None
    assert measured(SLOW).accelerator == "tcg"
    assert hosting.kept_verdict(kvmtui.library).accelerator == "tcg"


def test_what_may_change_the_verdict_is_in_its_key(tmp_path, monkeypatch):
    emulator = tmp_path / "qemu"
    emulator.write_text("")
    device = tmp_path / "kvm"
    monkeypatch.setattr(accelerator, "KVM_DEVICE", str(device))

    def key(**user):
        return accelerator.verdict_key(str(emulator), **user)

    seen = [key()]
    assert key() == seen[0]
    device.write_text("")
    seen.append(key())
    device.chmod(0o600)
    seen.append(key())
    seen += [key(user=(1000, 1000)), key(user=(1000, 1000, 105))]
    emulator.write_text("newer")
    seen.append(key())
    monkeypatch.setattr(accelerator, "_parameters", lambda: ["kvm_intel: nested=Y"])
    seen.append(key())
    monkeypatch.setattr(accelerator, "_processor", lambda: ["another", "0x1", "vmx"])
    seen.append(key())
    assert len(set(seen)) == len(seen)
    assert os.uname().release in seen[0]
    with open("/proc/sys/kernel/random/boot_id") as file:
        assert file.read().strip() in seen[0]


def test_a_home_that_cannot_be_written_keeps_nothing(kvmtui, measured, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(hosting, "write_atomically", refuse)
    monkeypatch.setattr(hosting, "try_lock", refuse)
    assert measured(SLOW).words == SLOW.words
    assert hosting.kept_verdict(kvmtui.library) is None


def test_what_settles_nothing_is_not_kept(kvmtui, measured):
    late = judge([Trial("tcg", "max", detail="had not booted", stopped_after_s=2.0)])
    assert measured(late).accelerator == "tcg"
    assert hosting.kept_verdict(kvmtui.library) is None


def test_starts_at_once_measure_once(kvmtui, measured, monkeypatch):
    at_it, go_on = threading.Event(), threading.Event()
    real = measuring.measure

    def slowly(*words, **options):
        at_it.set()
        assert go_on.wait(20)
        return real(*words, **options)

    monkeypatch.setattr(measuring, "measure", slowly)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(hosting.verdict_for(kvmtui.library)))
        for _ in range(3)
    ]
    threads[0].start()
    assert at_it.wait(20)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 3 and len(set(found)) == 1 and len(measured.calls) == 1


def test_the_fleet_tells_steps_and_can_be_given_up(kvmtui, monkeypatch):
    kvmtui.home.mkdir()
    given_up = threading.Event()
    step = Progress("tcg -cpu max", 2, 5, 2.0)

    def measure(_, *, told, cancelled):
        told(step)
        while not cancelled():
            os.sched_yield()
        given_up.set()
        raise Cancelled

    monkeypatch.setattr(measuring, "measure", measure)

    async def scene():
        fleet = Fleet(kvmtui.library)
        heard = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(fleet.measure(heard.set_result))
        assert await asyncio.wait_for(heard, 20) == step
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        fleet.close()

    asyncio.run(scene())
    assert given_up.wait(20)
    assert hosting.kept_verdict(kvmtui.library) is None


def test_the_fleet_measures_this_machine(kvmtui):
    kvmtui.home.mkdir()

    async def scene():
        fleet = Fleet(kvmtui.library)
        steps = []
        verdict = await fleet.measure(steps.append)
        fleet.close()
        return verdict, steps

    verdict, steps = asyncio.run(scene())
    assert hosting.kept_verdict(kvmtui.library) == verdict
    assert steps[0].candidate == "a page of code under KVM" and len(steps) in (2, 5)
