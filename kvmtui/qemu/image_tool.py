"""Running ``qemu-img``: bounded in time, memory and words, with progress and cancel.

It is no shelter from hostile images: some make it hang, abort or take all memory. So each
run has limits, ends with this process, and what it says is bounded and shown as text.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from kvmtui.errors import Cancelled, ImageError
from kvmtui.qemu import bounds
from kvmtui.qemu.binary import find_tool
from kvmtui.text import visible

SHORT_LIMIT_S = 30.0
"""The longest that reading a header, or making an empty image, may take."""
_LARGEST_ANSWER_BYTES = 16 << 20
_MEMORY_BYTES = 2 << 30
"""Address space; checking an image of 16 TiB takes less than half of it."""
STALL_LIMIT_S = 300.0
"""How long a run without another limit may read nothing, write nothing and get no further."""
_STALL_FACTOR = 64 << 20
"""Of a run whose rate is bounded: the bytes whose time it may stand still."""
_END_LIMIT_S = 5.0
_TURN_S = 0.2
_LONGEST_TURN_S = 2.0
"""What a turn counts at the most: one in which we were stopped ourselves is no stall."""
_PROCESSORS = os.cpu_count() or 1
_NO_ANSWER = "see whether its disk answers, and whether the image is what it should be"
_PERCENT = re.compile(rb"\((\d{1,3}\.\d{2})/100%\)")


class Course:
    """How a long run is watched: what it tells, and whether it is to end.

    Args:
        tell: Gets the share that is done, in percent, each time it differs.
        is_cancelled: Asked about five times a second.
        keep: Descriptors that the tool inherits, such as a held lock.
    """

    def __init__(
        self,
        tell: Callable[[float], None] = lambda percent: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        keep: tuple[int, ...] = (),
    ) -> None:
        self.tell = tell
        self.is_cancelled = is_cancelled
        self.keep = keep


_LARGER_CLUSTERS = " (try using a larger cluster size)"


class Refused(ImageError):
    """qemu-img ended with a failure.

    Attributes:
        status: Its exit status; negative for a signal.
        reason: Its own words, shown as text.
        answer: What it wrote on standard output, at most 16 MiB.
    """

    def __init__(self, what: str, status: int, reason: str, answer: bytes) -> None:
        path = what.rpartition(" was not ")[0]
        told = reason.removeprefix(f"{path}: ").removesuffix(_LARGER_CLUSTERS)
        super().__init__(f"{what}: {told}", hint=_remedy(reason))
        self.status = status
        self.reason = reason
        self.answer = answer


def _remedy(reason: str) -> str:
    if "image size is too large" in reason:
        larger = reason.endswith(_LARGER_CLUSTERS)
        return f"a smaller one{': 2048T at most with the usual clusters' if larger else ''}"
    if "No space left" in reason:
        return "make room on that file system"
    if "Permission denied" in reason:
        return "run it as the user that the image belongs to"
    if "qemu-block-extra" in reason:
        return "install qemu-block-extra, which reads it"
    return ""


def run(
    arguments: list[str],
    what: str,
    *,
    course: Course | None = None,
    limit_s: float | None = SHORT_LIMIT_S,
    rate_bytes_per_s: int | None = None,
    memory_bytes: int | None = _MEMORY_BYTES,
) -> bytes:
    """Run qemu-img to its end and return what it wrote on standard output.

    Args:
        what: What is not done where it fails, such as ``a.qcow2 was not made``.
        course: For a long run: where its progress goes, and who cancels it.
        limit_s: The longest it may take; None: as long as it gets further.
        rate_bytes_per_s: The rate that it is told to keep, which may be slow.
        memory_bytes: The most address space that it may take.

    Raises:
        Refused: It failed; has its own words.
        ImageError: It took too long, or said too much; it was ended.
        Cancelled: A person ended it.
        HostError: It is not installed.
    """
    course = course or Course()
    process = bounds.start(
        [find_tool("qemu-img"), *arguments],
        memory_bytes,
        _processor_s(limit_s),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=course.keep,
        env={**os.environ, "LC_ALL": "C"},
    )
    stall_s = max(STALL_LIMIT_S, _STALL_FACTOR / rate_bytes_per_s if rate_bytes_per_s else 0)
    try:
        with _ending(process, "-p" in arguments) as ended:
            out, err = _Watch(process, course, limit_s, stall_s, what).read(ended)
    except BaseException:
        _end(process)
        raise
    status = process.wait()
    if status:
        raise Refused(what, status, _reason(status, err), out)
    return out


def _processor_s(limit_s: float | None) -> int | None:
    """For a run that outlived its watcher, and spins: more than all processors have in its time."""
    return None if limit_s is None else int(limit_s * _PROCESSORS) + 10


def run_json(arguments: list[str], what: str, *, course: Course | None = None) -> Any:
    """Run qemu-img with ``--output=json`` and return the value.

    Raises:
        ImageError: As `run`, or what it wrote is no JSON.
    """
    out = run([arguments[0], "--output=json", *arguments[1:]], what, course=course)
    return parsed(out, what)


def parsed(out: bytes, what: str) -> Any:
    """The value of qemu-img's JSON.

    Raises:
        ImageError: It is none.
    """
    try:
        return json.loads(out.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ImageError(f"{what}: qemu-img's answer makes no sense") from None


class _Watch:
    """Reads what a run says until it ends."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        course: Course,
        limit_s: float | None,
        stall_s: float,
        what: str,
    ) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._out, self._err = process.stdout.fileno(), process.stderr.fileno()
        self._streams = {self._out: bytearray(), self._err: bytearray()}
        self._pid = process.pid
        self._course = course
        self._turn_at = time.monotonic()
        self._still_s = 0.0
        self._stall_s = stall_s
        self._done = b""
        self._deadline = None if limit_s is None else time.monotonic() + limit_s
        self._limit_s = limit_s
        self._what = what
        self._told = -1.0

    def read(self, ended: int | None) -> tuple[bytes, bytes]:
        """Standard output and the beginning of standard error.

        Args:
            ended: A pidfd of what tells its progress: thousands of times, of which each
                would wake us, so that is read a few times a second, and at its end.
        """
        open_fds = set(self._streams)
        while open_fds:
            self._check()
            waited_s = _TURN_S
            if ended is not None:
                waited_s = _TURN_S if select.select([ended], [], [], _TURN_S)[0] else 0.0
            for fd in select.select(list(open_fds), [], [], waited_s)[0]:
                data = os.read(fd, 1 << 16)
                if data:
                    self._take(fd, data)
                else:
                    open_fds.discard(fd)
        return bytes(self._streams[self._out]), bytes(self._streams[self._err])

    def _check(self) -> None:
        if self._course.is_cancelled():
            raise Cancelled(f"{self._what}: it was cancelled")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise ImageError(
                f"{self._what}: qemu-img was not done after {self._limit_s:.0f} s",
                hint=_NO_ANSWER,
            )
        if self._limit_s is None:
            self._check_stall()

    def _check_stall(self) -> None:
        """End what gets no further: neither its words nor what it reads and writes change."""
        now = time.monotonic()
        took = min(now - self._turn_at, _LONGEST_TURN_S)
        self._turn_at = now
        done = bounds.io_counters(self._pid)
        self._still_s = self._still_s + took if done == self._done else 0.0
        self._done = done
        if self._still_s > self._stall_s:
            raise ImageError(
                f"{self._what}: qemu-img got no further for {self._still_s:.0f} s", hint=_NO_ANSWER
            )

    def _take(self, fd: int, data: bytes) -> None:
        self._still_s = 0.0
        kept = self._streams[fd]
        if fd == self._err:
            kept += data[: max(0, (1 << 16) - len(kept))]
            return
        kept += data
        found = _PERCENT.findall(kept[-4096:])
        if found and b"\r" in kept:
            self._tell(float(found[-1]))
            del kept[: kept.rfind(b"\r") + 1]
        if len(kept) > _LARGEST_ANSWER_BYTES:
            raise ImageError(f"{self._what}: qemu-img's answer has no end")

    def _tell(self, percent: float) -> None:
        if percent != self._told:
            self._told = percent
            self._course.tell(percent)


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes], is_wanted: bool) -> Iterator[int | None]:
    """A pidfd of a process, where that is wanted."""
    if not is_wanted:
        yield None
        return
    fd = os.pidfd_open(process.pid)
    try:
        yield fd
    finally:
        os.close(fd)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, gently first, and read what is left so that it cannot stand at a full pipe."""
    process.terminate()
    try:
        process.communicate(timeout=_END_LIMIT_S)
    except (subprocess.TimeoutExpired, ValueError):
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_LIMIT_S)


def _reason(status: int, err: bytes) -> str:
    lines = [line for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    if status < 0 or not lines:
        told = f"qemu-img ended by signal {-status}" if status < 0 else "no reason given"
        return ": ".join([told, *(visible(line, limit=200) for line in lines[:1])])
    return visible(lines[0].removeprefix("qemu-img: "), limit=300)


@contextlib.contextmanager
def secret(text: bytes | None) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Hand a passphrase to QEMU by a descriptor, so that it stands on no command line.

    Yields:
        The arguments that define the secret ``s0``, and the descriptors to keep; nothing
        of both without a passphrase.
    """
    if text is None:
        yield [], ()
        return
    fd = os.memfd_create("kvmtui-secret", os.MFD_CLOEXEC)
    try:
        os.write(fd, text)
        yield ["--object", f"secret,id=s0,file=/proc/self/fd/{fd}"], (fd,)
    finally:
        os.close(fd)
