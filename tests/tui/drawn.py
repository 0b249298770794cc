"""What a terminal makes of a picture's bytes: kitty's graphics and sixels, decoded."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import standard_b64decode

_KITTY = re.compile(rb"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\")
_SIXEL = re.compile(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)([^\x1b]*)\x1b\\')
_PART = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)")


def kitty_commands(data):
    """The commands of a stream: their keys, and the whole data of what came in pieces."""
    found = []
    for keys, payload in _KITTY.findall(data):
        told = dict(pair.split("=") for pair in keys.decode().split(","))
        if found and found[-1][0].get("m") == "1":
            found[-1] = ({**found[-1][0], "m": told["m"]}, found[-1][1] + payload)
        else:
            found.append((told, payload))
    return [(told, standard_b64decode(payload) if payload else b"") for told, payload in found]


def png_size(data):
    """Width and height of a PNG, whose pixels must be whole."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and data.endswith(b"IEND" + data[-4:])
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    assert len(zlib.decompress(data[at + 4 : at + 4 + length])) == height * (width * 3 + 1)
    return width, height


def sixels(data):
    """The first picture of sixels: width, height, and each pixel's colour in percents."""
    width, height, body = _SIXEL.search(data).groups()
    width, height = int(width), int(height)
    palette, pixels = {}, [None] * (width * height)
    x = top = color = 0
    for part in _PART.finditer(body):
        if part[1]:
            palette[int(part[1])] = tuple(int(part[at]) for at in (2, 3, 4))
        elif part[5]:
            color = palette[int(part[5])]
        elif part[9]:
            x = 0
        elif part[10]:
            x, top = 0, top + 6
        else:
            bits = (part[7] or part[8])[0] - ord("?")
            count = int(part[6] or 1)
            for at in range(x, x + count):
                for bit in range(6):
                    if bits >> bit & 1:
                        assert pixels[(top + bit) * width + at] is None
                        pixels[(top + bit) * width + at] = color
            x += count
    return width, height, pixels
