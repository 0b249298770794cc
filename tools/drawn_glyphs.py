"""Graphs, bars and lines of a picture as shapes: a reader's font may lack them, or leave gaps.

What a shape stands for is kept as its description, for who reads or compares the picture.
"""

from __future__ import annotations

import html
import re

from rich.cells import cell_len

_WIDTH, _HEIGHT, _ABOVE = 12.2, 24.4, 18.5
"""Of a cell in Rich's pictures, and how far its top is above the baseline of its text."""
_THIN, _THICK, _DOT = 1.3, 3.4, 4.6
_TEXT = re.compile(r'<text class="([^"]*)" x="([^"]*)" y="([^"]*)"([^>]*)>([^<]*)</text>')
_WHOLE = re.compile(r'(-clip-terminal">\s*<rect x="0" y="0" width="[^"]*" height=")([^"]*)')
_BELOW = 4.0
"""What the letters of the last row reach below it."""
_BRAILLE = range(0x2801, 0x2900)
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each dot of a braille character, from its lowest bit on."""
_ARMS = {"│": "ud", "─": "lr", "├": "udr", "└": "ur", "┌": "dr", "┐": "dl", "┘": "ul"}
_BLOCKS = "▁▂▃▄▅▆▇█"


def with_shapes(svg: str) -> str:
    """The same picture with shapes where its text has graphs and lines, its last row whole."""
    svg = _WHOLE.sub(lambda found: f"{found[1]}{float(found[2]) + _BELOW:.1f}", svg)
    return _TEXT.sub(_drawn, svg)


def _drawn(found: re.Match[str]) -> str:
    look, x, y, rest, escaped = found.groups()
    text, left, top = html.unescape(escaped), float(x), float(y) - _ABOVE
    shapes, kept, described = "", "", ""
    for character in text:
        shape = _shape(character, left, top)
        shapes += shape
        described += character if shape else " "
        kept += "\N{NO-BREAK SPACE}" if shape else character
        left += _WIDTH * cell_len(character)
    if not shapes:
        return found[0]
    path = f'<path class="{look}" d="{shapes}"><desc>{described.strip()}</desc></path>'
    if not kept.strip():
        return path
    kept = html.escape(kept).replace("\N{NO-BREAK SPACE}", "&#160;")
    return f'{path}<text class="{look}" x="{x}" y="{y}"{rest}>{kept}</text>'


def _shape(character: str, x: float, y: float) -> str:
    """What draws a character in the cell with this corner; empty for a font's own."""
    if ord(character) in _BRAILLE:
        bits = ord(character) - 0x2800
        step, room = _WIDTH / 2, (_WIDTH / 2 - _DOT) / 2
        return "".join(
            _box(x + column * step + room, y + row * step + room, _DOT, _DOT)
            for bit, (column, row) in enumerate(_DOTS)
            if bits >> bit & 1
        )
    if character in _ARMS:
        return "".join(_arm(arm, x, y) for arm in _ARMS[character])
    if character == "━":
        return _box(x, y + (_HEIGHT - _THICK) / 2, _WIDTH, _THICK)
    if character == "▌":
        return _box(x, y, _WIDTH / 2, _HEIGHT)
    if character in _BLOCKS:
        height = _HEIGHT * (_BLOCKS.index(character) + 1) / len(_BLOCKS)
        return _box(x, y + _HEIGHT - height, _WIDTH, height)
    return ""


def _arm(arm: str, x: float, y: float) -> str:
    """A thin line from the middle of a cell to one of its sides."""
    across, down = x + (_WIDTH - _THIN) / 2, y + (_HEIGHT - _THIN) / 2
    if arm in "ud":
        return _box(across, y if arm == "u" else down, _THIN, (_HEIGHT + _THIN) / 2)
    return _box(x if arm == "l" else across, down, (_WIDTH + _THIN) / 2, _THIN)


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.1f} {y:.1f}h{width:.3g}v{height:.3g}h{-width:.3g}z"
