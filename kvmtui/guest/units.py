"""Sizes and durations as people write and read them.

Sizes are powers of two, as QEMU has them: ``512M``, ``2G``, ``20GiB``. Durations are whole
seconds: ``10s``, ``2m``.
"""

from __future__ import annotations

_FACTORS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGTPE", start=1):
    for _suffix in (_letter, _letter + "B", _letter + "IB"):
        _FACTORS[_suffix] = 1024**_power

_LEAST_WITHOUT_UNIT = 1 << 20
_LARGEST = 1 << 62


def parse_size(text: str) -> int:
    """Read a size into bytes.

    Raises:
        ValueError: Not a size; the text says what to write. A bare number below
            1048576 is refused, since it may have meant bytes or megabytes.
    """
    cleaned = text.strip().upper()
    digits = cleaned.rstrip("KMGTPEIB ")
    unit = cleaned[len(digits) :].strip()
    try:
        if not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
            raise ValueError
        whole, _, fraction = digits.partition(".")
        factor = _FACTORS[unit]
        size = int(whole or "0") * factor
        if fraction:
            size += int(fraction) * factor // 10 ** len(fraction)
    except (KeyError, ValueError):
        raise ValueError(f"'{text[:40]}' is no size: write 512M, 2G or 20GiB") from None
    if not unit and 0 < size < _LEAST_WITHOUT_UNIT:
        raise ValueError(f"'{text}' has no unit: write {text}M or {text}G")
    if size > _LARGEST:
        raise ValueError(f"'{text[:40]}' is larger than anything")
    return size


def format_size(size_bytes: int) -> str:
    """A size in at most four characters: ``0``, ``312K``, ``1.2M``, ``38M``, ``1.4T``."""
    value = float(size_bytes)
    if value < 1024:
        return "0" if value == 0 else f"{value / 1024:.1f}K"
    for letter in "KMGTPE":
        value /= 1024
        if value < 9.95:
            return f"{value:.1f}{letter}"
        if value < 999.5:
            return f"{value:.0f}{letter}"
    return f"{value:.0f}E"


def parse_duration(text: str) -> int:
    """Read a duration into seconds: ``10``, ``10s``, ``2m``, ``1h``.

    Raises:
        ValueError: Not a duration; the text says what to write.
    """
    cleaned = text.strip().lower()
    digits = cleaned.rstrip("smh ")
    factor = {"": 1, "s": 1, "m": 60, "h": 3600}.get(cleaned[len(digits) :].strip())
    if factor is None or not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
        raise ValueError(f"'{text[:40]}' is no duration: write 10s or 2m")
    return int(digits) * factor


def format_duration(seconds: float) -> str:
    """A duration for a table cell: ``<1m``, ``12m``, ``3h12``, ``41d``."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "<1m"
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02}"
    return f"{hours // 24}d"
