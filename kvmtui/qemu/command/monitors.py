"""Monitors: four QMP sockets for clients, one pipe that records every event."""

from __future__ import annotations

from kvmtui.guest.folder import EVENTS_PIPE, MONITORS
from kvmtui.qemu.command.plan import Plan


def add_monitors(plan: Plan) -> None:
    """A QMP socket serves one client, so there are several; names are relative to ``run/``."""
    for name in MONITORS:
        plan.option("-chardev", f"socket,id={name},path={name},server=on,wait=off")
        plan.option("-mon", f"chardev={name},mode=control")
    plan.option("-chardev", f"pipe,id=events,path={EVENTS_PIPE}")
    plan.option("-mon", "chardev=events,mode=control")
