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
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from qemu.qmp import ConnectError, QMPClient, QMPError, Runstate
from qemu.qmp.qmp_client import ExecInterruptedError, ExecuteError

from kvmtui.errors import CommandRefused, ConnectionLost, MonitorError, MonitorTimeout
from kvmtui.qemu.claims import claim, holders
from kvmtui.qemu.plain import connect_below
from kvmtui.qemu.silence import taken, unanswered
from kvmtui.text import visible

GREETING_LIMIT_S = 1.0
COMMAND_LIMIT_S = 5.0
_ALL_TAKEN_LIMIT_S = 3.0

logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)


class Monitor:
    """One QMP session; each command has a limit.

    Attributes:
        name: The socket's name.
    """

    def __init__(self, client: QMPClient, name: str) -> None:
        self._client = client
        self.name = name

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
                return await self._client.execute(command, arguments)
        except ExecuteError as error:
            details = error.error.error
            raise CommandRefused(
                command, details.class_, visible(details.desc, limit=1000)
            ) from None
        except TimeoutError:
            raise MonitorTimeout(f"QEMU did not answer {command} within {limit_s:g} s") from None
        except (ExecInterruptedError, QMPError, EOFError, OSError):
            raise ConnectionLost(f"QEMU closed its monitor before it answered {command}") from None

    async def give_file(self, fd: int) -> int:
        """Hand QEMU an open file; returns the number of its ``/dev/fdset/N`` there.

        The caller gives it back by ``remove-fd``.

        Raises:
            MonitorError: As `execute`.
        """
        try:
            self._client.send_fd_scm(fd)
        except (QMPError, OSError):
            raise ConnectionLost("QEMU closed its monitor before it took a file") from None
        number: int = (await self.execute("add-fd"))["fdset-id"]
        return number


def number_of_64_bits(word: str) -> int:
    """A number that QEMU's human monitor wrote, in hexadecimal.

    Raises:
        MonitorError: It is none.
    """
    try:
        value = int(word, 16)
        if 0 <= value < 1 << 64:
            return value
    except ValueError:
        pass
    raise MonitorError(f"QEMU answered '{visible(word, limit=80)}' where a number is expected")


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
    place: MonitorPlace, purpose: str, *, patience_s: float = _ALL_TAKEN_LIMIT_S
) -> AsyncIterator[Monitor]:
    """Take a monitor for a few short commands; the socket for commands first.

    Args:
        patience_s: How long to wait where all are taken.

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
                client = await _connect(place.run, name)
                if client is None:
                    silent += 1
                    continue
                try:
                    yield Monitor(client, name)
                    return
                finally:
                    await _leave(client)
            finally:
                os.close(lock)
        if silent == len(order):
            raise unanswered(str(place.locks))
        if time.monotonic() >= deadline:
            raise taken(str(place.locks), place.names)
        await asyncio.sleep(0.05)


async def _connect(run: Path, name: str) -> QMPClient | None:
    """Connect and negotiate; None when no greeting comes (a foreign client, a stopped QEMU).

    Raises:
        MonitorError: Nobody listens there: QEMU is gone.
    """
    try:
        connection = connect_below(run, name, blocking=False)
    except BlockingIOError:
        return None
    except OSError as error:
        raise MonitorError(f"QEMU's monitor {name} cannot be reached: {error.strerror}") from None
    client = QMPClient(name)
    try:
        async with asyncio.timeout(GREETING_LIMIT_S):
            await client.connect(connection)
    except (TimeoutError, ConnectError, QMPError, OSError, EOFError):
        await _leave(client)
        connection.close()
        return None
    return client


async def _leave(client: QMPClient) -> None:
    """End a session; QEMU may have ended it already, and that is fine."""
    if client.runstate == Runstate.IDLE:
        return
    with contextlib.suppress(QMPError, EOFError, OSError, TimeoutError):
        async with asyncio.timeout(GREETING_LIMIT_S):
            await client.disconnect()
