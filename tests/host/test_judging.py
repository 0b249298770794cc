"""From what candidates did to a verdict, in words and figures: every kind of host."""

from __future__ import annotations

import errno

import pytest

from kvmtui.host.accelerator import Trial
from kvmtui.host.facts import KvmRun
from kvmtui.host.judging import judge, judge_unmeasured, unusable

TCG = Trial("tcg", "max", 0.08, 0.05)
NO_TCG = Trial("tcg", "max", detail="invalid accelerator tcg")
MSR = "failed to set MSR 0x10a to 0x69"


def kvm(cpu="host", boot_s=None, loop_s=None, detail="", **fields):
    return Trial("kvm", cpu, boot_s, loop_s, detail, **fields)


def stopped(cpu, after_s, boot_s=None):
    return kvm(cpu, boot_s, detail=f"stopped after {after_s} s", stopped_after_s=after_s)


@pytest.mark.parametrize(
    ("trials", "chosen", "words"),
    [
        (
            [TCG, kvm("host", 0.06, 0.01), kvm("max", 0.06, 0.01), kvm("qemu64", 0.06, 0.009)],
            ("kvm", "host"),
            "KVM serves: boot 60 ms, loop 10 ms; emulation: boot 80 ms, loop 50 ms",
        ),
        (
            [TCG, kvm("host", detail=MSR), kvm("max", detail=MSR), kvm("qemu64", 0.09, 0.01)],
            ("kvm", "qemu64"),
            "KVM serves: boot 90 ms, loop 10 ms; emulation: boot 80 ms, loop 50 ms",
        ),
        (
            [TCG, kvm("host", 0.06, 0.04), kvm("max", 0.06, 0.01)],
            ("kvm", "max"),
            "KVM serves: boot 60 ms, loop 10 ms; emulation: boot 80 ms, loop 50 ms",
        ),
        (
            [TCG, kvm("host", 0.4, 0.01)],
            ("kvm", "host"),
            "KVM serves: boot 400 ms, loop 10 ms; emulation: boot 80 ms, loop 50 ms",
        ),
        (
            [TCG, kvm("host", 0.4, 0.02)],
            ("tcg", "max"),
            "emulation: KVM works here, but emulation is faster: "
            "with -cpu host its boot took 400 ms, 5.0 times as long (boot 80 ms, loop 50 ms)",
        ),
        (
            [TCG, kvm("host", 0.06, 0.2)],
            ("tcg", "max"),
            "emulation: KVM works here, but emulation is faster: "
            "with -cpu host its loop took 200 ms, 4.0 times as long (boot 80 ms, loop 50 ms)",
        ),
        (
            [TCG, kvm("host", 2.8, 0.01)],
            ("tcg", "max"),
            "emulation: KVM works here, but emulation is faster: "
            "with -cpu host its boot took 2800 ms, 35.0 times as long (boot 80 ms, loop 50 ms)",
        ),
        (
            [TCG, kvm("host", detail=MSR), stopped("qemu64", 1.2)],
            ("tcg", "max"),
            "emulation: KVM opens here but with -cpu qemu64 stopped after 1.2 s, "
            "more than 15 times slower than emulation (80 ms)",
        ),
        (
            [TCG, stopped("host", 0.1)],
            ("tcg", "max"),
            "emulation: KVM opens here but with -cpu host stopped after 0.1 s",
        ),
        (
            [TCG, stopped("host", 1.2, boot_s=0.1)],
            ("tcg", "max"),
            "emulation: KVM opens here and boots a test (100 ms, 80 ms in emulation), "
            "but with -cpu host does not run its loop: stopped after 1.2 s, 50 ms in emulation",
        ),
        (
            [TCG, kvm("host", detail=MSR), kvm("max", detail="other")],
            ("tcg", "max"),
            f"emulation: KVM opens here but runs no guest: with -cpu host {MSR}",
        ),
        (
            [TCG, kvm("host", detail="/dev/kvm is missing", tried=False)],
            ("tcg", "max"),
            "emulation: /dev/kvm is missing",
        ),
        (
            [NO_TCG, kvm("host", 0.06, 0.01)],
            ("kvm", "host"),
            "KVM serves: boot 60 ms, loop 10 ms; emulation: invalid accelerator tcg",
        ),
        ([NO_TCG, kvm("host", detail=MSR)], ("tcg", "max"), "runs no guest"),
        ([TCG], ("tcg", "max"), "emulation: KVM was not tried"),
    ],
)
def test_verdicts(trials, chosen, words):
    verdict = judge(trials)
    assert (verdict.accelerator, verdict.cpu) == chosen
    assert words in verdict.words
    assert (verdict.kvm_fault == "") == (verdict.accelerator == "kvm")
    assert verdict.trials[0].serves == (trials[0] is TCG)


def test_each_candidate_is_judged():
    verdict = judge(
        [TCG, kvm("host", detail=MSR), kvm("max", 0.06, 0.01), kvm("qemu64", 0.9, 0.01)]
    )
    assert [one.serves for one in verdict.trials] == [True, False, True, False]
    assert verdict.cpu_for("kvm") == "max" and verdict.cpu_for("tcg") == "max"
    assert judge([TCG, kvm("host", detail=MSR)]).cpu_for("kvm") == "host"


def test_nothing_is_settled_where_nothing_ran_in_time():
    assert not judge([stopped("max", 2.0), stopped("host", 0.6)]).settled
    assert judge([TCG, stopped("host", 0.6)]).settled
    assert judge([NO_TCG, kvm("host", detail=MSR)]).settled


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (KvmRun(""), None),
        (KvmRun("", api=12, exit_reason=2), None),
        (KvmRun("KVM_RUN", api=12, exit_reason=17), None),
        (KvmRun("open", errno.ENOENT), "/dev/kvm is missing"),
        (KvmRun("open", errno.EACCES), "/dev/kvm does not open (EACCES, permission denied)"),
        (KvmRun("open", errno.ENODEV), "/dev/kvm does not open (ENODEV, no such device)"),
        (
            KvmRun("KVM_CREATE_VM", errno.EBUSY, 12),
            "/dev/kvm opens and reports API 12, but runs not one page of code: "
            "KVM_CREATE_VM failed (EBUSY, device or resource busy)",
        ),
        (
            KvmRun("KVM_RUN", errno.ETIME, 12),
            "/dev/kvm opens and reports API 12, but runs not one page of code: "
            "KVM_RUN did not return",
        ),
        (KvmRun("KVM_SET_USER_MEMORY_REGION", errno.ENOMEM, 12), None),
    ],
)
def test_what_a_page_of_code_settles(run, words):
    assert unusable(run) == words


def test_an_architecture_without_a_test_is_judged_by_the_page():
    verdict = judge_unmeasured(KvmRun("", api=12), "aarch64")
    assert (verdict.accelerator, verdict.cpu) == ("kvm", "host")
    assert "cannot be measured on aarch64" in verdict.words
    verdict = judge_unmeasured(KvmRun("open", errno.EACCES), "aarch64")
    assert (verdict.accelerator, verdict.kvm_fault) == ("tcg", verdict.words.partition(": ")[2])
