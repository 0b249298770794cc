"""How a terminal is told to change its style, in as few bytes as that takes.

Rich writes a style from nothing and ends it with a reset: 38 bytes for two colours. Here
a style is a `Look`, and only what differs from the one before is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich.color import Color, ColorSystem, ColorType
from rich.style import Style

_CODES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""Rich's attributes by bit: bold, dim, italic, underline, and so on."""
_OFF = {
    **{"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27"},
    **{"8": "28", "9": "29", "21": "24", "51": "54", "52": "54", "53": "55"},
}
_SEEN_ON_BLANKS = frozenset(("4", "7", "9", "21", "51", "52", "53"))
_MOST_STYLES = 4096
"""Textual's styles hold clicks and offsets too, so their number has no bound of its own."""

Triplet = tuple[int, int, int]


class Look(NamedTuple):
    """What a cell looks like to the terminal; a default colour is the empty text."""

    attributes: tuple[str, ...] = ()
    foreground: str = ""
    background: str = ""
    link: str = ""
    ground: str = ""
    """What is seen of it on a blank: a blank needs no other foreground."""


PLAIN = Look()


def _ground(attributes: tuple[str, ...], foreground: str, background: str) -> str:
    seen = [code for code in attributes if code in _SEEN_ON_BLANKS]
    if seen:
        seen.append(foreground)
    return ";".join(filter(None, (*seen, background)))


class Looks:
    """The looks of styles, on a terminal with so many colours.

    Args:
        system: The colours that the terminal has.
        exact: Indices of the 256 for RGB values that are not left to the nearest colour,
            whose rule turns a dark theme's greys into blue.
    """

    def __init__(
        self,
        system: ColorSystem = ColorSystem.TRUECOLOR,
        exact: Mapping[Triplet, int] | None = None,
    ) -> None:
        self._system = system
        self._exact = dict(exact or {}) if system is ColorSystem.EIGHT_BIT else {}
        self._of: dict[Style, Look] = {}
        self._same: dict[Look, Look] = {PLAIN: PLAIN}

    def of(self, style: Style | None) -> Look:
        """The look of a style; equal looks are one object."""
        if style is None:
            return PLAIN
        look = self._of.get(style)
        if look is None:
            if len(self._of) >= _MOST_STYLES:
                self._of.clear()
            look = self._make(style)
            look = self._of[style] = self._same.setdefault(look, look)
        return look

    def _make(self, style: Style) -> Look:
        bits = style._attributes & style._set_attributes
        attributes = tuple(code for bit, code in enumerate(_CODES) if bits & (1 << bit))
        foreground = self._codes(style.color, foreground=True)
        background = self._codes(style.bgcolor, foreground=False)
        ground = _ground(attributes, foreground, background)
        link = style.link or ""
        link = link if link.isprintable() else ""
        return Look(attributes, foreground, background, link, ground)

    def _codes(self, color: Color | None, *, foreground: bool) -> str:
        if color is None or color.type is ColorType.DEFAULT:
            return ""
        if self._exact and color.type is ColorType.TRUECOLOR and color.triplet is not None:
            index = self._exact.get(color.triplet)
            if index is not None:
                return f"{'38' if foreground else '48'};5;{index}"
        return ";".join(color.downgrade(self._system).get_ansi_codes(foreground))


def _changed(old: Look, new: Look) -> list[str]:
    """The codes that turn one look into another without a reset."""
    off = {_OFF[code]: None for code in old.attributes if code not in new.attributes}
    on = [code for code in new.attributes if code not in old.attributes or _OFF[code] in off]
    parts = [*off, *on]
    if old.foreground != new.foreground:
        parts.append(new.foreground or "39")
    if old.background != new.background:
        parts.append(new.background or "49")
    return parts


def transition(old: Look, new: Look) -> str:
    """The shortest escape sequence after which the terminal writes in the new look."""
    link = f"\x1b]8;;{new.link}\x1b\\" if old.link != new.link else ""
    changed = ";".join(_changed(old, new))
    if not changed:
        return link
    parts = filter(None, ("", *new.attributes, new.foreground, new.background))
    afresh = ";".join(("", *parts))
    return f"{link}\x1b[{min(changed, afresh, key=len)}m"
