"""The verdict on accelerators: from a real measurement, and from recorded ones."""

from __future__ import annotations

import shutil

import pytest

from kvmtui.host import accelerator
from kvmtui.host.accelerator import Trial, Verdict
from kvmtui.manage.hosting import probe_sector


def judged(*trials, missing=None):
    return accelerator._judge(list(trials), missing)


TCG = Trial("tcg", "max", True, 0.08, "")


@pytest.mark.parametrize(
    ("trials", "missing", "expected", "words"),
    [
        ([TCG, Trial("kvm", "host", True, 0.1, "")], None, ("kvm", "host"), "KVM serves"),
        (
            [
                TCG,
                Trial("kvm", "host", False, None, "MSR 0x10a"),
                Trial("kvm", "qemu64", True, 2.8, ""),
            ],
            None,
            ("tcg", "max"),
            "35 times slower",
        ),
        (
            [TCG, Trial("kvm", "host", False, None, "did not boot within 6 s")],
            None,
            ("tcg", "max"),
            "runs no guest: did not boot",
        ),
        ([TCG], "/dev/kvm is missing", ("tcg", "max"), "/dev/kvm is missing"),
        (
            [Trial("tcg", "max", False, None, "x"), Trial("kvm", "host", True, 0.1, "")],
            None,
            ("kvm", "host"),
            "no time",
        ),
    ],
)
def test_verdicts(trials, missing, expected, words):
    verdict = judged(*trials, missing=missing)
    assert (verdict.accelerator, verdict.cpu) == expected
    assert words in verdict.words


def test_the_sector_boots_in_emulation_here():
    verdict = accelerator.measure(shutil.which("qemu-system-x86_64"), probe_sector(), identity={})
    assert verdict.trials[0].booted and verdict.trials[0].seconds > 0
    plain = accelerator.verdict_to_json(verdict)
    assert accelerator.verdict_from_json(plain) == verdict
    assert isinstance(verdict, Verdict)


def test_the_verdict_is_kept_and_followed(kvmtui):
    kvmtui.ok("create", "a", "--memory", "16M", "--network", "none")
    kvmtui.ok("start", "a")
    kept = kvmtui.home / "accelerator.json"
    before = kept.stat().st_mtime_ns
    assert "runs under" in kvmtui.ok("show", "a").out
    kvmtui.ok("stop", "a")
    kvmtui.ok("start", "a")
    assert kept.stat().st_mtime_ns == before
