"""What is known of guests, as plain values that cross every border."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple


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


class Outcome(NamedTuple):
    """How an operation on one guest ended well."""

    name: str
    verb: str
    changed: bool
    """False when the end state already held."""
    message: str
    note: str = ""
    """What the user should know besides; empty when there is nothing."""
