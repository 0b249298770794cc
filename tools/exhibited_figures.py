"""Figures over time of the pictures: made by hand, the same on every machine."""

from __future__ import annotations

import hashlib
import math
import random
from array import array
from functools import lru_cache

from kvmtui.manage.fleet import Series
from kvmtui.manage.views import LiveGuest
from kvmtui.stats.figures import DiskFigures, Figures, NetworkFigures

_K, _M, _G = 1 << 10, 1 << 20, 1 << 30
_RATES = {
    "backup-tgt": (0, 8 * _K),
    "build-01": (38 * _M, 1.2 * _M),
    "ci-runner-1": (12 * _M, 4.1 * _M),
    "ci-runner-2": (0, 0),
    "db-01": (1.2 * _M, 312 * _K),
    "db-02": (96 * _K, 88 * _K),
    "debian-13-test": (24 * _M, 9.8 * _M),
    "dos-cnc": (0, None),
    "gitlab": (412 * _K, 64 * _K),
    "grafana": (20 * _K, 36 * _K),
    "k3s-1": (180 * _K, 220 * _K),
    "k3s-2": (144 * _K, 201 * _K),
    "mail": (16 * _K, 12 * _K),
    "netbox": (8 * _K, 4 * _K),
    "opnsense-lab": (0, 0),
    "pihole": (4 * _K, 2 * _K),
    "riscv-dev": (0, None),
    "vault": (1.1 * _M, 1 * _K),
    "web-01": (64 * _K, 1.9 * _M),
    "web-02": (60 * _K, 1.8 * _M),
    "winsrv22": (210 * _K, 40 * _K),
}
"""Bytes a second of disks and of networks; None where nothing counts them."""
_READ_SHARE, _SEND_SHARE = 0.9, 0.08


def figures(name: str, cpu_percent: float | None, cpus: int) -> Figures | None:
    """What QEMU tells of a guest."""
    if name not in _RATES:
        return None
    disk, net = _RATES[name]
    read, write = disk * _READ_SHARE, disk * (1 - _READ_SHARE)
    sent = None if net is None else net * _SEND_SHARE
    received = None if net is None or sent is None else net - sent
    share = (cpu_percent or 0.0) / cpus
    each = tuple(share * factor for factor in (1.2, 0.9, 1.1, 0.8, 1, 1, 1, 1)[:cpus])
    disks = (
        DiskFigures("hd0", read * 0.02, write * 0.3, 2.0, 9.0, 1.0, 1.1, 4.0, 0),
        DiskFigures("hd1", read * 0.98, write * 0.7, 361.0, 51.0, 4.0, 12.0, 61.0, 0),
    )
    cards = (NetworkFigures("tap0", received, sent, 300.0, 80.0, 0.0),)
    return Figures(
        cpu_percent=cpu_percent,
        vcpu_percents=each,
        wait_ms_per_s=share * 0.2,
        memory_guest_used_bytes=58 * _G // 10 if name == "db-01" else None,
        disk_read_bytes_per_s=read,
        disk_write_bytes_per_s=write,
        disk_read_ops_per_s=363.0,
        disk_write_ops_per_s=60.0,
        disk_latency_ms=11.0,
        disk_p99_ms=61.0,
        net_receive_bytes_per_s=received,
        net_transmit_bytes_per_s=sent,
        exits_per_s=4100.0,
        disks=disks if net is not None else (),
        networks=cards if net is not None else (),
    )


_HOST = {
    "cpu": 71.0,
    "disk_read": 42.0 * _M,
    "disk_write": 9.0 * _M,
    "net_in": 11.0 * _M,
    "net_out": 3.0 * _M,
}


def mean_of(live: LiveGuest | None, key: str) -> float | None:
    """About what a figure is, over time."""
    if live is None:
        return _HOST.get(key)
    found = live.figures
    if key == "cpu":
        return live.cpu_percent
    if found is None:
        return None
    words = key.split()
    if key.startswith("vcpu"):
        number = int(key[4:])
        return found.vcpu_percents[number] if number < len(found.vcpu_percents) else None
    if words[0] == "drive":
        disk = next(one for one in found.disks if one.name == words[1])
        return {
            "read": disk.read_bytes_per_s,
            "write": disk.write_bytes_per_s,
            "ops": (disk.read_ops_per_s or 0) + (disk.write_ops_per_s or 0),
            "p99": disk.p99_ms,
        }[words[2]]
    if words[0] == "interface":
        card = found.networks[0]
        return {"in": card.receive_bytes_per_s, "out": card.transmit_bytes_per_s}.get(words[2])
    return {
        "wait": found.wait_ms_per_s,
        "memory_used": found.memory_guest_used_bytes,
        "disk_read": found.disk_read_bytes_per_s,
        "disk_write": found.disk_write_bytes_per_s,
        "net_in": found.net_receive_bytes_per_s,
        "net_out": found.net_transmit_bytes_per_s,
    }.get(key)


@lru_cache(maxsize=256)
def _shape(subject: str, count: int, calm: bool) -> tuple[float, ...]:
    """A walk about 1, with a burst now and then."""
    dice = random.Random(hashlib.sha256(subject.encode()).digest())
    values, level = [], 1.0
    for at in range(count):
        level = 0.7 * level + 0.3 + dice.gauss(0, 0.02 if calm else 0.12)
        burst = 0.0 if calm else 1.6 * math.exp(-(((at + 7 * len(subject)) % 41 - 20) ** 2) / 18)
        values.append(max(level + burst, 0.0))
    return tuple(values)


def series(
    live: LiveGuest | None, key: str, slots: int, unit_s: int, now: float, width: int, more: int
) -> Series:
    """A figure over time, as `Fleet.series` has it."""
    group = -(-slots // max(1, width))
    count = -(-slots // group) + more
    number = int(now) // (group * unit_s)
    mean = mean_of(live, key)
    if mean is None or (live is not None and live.view.pid is None):
        nothing = array("d", [math.nan]) * count
        return Series(group * unit_s, nothing, nothing, number)
    subject = f"{'' if live is None else live.view.name} {key}"
    most = math.inf
    if live is not None and key == "cpu":
        most = 100.0 * (live.view.cpus or 1)
    values = [min(mean * one, most) for one in _shape(subject, count, key == "memory_used")]
    return Series(group * unit_s, array("d", values), array("d", values), number)
