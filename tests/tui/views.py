"""Guests that were never started, for the tables of pure functions."""

from __future__ import annotations

from typing import Any

from kvmtui.manage.views import GuestView, LiveGuest, OperationView
from kvmtui.stats.history import HOST, History, Series
from kvmtui.tui.trends import Trends

_STOPPED = GuestView(
    name="web",
    state="stopped",
    pid=None,
    os="debian12",
    arch="x86_64",
    accelerator=None,
    cpus=2,
    memory_bytes=2 << 30,
    memory_resident_bytes=None,
    uptime_s=None,
    addresses=(),
    tags=(),
    description="",
    autostart=False,
    error=None,
)
_ALIVE = {
    "pid": 4121,
    "accelerator": "kvm",
    "memory_resident_bytes": 900 << 20,
    "uptime_s": 86400 * 12,
}


def guest(
    name: str = "web",
    state: str = "stopped",
    *,
    cpu: float | None = None,
    doing: str = "",
    **fields: Any,
) -> LiveGuest:
    """A guest in a state; one that has a process gets figures too."""
    alive = state in ("running", "paused", "io-error")
    view = _STOPPED._replace(name=name, state=state, **{**(_ALIVE if alive else {}), **fields})
    return LiveGuest(view, cpu, operation(name, doing, "running") if doing else None)


def operation(
    name: str = "web",
    verb: str = "start",
    result: Any = "done",
    *,
    begun: float = 1000.0,
    ended: float | None = None,
    message: str = "",
) -> OperationView:
    """An operation by anna."""
    return OperationView(f"{verb}-{begun}", name, verb, result, "anna", 77, begun, ended, message)


def trends(history: History | None = None) -> Trends:
    """Figures over time from a history; without one nothing was ever sampled."""
    history = history or History()

    def series(name: str | None, key: str, span: Any, width: int, more: int) -> Series:
        return history.series(HOST if name is None else name, key, span, width, more)

    return Trends(series)
