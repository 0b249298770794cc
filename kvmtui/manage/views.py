"""What is known of guests, as plain values that cross every border."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple

    from kvmtui.stats.figures import DiskFigures as DiskFigures
    from kvmtui.stats.figures import Figures as Figures
    from kvmtui.stats.figures import NetworkFigures as NetworkFigures
else:
    from kvmtui.light import NamedTuple

SHUTDOWN_LIMIT_S = 60.0
"""How long a guest may take after its power button was pressed."""


class GuestView(NamedTuple):
    """One guest as it stands now; the fields of `list --json`."""

    name: str
    state: str
    pid: int | None
    os: str | None
    arch: str | None
    accelerator: str | None
    """kvm or tcg; None when no process runs."""
    cpus: int | None
    memory_bytes: int | None
    memory_resident_bytes: int | None
    uptime_s: int | None
    addresses: tuple[str, ...]
    tags: tuple[str, ...]
    description: str
    autostart: bool
    error: str | None
    installing: bool = False
    """Whether its installation has begun and is not over, though it may wait for an answer."""
    answers: bool = True
    """False where its process is there and says nothing; not part of the JSON."""


class Outcome(NamedTuple):
    """How an operation on one guest ended well."""

    name: str
    verb: str
    changed: bool
    """False when the end state already held."""
    message: str
    note: str = ""
    """What the user should know besides, a line each; empty when there is nothing."""


class OperationView(NamedTuple):
    """An operation on a guest or an image, under way or ended; from its story."""

    id: str
    guest: str
    """Empty for one on a disk image."""
    verb: str
    result: Literal["running", "done", "failed", "interrupted", "crashed", "noted"]
    """``noted``: nobody did anything, a figure passed its threshold."""
    user: str
    pid: int | None
    """The kvmtui that does it; None where the guest did it itself."""
    begun: float
    """Seconds since 1970."""
    ended: float | None
    message: str
    """Why it failed; empty where it did not."""
    image: str = ""
    """The disk image that it is done to, where it is no guest's operation."""
    percent: float | None = None
    """How far it is, while it goes on and where that is known."""
    rate_bytes_per_s: float | None = None
    """How much it goes through in a second, on the whole so far."""
    left_s: float | None = None
    """How long it will still take at that rate."""


class LiveGuest(NamedTuple):
    """A guest as it stands and moves: its row of `list`, its CPU, what is done to it."""

    view: GuestView
    cpu_percent: float | None = None
    """100 is one core; None where it does not run or was read only once."""
    under_way: OperationView | None = None
    """What some kvmtui does with it now."""
    figures: Figures | None = None
    """What only QEMU and its threads tell; None where it does not run or nobody looks."""


def halted_percent(live: LiveGuest) -> float | None:
    """The share of time, 100 is all of it, in which a guest's vCPUs had nothing to do.

    Their threads neither ran nor waited for a core, on the mean: they were halted (for
    moments, held up by QEMU itself). None unless it runs, and where a part is not known.
    """
    figures = live.figures
    if figures is None or live.view.state != "running" or figures.wait_ms_per_s is None:
        return None
    ran = [one for one in figures.vcpu_percents if one is not None]
    if not ran or len(ran) != len(figures.vcpu_percents):
        return None
    asleep = 100.0 - (sum(ran) + figures.wait_ms_per_s / 10) / len(ran)
    return min(max(asleep, 0.0), 100.0)
