"""A client of the QEMU guest agent: one question at a time, each wait bounded.

The agent's channel is a serial port of the guest with JSON lines on it: no greeting, no
numbers of questions, and one client at a time, so it is claimed like a monitor and given back
soon. Whatever an earlier client left unread is skipped by a synchronization. What comes is
said by the guest: nothing in it is trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

from kvmtui.errors import BusyError, CommandRefused, ConnectionLost, MonitorTimeout, StateError
from kvmtui.qemu.claims import claim, holders
from kvmtui.qemu.plain import connect_below
from kvmtui.text import visible

SYNC_LIMIT_S = 3.0
COMMAND_LIMIT_S = 10.0
_TAKEN_LIMIT_S = 5.0
_PIECE_BYTES = 1 << 16
_LONGEST_ANSWER = 64 << 20


class AgentSilent(StateError):
    """No agent answers: none is installed, it does not run, or the guest is busy."""


class Agent:
    """A session with a guest's agent, synchronized."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = b""

    async def synchronize(self) -> None:
        """Skip what was meant for others.

        Raises:
            AgentSilent: Nobody answers within 3 s.
        """
        number = secrets.randbelow(1 << 31)
        question = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
        try:
            async with asyncio.timeout(SYNC_LIMIT_S):
                await self._send(b"\xff" + json.dumps(question).encode() + b"\n")
                while True:
                    line = await self._line()
                    _, mark, told = line.rpartition(b"\xff")
                    if mark and _value(told).get("return") == number:
                        return
        except TimeoutError:
            raise AgentSilent("no guest agent answers") from None

    async def execute(
        self,
        command: str,
        arguments: dict[str, Any] | None = None,
        *,
        limit_s: float = COMMAND_LIMIT_S,
    ) -> Any:
        """Run one of the agent's commands.

        Raises:
            CommandRefused: The agent answered with an error.
            ConnectionLost: QEMU ended; whether it was done is not known.
            MonitorTimeout: No answer in time; whether it was done is not known.
        """
        question: dict[str, Any] = {"execute": command}
        if arguments:
            question["arguments"] = arguments
        try:
            async with asyncio.timeout(limit_s):
                await self._send(json.dumps(question).encode() + b"\n")
                while True:
                    answer = _value(await self._line())
                    if "return" in answer:
                        return answer["return"]
                    if isinstance(error := answer.get("error"), dict):
                        raise CommandRefused(
                            command,
                            visible(str(error.get("class", "")), limit=80),
                            visible(str(error.get("desc", "")), limit=1000),
                        )
        except TimeoutError:
            raise MonitorTimeout(
                f"the guest agent did not answer {command} within {limit_s:g} s"
            ) from None

    async def _send(self, data: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError:
            raise ConnectionLost("QEMU closed the agent's channel") from None

    async def _line(self) -> bytes:
        loop = asyncio.get_running_loop()
        parts = [self._buffer]
        size = len(self._buffer)
        while b"\n" not in parts[-1]:
            try:
                data = await loop.sock_recv(self._socket, _PIECE_BYTES)
            except OSError:
                data = b""
            if not data:
                raise ConnectionLost("QEMU closed the agent's channel")
            parts.append(data)
            size += len(data)
            if size > _LONGEST_ANSWER:
                raise ConnectionLost("the agent's answer has no end")
        line, _, self._buffer = b"".join(parts).partition(b"\n")
        return line


def _value(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@contextlib.asynccontextmanager
async def agent_session(run: str, locks: str, channel: str, purpose: str) -> AsyncIterator[Agent]:
    """Take the agent's channel for a few questions.

    Args:
        run: The folder of the socket.
        locks: The folder of its lock file.
        channel: The socket's name.

    Raises:
        AgentSilent: No agent answers.
        BusyError: Another keeps the channel; names who.
        ConnectionLost: QEMU is gone.
    """
    deadline = time.monotonic() + _TAKEN_LIMIT_S
    while (lock := claim(locks, channel, purpose)) is None:
        if time.monotonic() >= deadline:
            raise BusyError(f"the agent's channel is taken, by {holders(locks, (channel,))[0]}")
        await asyncio.sleep(0.02)
    try:
        try:
            connection = connect_below(run, channel, blocking=False)
        except BlockingIOError:
            raise BusyError("the agent's channel is taken by another program") from None
        except OSError as error:
            raise ConnectionLost(f"the agent's channel: {error.strerror}") from None
        with connection:
            agent = Agent(connection)
            await agent.synchronize()
            yield agent
    finally:
        os.close(lock)
