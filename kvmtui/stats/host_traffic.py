"""What this machine reads, writes, receives and sends: drives and network cards of its own."""

from __future__ import annotations

import os

from kvmtui.stats import rates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.stats.rates import Moment

_SECTOR_BYTES = 512
_AGAIN_ROUNDS = 30
_NOTHING = (None, None, None, None)


class TrafficMeter:
    """The counters of all drives and cards together, read again and again.

    Drives and cards are what has a ``device`` in ``/sys/block`` and ``/sys/class/net``: not
    what lies on top of them, such as partitions, LVM, bridges and taps. Bytes are sectors of
    512 (fields 6 and 10 of ``/proc/diskstats``), and those of ``/proc/net/dev``.
    """

    def __init__(self, proc: str = "/proc", sys: str = "/sys") -> None:
        self._proc = proc
        self._sys = sys
        self._rounds = 0
        self._drives: frozenset[bytes] = frozenset()
        self._cards: frozenset[bytes] = frozenset()
        self._last: dict[bytes, tuple[int, int]] = {}
        self._moment: Moment | None = None

    def read(self, moment: Moment) -> tuple[float | None, float | None, float | None, float | None]:
        """Bytes a second read, written, received and sent since the last reading.

        One that is new or was reset is not in the sum; None where there is none to sum.
        """
        if self._rounds % _AGAIN_ROUNDS == 0:
            self._drives = _with_device(f"{self._sys}/block")
            self._cards = _with_device(f"{self._sys}/class/net")
        self._rounds += 1
        drives = _drive_counters(f"{self._proc}/diskstats", self._drives)
        cards = _card_counters(f"{self._proc}/net/dev", self._cards)
        passed = rates.passed_s(self._moment, moment)
        last, self._moment = self._last, moment
        self._last = {**drives, **cards}
        if passed is None:
            return _NOTHING
        return (*_sum(last, drives, passed), *_sum(last, cards, passed))


def _sum(
    before: dict[bytes, tuple[int, int]], after: dict[bytes, tuple[int, int]], passed: float
) -> tuple[float | None, float | None]:
    pairs = [(before[key], value) for key, value in after.items() if key in before]
    pairs = [(old, new) for old, new in pairs if new[0] >= old[0] and new[1] >= old[1]]
    if not pairs:
        return None, None
    return (
        sum(new[0] - old[0] for old, new in pairs) / passed,
        sum(new[1] - old[1] for old, new in pairs) / passed,
    )


def _with_device(folder: str) -> frozenset[bytes]:
    try:
        names = os.listdir(folder)
    except OSError:
        return frozenset()
    found = (os.fsencode(name) for name in names if os.path.exists(f"{folder}/{name}/device"))
    return frozenset(found)


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _drive_counters(path: str, drives: frozenset[bytes]) -> dict[bytes, tuple[int, int]]:
    found = {}
    for line in _lines(path):
        fields = line.split()
        if len(fields) >= 10 and fields[2] in drives:
            found[b"drive " + fields[2]] = (
                int(fields[5]) * _SECTOR_BYTES,
                int(fields[9]) * _SECTOR_BYTES,
            )
    return found


def _card_counters(path: str, cards: frozenset[bytes]) -> dict[bytes, tuple[int, int]]:
    found = {}
    for line in _lines(path):
        name, _, rest = line.rpartition(b":")
        fields = rest.split()
        if len(fields) >= 16 and name.strip() in cards:
            found[b"card " + name.strip()] = (int(fields[0]), int(fields[8]))
    return found
