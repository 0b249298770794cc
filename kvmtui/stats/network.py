"""Network figures of guests from the counters of their taps on the host."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kvmtui.stats import rates
from kvmtui.stats.figures import NetworkFigures

if TYPE_CHECKING:
    from kvmtui.stats.rates import Moment

TapCounters = tuple[int, int, int, int, int]
"""Bytes and packets to the guest, bytes and packets from it, packets dropped."""

_MOST_OPEN = 4096
_MOST_BYTES = 4 << 20


def taps_of(pid: int, proc: str = "/proc") -> tuple[str, ...] | None:
    """The taps that a QEMU holds, in the order of their descriptors.

    ``/proc/PID/fd`` says which descriptors are of ``/dev/net/tun``, the line ``iff:`` of
    ``/proc/PID/fdinfo/N`` the tap's name: so one that a bridge's helper made is known too.

    Returns:
        None when the process may not be looked into.
    """
    found: dict[str, None] = {}
    try:
        names = sorted(os.listdir(f"{proc}/{pid}/fd"), key=int)[:_MOST_OPEN]
    except OSError:
        return None
    for name in names:
        try:
            if os.readlink(f"{proc}/{pid}/fd/{name}") != "/dev/net/tun":
                continue
            with open(f"{proc}/{pid}/fdinfo/{name}", "rb") as file:
                lines = file.read(4096).splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(b"iff:"):
                found[line[4:].strip().decode("utf-8", "surrogateescape")] = None
    return tuple(found)


def namespace_of(pid: int | str, proc: str = "/proc") -> int:
    """The network namespace of a process (inode of ``/proc/PID/ns/net``).

    0, which is taken for our own, where it may not be looked at.
    """
    try:
        return os.stat(f"{proc}/{pid}/ns/net").st_ino
    except OSError:
        return 0


def read_counters(pid: int | str, proc: str = "/proc") -> dict[str, TapCounters]:
    """The counters of all interfaces in a process' network namespace.

    ``/proc/PID/net/dev``, the figures of ``/sys/class/net/NAME/statistics`` in one read.
    What the host sends into a tap the guest receives, so sides are exchanged.
    """
    try:
        with open(f"{proc}/{pid}/net/dev", "rb") as file:
            lines = file.read(_MOST_BYTES).splitlines()[2:]
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, rest = line.rpartition(b":")
        fields = rest.split()
        if len(fields) < 16:
            continue
        try:
            received, packets, _, dropped = map(int, fields[:4])
            sent, sent_packets, _, sent_dropped = map(int, fields[8:12])
        except ValueError:
            continue
        found[name.strip().decode("utf-8", "surrogateescape")] = (
            sent,
            sent_packets,
            received,
            packets,
            dropped + sent_dropped,
        )
    return found


class NetworksMeter:
    """The taps of one guest, over time."""

    def __init__(self) -> None:
        self._moment: Moment | None = None
        self._last: dict[str, TapCounters] = {}

    @property
    def last(self) -> tuple[tuple[str, TapCounters], ...]:
        """The last reading: each interface with its counters."""
        return tuple(self._last.items())

    def take(
        self, taps: Sequence[str], counters: Mapping[str, TapCounters], moment: Moment
    ) -> tuple[NetworkFigures, ...]:
        """Rates of each tap since the last reading; None where one is new or was reset."""
        passed = rates.passed_s(self._moment, moment)
        last, self._moment = self._last, moment
        self._last = {tap: counters[tap] for tap in taps if tap in counters}
        return tuple(_rates(tap, last.get(tap), self._last.get(tap), passed) for tap in taps)


def _rates(
    tap: str, before: TapCounters | None, after: TapCounters | None, passed: float | None
) -> NetworkFigures:
    if before is None or after is None or any(map(int.__lt__, after, before)):
        return NetworkFigures(tap, None, None, None, None, None)
    found = [rates.per_second(old, new, passed) for old, new in zip(before, after, strict=True)]
    into, packets_into, out, packets_out, dropped = found
    return NetworkFigures(tap, into, out, packets_into, packets_out, dropped)


def together(
    networks: Sequence[NetworkFigures], interfaces: int | None
) -> tuple[float | None, float | None]:
    """Bytes a second received and sent by all interfaces of a guest.

    Args:
        interfaces: How many it has; None where that is not known.

    Returns:
        None where one of the interfaces is not known: a part would be too little.
    """
    if not networks or interfaces != len(networks):
        return None, None
    into = [one.receive_bytes_per_s for one in networks if one.receive_bytes_per_s is not None]
    out = [one.transmit_bytes_per_s for one in networks if one.transmit_bytes_per_s is not None]
    return (
        sum(into) if len(into) == len(networks) else None,
        sum(out) if len(out) == len(networks) else None,
    )
