"""Bounds for a program that is handed hostile data: memory, processor time, and its end with us.

The limits are set from here, on the process as it begins (``prlimit``), so that no other
program is needed for them and none of our threads runs between fork and exec.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys

from kvmtui.qemu.binary import find_program

_SHIM = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""PR_SET_PDEATHSIG, SIGKILL; then the program itself in the place of this one."""


def ending_with_us(argv: list[str]) -> list[str]:
    """A command line that is killed when the thread that starts it ends.

    By util-linux's ``setpriv``, which begins at once; where it is missing, or is busybox's,
    by a few lines of Python.
    """
    program = find_program("setpriv")
    if program and os.path.basename(os.path.realpath(program)) == "setpriv":
        return [program, "--pdeathsig", "KILL", "--", *argv]
    return [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid()), *argv]


def bound(pid: int, memory_bytes: int | None, processor_s: int | None) -> None:
    """Bound a child that was just started, and all that it starts.

    Args:
        memory_bytes: The most address space that it may take; None leaves it.
        processor_s: The most processor time of all its threads; None leaves it.
    """
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
