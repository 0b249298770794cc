"""A guest whose monitors say nothing: the failure to tell, and what to do about it."""

from __future__ import annotations

import os

from kvmtui.durable import read_small
from kvmtui.errors import BusyError, MonitorTimeout
from kvmtui.guest.folder import PID, RUN
from kvmtui.qemu.claims import holders
from kvmtui.qemu.process import lock_holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NOWHERE = "does not answer on any of its monitors"


def unanswered(place: str, error: MonitorTimeout | None = None) -> MonitorTimeout:
    """The failure of a guest that gave no answer, with its name and a remedy.

    Args:
        place: The guest's folder.
        error: What was not answered; None: no monitor greeted.
    """
    name = os.path.basename(place)
    pid = lock_holder(f"{place}/{RUN}/{PID}")
    if pid and is_stopped(pid):
        return MonitorTimeout(
            f"{name} does not answer: its process {pid} is stopped by a signal",
            hint=f"kill -CONT {pid}",
        )
    told = f"{name}: {error.message}" if error else f"{name} {_NOWHERE}"
    return MonitorTimeout(told, hint=f"kvmtui why {name}")


def taken(place: str, monitors: Sequence[str]) -> BusyError:
    """The failure where every monitor of a guest is held by somebody.

    Args:
        place: The guest's folder.
    """
    held = ", ".join(holders(place, monitors)) or "others"
    return BusyError(f"{os.path.basename(place)}: all monitors are taken, by {held}")


def is_stopped(pid: int) -> bool:
    """Whether a process stands still by a signal or under a debugger (``/proc/PID/stat``)."""
    try:
        return read_small(f"/proc/{pid}/stat").rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False
