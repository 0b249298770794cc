"""Figures in words, and words as figures."""

from __future__ import annotations


def size(size_bytes: int) -> str:
    """``312M`` or ``7.4G``."""
    return f"{size_bytes / (1 << 30):.1f}G" if size_bytes >= 1 << 30 else f"{size_bytes >> 20}M"


def number(text: str) -> int:
    """A whole number of a file.

    Raises:
        ValueError: It is none; in words for people.
    """
    if not text.strip().removeprefix("-").isdecimal():
        raise ValueError(f"'{text}' is no number")
    return int(text)
