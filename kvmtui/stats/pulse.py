"""How much this machine is asked for: load, pressure, uptime."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Pulse(NamedTuple):
    """One reading; None where the kernel does not tell."""

    load: tuple[float, float, float] | None
    """Processes that run or wait for the disk, on average of 1, 5 and 15 minutes
    (``/proc/loadavg``)."""
    uptime_s: float | None
    """Since the kernel started (``/proc/uptime``)."""
    cpu_percent: float | None
    """Share of the last 10 s in which something waited for a processor (``some avg10`` of
    ``/proc/pressure/cpu``; kernels without PSI have none)."""
    memory_percent: float | None
    """The same for memory."""
    io_percent: float | None
    """The same for disks."""


def read_pulse(proc: Path = Path("/proc")) -> Pulse:
    """Read the figures; three or four files of a line each."""
    load = _numbers(_first_line(proc / "loadavg").split()[:3])
    uptime = _numbers(_first_line(proc / "uptime").split()[:1])
    return Pulse(
        load=(load[0], load[1], load[2]) if len(load) == 3 else None,
        uptime_s=uptime[0] if uptime else None,
        cpu_percent=_pressure(proc / "pressure" / "cpu"),
        memory_percent=_pressure(proc / "pressure" / "memory"),
        io_percent=_pressure(proc / "pressure" / "io"),
    )


def _first_line(path: Path) -> str:
    """The first line, empty where it cannot be read: PSI may be there and refuse."""
    try:
        with path.open(errors="replace") as file:
            return file.readline(4096)
    except OSError:
        return ""


def _numbers(words: list[str]) -> list[float]:
    """The words as numbers; none where one is no number."""
    try:
        return [float(word) for word in words]
    except ValueError:
        return []


def _pressure(path: Path) -> float | None:
    words = _first_line(path).split()
    if not words or words[0] != "some":
        return None
    values = dict(word.partition("=")[::2] for word in words[1:])
    found = _numbers([values.get("avg10", "")])
    return found[0] if found else None
