"""A terminal that only counts and takes the time: what comes is not emulated."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import NamedTuple

from tests.tui.terminal import Terminal


class Rate(NamedTuple):
    """What a program took over some seconds in which nobody typed."""

    bytes_per_s: float
    cpu_percent: float
    """Of one core, all threads."""
    resident_mb: float
    """At the end."""


class Meter(Terminal):
    """A terminal as the tests have one, without the emulation that would take a core."""

    def _emulate(self, data: bytes) -> None:
        """Nothing: the bytes are in `received`."""

    def wait_for_bytes(self, wanted: bytes, *, begin: int = 0, deadline_s: float = 60) -> float:
        """Take in output until some bytes came.

        Args:
            begin: Where in `received` they may begin.

        Returns:
            When the chunk came that completed them (`time.perf_counter`).
        """
        end = time.monotonic() + deadline_s
        while wanted not in self.received[begin:]:
            if not self.pump(0.5) and time.monotonic() > end:
                raise SystemExit(f"never came: {wanted!r}\n{bytes(self.received[-2000:])!r}")
        return time.perf_counter()

    def settle(self, seconds: float) -> None:
        """Take in whatever comes for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.pump(left)

    def rate(self, seconds: float) -> Rate:
        """What comes, and what the program takes, while nobody types."""
        pid = self.process.pid
        count, cpu_s, began = len(self.received), cpu_seconds(pid), time.monotonic()
        self.settle(seconds)
        passed_s = time.monotonic() - began
        return Rate(
            (len(self.received) - count) / passed_s,
            100 * (cpu_seconds(pid) - cpu_s) / passed_s,
            resident_mb(pid),
        )

    def answer_s(self, key: str, wanted: bytes) -> float:
        """From a key to the first of the frame that answers it."""
        begin = len(self.received)
        began = time.perf_counter()
        self.send(key)
        return self.wait_for_bytes(wanted, begin=begin) - began


def cpu_seconds(pid: int) -> float:
    """The processor time of all threads of a process, to the nanosecond."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


def resident_mb(pid: int) -> float:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent of all do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
