"""The ends of a guest's logs as plain text."""

from __future__ import annotations

import os

from kvmtui.durable import reading
from kvmtui.text import visible_lines, without_escapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library

_TAIL_BYTES = 256 << 10


def log_tail(
    library: Library, name: str, which: Literal["console", "qemu"], *, last: int = 1000
) -> list[str]:
    """The last lines of the serial console's or QEMU's log, oldest first.

    Raises:
        KvmtuiError: There is no such guest.
        OSError: The log is there and cannot be read.
    """
    folder = library.folder(name)
    path = folder.console_log if which == "console" else folder.qemu_log
    try:
        data = _end_of(path, _TAIL_BYTES)
    except FileNotFoundError:
        return []
    return visible_lines(without_escapes(data) if which == "console" else data, last=last)


def console_end(folder: GuestFolder, *, last: int, tail_bytes: int = 64 << 10) -> list[str]:
    """The last lines of the serial console's log; none where it cannot be read."""
    try:
        return visible_lines(without_escapes(_end_of(folder.console_log, tail_bytes)), last=last)
    except OSError:
        return []


def _end_of(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    with reading(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most_bytes))
        return file.read(most_bytes)
