"""Keeping logs that QEMU appends to within bounds, while it writes.

The head is punched out (`fallocate`): the file's length and QEMU's place in it stay, its
blocks are free. Readers begin where data begins (`events.data_from`).
"""

from __future__ import annotations

import os
import stat

from kvmtui.qemu.events import punch_head

LARGEST_BYTES = 64 << 20
"""Beyond this the head is cut off, down to half of it."""


def bound(log: str, *, largest_bytes: int = LARGEST_BYTES) -> bool:
    """Cut off the head of a log that takes too much; one stat when all is well.

    Returns:
        Whether the log is within its bound now: no, where its file system cannot punch.

    Raises:
        OSError: The disk refuses, or what is there is no file of ours.
    """
    try:
        if os.stat(log, follow_symlinks=False).st_blocks * 512 <= largest_bytes:
            return True
    except FileNotFoundError:
        return True
    fd = os.open(log, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return True
        punch_head(fd, max(0, found.st_size - largest_bytes // 2))
        return os.fstat(fd).st_blocks * 512 <= largest_bytes
    finally:
        os.close(fd)
