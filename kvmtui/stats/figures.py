"""Figures of one guest, as plain values. What is not known is None, never 0."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple


class DiskFigures(NamedTuple):
    """One drive between two readings."""

    name: str
    """The id of its device, such as ``hd0``."""
    read_bytes_per_s: float | None
    write_bytes_per_s: float | None
    read_ops_per_s: float | None
    write_ops_per_s: float | None
    flush_ops_per_s: float | None
    latency_ms: float | None
    """Mean of the reads and writes that ended; None where none did."""
    p99_ms: float | None
    """99 of 100 reads and writes took at most this; steps of a factor of 1.41. Known at
    the level ``detail``, and where something ended."""
    errors: int
    """Reads, writes and flushes that failed since the guest was started."""


class NetworkFigures(NamedTuple):
    """One interface between two readings, as the guest sees it."""

    name: str
    """The tap of the host it is plugged into, else its MAC address: the agent counts, or QEMU."""
    receive_bytes_per_s: float | None
    """None where only QEMU counts, and so packets alone."""
    transmit_bytes_per_s: float | None
    receive_packets_per_s: float | None
    transmit_packets_per_s: float | None
    drops_per_s: float | None
    """Packets to and from the guest that were dropped."""


class Figures(NamedTuple):
    """What a guest did between two readings."""

    cpu_percent: float | None
    """100 is one core; all of QEMU."""
    vcpu_percents: tuple[float | None, ...]
    """Of each virtual processor; empty where they share one thread or are not known."""
    wait_ms_per_s: float | None
    """Milliseconds a second in which its processors could have run and waited for a core
    of the host, all together."""
    memory_guest_used_bytes: int | None
    """What the guest itself says it uses: total less available."""
    disk_read_bytes_per_s: float | None
    """Of all drives together, as the next five."""
    disk_write_bytes_per_s: float | None
    disk_read_ops_per_s: float | None
    disk_write_ops_per_s: float | None
    disk_latency_ms: float | None
    disk_p99_ms: float | None
    net_receive_bytes_per_s: float | None
    """Of all interfaces together; None where one of them cannot be known."""
    net_transmit_bytes_per_s: float | None
    exits_per_s: float | None
    """Times a second that KVM handed a processor back to QEMU or handled an exit of it;
    None under emulation and before QEMU 7.1."""
    disks: tuple[DiskFigures, ...] = ()
    """Each drive; at the level ``detail``."""
    networks: tuple[NetworkFigures, ...] = ()
    """Each interface; at the level ``detail``."""
    missing: str = ""
    """Why QEMU was not asked or did not answer; empty where it did."""
    addresses: tuple[str, ...] = ()
    """The guest's, where its agent is asked for what its cards count."""
