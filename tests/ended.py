"""Whether a process that is no child of the tests has ended."""

from __future__ import annotations

import os
import select

_DEADLINE_S = 20.0


def has_ended(pid: int | str | bytes) -> bool:
    """Whether a process that was killed has ended; it is waited for."""
    try:
        pidfd = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], _DEADLINE_S)[0])
    finally:
        os.close(pidfd)
