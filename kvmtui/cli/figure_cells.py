"""Figures in the few characters of a column; empty where one is not known."""

from __future__ import annotations

from kvmtui.guest.units import format_size


def whole_cell(value: float | None) -> str:
    """A whole number in four characters, in thousands from 10,000 on."""
    if value is None:
        return ""
    return f"{value:.0f}" if value < 9999.5 else f"{value / 1000:.0f}k"


def size_cell(value: float | None) -> str:
    """Bytes in at most four characters."""
    return "" if value is None else format_size(round(value))


def latency_cell(value_ms: float | None) -> str:
    """In milliseconds with two digits under 10, from a second on in seconds."""
    if value_ms is None:
        return ""
    if value_ms >= 999.5:
        return f"{value_ms / 1000:.1f}s"
    return f"{value_ms:.1f}ms" if value_ms < 9.95 else f"{value_ms:.0f}ms"
