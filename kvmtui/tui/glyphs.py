"""The signs that are drawn: Unicode where the terminal has it, ASCII where not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, NamedTuple

Choice = Literal["auto", "unicode", "blocks", "ascii"]


class Glyphs(NamedTuple):
    """One set; each sign is one cell wide."""

    name: Literal["unicode", "blocks", "ascii"]
    running: str
    stopped: str
    paused: str
    saved: str
    crashed: str
    io_error: str
    migrating: str
    invalid: str
    under_way: str
    good: str
    trouble: str
    cursor: str
    mark: str
    folded: str
    unfolded: str
    pick: str
    rule: str
    rule_down: str
    bar: str
    bar_rest: str
    none: str
    up: str
    down: str
    ellipsis: str
    dot: str
    frame: str
    """Corners and sides of a dialog: top left, top, top right, side, bottom left, right."""
    rising: str
    """What a cell of a graph holds, from nothing to full. Braille has two columns of four dots
    in a cell: 25 signs, those of five heights at the right for each height at the left."""
    hanging: str
    """The same for graphs that grow downward, told from the others by other full cells; braille
    has the same, and a line free above them."""


def _braille(left: tuple[int, ...], right: tuple[int, ...]) -> str:
    """The 25 cells of two columns, whose dots are given in the order in which they fill."""
    cells = (sum(left[:a]) + sum(right[:b]) for a in range(5) for b in range(5))
    return "".join(chr(0x2800 + dots) if dots else " " for dots in cells)


UNICODE = Glyphs(
    name="unicode",
    running="●",
    stopped="○",
    paused="║",
    saved="■",
    crashed="✗",
    io_error="▲",
    migrating="→",
    invalid="?",
    under_way="»",
    good="✓",
    trouble="▲",
    cursor="▌",
    mark="*",
    folded="▸",
    unfolded="▾",
    pick="▾",
    rule="─",
    rule_down="│",
    bar="━",
    bar_rest="─",
    none="–",
    up="↑",
    down="↓",
    ellipsis="…",
    dot="·",
    frame="┌─┐│└┘",
    rising=_braille((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)),
    hanging=_braille((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)),
)
BLOCKS = UNICODE._replace(name="blocks", rising=" ▁▂▃▄▅▆▇█", hanging=" ▔▔▀▀▀▀▓▓")
ASCII = Glyphs(
    name="ascii",
    running="+",
    stopped="-",
    paused="=",
    saved="#",
    crashed="X",
    io_error="!",
    migrating=">",
    invalid="?",
    under_way="~",
    good="o",
    trouble="!",
    cursor=">",
    mark="*",
    folded="+",
    unfolded="-",
    pick="v",
    rule="-",
    rule_down="|",
    bar="#",
    bar_rest="-",
    none="-",
    up="^",
    down="v",
    ellipsis="~",
    dot="-",
    frame="+-+|++",
    rising=" .:|",
    hanging=" ':!",
)
_WIDE_LANGUAGES = ("ja", "ko", "zh")


def choose_glyphs(choice: Choice, environment: Mapping[str, str] = os.environ) -> Glyphs:
    """The set that this terminal can draw.

    ASCII on the Linux console, where the locale is not UTF-8, and in Japanese, Korean
    and Chinese locales, whose terminals may draw ambiguous signs two cells wide.
    """
    if choice == "unicode":
        return UNICODE
    if choice == "blocks":
        return BLOCKS
    if choice == "ascii":
        return ASCII
    locale = (
        environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    )
    lowered = locale.lower().replace("-", "")
    if "utf8" not in lowered or lowered.startswith(_WIDE_LANGUAGES):
        return ASCII
    return ASCII if environment.get("TERM", "") in ("linux", "dumb") else UNICODE
