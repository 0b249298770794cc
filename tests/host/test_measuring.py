"""The measurement itself: on real QEMU, and on emulators that hang, lie or chatter."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from ended import has_ended

from kvmtui.host import accelerator, kvm_probe, measuring, trial
from kvmtui.host.accelerator import Cancelled
from kvmtui.host.facts import KvmRun
from kvmtui.host.judging import unusable
from kvmtui.host.kvm_probe import probe_apart
from kvmtui.host.measuring import Conditions, measure
from kvmtui.host.trial import ProbeDisk, attempt
from kvmtui.manage.hosting import probe_program

SOURCE = Path(trial.__file__).parents[1] / "demo" / "probe.s"
QEMU = shutil.which("qemu-system-x86_64")


@pytest.fixture
def fake(tmp_path):
    """An emulator that does what a line of shell says; its pid is in ``pid``."""

    def make(line):
        program = tmp_path / "qemu-fake"
        program.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pid\n{line}\n")
        program.chmod(0o755)
        return str(program)

    return make


def tried(emulator, *, limit_s=20.0, **options):
    with ProbeDisk(probe_program()) as disk:
        return attempt(emulator, "tcg", "max", disk, limit_s=limit_s, identity={}, **options)


def test_the_loop_is_as_long_as_its_source_says():
    found = re.search(r"\.equ\s+ROUNDS,\s+(\d+)", SOURCE.read_text())
    assert found and int(found[1]) == trial.ROUNDS


def test_emulation_runs_the_test_here():
    found = tried(QEMU)
    assert found.detail == "" and found.stopped_after_s is None
    assert found.boot_s > 0 and found.loop_s > 0 and found.total_s == found.boot_s + found.loop_s


def test_a_test_whose_guest_resets_itself_says_so():
    program = bytearray(probe_program())
    # What loads the descriptors becomes one that loads nothing: the jump is a triple fault.
    at = program.index(b"\x0f\x01\x16")
    program[at : at + 5] = b"\x90" * 5
    with ProbeDisk(bytes(program)) as disk:
        found = attempt(QEMU, "tcg", "max", disk, limit_s=20.0, identity={})
    assert found.booted and found.loop_s is None
    assert found.detail == "the guest reset itself in the test"


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("printf BLE; exit 33", ""),
        ("exit 33", "QEMU ended with status 33"),
        ("printf BL; exit 33", "QEMU ended with status 33"),
        ("printf BLE; exit 0", "the guest reset itself in the test"),
        ("echo 'qemu: error: no such thing' >&2; exit 1", "no such thing"),
        ("echo 'qemu: warning: odd' >&2; echo 'bad  cpu' >&2; exit 1", "bad  cpu"),
        ("printf '\\033[2J' >&2; exit 1", "\\x1b[2J"),
        ("kill -ABRT $$", "QEMU was ended by signal 6 (Aborted)"),
        ("printf 'BX\\033[2J'; exec sleep 1000", "its serial port says what the test does not: BX"),
        ("exec yes", "its serial port says what the test does not: y"),
        ("yes >&2", "had not booted a test after 0.3 s"),
    ],
)
def test_what_an_emulator_says_and_does(fake, line, detail):
    found = tried(fake(line), limit_s=0.3 if ">&2" in line and "yes" in line else 20.0)
    assert found.detail.startswith(detail) and (found.detail == "") == (detail == "")
    assert "\x1b" not in found.detail


def test_one_that_hangs_is_killed_with_all_that_it_started(fake, tmp_path):
    found = tried(fake(f"sleep 1000 & echo $! >> {tmp_path}/pid; printf B; wait"), limit_s=0.3)
    assert found.booted and found.stopped_after_s == 0.3
    assert found.detail == "its loop had not ended after 0.3 s"
    pids = (tmp_path / "pid").read_text().split()
    assert len(pids) == 2 and all(has_ended(pid) for pid in pids)


def test_one_whose_child_holds_its_output_has_ended(fake, tmp_path):
    found = tried(fake(f"sleep 1000 & echo $! >> {tmp_path}/pid; printf BLE; exit 33"))
    assert found.detail == "" and found.total_s is not None
    assert all(has_ended(pid) for pid in (tmp_path / "pid").read_text().split())


def test_one_that_is_missing_or_no_program_is_told(tmp_path):
    assert "No such file or directory" in tried(str(tmp_path / "none")).detail
    plain = tmp_path / "plain"
    plain.write_text("")
    assert "Permission denied" in tried(str(plain)).detail


def test_what_a_killed_kvmtui_leaves_ends_by_itself(fake, tmp_path):
    words = trial._bounded([fake("exec sleep 1000")], 0.2)
    process = subprocess.Popen(words, start_new_session=True)
    assert process.wait(20) == -signal.SIGKILL
    assert all(has_ended(pid) for pid in (tmp_path / "pid").read_text().split())


def test_one_that_is_given_up_is_killed(fake, tmp_path):
    emulator = fake("printf B; exec sleep 1000")
    with pytest.raises(Cancelled):
        tried(emulator, cancelled=(tmp_path / "pid").exists)
    assert all(has_ended(pid) for pid in (tmp_path / "pid").read_text().split())


def conditions(emulator, **others):
    return Conditions(emulator, probe_program(), {}, **others)


@pytest.fixture
def nothing_known_of_kvm(monkeypatch):
    """The probe does not answer: its candidates are booted."""
    monkeypatch.setattr(kvm_probe, "module_words", lambda _: (["false"], {}))


def test_this_machine_is_measured():
    steps = []
    verdict = measure(conditions(QEMU), told=steps.append)
    assert [one.number for one in steps] == list(range(1, len(steps) + 1))
    assert all(one.of == 5 and one.limit_s > 0 and one.candidate for one in steps)
    assert [(one.accelerator, one.cpu) for one in verdict.trials] == [
        ("tcg", "max"),
        ("kvm", "host"),
        ("kvm", "max"),
        ("kvm", "qemu64"),
    ]
    assert verdict.trials[0].serves
    serving = {one.accelerator for one in verdict.trials if one.serves}
    assert verdict.accelerator == ("kvm" if "kvm" in serving else "tcg")
    assert all(one.serves != bool(one.detail) or one.loop_s for one in verdict.trials)


def test_without_the_device_no_guest_is_booted_under_kvm(tmp_path):
    steps = []
    found = measure(conditions(QEMU, device=str(tmp_path / "kvm")), told=steps.append)
    assert found.words == "emulation: /dev/kvm is missing"
    assert [one.candidate for one in steps] == ["a page of code under KVM", "tcg -cpu max"]
    assert not any(one.tried for one in found.trials[1:])


def test_a_device_that_only_opens_is_found_out():
    found = measure(conditions(QEMU, device="/dev/null"))
    assert found.kvm_fault.startswith("/dev/kvm opens, but runs not one page of code")


def test_a_probe_that_does_not_answer_settles_nothing(fake, nothing_known_of_kvm):
    found = measure(conditions(fake("printf BLE; exit 33")))
    assert all(one.tried for one in found.trials)


def test_where_all_hang_the_budget_holds(fake, tmp_path, monkeypatch, nothing_known_of_kvm):
    monkeypatch.setattr(measuring, "EMULATION_LIMIT_S", 0.2)
    monkeypatch.setattr(measuring, "BUDGET_S", 0.6)
    steps = []
    found = measure(conditions(fake("exec sleep 1000")), told=steps.append)
    assert [one.stopped_after_s is not None for one in found.trials] == [True] * 4
    assert all(one.limit_s <= 0.2 for one in steps[2:])
    assert not found.settled
    assert all(has_ended(pid) for pid in (tmp_path / "pid").read_text().split())


def test_a_candidate_that_has_lost_is_stopped(fake, nothing_known_of_kvm):
    line = 'case "$*" in *"-accel kvm"*) exec sleep 1000;; esac; printf BLE; exit 33'
    steps = []
    found = measure(conditions(fake(line)), told=steps.append)
    most = max(measuring.LEAST_LIMIT_S, found.trials[0].total_s * measuring.TIMES_LOST)
    assert all(one.limit_s <= most for one in steps[2:])
    assert "KVM opens here but with -cpu host had not booted a test after" in found.words


def test_giving_up_leaves_nothing(fake, tmp_path):
    steps = []
    with pytest.raises(Cancelled):
        measure(
            conditions(fake("exec sleep 1000")),
            told=steps.append,
            cancelled=lambda: len(steps) > 1 and (tmp_path / "pid").exists(),
        )
    assert all(has_ended(pid) for pid in (tmp_path / "pid").read_text().split())


def test_without_timeout_of_coreutils_it_works_as_well(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert tried(fake("printf BLE; exit 33")).detail == ""


def test_an_architecture_without_a_test_is_not_booted(tmp_path):
    missing = str(tmp_path / "kvm")
    found = measure(conditions("/nonexistent", architecture="aarch64", device=missing))
    assert (found.words, found.trials) == ("emulation: /dev/kvm is missing", ())


@pytest.mark.parametrize(
    ("device", "step", "error"),
    [
        ("/nonexistent", "open", errno.ENOENT),
        ("/dev/null", "KVM_GET_API_VERSION", errno.ENOTTY),
        ("/", "open", errno.EISDIR),
    ],
)
def test_the_page_is_run_from_any_process(device, step, error):
    found = probe_apart(device=device)
    assert (found["step"], found["error"]) == (step, error)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's eyes and a device of one's own")
def test_a_device_is_opened_as_the_user_of_guests(tmp_path):
    device = tmp_path / "kvm"
    device.write_text("")
    device.chmod(0o600)
    assert probe_apart("nobody", device=str(device))["error"] == errno.EACCES
    with pytest.raises(OSError, match="does not answer"):
        probe_apart("nobody-of-this-name", device=str(device))


@pytest.mark.skipif(os.geteuid() != 0, reason="takes a device of one's own")
def test_a_device_without_a_driver_is_told(tmp_path):
    device = tmp_path / "kvm"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(10, 254))
        os.close(os.open(device, os.O_RDWR))
    except PermissionError:
        pytest.skip("no devices can be made here")
    except OSError as error:
        assert error.errno in (errno.ENODEV, errno.ENXIO)
    found = measure(conditions(QEMU, device=str(device)))
    assert re.search("does not open .(ENODEV|ENXIO)", found.words)


@pytest.mark.parametrize(
    ("refused", "error", "told"),
    [
        (kvm_probe._CREATE_VM, errno.EBUSY, "KVM_CREATE_VM failed (EBUSY"),
        (kvm_probe._CREATE_VM, errno.ENODEV, "KVM_CREATE_VM failed (ENODEV"),
        (kvm_probe._GET_API_VERSION, errno.ENOTTY, "KVM_GET_API_VERSION failed (ENOTTY"),
    ],
)
def test_a_kernel_that_refuses_a_step_is_told(monkeypatch, refused, error, told):
    def ioctl(_, request, *__):
        if request == refused:
            raise OSError(error, os.strerror(error))
        return 12

    monkeypatch.setattr(kvm_probe.fcntl, "ioctl", ioctl)
    found = kvm_probe.probe(device="/dev/null")
    assert told in unusable(KvmRun(**found))


def test_a_page_that_does_not_return_is_killed(monkeypatch):
    def hang(device):
        signal.pause()

    monkeypatch.setattr(kvm_probe, "_attempt", hang)
    monkeypatch.setattr(
        "kvmtui.host.isolated.isolated.__kwdefaults__", {"user": None, "limit_s": 0.2}
    )
    assert kvm_probe.probe() == {"step": "KVM_RUN", "error": errno.ETIME}


def test_a_verdict_survives_its_file():
    verdict = measure(conditions(QEMU, device="/nonexistent"))
    plain = accelerator.verdict_to_json(verdict)
    assert accelerator.verdict_from_json(plain) == verdict
