"""The guests of the pictures: made by hand, so that a picture is the same on every machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from kvmtui.guest.library import Library
from kvmtui.host.accelerator import Verdict
from kvmtui.manage.checking import Report
from kvmtui.manage.detail import DiskUse, GuestDetail
from kvmtui.manage.fleet import Changed, Fleet, HostFigures, Series
from kvmtui.manage.host_door import Told
from kvmtui.manage.machine import Stand, Storage
from kvmtui.manage.timeline import TimelineEntry
from kvmtui.manage.views import GuestView, LiveGuest, OperationView
from tools import exhibited_figures, exhibited_host
from tools.exhibited_images import ExhibitedImages
from tools.exhibited_install import ExhibitedInstalls

if TYPE_CHECKING:
    from kvmtui.stats.history import Span as TimeSpan

NOW = 1_764_000_000.0 - 1_764_000_000 % 86400 + 9 * 3600 + 31 * 60
"""A day in November 2025 at 09:31, UTC."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_M, _G = 1 << 20, 1 << 30

_TABLE = """
backup-tgt     running  2    3  612M  2G  41d    kvm
build-01       running  8  642  6.1G 16G  192m   kvm
build-02       stopped  8    -     - 16G  -      -
ci-runner-1    running  4  188  3.4G  8G  6d     kvm
ci-runner-2    io-error 4    0  3.9G  8G  6d     kvm
db-01          running  4   38  5.8G  8G  41d    kvm
db-02          running  4   12  5.6G  8G  41d    kvm
debian-13-test running  2   97  702M  2G  4m     kvm
dos-cnc        running  1    2   31M 64M  12d    tcg
gitlab         running  4   61  7.2G  8G  41d    kvm
grafana        running  2    9  1.1G  2G  41d    kvm
k3s-1          running  4   44  3.1G  4G  19d    kvm
k3s-2          running  4   40  3.0G  4G  19d    kvm
k3s-3          running  4    -  3.0G  4G  19d    kvm
mail           running  2    5  1.4G  2G  41d    kvm
nas-replica    crashed  2    -     -  4G  -      -
netbox         running  2    7  1.2G  2G  33d    kvm
opnsense-lab   paused   2    0  811M  1G  2d     kvm
pihole         running  1    1  142M 512M 41d    kvm
riscv-dev      running  2  199  488M  1G  100m   tcg
vault          running  2   22  390M  1G  8d     kvm
web-01         running  2   27  904M  2G  12d    kvm
web-02         running  2   25  888M  2G  12d    kvm
web-staging    saved    2    -     -  2G  -      -
win11-cad      stopped  8    -     - 16G  -      -
winsrv22       running  4   16  6.9G  8G  5d     kvm
"""
_OTHERS = {
    "db-01": {
        "description": "PostgreSQL 17 for gitlab and netbox",
        "os": "debian12",
        "addresses": ("192.168.122.41", "fd00:7::41"),
        "tags": ("prod", "db"),
        "pid": 4121,
    },
    "k3s-3": {"answers": False},
    "riscv-dev": {"arch": "riscv64"},
}


def _at(days: float, hour: int, minute: int, second: int = 0) -> float:
    """A time some days ago."""
    midnight = NOW - NOW % _DAY
    return midnight - days * _DAY + hour * _HOUR + minute * _MINUTE + second


OPERATIONS = [
    OperationView("1", "vault", "shutdown", "running", "anna", 7001, NOW - 22, None, ""),
    OperationView("2", "debian-13-test", "reboot", "running", "anna", 7001, NOW - 6, None, ""),
    OperationView(
        *("11", "", "convert", "running", "anna", 7003, NOW - 40, None, "", "old-mail.vmdk", 18.4),
        rate_bytes_per_s=212.0 * _M,
        left_s=122,
    ),
    OperationView("3", "winsrv22", "resume", "done", "anna", 7001, NOW - 70, NOW - 69.9, ""),
    OperationView("4", "winsrv22", "pause", "done", "anna", 7001, NOW - 250, NOW - 249.9, ""),
    OperationView(
        *("5", "web-03", "start", "failed", "ops", 6944, _at(0, 9, 12, 7), _at(0, 9, 12, 7)),
        "its disk is in use by web-02 (pid 3907)",
    ),
    OperationView("6", "web-staging", "stop", "done", "ops", 6911, _at(0, 8, 40), NOW, ""),
    OperationView("7", "nas-replica", "run", "crashed", "", None, _at(0, 2, 10), NOW, "killed"),
    OperationView("8", "db-01", "set", "done", "anna", 6120, _at(2, 20, 4), _at(2, 20, 4, 0.1), ""),
    OperationView(
        *("9", "build-02", "shutdown", "done", "timer", 5800, _at(2, 18, 0), _at(2, 18, 0, 9)), ""
    ),
    OperationView(
        *("10", "win11-cad", "reboot", "interrupted", "anna", 5719, _at(3, 11, 2), NOW), ""
    ),
]
OPERATIONS[6] = OPERATIONS[6]._replace(ended=OPERATIONS[6].begun + 0.4)
OPERATIONS[7] = OPERATIONS[7]._replace(message="its process ended without being asked to")

HOST = HostFigures(
    *("hv1", 71.0, 41 * _G, 64 * _G, "/srv", 312 * _G, 0.0),
    *(42.0 * _M, 9.0 * _M, 11.0 * _M, 3.0 * _M),
)
_TIMELINE = (
    (0, 9, 14, "memory 6.0G → 8.0G, needs restart", "done"),
    (0, 8, 2, "paused: no room for vdb on the host", "warning"),
    (2, 20, 4, "resumed by anna", "done"),
    (2, 20, 1, "paused by anna", "done"),
    (41, 6, 22, "started by root, kvm, ready in 1.8 s", "done"),
    (41, 6, 20, "host went down", "warning"),
    (53, 11, 20, "cpus 2 → 4, needs restart", "done"),
    (53, 11, 2, "created", "done"),
)
_DETAIL = GuestDetail(
    name="db-01",
    machine="pc-q35-9.2",
    disks=(
        DiskUse("disk0.qcow2", "qcow2", 16 * _G, 40 * _G),
        DiskUse("disk1.qcow2", "qcow2", 176 * _G, 200 * _G),
    ),
    networks=("bridge br0", "user 2222:22"),
    accelerator="auto",
    protected=True,
    qemu_args=(),
    directory="/var/lib/kvmtui/guests/db-01",
    last_stop="",
    problems=(),
    timeline=tuple(
        TimelineEntry(_at(days, hour, minute), text, kind, "", "")
        for days, hour, minute, text, kind in _TIMELINE
    ),
)


def _bytes(text: str) -> int | None:
    units = {"M": _M, "G": _G}
    return None if text == "-" else int(float(text[:-1]) * units[text[-1]])


def _seconds(text: str) -> int | None:
    units = {"m": _MINUTE, "d": _DAY}
    return None if text == "-" else int(text[:-1]) * units[text[-1]]


def guests() -> dict[str, LiveGuest]:
    """All guests of the pictures."""
    found = {}
    under_way = {one.guest: one for one in OPERATIONS if one.result == "running"}
    for number, line in enumerate(_TABLE.strip().splitlines()):
        name, state, cpus, cpu, used, memory, up, accelerator = line.split()
        alive = accelerator != "-"
        view = GuestView(
            name=name,
            state=state,
            pid=4000 + number if alive else None,
            os=None,
            arch="x86_64",
            accelerator=accelerator if alive else None,
            cpus=int(cpus),
            memory_bytes=_bytes(memory),
            memory_resident_bytes=_bytes(used),
            uptime_s=_seconds(up),
            addresses=(),
            tags=(),
            description="",
            autostart=False,
            error=None,
        )
        view = view._replace(**_OTHERS.get(name, {}))
        percent = None if cpu == "-" else float(cpu)
        told = exhibited_figures.figures(name, percent, int(cpus)) if view.answers else None
        found[name] = LiveGuest(view, percent, under_way.get(name), told)
    return found


class Exhibits(Fleet):
    """A fleet that looks at nothing: what it shows is in this file."""

    def __init__(self) -> None:
        super().__init__(Library(Path("/var/lib/kvmtui")))
        self.images = ExhibitedImages(self.library, NOW)
        self.installs = ExhibitedInstalls(self.library)

    async def refresh(self) -> dict[str, LiveGuest]:
        """The same guests at every look."""
        changed: Changed = {} if self.guests else dict(guests())
        self.guests, self.operations = guests(), OPERATIONS
        self.host, self.pulse = HOST, exhibited_host.PULSE
        for callback in self._subscribers if changed else ():
            callback(changed)
        return self.guests

    async def verdict(self, told: Told | None = None) -> Verdict:
        """KVM serves."""
        return exhibited_host.VERDICT

    async def check(self) -> Report:
        """All but two checks are ok."""
        return exhibited_host.report()

    async def stand(self) -> Stand:
        """A small server."""
        return exhibited_host.STAND

    async def storage(self) -> Storage:
        """More is promised than there is."""
        return exhibited_host.STORAGE

    def series(
        self, name: str | None, key: str, span: TimeSpan, width: int, more: int = 0
    ) -> Series:
        """Made by hand, too."""
        slots = {"1min": 60, "10min": 600, "24h": 1440}[span]
        live = None if name is None else self.guests.get(name)
        unit_s = 60 if span == "24h" else 1
        return exhibited_figures.series(live, key, slots, unit_s, NOW, width, more)

    async def detail(self, name: str) -> GuestDetail:
        """All of one guest, little of the others."""
        if name == _DETAIL.name:
            return _DETAIL
        return GuestDetail(name, "pc-q35-9.2", (), (), "auto", False, (), "", "", (), ())

    async def files_of(self, name: str) -> tuple[list[tuple[str, int]], list[str]]:
        """A guest that was saved."""
        return [("disk0.qcow2", 18 * _G), ("state.saved", 19 * _G // 10)], []


def set_clock() -> None:
    """UTC, so that a time reads the same everywhere."""
    import os

    os.environ["TZ"] = "UTC"
    time.tzset()
