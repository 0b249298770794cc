"""How work on an image is told on the command line: progress, result, failure."""

from __future__ import annotations

import sys
from collections.abc import Callable

from kvmtui.cli.context import Context
from kvmtui.errors import KvmtuiError
from kvmtui.guest.units import format_size
from kvmtui.manage.image_work import Progress, Watcher
from kvmtui.manage.views import Outcome


def finish(context: Context, act: Callable[[], Outcome]) -> int:
    """Do something to an image and tell how it ended; with ``--json`` as one object.

    Raises:
        KvmtuiError: It failed; the object on standard output says so too.
    """
    try:
        outcome = act()
    except KvmtuiError as error:
        if context.as_json:
            context.document({"ok": False, "error": error.message})
        raise
    context.say(outcome.message)
    for note in outcome.note.splitlines():
        context.note(note)
    if context.as_json:
        document = {"name": outcome.name, "ok": True, "changed": outcome.changed}
        context.document({**document, "message": outcome.message})
    return 0


def watcher(context: Context) -> Watcher:
    """Shows progress in one line of a terminal; nothing where standard error is none."""
    if context.quiet or not sys.stderr.isatty():
        return Watcher()
    return Watcher(_draw)


def _draw(progress: Progress) -> None:
    parts = [f"{progress.percent:5.1f} %"]
    if progress.rate_bytes_per_s is not None:
        parts.append(f"{format_size(int(progress.rate_bytes_per_s))}/s")
    if progress.left_s is not None and progress.percent < 100:
        parts.append(f"{progress.left_s:.0f} s left")
    end = "\r\x1b[K" if progress.percent >= 100 else ""
    sys.stderr.write("\r\x1b[K" + "  ".join(parts) + end)
    sys.stderr.flush()
