"""QMP with the standard library alone, for short questions.

`list` asks many guests for their run state without importing asyncio, and QEMU is
asked once on its standard input and output what it can do. Sessions that change a
guest are in `monitor`.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time

from kvmtui.errors import CommandRefused, ConnectionLost, MonitorTimeout
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_ANSWER = 16 << 20
_ASK_STATUS = b'{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n'


def connect_below(folder: str | os.PathLike[str], name: str, *, blocking: bool = True) -> Any:
    """Connect to the Unix socket ``name`` in ``folder``, however deep the folder is.

    A socket's path has at most 107 bytes; ``/proc/self/fd/N/name`` always fits.

    Raises:
        OSError: Nobody listens there.
    """
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.setblocking(blocking)
            connection.connect(f"/proc/self/fd/{directory}/{name}")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(directory)


class PlainMonitor:
    """One QMP session on a pair of descriptors, each wait bounded.

    Args:
        read_fd: What QEMU writes to.
        write_fd: What QEMU reads from.
        limit_s: The longest wait for one answer, in seconds; may be changed later.
    """

    def __init__(self, read_fd: int, write_fd: int, *, limit_s: float) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self.limit_s = limit_s
        self._buffer = b""

    def greet(self) -> dict[str, Any]:
        """Read the greeting and leave the negotiation mode; return the greeting."""
        greeting: dict[str, Any] = self._message(time.monotonic() + self.limit_s)["QMP"]
        self.execute("qmp_capabilities")
        return greeting

    def execute(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """Run one command and return what it returns; events on the way are dropped.

        Raises:
            CommandRefused: QEMU answered with an error.
            ConnectionLost: QEMU closed the session.
            MonitorTimeout: No answer within the limit.
        """
        message: dict[str, Any] = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        os.write(self._write_fd, json.dumps(message).encode() + b"\n")
        deadline = time.monotonic() + self.limit_s
        while True:
            answer = self._message(deadline)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                error = answer["error"]
                words = visible(str(error.get("desc", "")), limit=1000)
                raise CommandRefused(command, str(error.get("class", "")), words)

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read_fd], [], [], left)[0]:
                raise MonitorTimeout(f"QEMU did not answer within {self.limit_s:g} s")
            data = os.read(self._read_fd, 1 << 16)
            if not data:
                raise ConnectionLost("QEMU closed its monitor")
            self._buffer += data
            if len(self._buffer) > _LONGEST_ANSWER:
                raise ConnectionLost("QEMU's answer has no end")
        line, _, self._buffer = self._buffer.partition(b"\n")
        value: dict[str, Any] = json.loads(line)
        return value


class _Question:
    """One guest that is asked for its run state, over the sockets in turn."""

    def __init__(self, key: str, folder: str, sockets: list[str]) -> None:
        self.key = key
        self.folder = folder
        self.sockets = sockets
        self.connection: Any = None
        self.buffer = b""
        self.deadline = 0.0

    def open_next(self, limit_s: float) -> bool:
        self.close()
        while self.sockets:
            name = self.sockets.pop(0)
            try:
                self.connection = connect_below(self.folder, name, blocking=False)
                self.connection.send(_ASK_STATUS)
            except OSError:
                self.close()
                continue
            self.deadline = time.monotonic() + limit_s
            return True
        return False

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        self.buffer = b""

    def read(self) -> str | None:
        """The run state when it has come; EOFError when QEMU closed."""
        data = self.connection.recv(1 << 16)
        if not data:
            raise EOFError
        self.buffer += data
        for line in self.buffer.split(b"\n"):
            if b'"status"' in line:
                try:
                    answer = json.loads(line).get("return")
                except ValueError:
                    continue
                if isinstance(answer, dict) and isinstance(answer.get("status"), str):
                    status: str = answer["status"]
                    return status
        return None


def query_states(
    questions: dict[str, tuple[str, list[str]]], *, limit_s: float = 1.0
) -> dict[str, str]:
    """Ask many guests for their run state at once (QMP ``query-status``).

    Args:
        questions: For each key the folder of the sockets, and their names in the order
            in which they are tried (one that another client holds never answers).
        limit_s: The longest wait for each socket, in seconds.

    Returns:
        The run state for each key that answered.
    """
    poller = select.poll()
    waiting: dict[int, _Question] = {}
    found: dict[str, str] = {}

    def ask(question: _Question) -> None:
        if question.open_next(limit_s):
            waiting[question.connection.fileno()] = question
            poller.register(question.connection, select.POLLIN)

    for key, (folder, sockets) in questions.items():
        ask(_Question(key, folder, list(sockets)))
    while waiting:
        soonest = min(question.deadline for question in waiting.values())
        ready = poller.poll(max(0.0, soonest - time.monotonic()) * 1000)
        done = [waiting[fd] for fd, _ in ready]
        now = time.monotonic()
        late = [question for question in waiting.values() if question.deadline <= now]
        for question in {id(item): item for item in done + late}.values():
            try:
                state = question.read() if question in done else ""
            except (OSError, EOFError):
                state = ""
            if state is None:
                continue
            descriptor = question.connection.fileno()
            poller.unregister(descriptor)
            del waiting[descriptor]
            if state:
                found[question.key] = state
                question.close()
            else:
                ask(question)
    return found
