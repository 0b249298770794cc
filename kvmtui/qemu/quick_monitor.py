"""A QMP session for who asks many times a second: 0.6 of what one by qemu.qmp costs.

One question at a time; answers carry its number, so one that comes too late is never taken for
another's. Events are dropped.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from kvmtui.errors import CommandRefused, ConnectionLost, MonitorError
from kvmtui.qemu.monitor import GREETING_LIMIT_S, Monitor
from kvmtui.text import visible

_PIECE_BYTES = 1 << 16
_MOST_BYTES = 16 << 20


class QuickMonitor(Monitor):
    """A session on a socket, without tasks of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._number = 0
        self._lock = asyncio.Lock()

    async def open(self, connection: socket.socket) -> bool:
        self._socket = connection
        try:
            async with asyncio.timeout(GREETING_LIMIT_S):
                await self._message()
            await self.execute("qmp_capabilities", limit_s=GREETING_LIMIT_S)
        except (TimeoutError, OSError, ValueError, MonitorError):
            await self.close()
            return False
        return True

    async def _leave(self) -> None:
        self._drop()

    def _drop(self) -> None:
        connection, self._socket = self._socket, None
        self._buffer.clear()
        if connection is not None:
            connection.close()

    async def _run(self, command: str, arguments: dict[str, Any] | None) -> Any:
        try:
            async with self._lock:
                answer = await self._ask(command, arguments)
        except (ConnectionLost, OSError, ValueError):
            self._drop()
            raise ConnectionLost(f"QEMU closed its monitor before it answered {command}") from None
        if "error" in answer:
            told = answer["error"]
            words = visible(str(told.get("desc", "")), limit=1000)
            raise CommandRefused(command, str(told.get("class", "")), words)
        return answer.get("return")

    async def _ask(self, command: str, arguments: dict[str, Any] | None) -> dict[str, Any]:
        self._number += 1
        question: dict[str, Any] = {"execute": command, "id": self._number}
        if arguments:
            question["arguments"] = arguments
        connection = self._open_socket()
        line = json.dumps(question).encode() + b"\n"
        await asyncio.get_running_loop().sock_sendall(connection, line)
        while True:
            answer = await self._message()
            # What QEMU cannot read it refuses without a number.
            if answer.get("id") == self._number or ("error" in answer and "id" not in answer):
                return answer

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionLost("QEMU closed its monitor")
        return self._socket

    async def _message(self) -> dict[str, Any]:
        connection, loop = self._open_socket(), asyncio.get_running_loop()
        looked_at = 0
        while (end := self._buffer.find(b"\n", looked_at)) < 0:
            looked_at = len(self._buffer)
            data = await loop.sock_recv(connection, _PIECE_BYTES)
            if not data or looked_at > _MOST_BYTES:
                raise ConnectionLost("QEMU closed its monitor")
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ConnectionLost("who answers is no QEMU")
        return message

    def _send_file(self, fd: int) -> None:
        socket.send_fds(self._open_socket(), [b" "], [fd])
