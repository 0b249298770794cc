"""The measurement: a page of code under KVM, then a test booted under each candidate.

All of it stays within a budget. Emulation comes first, since it always works and says what
the others are held against; a candidate that takes many times as long as the best so far has
lost, and is stopped there. One after the other: two at once would share what is measured.
"""

from __future__ import annotations

import time

from kvmtui.host.accelerator import KVM_DEVICE, Cancelled, Progress, Trial, Verdict
from kvmtui.host.facts import KvmRun
from kvmtui.host.judging import judge, judge_unmeasured, unusable
from kvmtui.host.kvm_probe import APART_LIMIT_S, probe_apart
from kvmtui.host.trial import ProbeDisk, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NamedTuple
else:
    from kvmtui.light import NamedTuple

BUDGET_S = 4.0
"""The longest that all candidates may take together."""
EMULATION_LIMIT_S = 2.0
"""Of emulation, which needs 0.15 s."""
TIMES_LOST = 10.0
"""A candidate that takes this many times as long as the best so far is stopped."""
LEAST_LIMIT_S = 0.5
"""What a candidate has in any case, but for the budget: QEMU's start is a part of it."""
_WARM_S = 0.5
"""Emulation that took no longer is measured twice: the first run reads QEMU from disk."""

_EMULATION = ("tcg", "max")
_UNDER_KVM = (("kvm", "host"), ("kvm", "max"), ("kvm", "qemu64"))
_STEPS = 2 + len(_UNDER_KVM)


class Conditions(NamedTuple):
    """With what it is measured."""

    emulator: str
    program: bytes
    """The boot sector: ``kvmtui/demo/probe.bin``."""
    identity: dict[str, Any]
    """``user``, ``group`` and ``extra_groups`` for `subprocess.Popen`: those of guests."""
    user: str | None = None
    """The name of that user; None for our own."""
    architecture: str = "x86_64"
    device: str = KVM_DEVICE


def measure(
    conditions: Conditions,
    *,
    told: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Measure all candidates; nothing is left of it but the verdict.

    Args:
        told: Called before each step.
        cancelled: Asked again and again whether to give up.

    Raises:
        Cancelled: It was given up.
    """
    told(Progress("a page of code under KVM", 1, _STEPS, APART_LIMIT_S))
    run = _run_page(conditions)
    if cancelled():
        raise Cancelled
    if conditions.architecture != "x86_64":
        return judge_unmeasured(run, conditions.architecture)
    with ProbeDisk(conditions.program) as disk:
        measurement = _Measurement(conditions, disk, told, cancelled)
        measurement.emulate()
        fault = unusable(run)
        for number, (accelerator, cpu) in enumerate(_UNDER_KVM, 3):
            if fault is None:
                measurement.try_kvm(number, cpu, candidates_left=_STEPS - number + 1)
            else:
                measurement.trials.append(Trial(accelerator, cpu, detail=fault, tried=False))
    return judge(measurement.trials)


def _run_page(conditions: Conditions) -> KvmRun:
    try:
        return KvmRun(**probe_apart(conditions.user, device=conditions.device))
    except (OSError, TypeError):
        return KvmRun(step="", api=None)


class _Measurement:
    """The candidates so far, and what is left of the budget."""

    def __init__(
        self,
        conditions: Conditions,
        disk: ProbeDisk,
        told: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.trials: list[Trial] = []
        self._conditions = conditions
        self._disk = disk
        self._told = told
        self._cancelled = cancelled
        self._deadline = time.monotonic() + BUDGET_S

    def emulate(self) -> None:
        """What the others are held against."""
        limit_s = EMULATION_LIMIT_S
        self._told(Progress(" -cpu ".join(_EMULATION), 2, _STEPS, limit_s))
        began = time.monotonic()
        first = self._attempt(*_EMULATION, limit_s)
        if first.total_s is not None and first.total_s <= _WARM_S:
            left_s = limit_s - (time.monotonic() - began)
            first = _better(first, self._attempt(*_EMULATION, left_s))
        self.trials.append(first)

    def try_kvm(self, number: int, cpu: str, *, candidates_left: int) -> None:
        """One CPU model, with its share of the budget at most."""
        limit_s = max(0.1, (self._deadline - time.monotonic()) / candidates_left)
        so_far = [one.total_s for one in self.trials if one.total_s is not None]
        if so_far:
            limit_s = min(limit_s, max(LEAST_LIMIT_S, min(so_far) * TIMES_LOST))
        self._told(Progress(f"kvm -cpu {cpu}", number, _STEPS, limit_s))
        self.trials.append(self._attempt("kvm", cpu, limit_s))

    def _attempt(self, accelerator: str, cpu: str, limit_s: float) -> Trial:
        return attempt(
            self._conditions.emulator,
            accelerator,
            cpu,
            self._disk,
            limit_s=limit_s,
            identity=self._conditions.identity,
            cancelled=self._cancelled,
        )


def _better(first: Trial, second: Trial) -> Trial:
    """Two runs of one candidate as one: of each figure the shorter."""
    if first.boot_s is None or first.loop_s is None:
        return second
    if second.boot_s is None or second.loop_s is None:
        return first
    boot_s, loop_s = min(first.boot_s, second.boot_s), min(first.loop_s, second.loop_s)
    return first._replace(boot_s=boot_s, loop_s=loop_s)
