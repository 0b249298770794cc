"""What a guest's display shows, as cells: its text screen, or its picture in half blocks."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rich.color import Color
from rich.style import Style

from kvmtui.tui.widgets.cell_view import Cells, Run

if TYPE_CHECKING:
    from kvmtui.manage.screens import Picture, TextScreen

_NAMES = ("black", "blue", "green", "cyan", "red", "magenta", "yellow", "white")
_COLORS = (*_NAMES, *(f"bright_{name}" for name in _NAMES))
_USUAL = 0x07
_HALF = "▀"
_FADED = bytes(value // 2 for value in range(256))


@functools.cache
def style_of(attribute: int) -> Style:
    """The style of a VGA attribute; grey on black is what the terminal has for its own text."""
    if attribute & 0x7F == _USUAL:
        return Style.null()
    ground = (attribute >> 4) & 0x07
    return Style(
        color=None if attribute & 0x0F == _USUAL else _COLORS[attribute & 0x0F],
        bgcolor=_COLORS[ground] if ground else None,
    )


def text_row(screen: TextScreen, row: int) -> Cells:
    """One row of a text screen; characters of code page 437 as they are drawn."""
    text, attributes = screen.line(row), screen.attributes(row)
    runs: list[Run] = []
    begin = 0
    for at in range(1, len(attributes) + 1):
        if at == len(attributes) or attributes[at] != attributes[begin]:
            runs.append(Run(text[begin:at], style_of(attributes[begin])))
            begin = at
    return tuple(runs)


def picture_rows(picture: Picture, columns: int, rows: int) -> list[Cells]:
    """A picture in half blocks, as large as fits with its shape kept.

    Args:
        columns: The cells there are.
        rows: As `columns`; each is two pixels high.
    """
    if picture.width < 1 or picture.height < 1 or columns < 1 or rows < 1:
        return []
    scale = min(columns / picture.width, rows * 2 / picture.height, 1.0)
    width = max(int(picture.width * scale), 1)
    height = max(int(picture.height * scale) // 2 * 2, 2)
    stride, rgb = picture.width * 3, picture.rgb
    across = [x * picture.width // width * 3 for x in range(width)]
    found = []
    for y in range(0, height, 2):
        upper = min(y * picture.height // height, picture.height - 1) * stride
        lower = min((y + 1) * picture.height // height, picture.height - 1) * stride
        runs: list[Run] = []
        last: tuple[bytes, bytes] | None = None
        count = 0
        for x in across:
            pair = (rgb[upper + x : upper + x + 3], rgb[lower + x : lower + x + 3])
            if pair != last:
                if last is not None:
                    runs.append(_half(last, count))
                last, count = pair, 0
            count += 1
        if last is not None:
            runs.append(_half(last, count))
        found.append(tuple(runs))
    return found


def faded(picture: Picture) -> Picture:
    """A picture as one of the past."""
    return picture._replace(rgb=picture.rgb.translate(_FADED))


def _half(pair: tuple[bytes, bytes], count: int) -> Run:
    upper, lower = pair
    if upper == lower:
        return Run(" " * count, _pixels(lower, lower))
    return Run(_HALF * count, _pixels(upper, lower))


@functools.lru_cache(maxsize=8192)
def _pixels(upper: bytes, lower: bytes) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
