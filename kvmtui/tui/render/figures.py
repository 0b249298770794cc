"""The units of graphs."""

from __future__ import annotations

from kvmtui.guest.units import format_size
from kvmtui.tui.widgets.scale import Unit

_PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def _bytes(value: float) -> str:
    return format_size(round(value))


def plain_count(value: float) -> str:
    """``0``, ``0.4``, ``38``, ``4.1K``: thousands by prefix, two digits under 10."""
    for prefix in _PREFIXES:
        if value < 9.95:
            text = f"{value:.1f}".removesuffix(".0")
            return f"{text}{prefix}"
        if value < 999.5:
            return f"{value:.0f}{prefix}"
        value /= 1000
    return f"{value * 1000:.0f}{_PREFIXES[-1]}"


def _whole(value: float) -> str:
    return f"{value:.0f}"


BYTES = Unit(1024, 1024.0, _bytes)
BYTES_PER_S = Unit(1024, 1024.0, _bytes, "/s")
COUNT_PER_S = Unit(1000, 1.0, plain_count, "/s")
MILLISECONDS = Unit(1000, 1.0, plain_count, " ms")
PERCENT = Unit(1000, 10.0, _whole, " %")
