"""`console`: the guest's serial console in this terminal, restored whatever happens."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType

from kvmtui.cli.context import Context
from kvmtui.cli.terminal_filter import TerminalFilter
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.manage import story
from kvmtui.manage.serial_line import STEP_S, SerialLine
from kvmtui.text import visible_lines, without_escapes

LEAVE = 0x1D
"""Ctrl-]"""
_MOST_UNSENT_BYTES = 1 << 16
_TAIL_LINES = 20
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class _Signalled(BaseException):
    """A signal came: the terminal is put back first, wherever we stand."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def configure_console(parser: argparse.ArgumentParser) -> None:
    """Arguments of `console`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--take-over", action="store_true", help="type in place of who has the console now"
    )
    parser.add_argument(
        "--unfiltered",
        action="store_true",
        help="let titles, clipboard and other sequences of the guest reach this terminal too",
    )


def run_console(arguments: argparse.Namespace, context: Context) -> int:
    """Pass the serial console through; Ctrl-] leaves.

    Raises:
        UsageError: There is no terminal.
        KvmtuiError: The guest crashed meanwhile.
    """
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError(
            "console takes a terminal", hint=f"kvmtui logs {arguments.name} -f, or kvmtui expect"
        )
    import asyncio

    from kvmtui.manage import serial_console

    name = arguments.name
    line, state = asyncio.run(
        serial_console.open_line(context.library, name, wanted=arguments.take_over)
    )
    try:
        columns, rows = os.get_terminal_size(0)
        context.note(f"{name}'s serial console; Ctrl-] leaves")
        if (columns, rows) not in ((80, 24), (0, 0)):
            # A serial line tells no size: guests take it for 80×24.
            context.note(f"in the guest, for this terminal: stty rows {rows} cols {columns}")
        context.note(state.note)
        viewer = _Viewer(context, name, line, TerminalFilter(unfiltered=arguments.unfiltered))
        viewer.show_tail()
        with _raw_terminal(viewer.filter, line):
            viewer.run()
    except _Signalled as ended:
        _end_by(ended.number)
    finally:
        line.close()
    if not line.ended:
        context.note(f"left the console, {name} goes on")
        return 0
    told = story.why(context.library, name)
    if told.state == "crashed":
        raise KvmtuiError(f"{name} {told.summary}", hint=f"kvmtui why {name}")
    context.note(f"{name} {told.summary}")
    return 0


def _end_by(number: int) -> None:
    """End as the signal says, so that who waits for us sees it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


class _Viewer:
    """The loop between the terminal and the console."""

    def __init__(
        self, context: Context, name: str, line: SerialLine, terminal_filter: TerminalFilter
    ) -> None:
        self._context = context
        self._name = name
        self._line = line
        self.filter = terminal_filter
        self._unsent = b""
        self._told: str | None = ""
        self._hinted = False

    def show_tail(self) -> None:
        """The last lines before we came, as plain text; an unfinished one stays unfinished."""
        data = self._line.tail()
        sys.stderr.flush()
        lines = visible_lines(without_escapes(data), last=_TAIL_LINES)
        end = "\n" if data.endswith(b"\n") or not lines else ""
        sys.stdout.write("\n".join(lines) + end)
        sys.stdout.flush()

    def run(self) -> None:
        """Pass bytes until Ctrl-], the terminal's end or the guest's."""
        line = self._line
        while True:
            line.step()
            self._tell_who_types()
            if line.fileno() < 0:
                ready, writable = _await([0], [], STEP_S / 2)
            else:
                console = line.fileno()
                ready, writable = _await([0, console], [console] if self._unsent else [], STEP_S)
            if writable:
                self._send(b"")
            # The log may have what the socket does not.
            self._show(line.read())
            if line.ended:
                self._show(line.read_rest())
                return
            if 0 in ready and not self._typed():
                return

    def _show(self, data: bytes) -> None:
        shown = self.filter.feed(data) if data else b""
        while shown:
            shown = shown[os.write(1, shown) :]

    def _typed(self) -> bool:
        """Take what was typed; False where it means to leave."""
        data = os.read(0, 1 << 14)
        if not data:
            return False
        typed, leave, _ = data.partition(bytes([LEAVE]))
        if typed and self._line.typing:
            self._send(typed)
        elif typed and not self._hinted:
            self._hinted = True
            self._say(f"read-only: {self._line.holder} types; Ctrl-] leaves")
        return not leave

    def _send(self, data: bytes) -> None:
        if data and len(self._unsent) + len(data) > _MOST_UNSENT_BYTES:
            os.write(2, b"\a")
            data = b""
        data = self._unsent + data
        self._unsent = data[self._line.write(data) :]

    def _tell_who_types(self) -> None:
        holder = "" if self._line.typing else self._line.holder
        if holder.startswith(f"pid {os.getpid()} "):
            return  # Who has it now has not yet said so.
        typing_changed = bool(holder) != bool(self._told)
        if typing_changed and self._line.typing:
            self._say("you type now")
        elif typing_changed:
            self._unsent = b""
            self._say(f"{holder} types; here it is read-only, Ctrl-] leaves")
        self._hinted = self._hinted and not typing_changed
        self._told = holder

    def _say(self, text: str) -> None:
        if not self._context.quiet:
            os.write(2, f"\r\nkvmtui: {text}\r\n".encode())


def _await(readers: list[int], writers: list[int], limit_s: float) -> tuple[list[int], list[int]]:
    """What can be read and written; nothing where a stop closed the console meanwhile."""
    try:
        readable, writable, _ = select.select(readers, writers, [], limit_s)
    except OSError:
        return [], []
    return readable, writable


@contextlib.contextmanager
def _raw_terminal(terminal_filter: TerminalFilter, line: SerialLine) -> Iterator[None]:
    """The terminal in raw mode, and as it was behind it, also after a signal.

    SIGKILL alone cannot be met; ``stty sane`` or ``reset`` helps then.
    """
    before = termios.tcgetattr(0)
    restored = False

    def restore() -> None:
        nonlocal restored
        if not restored:
            restored = True
            with contextlib.suppress(OSError, termios.error):
                os.write(1, terminal_filter.undo() + b"\r\n")
            with contextlib.suppress(OSError, termios.error):
                # Answers that the terminal still sends to the guest are no words for a shell.
                termios.tcsetattr(0, termios.TCSAFLUSH, before)

    def end(number: int, _: FrameType | None) -> None:
        if not restored:
            raise _Signalled(number)

    def rest(_: int, __: FrameType | None) -> None:
        """Stopped from outside: others may have terminal and console meanwhile."""
        nonlocal restored
        restore()
        line.let_go()
        # SIGTSTP itself is thrown away where no shell could wake us.
        os.kill(os.getpid(), signal.SIGSTOP)
        tty.setraw(0, termios.TCSADRAIN)
        restored = False

    kept = {number: signal.signal(number, end) for number in _ENDING}
    kept[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, rest)
    try:
        tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        restore()
        for number, handler in kept.items():
            signal.signal(number, handler)
