"""Memory of ours that QEMU writes files into: no file of that name can be in the way, no disk be
full, and QEMU may run as another user.

A session hands over one, and all that is asked of it goes there: QEMU closes what it is to give
back only while the guest runs (7.2), so a paused one would keep each of many.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kvmtui.errors import MonitorError

if TYPE_CHECKING:
    from kvmtui.qemu.monitor import GivenFile, Monitor

_LEAVING_S = 1.0


class SharedFile:
    """The file of one session, handed over at its first use; `close` it before the session ends.

    Args:
        monitor: The session.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._ours = self._theirs = -1
        self._given: GivenFile | None = None
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[SharedFile]:
        """The file for one command and its answer; QEMU writes from the begin.

        Raises:
            MonitorError: QEMU did not take it.
        """
        async with self._lock:
            if self._ours < 0:
                self._ours = os.memfd_create("kvmtui-shared", os.MFD_CLOEXEC)
                path = f"/proc/self/fd/{self._ours}"
                # QEMU finds it by how it is to be opened.
                self._theirs = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            if self._given is None:
                self._given = await self._monitor.give_file(self._theirs)
            # Both ends have one position.
            os.ftruncate(self._theirs, 0)
            os.lseek(self._theirs, 0, os.SEEK_SET)
            yield self

    @property
    def path(self) -> str:
        """Its name for what QEMU opens by its own means."""
        assert self._given is not None, "it is lent"
        return f"/dev/fdset/{self._given.number}"

    @property
    def own_path(self) -> str:
        """Its name for what QEMU opens as any file."""
        assert self._given is not None, "it is lent"
        return f"/proc/self/fd/{self._given.descriptor}"

    def content(self, most_bytes: int) -> bytes:
        """What QEMU wrote, so many bytes at the most."""
        return os.pread(self._ours, most_bytes, 0)

    @property
    def size_bytes(self) -> int:
        """How much QEMU wrote."""
        return os.fstat(self._ours).st_size

    async def close(self) -> None:
        """Take the file back, which QEMU would keep as long as it has any other session."""
        given, self._given = self._given, None
        try:
            if given is not None:
                arguments = {"fdset-id": given.number}
                await self._monitor.execute("remove-fd", arguments, limit_s=_LEAVING_S)
        except MonitorError:
            pass  # QEMU is gone, or hangs: the session ends in any case.
        finally:
            for file in (self._ours, self._theirs):
                if file >= 0:
                    os.close(file)
            self._ours = self._theirs = -1
