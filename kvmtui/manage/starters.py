"""What calls kvmtui as this host starts: a unit of systemd, or a line of cron."""

from __future__ import annotations

import sys

from kvmtui.errors import HostError
from kvmtui.guest.library import Library
from kvmtui.host.boot import Starter
from kvmtui.host.boot_cron import BootCron
from kvmtui.host.boot_unit import BootUnit
from kvmtui.qemu.scope import is_systemd_here


def program() -> tuple[str, ...]:
    """The words of this kvmtui, from wherever they are called.

    ``-P`` keeps a folder that happens to be called kvmtui from standing in for it.

    Raises:
        HostError: Python does not know where it lies.
    """
    if not sys.executable:
        raise HostError("this Python does not know its own path", hint="start kvmtui by its path")
    return sys.executable, "-P", "-m", "kvmtui"


def starter_of(library: Library) -> Starter:
    """The one for this home, in place or not: systemd's where it runs."""
    kind = BootUnit if is_systemd_here() else BootCron
    return kind(library.root, program())
