"""What the threads of a guest's processors do, from files of ``/proc`` that are kept open."""

from __future__ import annotations

import contextlib
import os

from kvmtui.stats import rates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from kvmtui.stats.rates import Moment
else:
    from kvmtui.light import NamedTuple

MOST = 1024
"""As many as a definition may have."""


class ThreadRates(NamedTuple):
    """What the threads did between two readings."""

    percents: tuple[float | None, ...]
    """Time on a core, 100 is all of one; in the order of the threads."""
    wait_ms_per_s: float | None
    """Milliseconds a second in which a thread could have run and waited for a core, all
    threads together: others hurt it. Time stolen from the host itself is not in it."""


NO_THREADS = ThreadRates((), None)
"""What is known where nothing is."""


class ThreadsMeter:
    """The threads of a guest's processors, read again and again.

    The first two numbers of ``/proc/PID/task/TID/schedstat``: nanoseconds on a core, and
    nanoseconds runnable and waiting. Kernels that do not count the second write 0 to all.

    Args:
        pid: QEMU's process, verified by the caller.
        threads: The thread of each processor, as ``query-cpus-fast`` tells them. Where two
            share one (emulation without threads) nothing is known of either.

    Raises:
        OSError: A thread is gone, or too many files are open; none is left open.
    """

    def __init__(self, pid: int, threads: tuple[int, ...]) -> None:
        self.threads = threads
        self._fds: list[int] = []
        self._last: list[tuple[int, int]] | None = None
        self._moment: Moment | None = None
        if len(set(threads)) != len(threads):
            return
        try:
            for thread in threads[:MOST]:
                path = f"/proc/{pid}/task/{thread}/schedstat"
                self._fds.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the files."""
        for fd in self._fds:
            with contextlib.suppress(OSError):
                os.close(fd)
        self._fds = []

    def read(self, moment: Moment) -> ThreadRates:
        """The rates since the last reading; nothing at the first, or when a thread is gone."""
        try:
            values = [_counters(os.pread(fd, 100, 0)) for fd in self._fds]
        except (OSError, ValueError):
            self._last = None
            return NO_THREADS
        passed = rates.passed_s(self._moment, moment)
        before, self._last, self._moment = self._last, values, moment
        if before is None or passed is None:
            return NO_THREADS
        if not values:
            return NO_THREADS
        pairs = list(zip(before, values, strict=True))
        ran = [new[0] - old[0] for old, new in pairs]
        waited = [new[1] - old[1] for old, new in pairs]
        counted = min(waited) >= 0 and any(new[0] for new in values)
        return ThreadRates(
            tuple([None if one < 0 else one / passed / 1e7 for one in ran]),
            sum(waited) / passed / 1e6 if counted else None,
        )


def _counters(data: bytes) -> tuple[int, int]:
    run, waited = data.split()[:2]
    return int(run), int(waited)
