"""Bounds for a program that is handed hostile data: memory, processor time, and its end with us.

The limits are set from here (``prlimit``), on a child that waits for them before it becomes
the program: no tool is needed for them, and nothing of ours runs between fork and exec.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys

from kvmtui.qemu.binary import find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WAITING = 'read -r _ && exec "$@" </dev/null'
_WAITING_PYTHON = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.read(0, 1):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execv(sys.argv[1], sys.argv[1:])
"""
"""With PR_SET_PDEATHSIG, SIGKILL, for a system without util-linux's ``setpriv``."""


def start(
    argv: list[str], memory_bytes: int | None, processor_s: int | None, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program within bounds; it is killed when the thread that starts it ends.

    Args:
        argv: Begins with an absolute path.
        memory_bytes: The most address space that it may take; None leaves it.
        processor_s: The most processor time of all its threads; None leaves it.
        options: As of ``subprocess.Popen``; its standard input is empty.
    """
    process = subprocess.Popen([*_waiting(), *argv], stdin=subprocess.PIPE, **options)
    try:
        bound(process.pid, memory_bytes, processor_s)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(b"\n")
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.stdin = None
    return process


def _waiting() -> list[str]:
    """What a program is started through: it waits for a line, and becomes the program."""
    program = find_program("setpriv")
    if program and os.path.basename(os.path.realpath(program)) == "setpriv":
        return [program, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", _WAITING, "sh"]
    return [sys.executable, "-I", "-S", "-c", _WAITING_PYTHON]


def bound(pid: int, memory_bytes: int | None, processor_s: int | None) -> None:
    """Bound a child, and all that it starts; as `start`."""
    _limit(pid, resource.RLIMIT_CORE, 0)
    if memory_bytes is not None:
        _limit(pid, resource.RLIMIT_AS, memory_bytes)
    if processor_s is not None:
        _limit(pid, resource.RLIMIT_CPU, processor_s)


def _limit(pid: int, kind: int, value: int) -> None:
    most = resource.getrlimit(kind)[1]
    if most != resource.RLIM_INFINITY:
        value = min(value, most)
    with contextlib.suppress(ProcessLookupError):  # It has ended already.
        resource.prlimit(pid, kind, (value, value))


def io_counters(pid: int) -> bytes:
    """What a process has read and written in all (``/proc/PID/io``); empty where not told."""
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            return file.read(4096)
    except OSError:
        return b""
