"""The host's checks as a person asks for them: all of them, and what they amount to.

Asking changes nothing, but for the verdict on accelerators that a measurement keeps in
the home.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from kvmtui.errors import HostError, KvmtuiError
from kvmtui.guest.folder import RUN_LOCK
from kvmtui.guest.library import Library
from kvmtui.host import accelerator
from kvmtui.host.accelerator import Verdict
from kvmtui.host.check_run import LIMIT_S, run_checks
from kvmtui.host.check_run import Result as Result
from kvmtui.host.facts import Asked
from kvmtui.manage import hosting
from kvmtui.qemu.binary import OLDEST, candidates, host_architecture
from kvmtui.qemu.process import is_held

_KEPT = "accelerator.json"
_SIGNS = ("cpu-flag", "kvm-module", "kvm-perm", "kvm-run")
"""Checks whose ok is taken for a sign that KVM serves."""

_EXPLANATION = (
    "Flags, the device and QEMU itself can all say that KVM works while guests hang, or run "
    "many times slower than in emulation. So a test is booted from a disk under emulation and "
    "under KVM, and timed. Guests with accelerator: auto follow what was faster. It is kept "
    "until kernel, QEMU, processor or the access to /dev/kvm is another."
)


class Report(NamedTuple):
    """All results, and what they amount to."""

    results: tuple[Result, ...]
    words: str
    """One sentence: whether guests run here, and how."""

    @property
    def serves(self) -> bool:
        """Whether guests can run, emulation included."""
        return not self.failed

    @property
    def failed(self) -> tuple[Result, ...]:
        """The results that keep guests from running."""
        return tuple(one for one in self.results if one.status == "fail")

    @property
    def worst(self) -> str:
        """fail, warn or ok: what a sign for all of it says; unknown alone is no trouble."""
        return next((status for status in ("fail", "warn") if self.count(status)), "ok")

    def of(self, id: str) -> Result | None:
        """The result of one check."""
        return next((one for one in self.results if one.id == id), None)

    def count(self, status: str) -> int:
        """How many results have this status."""
        return sum(one.status == status for one in self.results)


def check_host(
    library: Library,
    *,
    measure: bool = False,
    known: Verdict | None = None,
    tree: Path | None = None,
    limit_s: float = LIMIT_S,
) -> Report:
    """Run all checks, each with its limit.

    Args:
        measure: Boot and time the test under each accelerator, also where a verdict is kept.
        known: What was measured just now, for a home that keeps none.
        tree: Check a recorded machine; its accelerators cannot be measured.
        limit_s: The longest that one check may take.
    """
    results = run_checks(asked_for(library), tree=tree, limit_s=limit_s)
    if tree is None:
        emulator = next(one for one in results if one.id == "qemu")
        results.insert(0, _accelerator(library, emulator, results, measure, known))
        results.append(_settings())
    return Report(tuple(results), _words(results))


def asked_for(library: Library) -> Asked:
    """What this home asks of the host: QEMU's user, and what its guests need together."""
    needs = [need for need in map(_needs, _folders(library)) if need is not None]
    return Asked(
        home=str(library.home),
        run_as=_run_as(library),
        promised_bytes=sum(need.memory_bytes for need in needs),
        ports=tuple(sorted({port for need in needs for port in need.ports})),
        bridged=any(need.bridged for need in needs),
        emulators=tuple(candidates(host_architecture())),
        oldest=OLDEST,
    )


class _Needs(NamedTuple):
    memory_bytes: int
    ports: tuple[int, ...]
    bridged: bool


def _folders(library: Library) -> list[Path]:
    try:
        return [library.place(name).path for name in library.names()]
    except (KvmtuiError, OSError):
        return []


def _needs(path: Path) -> _Needs | None:
    """What a guest asks of the host; None where its definition cannot be read."""
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.manage.definitions import remembered_definition

    try:
        definition = remembered_definition(GuestFolder(path))
    except (KvmtuiError, OSError):
        return None
    ports: tuple[int, ...] = ()
    # The ports of a guest that runs are taken by itself.
    if not is_held(f"{path}/{RUN_LOCK}"):
        ports = tuple(rule.host_port for rule in definition.forwards() if rule.protocol == "tcp")
    bridged = any(network.type != "user" for network in definition.networks)
    return _Needs(definition.memory, ports, bridged)


def _run_as(library: Library) -> str | None:
    """The user that QEMU is executed as, None for the one who asks."""
    import os

    from kvmtui.host.settings import run_as_account

    if os.geteuid() != 0:
        return None
    with contextlib.suppress(OSError):
        user = hosting.run_user(library)
        return user.name if user else None
    with contextlib.suppress(KvmtuiError):
        account = run_as_account()
        return account.name if account else None
    return None


def kept_verdict(library: Library) -> Verdict | None:
    """The verdict that was measured for this very host; None where there is none."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, HostError):
        kept = json.loads((library.home / _KEPT).read_bytes())
        emulator = hosting.emulator_for(host_architecture())
        if kept["key"] == accelerator.verdict_key(emulator):
            return accelerator.verdict_from_json(kept["verdict"])
    return None


def _accelerator(
    library: Library,
    emulator: Result,
    results: list[Result],
    measure: bool,
    known: Verdict | None,
) -> Result:
    """What was measured, as a result among the others."""
    if emulator.status == "fail":
        return _measured("unknown", "not measured: QEMU cannot be used", "repair qemu first")
    try:
        if measure:
            verdict: Verdict | None = hosting.verdict_for(library, again=True)
        else:
            verdict = kept_verdict(library) or known
    except (KvmtuiError, OSError) as error:
        return _measured("unknown", f"not measured: {error}", "kvmtui check --measure")
    if verdict is None:
        return _measured("unknown", "not measured yet", "kvmtui check --measure")
    if not any(trial.booted for trial in verdict.trials):
        why = "; ".join(f"{one.accelerator} {one.cpu}: {one.detail}" for one in verdict.trials)
        return _measured("fail", f"no guest boots: {why}", "install QEMU anew", verdict)
    if verdict.accelerator == "kvm":
        return _measured("ok", verdict.words, None, verdict)
    signs = tuple(one.id for one in results if one.id in _SIGNS and one.status == "ok")
    return _measured("warn", verdict.words, _emulation_remedy(results), verdict, signs)


def _emulation_remedy(results: list[Result]) -> str:
    """What could bring KVM: the remedy of the first sign that is missing."""
    for one in results:
        if (
            one.id in _SIGNS
            and one.status == "warn"
            and one.remedy
            and "--measure" not in one.remedy
        ):
            return f"guests run in emulation until {one.id} is repaired: {one.remedy}"
    return (
        "nothing for guests with accelerator: auto, they follow the measurement; "
        "for KVM choose a host, or an outer host's setting, with VT-x or AMD-V"
    )


def _measured(
    status: str,
    detail: str,
    remedy: str | None,
    verdict: Verdict | None = None,
    misled: tuple[str, ...] = (),
) -> Result:
    measured = _figures(verdict) if verdict else {}
    if misled:
        measured["said_yes"] = list(misled)
        detail += f" (signs that said yes: {', '.join(misled)})"
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
    """The verdict and each trial, in the contract's names."""
    trials = [
        {
            "accelerator": trial.accelerator,
            "cpu": trial.cpu,
            "booted": trial.booted,
            "duration_s": trial.seconds,
            "detail": trial.detail,
        }
        for trial in verdict.trials
    ]
    return {"accelerator": verdict.accelerator, "cpu": verdict.cpu, "trials": trials}


def _settings() -> Result:
    """Whether the settings files are as they should be."""
    from kvmtui.host.paths import config_files
    from kvmtui.host.settings import read_settings

    _, faults = read_settings()
    files = ", ".join(map(str, config_files()))
    status, detail, remedy = "ok", "no fault", None
    if faults:
        status, detail, remedy = "warn", "; ".join(faults), "correct it there: the rest holds"
    return Result("settings", "Settings", status, detail, remedy, {}, "session", files)


def _words(results: list[Result]) -> str:
    """The verdict in one sentence."""
    failed = next((one for one in results if one.status == "fail"), None)
    if failed:
        return f"No guest can run here: {failed.title}: {failed.detail}"
    found = {one.id: one for one in results}
    measured = found.get("accelerator")
    if measured and measured.measured:
        under = "under KVM" if measured.measured["accelerator"] == "kvm" else "in emulation"
        return f"Guests run here {under}: {measured.detail.partition(': ')[2] or measured.detail}"
    run = found["kvm-run"]
    if run.status == "ok":
        return (
            "Guests can run here; KVM runs code, how fast is not measured: kvmtui check --measure"
        )
    return f"Guests can run here in emulation: {_why_no_kvm(found)}"


def _why_no_kvm(found: dict[str, Result]) -> str:
    for id in ("kvm-perm", "kvm-run", "kvm-module", "cpu-flag"):
        if found[id].status != "ok":
            return found[id].detail
    return "KVM does not serve"
