"""Who uses which of a guest's monitors: lock files that are never unlinked.

A QMP socket serves one client and lets a second wait without a word. So a client takes
a socket under ``flock`` on a lock file beside the guest's folder; the kernel lets go
when it dies. No asyncio here: plain sessions and held ones claim alike.
"""

from __future__ import annotations

import contextlib
import json
import os

from kvmtui.durable import reading, try_lock
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def lock_name(monitor: str) -> str:
    """The lock file of a monitor."""
    return f".{monitor}.lock"


def claim(locks: str, monitor: str, purpose: str) -> int | None:
    """Take a monitor.

    Args:
        locks: The folder of the lock files.
        purpose: Who wants it, for those who then find it taken.

    Returns:
        The descriptor that holds it (close it to let go), or None when another has it.

    Raises:
        OSError: The lock file cannot be made or opened.
    """
    lock = try_lock(f"{locks}/{lock_name(monitor)}", owner_folder=locks)
    if lock is not None:
        # A full disk must not keep anyone from a guest.
        with contextlib.suppress(OSError):
            os.ftruncate(lock, 0)
            os.pwrite(lock, json.dumps({"pid": os.getpid(), "purpose": purpose}).encode(), 0)
    return lock


def holders(locks: str, monitors: Sequence[str]) -> list[str]:
    """Who holds monitors, as they wrote into the lock files."""
    found = []
    for monitor in monitors:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with reading(f"{locks}/{lock_name(monitor)}") as file:
                holder = json.loads(file.read(500))
            found.append(visible(f"pid {holder['pid']} ({holder['purpose']})", limit=80))
    return found
