"""QMP sessions, of which a guest has four at once.

A client claims a socket (`claims`), since it serves one and lets a second wait without a
word. A client that knows nothing of this (socat) is noticed by the greeting that does not
come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from qemu.qmp import ConnectError, Message, QMPClient, QMPError, Runstate
from qemu.qmp.qmp_client import ExecInterruptedError, ExecuteError

from kvmtui.errors import CommandRefused, ConnectionLost, MonitorError, MonitorTimeout
from kvmtui.qemu.claims import claim, holders
from kvmtui.qemu.guest_memory import GuestMemory
from kvmtui.qemu.plain import connect_below
from kvmtui.qemu.shared_file import SharedFile
from kvmtui.qemu.silence import taken, unanswered
from kvmtui.text import visible

GREETING_LIMIT_S = 1.0
COMMAND_LIMIT_S = 5.0
_ALL_TAKEN_LIMIT_S = 3.0

logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)


class GivenFile(NamedTuple):
    """An open file that QEMU was handed."""

    number: int
    """Of its ``/dev/fdset/N``, for what QEMU opens by its own means."""
    descriptor: int
    """Of QEMU's process."""


class Monitor:
    """One QMP session; each command has a limit.

    Attributes:
        name: The socket's name.
        file: What QEMU writes files into.
        memory: The guest's.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = SharedFile(self)
        self.memory = GuestMemory(self)

    async def open(self, connection: socket.socket) -> bool:
        """Negotiate on a fresh connection, which is this session's from then on.

        Returns:
            False when no greeting comes (a foreign client, a stopped QEMU).
        """
        raise NotImplementedError

    async def close(self) -> None:
        """End the session; QEMU may have ended it already, and that is fine."""
        await self.file.close()
        await self._leave()

    async def execute(
        self,
        command: str,
        arguments: dict[str, Any] | None = None,
        *,
        limit_s: float | None = COMMAND_LIMIT_S,
    ) -> Any:
        """Run one QMP command and return its answer.

        Raises:
            CommandRefused: QEMU answered with an error; nothing was changed.
            ConnectionLost: The session ended first; whether it was done is not known.
            MonitorTimeout: No answer in time; whether it was done is not known.
        """
        try:
            async with asyncio.timeout(limit_s):
                return await self._run(command, arguments)
        except TimeoutError:
            raise MonitorTimeout(f"QEMU did not answer {command} within {limit_s:g} s") from None

    async def give_file(self, fd: int) -> GivenFile:
        """Hand QEMU an open file; the caller gives it back by ``remove-fd``.

        Raises:
            MonitorError: As `execute`.
        """
        try:
            self._send_file(fd)
        except (QMPError, OSError):
            raise ConnectionLost("QEMU closed its monitor before it took a file") from None
        answer = await self.execute("add-fd")
        return GivenFile(answer["fdset-id"], answer["fd"])

    async def _run(self, command: str, arguments: dict[str, Any] | None) -> Any:
        """As `execute`, without a limit."""
        raise NotImplementedError

    async def _leave(self) -> None:
        """Let go of the connection."""
        raise NotImplementedError

    def _send_file(self, fd: int) -> None:
        """Send a descriptor, which the next command takes."""
        raise NotImplementedError


class _Client(QMPClient):
    """As qemu.qmp's, which writes out each message for a log that nobody keeps."""

    def _cb_outbound(self, msg: Message) -> Message:
        return msg

    def _cb_inbound(self, msg: Message) -> Message:
        return msg


class LibraryMonitor(Monitor):
    """A session by qemu.qmp."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._client = _Client(name)

    async def open(self, connection: socket.socket) -> bool:
        try:
            async with asyncio.timeout(GREETING_LIMIT_S):
                await self._client.connect(connection)
        except (TimeoutError, ConnectError, QMPError, OSError, EOFError):
            await self.close()
            connection.close()
            return False
        return True

    async def _leave(self) -> None:
        if self._client.runstate == Runstate.IDLE:
            return
        with contextlib.suppress(QMPError, EOFError, OSError, TimeoutError):
            async with asyncio.timeout(GREETING_LIMIT_S):
                await self._client.disconnect()

    async def _run(self, command: str, arguments: dict[str, Any] | None) -> Any:
        try:
            return await self._client.execute(command, arguments)
        except ExecuteError as error:
            details = error.error.error
            raise CommandRefused(
                command, details.class_, visible(details.desc, limit=1000)
            ) from None
        except (ExecInterruptedError, QMPError, EOFError, OSError):
            raise ConnectionLost(f"QEMU closed its monitor before it answered {command}") from None

    def _send_file(self, fd: int) -> None:
        self._client.send_fd_scm(fd)


class MonitorPlace:
    """Where a guest's monitors are.

    Args:
        run: The folder of the sockets.
        locks: The folder of their lock files, which are never unlinked.
        names: Socket names; the last one is for commands only, held under 2 s.
    """

    def __init__(self, run: Path, locks: Path, names: tuple[str, ...]) -> None:
        self.run = run
        self.locks = locks
        self.names = names

    def holders(self) -> list[str]:
        """Who holds the sockets."""
        return holders(str(self.locks), self.names)


@contextlib.asynccontextmanager
async def command_session(
    place: MonitorPlace,
    purpose: str,
    *,
    patience_s: float = _ALL_TAKEN_LIMIT_S,
    kind: type[Monitor] = LibraryMonitor,
) -> AsyncIterator[Monitor]:
    """Take a monitor for a few short commands; the socket for commands first.

    Args:
        patience_s: How long to wait where all are taken.
        kind: Of the session.

    Raises:
        BusyError: All are taken; names who holds them.
        MonitorTimeout: Nobody holds them, but QEMU does not answer.
    """
    deadline = time.monotonic() + patience_s
    order = tuple(reversed(place.names))
    while True:
        silent = 0
        for name in order:
            lock = claim(str(place.locks), name, purpose)
            if lock is None:
                continue
            try:
                monitor = kind(name)
                connection = _connect(place.run, name)
                if connection is None or not await monitor.open(connection):
                    silent += 1
                    continue
                try:
                    yield monitor
                    return
                finally:
                    await monitor.close()
            finally:
                os.close(lock)
        if silent == len(order):
            raise unanswered(str(place.locks))
        if time.monotonic() >= deadline:
            raise taken(str(place.locks), place.names)
        await asyncio.sleep(0.05)


def _connect(run: Path, name: str) -> socket.socket | None:
    """Connect to a socket; None where a foreign client has it, and others wait.

    Raises:
        MonitorError: Nobody listens there: QEMU is gone.
    """
    try:
        connection: socket.socket = connect_below(run, name, blocking=False)
        return connection
    except BlockingIOError:
        return None
    except OSError as error:
        raise MonitorError(f"QEMU's monitor {name} cannot be reached: {error.strerror}") from None
