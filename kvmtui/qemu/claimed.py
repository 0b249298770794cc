"""A socket of a guest that is held together with its claim, and never waited for."""

from __future__ import annotations

import os

from kvmtui.qemu.claims import claim
from kvmtui.qemu.plain import connect_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


class ClaimedSocket:
    """One connection at a time: its lock, and what came of it that is not yet read.

    Args:
        run: The folder of the sockets.
        locks: The folder of their lock files.
        purpose: Who asks, for the lock file.
    """

    def __init__(self, run: str, locks: str, purpose: str) -> None:
        self._run = run
        self._locks = locks
        self._purpose = purpose
        self._socket: socket.socket | None = None
        self._lock = -1
        self._buffer = b""

    def _connect(self, name: str) -> bool:
        """Claim a socket and connect to it, without waiting; False when another has it.

        Raises:
            OSError: It cannot be claimed or reached; `_give_back` is for the caller.
        """
        lock = claim(self._locks, name, self._purpose)
        if lock is None:
            return False
        self._lock = lock
        self._socket = connect_below(self._run, name, blocking=False)
        return True

    def _give_back(self) -> None:
        """Close the connection and let go of the claim."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        self._buffer = b""
