"""What QEMU answers to the questions of a round: QMP lines in, typed values out.

A line that is an error, or not what was expected, gives None.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec

MOST_DRIVES = 256
NOT_KNOWN = 2**64 - 1
BALLOON = "/machine/peripheral/balloon0"
"""The balloon of every definition that has one."""
BALLOON_INTERVAL_S = 1
MOST_CARDS = 256

_BOUNDARIES_NS = [round(10_000 * 2 ** (step / 2)) for step in range(41)]
"""10 µs to 10 s, two steps an octave."""


class DiskCounters(NamedTuple):
    """One drive since the guest was started."""

    name: str
    read_bytes: int
    write_bytes: int
    read_ops: int
    write_ops: int
    flush_ops: int
    busy_ns: int
    """Time that reads and writes took, summed."""
    ended_ops: int
    """Reads and writes that this time is of: failed ones too, where QEMU accounts them."""
    errors: int
    boundaries_ns: tuple[int, ...]
    """Of the histogram of latencies; empty where none is kept."""
    bins: tuple[int, ...]
    """How many reads and writes fell between the boundaries; one more than those."""


class BalloonState(NamedTuple):
    """What the guest's balloon driver told last."""

    used_bytes: int | None
    """Total less available memory; None where the guest does not tell one of them."""
    updated: int
    """When: seconds of the host's clock; 0 is never. Good for telling whether it is a new
    one, and for nothing else, since that clock may be set."""


class _Histogram(msgspec.Struct):
    boundaries: list[int] = []
    bins: list[int] = []


class _Counters(msgspec.Struct):
    rd_bytes: int = 0
    wr_bytes: int = 0
    rd_operations: int = 0
    wr_operations: int = 0
    flush_operations: int = 0
    rd_total_time_ns: int = 0
    wr_total_time_ns: int = 0
    failed_rd_operations: int = 0
    failed_wr_operations: int = 0
    failed_flush_operations: int = 0
    account_failed: bool = False


class _CloseCounters(_Counters):
    rd_latency_histogram: _Histogram | None = None
    wr_latency_histogram: _Histogram | None = None


class _Drive(msgspec.Struct):
    stats: _Counters
    qdev: str = ""


class _CloseDrive(msgspec.Struct):
    stats: _CloseCounters
    qdev: str = ""


class _Drives(msgspec.Struct):
    drives: list[_Drive] | None = msgspec.field(name="return", default=None)


class _CloseDrives(msgspec.Struct):
    drives: list[_CloseDrive] | None = msgspec.field(name="return", default=None)


class _Memory(msgspec.Struct, rename="kebab"):
    stat_total_memory: int = NOT_KNOWN
    stat_available_memory: int = NOT_KNOWN


class _BalloonStats(msgspec.Struct, rename="kebab"):
    stats: _Memory
    last_update: int = 0


class _Balloon(msgspec.Struct):
    balloon: _BalloonStats | None = msgspec.field(name="return", default=None)


class _Processor(msgspec.Struct, rename="kebab"):
    thread_id: int
    cpu_index: int = 0


class _Processors(msgspec.Struct):
    processors: list[_Processor] | None = msgspec.field(name="return", default=None)


class _Number(msgspec.Struct):
    number: int | None = msgspec.field(name="return", default=None)


class _Statistic(msgspec.Struct):
    name: str
    value: int | float | bool | list[int] = 0


class _Provided(msgspec.Struct):
    stats: list[_Statistic] = []


class _Statistics(msgspec.Struct):
    provided: list[_Provided] | None = msgspec.field(name="return", default=None)


class _CardCounters(msgspec.Struct, rename="kebab"):
    rx_bytes: int
    tx_bytes: int
    rx_packets: int = 0
    tx_packets: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0


class _Card(msgspec.Struct, rename="kebab"):
    name: str = ""
    hardware_address: str = ""
    statistics: _CardCounters | None = None


class _Cards(msgspec.Struct):
    cards: list[_Card] | None = msgspec.field(name="return", default=None)


_decode_cards = msgspec.json.Decoder(_Cards).decode
_decode_drives = msgspec.json.Decoder(_Drives).decode
_decode_close_drives = msgspec.json.Decoder(_CloseDrives).decode
_decode_balloon = msgspec.json.Decoder(_Balloon).decode
_decode_processors = msgspec.json.Decoder(_Processors).decode
_decode_number = msgspec.json.Decoder(_Number).decode
_decode_statistics = msgspec.json.Decoder(_Statistics).decode

T = TypeVar("T")


def _line(command: str, arguments: dict[str, object] | None = None) -> bytes:
    message: dict[str, object] = {"execute": command}
    if arguments:
        message["arguments"] = arguments
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


ASK_DRIVES = _line("query-blockstats")
ASK_PROCESSORS = _line("query-cpus-fast")
ASK_BALLOON = _line("qom-get", {"path": BALLOON, "property": "guest-stats"})
ASK_BALLOON_INTERVAL = _line(
    "qom-get", {"path": BALLOON, "property": "guest-stats-polling-interval"}
)
SET_BALLOON_INTERVAL = _line(
    "qom-set",
    {
        "path": BALLOON,
        "property": "guest-stats-polling-interval",
        "value": BALLOON_INTERVAL_S,
    },
)
ASK_EXITS = _line(
    "query-stats", {"target": "vcpu", "providers": [{"provider": "kvm", "names": ["exits"]}]}
)

ASK_CARDS = _line("guest-network-get-interfaces")


def set_histogram(drive: str) -> bytes:
    """Have QEMU keep a histogram of a drive's latencies (``block-latency-histogram-set``).

    It costs QEMU a binary search an operation and stays, since others may read it too.
    """
    return _line("block-latency-histogram-set", {"id": drive, "boundaries": _BOUNDARIES_NS})


def read_drives(line: bytes, *, closely: bool = True) -> list[DiskCounters] | None:
    """The guest's drives (``query-blockstats``): bytes, operations, nanoseconds.

    The flash chips of the firmware are none.

    Args:
        closely: With histograms, where QEMU keeps them: they are most of the work.
    """
    drives: Sequence[_Drive | _CloseDrive] | None
    try:
        drives = _decode_close_drives(line).drives if closely else _decode_drives(line).drives
    except msgspec.DecodeError:
        return None
    if drives is None:
        return None
    found = []
    for drive in drives[:MOST_DRIVES]:
        if not drive.qdev or drive.qdev.startswith("/machine/system.flash"):
            continue
        counters = drive.stats
        ended = counters.rd_operations + counters.wr_operations
        if counters.account_failed:
            ended += counters.failed_rd_operations + counters.failed_wr_operations
        boundaries, bins = _histogram(counters)
        found.append(
            DiskCounters(
                drive.qdev,
                counters.rd_bytes,
                counters.wr_bytes,
                counters.rd_operations,
                counters.wr_operations,
                counters.flush_operations,
                counters.rd_total_time_ns + counters.wr_total_time_ns,
                ended,
                counters.failed_rd_operations
                + counters.failed_wr_operations
                + counters.failed_flush_operations,
                boundaries,
                bins,
            )
        )
    return found


def _histogram(counters: _Counters) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Reads and writes in one; none where they have other boundaries."""
    if not isinstance(counters, _CloseCounters):
        return (), ()
    reads, writes = counters.rd_latency_histogram, counters.wr_latency_histogram
    if reads is None or writes is None or reads.boundaries != writes.boundaries:
        return (), ()
    if not len(reads.bins) == len(writes.bins) == len(reads.boundaries) + 1:
        return (), ()
    return tuple(reads.boundaries), tuple(map(operator.add, reads.bins, writes.bins))


def read_balloon(line: bytes) -> BalloonState | None:
    """What the guest says of its memory (``qom-get guest-stats`` of the balloon), in bytes.

    None where there is no balloon. A guest whose driver never answered has
    ``last-update`` 0; a value it does not tell is 2^64-1.
    """
    try:
        balloon = _decode_balloon(line).balloon
    except msgspec.DecodeError:
        return None
    if balloon is None:
        return None
    total, available = balloon.stats.stat_total_memory, balloon.stats.stat_available_memory
    known = balloon.last_update > 0 and NOT_KNOWN not in (total, available)
    used = total - available if known and total >= available else None
    return BalloonState(used, balloon.last_update)


def read_threads(line: bytes) -> tuple[int, ...] | None:
    """The thread of each virtual processor, by its index (``query-cpus-fast``)."""
    try:
        processors = _decode_processors(line).processors
    except msgspec.DecodeError:
        return None
    if processors is None:
        return None
    processors.sort(key=lambda one: one.cpu_index)
    return tuple(one.thread_id for one in processors)


def read_number(line: bytes) -> int | None:
    """A number that was asked for."""
    try:
        return _decode_number(line).number
    except msgspec.DecodeError:
        return None


def read_exits(line: bytes) -> int | None:
    """Exits of all virtual processors since the start (``query-stats``, KVM's ``exits``).

    None under emulation, whose answer is empty, and before QEMU 7.1, which refuses.
    """
    try:
        provided = _decode_statistics(line).provided
    except msgspec.DecodeError:
        return None
    values = [
        statistic.value
        for one in provided or ()
        for statistic in one.stats
        if statistic.name == "exits" and isinstance(statistic.value, int)
    ]
    return sum(values) if values else None


def read_cards(line: bytes, macs: Sequence[str]) -> dict[str, tuple[int, int, int, int, int]]:
    """The guest agent's counters of a guest's cards (``guest-network-get-interfaces``).

    Bytes and packets received, bytes and packets sent, packets dropped; by MAC address.
    Of several interfaces of one address (a bridge has that of its card) the first counts.
    """
    try:
        cards = _decode_cards(line).cards
    except msgspec.DecodeError:
        return {}
    found: dict[str, tuple[int, int, int, int, int]] = {}
    for card in (cards or [])[:MOST_CARDS]:
        mac, counted = card.hardware_address.lower(), card.statistics
        if counted is None or mac not in macs or mac in found:
            continue
        found[mac] = (
            counted.rx_bytes,
            counted.rx_packets,
            counted.tx_bytes,
            counted.tx_packets,
            counted.rx_dropped + counted.tx_dropped,
        )
    return found
