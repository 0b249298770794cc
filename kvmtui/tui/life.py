"""The life of the app: whether a terminal is there, and a clean end when it goes.

Textual has no handler for SIGHUP and SIGTERM: it would die without leaving the alternate
screen, or, with SIGHUP ignored, spin for ever on a terminal that is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from kvmtui.errors import UsageError

TERMINAL_LOOK_S = 5.0
"""How often the app looks whether its terminal is still there: nohup swallows SIGHUP."""


def require_terminal(verbs: str) -> None:
    """Refuse to draw where nobody could see it; Textual draws on standard error.

    Args:
        verbs: Those that work without a terminal, for the remedy.

    Raises:
        UsageError: Standard input, output or error is no terminal, or it is a dumb one.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    missing = any(stream is None or not stream.isatty() for stream in streams)
    if missing:
        raise UsageError(f"no terminal here: {verbs} work without one", hint="kvmtui --help")
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError(
            f"this terminal cannot place text (TERM=dumb): {verbs} work here",
            hint="kvmtui --help",
        )


def end_on_signals(end: Callable[[int], None]) -> None:
    """Call ``end`` with the exit status when the terminal closes or we are told to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, end, 128 + number)


def terminal_is_there() -> bool:
    """Whether our terminal can still be asked for its settings."""
    import termios

    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return False
    return True
