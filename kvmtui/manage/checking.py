"""The host's checks as a person asks for them: all of them, and what they amount to.

Asking changes nothing, but for the verdict on accelerators that a measurement keeps in
the home.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.guest.folder import FIGURES, RUN_LOCK
from kvmtui.guest.library import Library
from kvmtui.host.check_run import LIMIT_S, run_checks
from kvmtui.host.check_run import Result as Result
from kvmtui.host.facts import Asked
from kvmtui.manage import hosting
from kvmtui.manage.measured import accelerator_result
from kvmtui.qemu.binary import OLDEST, candidates, host_architecture
from kvmtui.qemu.process import is_held

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.host.accelerator import Progress, Verdict


_SOON_S = 14 * 86400.0
"""A storage that is full within two weeks is trouble."""
_FORECAST = (
    "A disk that is full pauses every guest that writes to it. What file systems with guests'"
    " disks take is kept by the day while kvmtui watch runs; the growth of the last seven days,"
    " three at least, tells when nothing is left."
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
    told: Callable[[Progress], None] = lambda _: None,
    known: Verdict | None = None,
    tree: Path | None = None,
    limit_s: float = LIMIT_S,
) -> Report:
    """Run all checks, each with its limit.

    Args:
        measure: Boot and time the test under each accelerator, also where a verdict is kept.
        told: Called before each step of the measurement.
        known: What was measured just now, for a home that keeps none.
        tree: Check a recorded machine; its accelerators cannot be measured.
        limit_s: The longest that one check may take.
    """
    results = run_checks(asked_for(library), tree=tree, limit_s=limit_s)
    if tree is None:
        results.insert(
            0, accelerator_result(library, results, measure=measure, told=told, known=known)
        )
        results += [_forecast(library), _settings()]
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
        ports = tuple(port for protocol, _, port in definition.host_ports() if protocol == "tcp")
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


def _forecast(library: Library) -> Result:
    """When the storage is full, as far as a watch has recorded its growth."""
    import time

    from kvmtui.guest.history import iso_time
    from kvmtui.manage.forecast import forecasts

    result = Result("forecast", "Storage forecast", "ok", "", None, {}, "storage")
    result = result._replace(
        reads=f"statvfs, {library.at(FIGURES)}, {library.at('storage.json')}", explanation=_FORECAST
    )
    try:
        known = forecasts(library)
    except OSError as error:
        detail = f"the storage does not answer: {error.strerror}"
        return result._replace(status="unknown", detail=detail)
    # The one that is full first; of those that are not known the home's.
    found = min(known, key=lambda one: (one.full_at is None, one.full_at or 0.0))
    measured = {
        "mount": found.mount,
        "growth_bytes_per_day": found.bytes_per_day,
        "over_days": found.over_days,
        "full_at": None if found.full_at is None else iso_time(found.full_at),
    }
    result = result._replace(detail=found.words, measured=measured)
    if found.full_at is not None and found.full_at - time.time() < _SOON_S:
        remedy = "make room on it, or more of it: kvmtui watch status tells which guests grow"
        return result._replace(status="warn", remedy=remedy)
    return result


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
    if measured and measured.status in ("ok", "warn"):
        under = "under KVM" if measured.measured["accelerator"] == "kvm" else "in emulation"
        words = measured.measured["words"]
        return f"Guests run here {under}: {words.partition(': ')[2] or words}"
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
