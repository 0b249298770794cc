"""One candidate tried: QEMU boots the test of ``kvmtui/demo/probe.s`` and is timed from outside.

A clock of the guest cannot be trusted here. The test says a letter when it is booted, when
its loop begins and when it has ended; the times are those at which the letters come.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import subprocess
import time

from kvmtui.host.accelerator import Cancelled, Trial
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ROUNDS = 20_000_000
"""Of the test's loop, as its source has it."""

_LETTERS = b"BLE"
_BOOTED, _LOOP, _ENDED = range(3)
_STATUS = 33
"""QEMU's exit status when the test writes 0x10 to isa-debug-exit: (0x10 << 1) | 1."""
_BOUNDED = (
    "ulimit -c 0; limit=$1; shift; export LC_ALL=C; "
    'command -v timeout >/dev/null && exec timeout -s KILL "$limit" "$@"; exec "$@"'
)
"""No core of a QEMU that aborts, and an end of its own should we be killed meanwhile."""
_MOST_BYTES = 1 << 16
_LOOK_S = 0.05
"""How often it is asked whether the measurement was given up."""


class ProbeDisk:
    """The test as a disk that QEMU boots, in memory: nothing of it is left whatever ends us.

    Use it as a context manager.

    Args:
        program: A boot sector; a disk is padded to 1 MiB, the least that q35 boots.
    """

    def __init__(self, program: bytes) -> None:
        self._program = program

    def __enter__(self) -> ProbeDisk:
        self.fd = os.memfd_create("kvmtui-probe")
        os.write(self.fd, self._program)
        os.ftruncate(self.fd, 1 << 20)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def attempt(
    emulator: str,
    accelerator: str,
    cpu: str,
    disk: ProbeDisk,
    *,
    limit_s: float,
    identity: dict[str, Any],
    cancelled: Callable[[], bool] = lambda: False,
) -> Trial:
    """Boot the test with one accelerator and CPU model; QEMU is gone afterwards.

    Args:
        limit_s: It is killed then, with all that it started.
        identity: ``user``, ``group`` and ``extra_groups`` for `subprocess.Popen`.
        cancelled: Asked again and again whether to give up.

    Raises:
        Cancelled: It was given up.
    """
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            _bounded(_command(emulator, accelerator, cpu, disk), limit_s),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[disk.fd],
            cwd="/",
            start_new_session=True,
            **identity,
        )
    except OSError as error:
        return Trial(accelerator, cpu, detail=f"{emulator}: {error.strerror}")
    watched = _Watched(process, began)
    try:
        watched.follow(began + limit_s, cancelled)
    finally:
        watched.end()
    return _told(watched, accelerator, cpu, limit_s)


def _bounded(command: list[str], limit_s: float) -> list[str]:
    return ["/bin/sh", "-c", _BOUNDED, "sh", str(math.ceil(limit_s) + 1), *command]


def _command(emulator: str, accelerator: str, cpu: str, disk: ProbeDisk) -> list[str]:
    file = {"driver": "file", "filename": f"/proc/self/fd/{disk.fd}", "read-only": True}
    node = {"driver": "raw", "node-name": "d", "read-only": True, "file": file}
    command = [emulator, "-nodefaults", "-no-user-config", "-display", "none", "-m", "32"]
    command += ["-machine", "q35", "-accel", accelerator, "-cpu", cpu, "-no-reboot"]
    command += ["-blockdev", json.dumps(node), "-device", "virtio-blk-pci,drive=d,bootindex=1"]
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    return [*command, "-chardev", "stdio,id=s,signal=off", "-serial", "chardev:s"]


class _Watched:
    """A QEMU that runs the test: what it says, and when."""

    def __init__(self, process: subprocess.Popen[bytes], began: float) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._process = process
        self._out, self._error = process.stdout, process.stderr
        self.said = b""
        self.error = b""
        self.reads = [(began, 0)]
        """When something was read of what it said, and how long that was then."""
        self.late = False

    @property
    def status(self) -> int | None:
        """As of `subprocess.Popen`; None where the kernel does not let it die."""
        return self._process.returncode

    def follow(self, deadline: float, cancelled: Callable[[], bool]) -> None:
        """Read until it ends, says what it should not, or the deadline passes."""
        pidfd = os.pidfd_open(self._process.pid)
        watched = {self._out.fileno(), self._error.fileno(), pidfd}
        try:
            while pidfd in watched and _LETTERS.startswith(self.said):
                if cancelled():
                    raise Cancelled
                left = deadline - time.monotonic()
                if left <= 0:
                    self.late = True
                    return
                watched -= self._look(watched, min(left, _LOOK_S))
            self._look(watched - {pidfd}, 0)
        finally:
            os.close(pidfd)

    def _look(self, watched: set[int], limit_s: float) -> set[int]:
        """Take what is there; returns those of which no more will come."""
        ready = set(select.select(list(watched), [], [], limit_s)[0])
        return {fd for fd in ready if not self._read(fd)}

    def _read(self, fd: int) -> bool:
        if fd not in (self._out.fileno(), self._error.fileno()):
            return False
        data = os.read(fd, _MOST_BYTES)
        if fd == self._error.fileno():
            self.error = (self.error + data)[:_MOST_BYTES]
        elif data:
            self.said = (self.said + data)[:_MOST_BYTES]
            self.reads.append((time.monotonic(), len(self.said)))
        return bool(data)

    def boot_s(self) -> float | None:
        """From the start to the first letter."""
        read = self._read_with(_BOOTED)
        return None if read is None else self.reads[read][0] - self.reads[0][0]

    def loop_s(self) -> float | None:
        """From the loop's first letter to its last.

        Where both came at once, the time from the read before: the longest it can have been.
        """
        begin, end = self._read_with(_LOOP), self._read_with(_ENDED)
        if begin is None or end is None:
            return None
        return self.reads[end][0] - self.reads[min(begin, end - 1)][0]

    def _read_with(self, letter: int) -> int | None:
        return next((i for i, (_, length) in enumerate(self.reads) if length > letter), None)

    def end(self) -> None:
        """Kill it with what it started; one that the kernel holds is not waited for."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        self._out.close()
        self._error.close()


def _told(watched: _Watched, accelerator: str, cpu: str, limit_s: float) -> Trial:
    found = Trial(accelerator, cpu)
    if not _LETTERS.startswith(watched.said):
        words = visible(watched.said[:40].decode("latin-1"), limit=40)
        return found._replace(detail=f"its serial port says what the test does not: {words}")
    boot_s, loop_s = _rounded(watched.boot_s()), _rounded(watched.loop_s())
    found = found._replace(boot_s=boot_s, loop_s=loop_s)
    if watched.late:
        doing = "had not booted a test" if boot_s is None else "its loop had not ended"
        detail = f"{doing if loop_s is None else 'QEMU had not ended'} after {limit_s:.1f} s"
        return found._replace(loop_s=None, detail=detail, stopped_after_s=round(limit_s, 3))
    return found._replace(detail=_fault(watched))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


def _fault(watched: _Watched) -> str:
    """Why it did not run to its end: QEMU's own line where there is one."""
    status = watched.status
    if status == _STATUS and watched.said == _LETTERS:
        return ""
    lines = [line.strip() for line in watched.error.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line and "warning:" not in line]
    if telling:
        return visible(telling[0].partition("error: ")[2] or telling[0], limit=200)
    if status == 0 and watched.said:
        return "the guest reset itself in the test"
    if status is not None and status < 0:
        return f"QEMU was ended by signal {-status} ({signal.strsignal(-status)})"
    return f"QEMU ended with status {status}"
