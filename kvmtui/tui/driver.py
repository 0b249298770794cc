"""The terminal in our hands: taken, given back, and left within a limit.

Textual's driver waits for ever for a reader that has stopped, and takes every SIGCONT for
the end of a suspension: after a plain SIGSTOP two threads would read the keys, and the
terminal would be left raw.
"""

from __future__ import annotations

import contextlib
import os
import signal
import termios
from typing import Any

from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

from kvmtui.tui.key_parser import KeyParser

linux_driver.XTermParser = KeyParser  # type: ignore[attr-defined]

_PATIENCE_S = 0.7
_SETTLED_S = 0.05
_TRIES = 20
_WAKE = signal.SIGURG
"""Ends a write that waits, so that it is tried again; it means nothing else here."""
_GIVEN_BACK = (
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[<u"
    "\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""What undoes all that the driver asks of a terminal."""


class TerminalDriver(LinuxDriver):
    """As Textual's, for terminals that stand, and programs that are stopped."""

    _taken = False
    """Whether the terminal is in application mode."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        signal.signal(_WAKE, lambda *_: None)

    def start_application_mode(self) -> None:
        """Take the terminal; not where we are in the background, and stopped for it."""
        before = self._writer_thread
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._taken = self._writer_thread is not before
        if self._taken and self._writer_thread is not None:
            # A full queue would stop the loop. Frames are held back by `WireApp`, and all
            # else that is written is short.
            self._writer_thread._queue.maxsize = 0

    def _get_terminal_size(self) -> tuple[int, int]:
        """The size of the terminal itself: ``COLUMNS`` and ``LINES`` may be of another."""
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self.fileno)
            if columns and rows:
                return columns, rows
        return super()._get_terminal_size()

    def run_input_thread(self) -> None:
        """Read keys; a terminal that can be read no more is gone."""
        try:
            super().run_input_thread()
        except OSError:
            self._loop.call_soon_threadsafe(self._app.exit, None, 128 + signal.SIGHUP)

    def disable_input(self) -> None:
        """Read no more keys."""
        if self._taken:
            super().disable_input()

    def stop_application_mode(self) -> None:
        """Give the terminal back; it is not touched where it is another's already."""
        if self._taken:
            super().stop_application_mode()
            self._taken = False

    def close(self) -> None:
        """End the output. What a reader that has stopped left standing is dropped."""
        writer = self._writer_thread
        if writer is None or not writer.is_alive():
            return
        writer._queue.put(None)
        writer.join(_PATIENCE_S)
        for _ in range(_TRIES):
            if not writer.is_alive():
                return
            self._drop_output()
            writer.join(_SETTLED_S)

    @property
    def stands(self) -> bool:
        """Whether output still waits for a reader after `close`."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def give_back(self) -> None:
        """Give the terminal back from any thread, waiting for nothing."""
        if not self._taken:
            return
        with contextlib.suppress(termios.error, OSError):
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            ours = os.open(os.ttyname(self.fileno), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            self._drop_output()
            os.write(ours, _GIVEN_BACK.encode())

    def _drop_output(self) -> None:
        """Drop what nobody has read. The kernel does not tell a write that waits for room."""
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self.fileno, termios.TCOFLUSH)
            if self._writer_thread is not None and self._writer_thread.ident is not None:
                signal.pthread_kill(self._writer_thread.ident, _WAKE)

    # Stopped and continued.

    def _sigcont_application(self, *_: Any) -> None:
        """What follows is done in the loop: a signal may come between any two steps.

        A shell that ends a stopped job sends SIGTERM with it, which is to be heard first.
        """
        if self._auto_restart:
            self._loop.call_soon_threadsafe(self._loop.call_later, _SETTLED_S, self._continued)

    def _continued(self) -> None:
        """We go on: take the terminal again, unless it is another's or we are leaving."""
        if self._app._exit:
            return
        if not self._is_ours():
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        with self._app._context():
            if self._taken:
                self._take_anew()
            else:
                self.resume_application_mode()

    def _is_ours(self) -> bool:
        """Whether we are in the foreground, or have no job control around us."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def _take_anew(self) -> None:
        """Set the terminal up again, which another may have used while we were stopped."""
        before = self.attrs_before
        self.disable_input()
        self.write("\x1b[<u")
        self.close()
        self.start_application_mode()
        self.attrs_before = before
