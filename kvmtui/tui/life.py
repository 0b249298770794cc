"""The life of the app: a clean end when the terminal goes.

Textual has no handler for SIGHUP and SIGTERM: it would die without leaving the alternate
screen, or, with SIGHUP ignored, spin for ever on a terminal that is gone.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

TERMINAL_LOOK_S = 5.0
"""How often the app looks whether its terminal is still there: nohup swallows SIGHUP."""


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
