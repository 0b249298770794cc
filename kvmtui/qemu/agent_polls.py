"""Asking guest agents now and then, many at once, without ever waiting for one.

An agent's channel serves one client, so it is claimed for one question at a time, and
given back with the answer. The question is sent in one round and its answer read in a later.
"""

from __future__ import annotations

import contextlib
import time

from kvmtui.qemu.claimed import ClaimedSocket

EVERY_S = 5.0
LIMIT_S = 2.0
_REST_S = 30.0
_MOST_BYTES = 1 << 20
_PIECE_BYTES = 1 << 15
_SYNC = b'\xff{"execute":"guest-sync-delimited","arguments":{"id":%d}}\n'


class AgentPoll(ClaimedSocket):
    """One question that is put to a guest's agent again and again.

    Args:
        run: The folder of the channel's socket.
        locks: The folder of its lock file.
        channel: The socket's name.
        question: The command as a line.
        purpose: Who asks, for the lock file.
    """

    def __init__(self, run: str, locks: str, channel: str, question: bytes, purpose: str) -> None:
        super().__init__(run, locks, purpose)
        self._channel = channel
        self._question = question
        self._id = 0
        self._asked = 0.0
        self._next = 0.0

    def close(self) -> None:
        """Give the channel back."""
        self._give_back()

    def step(self) -> tuple[bytes, float] | None:
        """Ask when it is time, or take the answer when it has come.

        Returns:
            The line that the agent answered, and when it was asked (`time.monotonic`).
            An agent that does not answer within 2 s is asked again after 30 s.
        """
        now = time.monotonic()
        if self._socket is None:
            if now >= self._next:
                self._next = now + EVERY_S
                self._ask(now)
            return None
        with contextlib.suppress(BlockingIOError):
            try:
                data = self._socket.recv(_PIECE_BYTES)
            except ConnectionError:
                data = b""
            self._buffer += data
            if not data or len(self._buffer) > _MOST_BYTES:
                self._rest(now)
                return None
        answer = self._answer()
        if answer is not None:
            self.close()
            return answer, self._asked
        if now - self._asked > LIMIT_S:
            self._rest(now)
        return None

    def _ask(self, now: float) -> None:
        try:
            if not self._connect(self._channel):
                return
            assert self._socket is not None
            self._id = time.monotonic_ns() % 2**31
            data = _SYNC % self._id + self._question
            if self._socket.send(data) != len(data):
                self._rest(now)
        except OSError:
            self._rest(now)
        self._asked = now

    def _rest(self, now: float) -> None:
        self.close()
        self._next = now + _REST_S

    def _answer(self) -> bytes | None:
        """The line behind the answer to our own synchronization; older ones are left."""
        _, found, rest = self._buffer.rpartition(b"\xff")
        if not found or str(self._id).encode() not in rest.partition(b"\n")[0]:
            return None
        lines = rest.split(b"\n")
        return lines[1] if len(lines) > 2 else None
