"""Starts kvmtui in an interpreter that has its libraries loaded: most of a start is imports.

A process of its own waits with them; `WarmStart.run` has it fork, and the child goes on as
``python -m kvmtui`` does: its own environment, folder, descriptors and exit. Nothing of
kvmtui itself is loaded before the fork.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

LIBRARIES = "asyncio msgspec yaml ruamel.yaml qemu.qmp argparse hashlib tempfile ssl gettext signal"
_LENGTH = struct.Struct("i")


class WarmStart:
    """The process that waits; made at its first use, one for all tests of a worker."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None
        self._one_at_a_time = threading.Lock()

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else uses it; it starts one command after the other."""
        free = self._one_at_a_time.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._one_at_a_time.release()

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes, bytes]:
        """Run kvmtui until it and all that it left have let go of its output.

        Returns:
            Its exit status, negative for a signal, and what it wrote.
        """
        ours = self._ours = self._ours or self._started()
        order = json.dumps([list(words), dict(environment), os.getcwd()]).encode()
        with open(os.devnull, "rb") as nothing:
            pipes = os.pipe(), os.pipe()
            files = nothing.fileno(), pipes[0][1], pipes[1][1]
            socket.send_fds(ours, [_LENGTH.pack(len(order))], files)
        for _, theirs in pipes:
            os.close(theirs)
        ours.sendall(order)
        (pid,) = _LENGTH.unpack(_exactly(ours, _LENGTH.size))
        said = _read_all([end for end, _ in pipes], time.monotonic() + timeout_s)
        if said is None:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(*_LENGTH.unpack(_exactly(ours, _LENGTH.size)))
        if said is None:
            raise subprocess.TimeoutExpired(list(words), timeout_s)
        return status, *said

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            waiting = subprocess.Popen([sys.executable, __file__], stdin=theirs)
        # It ends when our end of the socket closes, however this process ends.
        atexit.register(lambda: (ours.close(), waiting.wait()))
        return ours


def _read_all(ends: Sequence[int], until: float) -> list[bytes] | None:
    """All that comes by some pipes; None where they are not closed by then."""
    said = dict.fromkeys(ends, b"")
    left = set(ends)
    while left:
        ready = select.select(list(left), [], [], max(until - time.monotonic(), 0))[0]
        if not ready:
            break
        for end in ready:
            got = os.read(end, 1 << 16)
            said[end] += got
            left -= set() if got else {end}
    for end in ends:
        os.close(end)
    return None if left else [said[end] for end in ends]


def _exactly(one: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        got = one.recv(size - len(data))
        if not got:
            raise EOFError("the other end is gone")
        data += got
    return data


def _next_start(orders: socket.socket) -> list[str]:
    """Fork for each order; only the children return, with their words."""
    while True:
        head, files, _, _ = socket.recv_fds(orders, _LENGTH.size, 3)
        if not head:
            os._exit(0)
        words, environment, folder = json.loads(_exactly(orders, *_LENGTH.unpack(head)))
        child = os.fork()
        if child == 0:
            orders.close()
            _become(environment, folder, files)
            return words
        for file in files:
            os.close(file)
        orders.sendall(_LENGTH.pack(child))
        orders.sendall(_LENGTH.pack(os.waitpid(child, 0)[1]))


def _become(environment: dict[str, str], folder: str, files: list[int]) -> None:
    """Take descriptors, folder and environment, as a process has them from its parent."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        usual = getattr(sys, name)
        file = os.fdopen(
            number,
            usual.mode,
            encoding=usual.encoding,
            errors=usual.errors,
            closefd=False,
        )
        file.reconfigure(line_buffering=name == "stderr" or os.isatty(number))
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)


def _main() -> None:
    import gc
    import importlib
    import runpy

    for library in LIBRARIES.split():
        importlib.import_module(library)
    gc.freeze()
    # Standard input is the socket until a child has its own.
    orders = socket.socket(fileno=os.dup(0))
    words = _next_start(orders)
    sys.path[0] = os.getcwd()
    sys.argv = ["kvmtui", *words]
    runpy.run_module("kvmtui", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
