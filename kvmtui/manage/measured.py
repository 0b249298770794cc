"""The measured accelerators as one of the host's checks: verdict, figures, signs that lied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmtui.errors import KvmtuiError
from kvmtui.host.accelerator import Progress, Trial, Verdict
from kvmtui.host.check_run import Result
from kvmtui.host.judging import ms
from kvmtui.host.trial import ROUNDS
from kvmtui.manage import hosting

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.guest.library import Library

SIGNS = {
    "cpu-flag": "the processor's flags",
    "kvm-module": "the kernel's modules",
    "kvm-perm": "/dev/kvm",
    "kvm-run": "a page of code",
}
"""Checks that are taken for a sign of whether KVM serves, in words."""

_REMEDY = "kvmtui check --measure"
_EXPLANATION = (
    "Flags, the device and QEMU itself can all say that KVM works while guests hang, or run "
    "many times slower than in emulation. So a test is booted from a disk in emulation and under "
    "KVM with each CPU model, and timed: until it is booted, and a loop that it runs then. Guests "
    "with accelerator: auto follow what was faster. It is kept until the host is started anew, or "
    "kernel, QEMU, processor, KVM's modules or the access to /dev/kvm are others."
)


def accelerator_result(
    library: Library,
    results: list[Result],
    *,
    measure: bool,
    told: Callable[[Progress], None],
    known: Verdict | None = None,
) -> Result:
    """What was measured, as a result among the others.

    Args:
        results: The others.
        measure: Measure now, also where a verdict is kept.
        told: Called before each step.
        known: The verdict where none is kept.
    """
    emulator = next(one for one in results if one.id == "qemu")
    if emulator.status == "fail":
        return _result("unknown", "not measured: QEMU cannot be used", "repair qemu first")
    try:
        if measure:
            verdict: Verdict | None = hosting.verdict_for(library, again=True, told=told)
        else:
            verdict = hosting.kept_verdict(library) or known
    except (KvmtuiError, OSError) as error:
        return _result("unknown", f"not measured: {error}", _REMEDY)
    if verdict is None:
        return _result("unknown", "not measured yet", _REMEDY)
    return _judged(verdict, results)


def _judged(verdict: Verdict, results: list[Result]) -> Result:
    if verdict.trials and not any(one.serves for one in verdict.trials):
        why = "; ".join(f"{_candidate(one)}: {one.detail}" for one in verdict.trials)
        if not verdict.settled:
            detail = f"nothing ran in time: this host is busy, or very slow: {why}"
            return _result("unknown", detail, _REMEDY, verdict)
        return _result("fail", f"no guest boots: {why}", "install QEMU anew", verdict)
    lied = _signs_that_lied(verdict, results)
    detail = verdict.words
    if lied:
        detail += "; signs that lied: " + ", ".join(f"{SIGNS[id]} ({said})" for id, said in lied)
    if verdict.accelerator == "kvm":
        return _result("ok", detail, None, verdict, lied)
    return _result("warn", detail, _emulation_remedy(results), verdict, lied)


def _signs_that_lied(verdict: Verdict, results: list[Result]) -> list[tuple[str, str]]:
    """Checks that say the contrary of what was measured, with what they say."""
    contrary = "warn" if verdict.accelerator == "kvm" else "ok"
    found = {one.id: one for one in results if one.status == contrary}
    return [(id, found[id].detail) for id in SIGNS if id in found]


def _emulation_remedy(results: list[Result]) -> str:
    """What could bring KVM: the remedy of the first sign that is missing."""
    for one in results:
        missing = one.id in SIGNS and one.status == "warn"
        if missing and one.remedy and "--measure" not in one.remedy:
            return f"guests run in emulation until {one.id} is repaired: {one.remedy}"
    return (
        "nothing for guests with accelerator: auto, they follow the measurement; "
        "for KVM choose a host, or an outer host's setting, with VT-x or AMD-V"
    )


def _result(
    status: str,
    detail: str,
    remedy: str | None,
    verdict: Verdict | None = None,
    lied: list[tuple[str, str]] | None = None,
) -> Result:
    measured = _figures(verdict) if verdict else {}
    if lied:
        measured["lied"] = [{"id": id, "said": said} for id, said in lied]
    return Result(
        id="accelerator",
        title="Accelerator, booted and timed",
        status=status,
        detail=detail,
        remedy=remedy,
        measured=measured,
        subject="cpu_and_kvm",
        reads="QEMU, which boots a test under each accelerator",
        explanation=_EXPLANATION,
    )


def _figures(verdict: Verdict) -> dict[str, Any]:
    """The verdict and each candidate, in the contract's names."""
    return {
        "accelerator": verdict.accelerator,
        "cpu": verdict.cpu,
        "words": verdict.words,
        "time": verdict.time,
        "trials": [_trial(one) for one in verdict.trials],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "accelerator": trial.accelerator,
        "cpu": trial.cpu,
        "serves": trial.serves,
        "tried": trial.tried,
        "booted": trial.booted,
        "duration_s": trial.total_s,
        "boot_s": trial.boot_s,
        "loop_s": trial.loop_s,
        "loop_rounds_per_s": round(ROUNDS / trial.loop_s) if trial.loop_s else None,
        "slower_than_s": trial.stopped_after_s,
        "detail": trial.detail,
    }


def table_of(measured: dict[str, Any]) -> list[str]:
    """The candidates of a result's ``measured``, a line each, for people."""
    lines = []
    for one in measured.get("trials", []):
        candidate = f"{one['accelerator']} -cpu {one['cpu']}"
        lines.append(f"{'serves' if one['serves'] else 'no':6}  {candidate:16}  {_told(one)}")
    return lines


def _told(one: dict[str, Any]) -> str:
    if not one["tried"]:
        return f"not booted: {one['detail']}"
    parts = []
    if one["booted"]:
        parts.append(f"boot {ms(one['boot_s'])}")
    if one["loop_s"]:
        rate = one["loop_rounds_per_s"] / 1e6
        parts.append(f"loop {ms(one['loop_s'])} ({rate:.0f} million rounds a second)")
    return ", ".join([*parts, *filter(None, [one["detail"]])])


def _candidate(trial: Trial) -> str:
    return f"{trial.accelerator} -cpu {trial.cpu}"
