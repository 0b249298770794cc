"""Figures of one process from ``/proc/PID/stat``; the standard library alone."""

from __future__ import annotations

import os
import time

from kvmtui.durable import read_small

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ProcessFigures:
    """One reading.

    Attributes:
        state: One letter: R running, S sleeping, T stopped by a signal, Z zombie.
        cpu_s: User and system time used so far, in seconds (fields 14 and 15).
        uptime_s: Seconds since the process started, suspend included (field 22).
        resident_bytes: Resident memory, shared pages included (field 24).
    """

    __slots__ = ("cpu_s", "resident_bytes", "state", "uptime_s")

    def __init__(self, state: str, cpu_s: float, uptime_s: float, resident_bytes: int) -> None:
        self.state = state
        self.cpu_s = cpu_s
        self.uptime_s = uptime_s
        self.resident_bytes = resident_bytes


def read_process(pid: int) -> ProcessFigures | None:
    """Read a process' figures; None when it is gone."""
    try:
        return figures_of(read_small(f"/proc/{pid}/stat", 4096))
    except OSError:
        return None


def figures_of(data: bytes) -> ProcessFigures:
    """The figures in the content of a ``/proc/PID/stat``."""
    # The name in parentheses may hold anything, parentheses and spaces included.
    fields = data[data.rindex(b")") + 2 :].split()
    started_s = int(fields[19]) / _TICKS_PER_S
    return ProcessFigures(
        state=fields[0].decode(),
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        uptime_s=max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s),
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )
