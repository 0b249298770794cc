"""From what the candidates did to a verdict: a pure function, and its words."""

from __future__ import annotations

import errno
import os

from kvmtui.host.accelerator import KVM_DEVICE, Trial, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.host.facts import KvmRun

MOST_TIMES_SLOWER = 4.0
"""KVM that boots this many times slower than emulation does not serve, unless its loop is
faster by more than that: in a virtual machine each exit to KVM is slow, and code is fast."""
NOISE = 1.25
"""Figures this close are the same: the better CPU model is taken, and KVM before emulation."""

_CONCLUSIVE = ("open", "KVM_GET_API_VERSION", "KVM_CREATE_VM", "KVM_CREATE_VCPU", "KVM_RUN")


def judge(trials: list[Trial]) -> Verdict:
    """The verdict: the fastest that serves, and why not KVM where it does not.

    Args:
        trials: Emulation first, then KVM from the best CPU model to the plainest.
    """
    emulated = trials[0]
    judged = tuple(one._replace(serves=_serves(one, emulated)) for one in trials)
    emulated, under_kvm = judged[0], judged[1:]
    serving = [one for one in under_kvm if one.serves]
    if not serving:
        fault = _fault(under_kvm, emulated)
        return Verdict("tcg", emulated.cpu, f"emulation: {fault}", judged, fault)
    fastest = min(one.loop_s for one in serving if one.loop_s is not None)
    chosen = next(one for one in serving if (one.loop_s or 0.0) <= fastest * NOISE)
    words = f"KVM serves: {_figures(chosen)}"
    words += f"; emulation: {_figures(emulated) if emulated.serves else emulated.detail}"
    return Verdict("kvm", chosen.cpu, words, judged)


def judge_unmeasured(run: KvmRun, architecture: str) -> Verdict:
    """The verdict where there is no test program for the architecture: a page of code tells."""
    fault = unusable(run)
    if fault is None:
        words = f"KVM serves: it makes machines; how fast cannot be measured on {architecture}"
        return Verdict("kvm", "host", words)
    return Verdict("tcg", "max", f"emulation: {fault}", (), fault)


def unusable(run: KvmRun) -> str | None:
    """Why no guest can run under KVM, by a page of code; None where that does not tell.

    A step that was refused settles it. A wrong exit does not: a processor that cannot run
    real mode itself may do well in the modes that guests live in.
    """
    if not run.step or run.step not in _CONCLUSIVE or not run.error:
        return None
    if run.step == "open" and run.error == errno.ENOENT:
        return f"{KVM_DEVICE} is missing"
    why = f"{errno.errorcode.get(run.error, run.error)}, {os.strerror(run.error).lower()}"
    if run.step == "open":
        return f"{KVM_DEVICE} does not open ({why})"
    api = "" if run.api is None else f" and reports API {run.api}"
    begin = f"{KVM_DEVICE} opens{api}, but runs not one page of code: {run.step}"
    return f"{begin} did not return" if run.error == errno.ETIME else f"{begin} failed ({why})"


def _serves(trial: Trial, emulated: Trial) -> bool:
    if trial.detail or trial.boot_s is None or trial.loop_s is None:
        return False
    if trial is emulated or emulated.boot_s is None or emulated.loop_s is None:
        return True
    booted_in_time = trial.boot_s <= emulated.boot_s * _most_times(trial, emulated)
    return booted_in_time and trial.loop_s <= emulated.loop_s * NOISE


def _most_times(trial: Trial, emulated: Trial) -> float:
    """How many times emulation's boot a candidate may take: what it wins in the loop, or 4."""
    won = emulated.loop_s / trial.loop_s if emulated.loop_s and trial.loop_s else 0.0
    return max(MOST_TIMES_SLOWER, won)


def _fault(under_kvm: tuple[Trial, ...], emulated: Trial) -> str:
    """Why KVM does not serve: of the candidate that came furthest."""
    if not under_kvm:
        return "KVM was not tried"
    furthest = max(under_kvm, key=_distance)
    if not furthest.tried:
        return furthest.detail
    if furthest.loop_s is not None:
        return _slower(furthest, emulated)
    if furthest.boot_s is not None:
        return (
            f"KVM opens here and boots a test ({ms(furthest.boot_s)}{_against(emulated.boot_s)}), "
            f"but with -cpu {furthest.cpu} does not run its loop: "
            f"{furthest.detail}{_against(emulated.loop_s)}"
        )
    if furthest.stopped_after_s is not None:
        times = _times(furthest.stopped_after_s, emulated.boot_s)
        told = f", more than {times} times slower than emulation" if times else ""
        against = f" ({ms(emulated.boot_s)})" if told else ""
        return f"KVM opens here but with -cpu {furthest.cpu} {furthest.detail}{told}{against}"
    return f"KVM opens here but runs no guest: with -cpu {furthest.cpu} {furthest.detail}"


def _distance(trial: Trial) -> tuple[bool, bool, bool, bool]:
    slow = trial.stopped_after_s is not None
    return trial.loop_s is not None, trial.booted, slow, trial.tried


def _slower(trial: Trial, emulated: Trial) -> str:
    """Of one that ran to its end: in what it is slower than emulation."""
    parts = []
    for what, own, other, most in (
        ("boot", trial.boot_s, emulated.boot_s, _most_times(trial, emulated)),
        ("loop", trial.loop_s, emulated.loop_s, NOISE),
    ):
        if own is not None and other and own > other * most:
            parts.append(f"its {what} took {ms(own)}, {own / other:.1f} times as long")
    told = f"with -cpu {trial.cpu} {', '.join(parts)}"
    return f"KVM works here, but emulation is faster: {told} ({_figures(emulated)})"


def _times(own: float, other: float | None) -> int | None:
    """How many times as long, rounded down; None where it is less than twice."""
    return int(own / other) if other and own >= 2 * other else None


def _against(seconds: float | None) -> str:
    return "" if seconds is None else f", {ms(seconds)} in emulation"


def _figures(trial: Trial) -> str:
    return f"boot {ms(trial.boot_s)}, loop {ms(trial.loop_s)}"


def ms(seconds: float | None) -> str:
    """A duration in milliseconds, in words."""
    return "no time" if seconds is None else f"{seconds * 1000:.0f} ms"
