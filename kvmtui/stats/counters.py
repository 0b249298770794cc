"""What a guest has done since it was started, as counters that only grow."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from kvmtui.stats.answers import DiskCounters as DiskCounters
    from kvmtui.stats.network import TapCounters as TapCounters
else:
    from kvmtui.light import NamedTuple


class Counters(NamedTuple):
    """As of one round."""

    cpu_s: float | None
    """User and system time of QEMU, seconds."""
    uptime_s: float | None
    """Since QEMU was started."""
    disks: tuple[DiskCounters, ...]
    """Empty where nobody looks at the guest, or it did not answer."""
    networks: tuple[tuple[str, TapCounters], ...]
    """By interface: its tap, or the MAC address of a card that the guest's agent counts."""
