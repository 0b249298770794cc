"""A fault of kvmtui itself, in the one line that every other failure has."""

from __future__ import annotations

import os
import traceback

from kvmtui.errors import KvmtuiError

_ROOT = os.path.dirname(os.path.dirname(__file__))


def as_failure(error: Exception) -> KvmtuiError:
    """What to tell of an exception that nobody foresaw: what it is, and where it arose."""
    ours = [
        f"{os.path.relpath(frame.filename, _ROOT)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(_ROOT)
    ]
    place = f" (at {ours[-1]})" if ours else ""
    return KvmtuiError(
        f"a fault of kvmtui itself: {type(error).__name__}: {error}{place}",
        hint="report this line, with what was called and kvmtui --version",
    )
