"""What a guest's display shows, as a picture (QMP ``screendump``)."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from kvmtui.errors import CommandRefused, KvmtuiError, StateError
from kvmtui.qemu.monitor import Monitor

_LIMIT_S = 5.0
_MOST_BYTES = 256 << 20
_MOST_SIDE = 16384
_HEADER_BYTES = 64


class Picture(NamedTuple):
    """The display's pixels."""

    width: int
    height: int
    rgb: bytes
    """Three bytes a pixel, row by row."""

    def png(self) -> bytes:
        """The picture as a PNG file."""
        stride = self.width * 3
        rows = b"".join(
            b"\0" + self.rgb[at : at + stride] for at in range(0, len(self.rgb), stride)
        )
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


async def grab(monitor: Monitor) -> Picture:
    """What the first display shows now.

    Raises:
        StateError: The guest has no display.
        MonitorError: QEMU refused, or did not answer.
    """
    async with monitor.file.lent() as file:
        try:
            await monitor.execute("screendump", {"filename": file.path}, limit_s=_LIMIT_S)
        except CommandRefused as error:
            if "no console" in error.description:
                raise StateError("it has no display", hint="kvmtui set NAME video=std") from None
            raise
        size = file.size_bytes
        if size > _MOST_BYTES:
            raise KvmtuiError(f"the picture has {size} bytes, more than {_MOST_BYTES}")
        return parse_ppm(file.content(size))


def parse_ppm(data: bytes) -> Picture:
    """A picture from a binary PPM of 8 bits.

    Raises:
        KvmtuiError: It is none, too large, or cut off.
    """
    words = data[:_HEADER_BYTES].split(None, 4)
    if len(words) < 4 or words[0] != b"P6" or not all(w.isdigit() for w in words[1:4]):
        raise KvmtuiError("QEMU's picture is no PPM file")
    width, height, depth = (int(word) for word in words[1:4])
    start = data.index(b"\n", data.index(words[3], data.index(words[2], 3))) + 1
    size = width * height * 3
    if depth != 255 or not 0 < width <= _MOST_SIDE or not 0 < height <= _MOST_SIDE:
        raise KvmtuiError(f"QEMU's picture of {width}×{height} cannot be read")
    if len(data) < start + size:
        raise KvmtuiError("QEMU's picture is cut off")
    return Picture(width, height, data[start : start + size])
