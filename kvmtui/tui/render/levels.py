"""From where a figure wants an eye: the thresholds of the settings, and two of our own."""

from __future__ import annotations

from typing import Literal

from kvmtui.manage.thresholds import Thresholds

Figure = Literal["cpu_share", "disk_latency_ms", "wait_percent", "storage_share"]

_WAIT_PERCENT = 20.0
_from: dict[Figure, float | None] = {}


def follow(limits: Thresholds) -> None:
    """Judge by these from now on; None for a figure means never."""
    cpu, storage = limits.cpu_percent, limits.storage_percent
    _from["cpu_share"] = None if cpu is None else cpu / 100
    _from["storage_share"] = None if storage is None else storage / 100
    _from["disk_latency_ms"] = limits.disk_latency_ms
    _from["wait_percent"] = _WAIT_PERCENT


follow(Thresholds())


def over(figure: Figure, value: float | None) -> bool:
    """Whether it is told in the colour of a warning; what is not known never is.

    Args:
        figure: The share of all its vCPUs that a guest uses; what its disks take for a read or
            a write on the mean; how long its vCPUs waited for a core of the host, in percent
            of one; how much of a disk or a file system is used.
    """
    limit = _from[figure]
    return value is not None and limit is not None and value > limit
