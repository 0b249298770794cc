"""Hosts that were never looked at, for the tables of pure functions and for the pane."""

from __future__ import annotations

from typing import Any

from kvmtui.host.check_run import Result
from kvmtui.host.machine import Machine
from kvmtui.manage.checking import Report
from kvmtui.manage.machine import Emulator, Promised, Pulse, Stand, Storage
from kvmtui.tui.render.host import HostView

GIB = 1 << 30
MACHINE = Machine("AMD EPYC 7313P", 16, 32, 1, 64 * GIB, 2, "Debian 13", "6.12.0-18-amd64")
STAND = Stand(MACHINE, (Emulator("x86_64", "9.2.1"), Emulator("aarch64", "9.2.1")), "/srv/kvmtui")
PULSE = Pulse((0.31, 0.42, 1.53), 41 * 86400.0, 4.0, 0.0, 12.0)
PROMISED = Promised(61, 84, 32, 41 * GIB, 63 * GIB, 64 * GIB)
STORAGE = Storage("/srv", 2000 * GIB, 312 * GIB, 1600 * GIB, 2900 * GIB)


def check(
    id: str, status: str = "ok", detail: str = "fine", remedy: str | None = None, **measured: Any
) -> Result:
    """One result."""
    title = id.replace("-", " ").capitalize()
    explanation = f"What {id} is about."
    return Result(
        id, title, status, detail, remedy, measured, "machine", f"/proc/{id}", explanation
    )


FINE = (
    check("accelerator", detail="KVM serves", accelerator="kvm"),
    check("qemu", detail="9.2.1 (/usr/bin/qemu-system-x86_64)"),
    check("disk", detail="312G of 2000G free", file_system="xfs"),
    check("kvm-run"),
)
CLOCK = check("clock", "warn", "nothing keeps the clock right", "apt-get install -y chrony")
NESTED = check("nested", "unknown", "cannot be read", "look at /sys/module")
NO_QEMU = check("qemu", "fail", "not installed", "apt-get install -y qemu-system-x86")


def report(*results: Result, words: str = "Guests run here under KVM") -> Report:
    """What the checks found; those that are fine are added."""
    ids = {one.id for one in results}
    return Report((*results, *(one for one in FINE if one.id not in ids)), words)


def view(*results: Result, words: str = "Guests run here under KVM", **other: Any) -> HostView:
    """All that is known of a host."""
    known = HostView(report(*results, words=words), STAND, PULSE, PROMISED, STORAGE)
    return known._replace(**other)
