"""The ends of a guest's logs as plain text, for the interface."""

from __future__ import annotations

import os
from typing import Literal

from kvmtui.guest.library import Library
from kvmtui.text import visible_lines, without_escapes

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
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL_BYTES))
            data = file.read(_TAIL_BYTES)
            written = without_escapes(data) if which == "console" else data
            return visible_lines(written, last=last)
    except FileNotFoundError:
        return []
