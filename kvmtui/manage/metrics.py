"""Metrics of guests for Prometheus, in its text format, by the library prometheus-client.

Counters are QEMU's and the kernel's own since the guest was started. What is not known is
absent. Names from guests and hosts are made visible, and escaped by the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kvmtui import __version__
from kvmtui.errors import HostError
from kvmtui.manage.scrapes import Snapshot
from kvmtui.text import visible

if TYPE_CHECKING:
    from kvmtui.manage.forecast import Forecast
    from kvmtui.manage.views import GuestView, LiveGuest
    from kvmtui.stats.answers import DiskCounters
    from kvmtui.stats.network import TapCounters

STATES = (
    "running",
    "paused",
    "io-error",
    "migrating",
    "crashed",
    "saved",
    "stopped",
    "invalid",
)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LONGEST_LABEL = 200

_DISKS: tuple[tuple[str, str, Callable[[DiskCounters], float]], ...] = (
    ("read_bytes", "Bytes read from a disk.", lambda one: one.read_bytes),
    ("written_bytes", "Bytes written to a disk.", lambda one: one.write_bytes),
    ("reads_completed", "Reads that ended well.", lambda one: one.read_ops),
    ("writes_completed", "Writes that ended well.", lambda one: one.write_ops),
    ("flushes_completed", "Flushes that ended well.", lambda one: one.flush_ops),
    ("io_time_seconds", "Time that reads and writes took, summed.", lambda one: one.busy_ns / 1e9),
    ("errors", "Reads, writes and flushes that failed.", lambda one: one.errors),
)
_NETWORKS: tuple[tuple[str, str, int], ...] = (
    ("receive_bytes", "Bytes that the guest received.", 0),
    ("receive_packets", "Packets that the guest received.", 1),
    ("transmit_bytes", "Bytes that the guest sent.", 2),
    ("transmit_packets", "Packets that the guest sent.", 3),
    ("drops", "Packets to and from the guest that were dropped.", 4),
)
_GAUGES: tuple[tuple[str, str, Callable[[LiveGuest], float | None]], ...] = (
    ("vcpus", "Virtual processors of the definition.", lambda live: live.view.cpus),
    ("memory_bytes", "Memory of the definition.", lambda live: live.view.memory_bytes),
    (
        "memory_resident_bytes",
        "Resident memory of QEMU, shared pages included.",
        lambda live: live.view.memory_resident_bytes,
    ),
    (
        "memory_used_bytes",
        "Memory that the guest itself says it uses.",
        lambda live: live.figures.memory_guest_used_bytes if live.figures else None,
    ),
)
_STORAGES: tuple[tuple[str, str, Callable[[Forecast], float | None]], ...] = (
    ("size_bytes", "Size of a file system with guests' disks.", lambda one: one.size_bytes),
    ("free_bytes", "What a plain user may still write there.", lambda one: one.free_bytes),
    (
        "full_time_seconds",
        "When it is full at the growth of the last days, in seconds since 1970.",
        lambda one: one.full_at,
    ),
)


def require() -> None:
    """Make sure that metrics can be told.

    Raises:
        HostError: The library is missing.
    """
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise HostError(
            "metrics take the Python package prometheus-client, which is not installed",
            hint="pip install 'kvmtui[metrics]', or pipx inject kvmtui prometheus-client",
        ) from None


def told(snapshot: Snapshot) -> bytes:
    """The metrics of one look, as Prometheus reads them."""
    from prometheus_client import generate_latest
    from prometheus_client.registry import Collector, CollectorRegistry

    class Once(Collector):
        def collect(self) -> Iterator[Any]:
            return _families(snapshot)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Once())
    text: bytes = generate_latest(registry)
    return text


def _families(snapshot: Snapshot) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

    yield InfoMetricFamily("kvmtui", "The kvmtui that tells.", {"version": __version__})
    yield from _states(snapshot)
    info = InfoMetricFamily("kvmtui_guest", "What a guest is.", labels=["guest"])
    for name, live in snapshot.guests.items():
        info.add_metric([name], _info(live.view))
    yield info
    for metric, text, value_of in _GAUGES:
        family = GaugeMetricFamily(f"kvmtui_guest_{metric}", text, labels=["guest"])
        for name, live in snapshot.guests.items():
            value = value_of(live)
            if value is not None:
                family.add_metric([name], value)
        yield family
    yield from _counters(snapshot)
    yield from _storage(snapshot)


def _label(text: str) -> str:
    return visible(text, limit=_LONGEST_LABEL)


def _info(view: GuestView) -> dict[str, str]:
    found = {"os": view.os, "arch": view.arch, "accelerator": view.accelerator}
    return {key: _label(value) for key, value in found.items() if value}


def _states(snapshot: Snapshot) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    up = GaugeMetricFamily(
        "kvmtui_guest_up", "Whether a guest has a QEMU process that answers.", labels=["guest"]
    )
    state = GaugeMetricFamily(
        "kvmtui_guest_state", "1 for the state a guest is in.", labels=["guest", "state"]
    )
    for name, live in snapshot.guests.items():
        up.add_metric([name], float(live.view.pid is not None and live.view.answers))
        for one in STATES:
            state.add_metric([name, one], float(live.view.state == one))
    yield up
    yield state


def _counters(snapshot: Snapshot) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily

    known = [(name, one) for name, one in snapshot.counters.items() if one is not None]
    cpu = CounterMetricFamily(
        "kvmtui_guest_cpu_seconds",
        "Processor time of QEMU, that of the guest included.",
        labels=["guest"],
    )
    for name, counters in known:
        if counters.cpu_s is not None:
            cpu.add_metric([name], counters.cpu_s)
    yield cpu
    yield _started(snapshot)
    for metric, text, value_of in _DISKS:
        family = CounterMetricFamily(f"kvmtui_guest_disk_{metric}", text, labels=["guest", "disk"])
        for name, counters in known:
            for disk in counters.disks:
                family.add_metric([name, _label(disk.name)], value_of(disk))
        yield family
    for metric, text, index in _NETWORKS:
        family = CounterMetricFamily(
            f"kvmtui_guest_network_{metric}", text, labels=["guest", "interface"]
        )
        for name, counters in known:
            for interface, values in _distinct(counters.networks):
                family.add_metric([name, interface], values[index])
        yield family


def _started(snapshot: Snapshot) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "kvmtui_guest_start_time_seconds",
        "When QEMU was started, in seconds since 1970.",
        labels=["guest"],
    )
    for name, counters in snapshot.counters.items():
        if counters is not None and counters.uptime_s is not None:
            family.add_metric([name], round(snapshot.time - counters.uptime_s))
    return family


def _distinct(
    networks: Sequence[tuple[str, TapCounters]],
) -> list[tuple[str, TapCounters]]:
    """By labels that differ: two of the same would void the whole scrape."""
    return list({_label(name): counters for name, counters in networks}.items())


def _storage(snapshot: Snapshot) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    for metric, text, value_of in _STORAGES:
        family = GaugeMetricFamily(f"kvmtui_storage_{metric}", text, labels=["mountpoint"])
        by_mount = {_label(one.mount): value_of(one) for one in snapshot.storages}
        for mount, value in by_mount.items():
            if value is not None:
                family.add_metric([mount], value)
        if family.samples:
            yield family
