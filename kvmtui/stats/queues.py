"""Packets of virtio cards by their queues, where neither a tap nor an agent counts them.

QEMU tells how many buffers of a queue it has used (``x-query-virtio-queue-status``, from 7.2
on, ``used-idx``): queue 0 receives, queue 1 sends, and a buffer is a packet. The number has 16
bits, and bytes are not counted. So it is told only where it cannot have gone round: QEMU's main
loop carries each packet of a user network, which took it 4 to 14 µs where that was measured;
while it ran for less than 65,536 times `LEAST_S`, fewer packets have passed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui.stats import rates
from kvmtui.stats.figures import NetworkFigures

if TYPE_CHECKING:
    from kvmtui.stats.rates import Moment

MOST = 8
"""How many cards of a guest are asked for."""
LEAST_S = 1e-6
"""What the main loop takes for a packet at the very least."""
_ROUND = 1 << 16
_RECEIVE, _SEND = 0, 1


class Card(NamedTuple):
    """A virtio card of a guest."""

    device: str
    """The id of its device."""
    mac: str


class _Queue(msgspec.Struct, rename="kebab"):
    used_idx: int
    vring_desc: int


class _Answer(msgspec.Struct):
    queue: _Queue | None = msgspec.field(name="return", default=None)


_decode = msgspec.json.Decoder(_Answer).decode


def question(card: Card, queue: int) -> tuple[str, bytes]:
    """The name of an answer, and the question for it."""
    arguments = {"path": f"/machine/peripheral/{card.device}/virtio-backend", "queue": queue}
    message = {"execute": "x-query-virtio-queue-status", "arguments": arguments}
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    return f"queue {card.device} {queue}", line


def read_used(line: bytes) -> int | None:
    """How many buffers of a queue were used, without what is above 16 bits.

    None where the guest's driver has not set it up, or QEMU does not tell.
    """
    try:
        found = _decode(line).queue
    except msgspec.DecodeError:
        return None
    return found.used_idx if found is not None and found.vring_desc else None


def loop_s(pid: int, proc: str = "/proc") -> float | None:
    """How long QEMU's main loop has run: its first thread's time in ``/proc/PID/schedstat``."""
    try:
        with open(f"{proc}/{pid}/schedstat", "rb") as file:
            return int(file.read(100).split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


class QueuesMeter:
    """The virtio cards of one guest, over time.

    Args:
        pid: QEMU's process, verified by the caller.
    """

    def __init__(self, pid: int, cards: Sequence[Card]) -> None:
        self._pid = pid
        self._cards = tuple(cards[:MOST])
        self._pairs = [(question(card, _RECEIVE), question(card, _SEND)) for card in self._cards]
        self._questions = [one for pair in self._pairs for one in pair]
        self._asked = False
        self._begun: float | None = None
        self._last: dict[str, tuple[int | None, int | None]] = {}
        self._moment: Moment | None = None
        self._since: float | None = None

    def questions(self) -> list[tuple[str, bytes]]:
        """What QEMU is asked of each card."""
        if self._questions:
            self._asked, self._begun = True, loop_s(self._pid)
        return self._questions

    def take(self, found: Mapping[str, bytes], moment: Moment) -> tuple[NetworkFigures, ...]:
        """Packets a second of each card that QEMU tells of; None where that is not sure."""
        if not self._asked:
            return ()
        self._asked = False
        passed, since = rates.passed_s(self._moment, moment), self._since
        ran = loop_s(self._pid)
        # From before the last questions until after these answers: never too little.
        spent_s = None if ran is None or since is None else ran - since
        last, self._last = self._last, {}
        self._moment, self._since = moment, self._begun
        told = []
        for card, pair in zip(self._cards, self._pairs, strict=True):
            lines = [found.get(name) for name, _ in pair]
            into, out = (None if line is None else read_used(line) for line in lines)
            if into is None and out is None:
                continue
            self._last[card.device] = into, out
            before = last.get(card.device, (None, None))
            told.append(
                NetworkFigures(
                    card.mac,
                    None,
                    None,
                    _packets_per_s(before[_RECEIVE], into, passed, spent_s),
                    _packets_per_s(before[_SEND], out, passed, spent_s),
                    None,
                )
            )
        return tuple(told)


def _packets_per_s(
    before: int | None, after: int | None, passed: float | None, spent_s: float | None
) -> float | None:
    """None where it may have gone round, or was begun anew: more than there was time for."""
    if before is None or after is None or passed is None or spent_s is None:
        return None
    count = (after - before) % _ROUND
    if spent_s >= _ROUND * LEAST_S or count * LEAST_S > spent_s:
        return None
    return count / passed
