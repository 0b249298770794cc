"""A guest's memory, read through a monitor again and again.

QEMU writes it into memory of ours that it is handed (QMP ``pmemsave``), which takes less than
the human monitor's ``xp``, whose answer is numbers as text. ``pmemsave`` opens a file by its name
alone, so it is told that of its own descriptor; where it cannot have it, ``xp`` is asked.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from typing import TYPE_CHECKING

from kvmtui.errors import CommandRefused, MonitorError
from kvmtui.text import visible

if TYPE_CHECKING:
    from kvmtui.qemu.monitor import Monitor

_WORD = re.compile(r" 0x([0-9a-f]{16})\b")


class GuestMemory:
    """Physical memory of a guest, through one session.

    Args:
        monitor: The session.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._refused = False

    async def read(self, address: int, size: int) -> bytes:
        """So many bytes from a physical address on.

        Raises:
            MonitorError: QEMU refused, did not answer, or no numbers.
        """
        if not self._refused:
            try:
                data = await self._saved(address, size)
                if len(data) == size:
                    return data
            except CommandRefused:
                pass
            self._refused = True
        return await read_words(self._monitor, address, size)

    async def _saved(self, address: int, size: int) -> bytes:
        async with self._monitor.file.lent() as file:
            where = {"val": address, "size": size, "filename": file.own_path}
            await self._monitor.execute("pmemsave", where)
            return file.content(size)


async def read_words(monitor: Monitor, address: int, size: int) -> bytes:
    """The same by the human monitor's ``xp``.

    Raises:
        MonitorError: QEMU refused, did not answer, or no numbers.
    """
    first = address - address % 8
    count = (address + size - first + 7) // 8
    command = f"xp /{count}gx {first:#x}"
    answer = await monitor.execute("human-monitor-command", {"command-line": command})
    told = str(answer)
    digits = _WORD.findall(told)
    if len(digits) == count:
        numbers = array("Q", bytes.fromhex("".join(digits)))
        if sys.byteorder == "little":
            numbers.byteswap()
        data = numbers.tobytes()
    else:
        words = [number_of_64_bits(word) for word in told.split() if word.startswith("0x")]
        data = struct.pack(f"<{len(words)}Q", *words)
    return data[address - first : address - first + size].ljust(size, b"\0")


def number_of_64_bits(word: str) -> int:
    """A number that QEMU's human monitor wrote, in hexadecimal.

    Raises:
        MonitorError: It is none.
    """
    try:
        value = int(word, 16)
        if 0 <= value < 1 << 64:
            return value
    except ValueError:
        pass
    raise MonitorError(f"QEMU answered '{visible(word, limit=80)}' where a number is expected")
