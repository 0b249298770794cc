"""From where a figure wants an eye."""

from __future__ import annotations

from typing import Literal

Figure = Literal["cpu_share", "disk_latency_ms", "wait_percent", "storage_share"]

_FROM: dict[Figure, float] = {
    "cpu_share": 0.95,
    "disk_latency_ms": 50.0,
    "wait_percent": 20.0,
    "storage_share": 0.85,
}


def over(figure: Figure, value: float | None) -> bool:
    """Whether it is told in the colour of a warning; what is not known never is.

    Args:
        figure: The share of all its vCPUs that a guest uses; what its disks take for 99 of
            100 reads and writes; how long its vCPUs waited for a core of the host, in percent
            of one; how much of a disk or a file system is used.
    """
    return value is not None and value >= _FROM[figure]
