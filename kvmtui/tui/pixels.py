"""Pictures as what a terminal draws them from: kitty's graphics, or sixels.

Written here rather than taken from a library: those at hand ask the terminal at their import,
by reading the keys that are ours, and bring a compiled imaging library for what a few
operations on bytes do.
"""

from __future__ import annotations

import functools
import operator
import re
from base64 import standard_b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.manage.screens import Picture

_PIECE = 4096
"""Of base64, in one sequence of kitty's."""
_LEVELS = 6
"""Of each of three colours: 216, of the 256 that a terminal with sixels has at the least."""
_BAND = 6
_REPEATED = re.compile(rb"(.)\1{3,}", re.DOTALL)
_EMPTY = ord("?")


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """A picture of at most this size with its shape kept; a smaller one stays as it is."""
    scale = min(width / picture.width, height / picture.height)
    if scale >= 1:
        return picture
    columns = max(int(picture.width * scale), 1)
    rows = max(int(picture.height * scale), 1)
    across = [x * picture.width // columns * 3 + part for x in range(columns) for part in range(3)]
    pick = operator.itemgetter(*across)
    stride = picture.width * 3
    lines = []
    for y in range(rows):
        begin = y * picture.height // rows * stride
        lines.append(bytes(pick(picture.rgb[begin : begin + stride])))
    return picture._replace(width=columns, height=rows, rgb=b"".join(lines))


# kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol/


def kitty(png: bytes, number: int, columns: int, rows: int) -> str:
    """What draws a PNG where the cursor is, which stays there; nothing is answered.

    Args:
        number: Its name, for `kitty_gone`.
        columns: The cells it fills.
        rows: As `columns`.
    """
    data = standard_b64encode(png).decode()
    pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)] or [""]
    keys = f"a=T,f=100,t=d,i={number},q=2,C=1,c={columns},r={rows},"
    found = []
    for at, piece in enumerate(pieces):
        more = int(at < len(pieces) - 1)
        found.append(f"\x1b_G{keys if not at else ''}m={more};{piece}\x1b\\")
    return "".join(found)


def kitty_gone(number: int) -> str:
    """What takes a picture away and forgets it."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


# Sixels, as the VT340 has them.


def sixel(picture: Picture, most_bytes: int | None = None) -> str | None:
    """What draws a picture where the cursor is, pixel for pixel.

    Args:
        most_bytes: Where it takes more, it is given up and nothing returned.
    """
    width = picture.width
    colors = _indices(picture.rgb)
    used = sorted(set(colors))
    parts = [f'\x1bP0;1;0q"1;1;{width};{picture.height}'.encode()]
    parts += [b"#%d;2;%d;%d;%d" % (color, *_percents(color)) for color in used]
    size = sum(map(len, parts))
    for top in range(0, picture.height, _BAND):
        rows = [
            colors[y * width : (y + 1) * width]
            for y in range(top, min(top + _BAND, picture.height))
        ]
        band = [
            b"#%d" % color + _REPEATED.sub(_repeat, _sixels(rows, color, width).rstrip(b"?"))
            for color in set().union(*rows)
        ]
        parts.append(b"$".join(band) + b"-")
        size += len(parts[-1])
        if most_bytes is not None and size > most_bytes:
            return None
    parts.append(b"\x1b\\")
    return b"".join(parts).decode("ascii")


def _indices(rgb: bytes) -> bytes:
    """The colour of each pixel, as one of 216."""
    sums = 0
    for part, weight in enumerate((_LEVELS * _LEVELS, _LEVELS, 1)):
        # The bytes of large numbers are added all at once: no sum is over 215.
        sums += int.from_bytes(rgb[part::3].translate(_level_table(weight)), "big")
    return sums.to_bytes(len(rgb) // 3, "big")


@functools.cache
def _level_table(weight: int) -> bytes:
    return bytes((value * (_LEVELS - 1) + 127) // 255 * weight for value in range(256))


def _percents(color: int) -> tuple[int, int, int]:
    red, rest = divmod(color, _LEVELS * _LEVELS)
    green, blue = divmod(rest, _LEVELS)
    top = _LEVELS - 1
    return red * 100 // top, green * 100 // top, blue * 100 // top


def _sixels(rows: list[bytes], color: int, width: int) -> bytes:
    """One band of six rows of one colour: a character for six pixels below each other."""
    sums = int.from_bytes(bytes([_EMPTY]) * width, "big")
    for bit, row in enumerate(rows):
        sums += int.from_bytes(row.translate(_bit_table(color, bit)), "big")
    return sums.to_bytes(width, "big")


@functools.lru_cache(maxsize=2048)
def _bit_table(color: int, bit: int) -> bytes:
    table = bytearray(256)
    table[color] = 1 << bit
    return bytes(table)


def _repeat(found: re.Match[bytes]) -> bytes:
    return b"!%d" % (found.end() - found.start()) + found[1]
