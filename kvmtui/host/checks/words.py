"""Figures in words."""

from __future__ import annotations


def size(size_bytes: int) -> str:
    """``312M`` or ``7.4G``."""
    return f"{size_bytes / (1 << 30):.1f}G" if size_bytes >= 1 << 30 else f"{size_bytes >> 20}M"
