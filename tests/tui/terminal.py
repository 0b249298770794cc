"""A terminal for tests: a command on a real pty, its output in an emulator.

    with Terminal(["kvmtui"], columns=140, rows=40) as terminal:
        terminal.wait_for("1 Guests")
        terminal.send("j")

Nothing here sleeps: what is awaited is a condition, with a deadline for the test's sake.
Output is read while something is awaited, and only then: a test that awaits nothing, or
has called `stop_reading`, is a terminal at the end of a link that stands.
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import pyte

DEADLINE_S = 30.0
_PRIVATE = re.compile(rb"\x1b\[[<=>][0-9;]*[A-Za-z]")
"""Keyboard protocol and the like, which pyte would show as text."""
_PICTURE = re.compile(rb"\x1b[_P][^\x1b]*\x1b\\")
"""Pictures, which pyte would show as text."""
_TORN = re.compile(rb"\x1b(\[[<=>]?[0-9;]*|[_P][^\x1b]*\x1b?)?$")
_ALTERNATE = 1049
_WHO_ASKED, _WHO_ANSWER = b"\x1b[c", b"\x1b[?62c"
"""What every terminal answers."""
_SYNC_ASKED, _SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class Cell(NamedTuple):
    """What is seen of a cell: a blank's foreground is not."""

    text: str
    foreground: str
    background: str
    attributes: frozenset[str]


class _Screen(pyte.Screen):
    """pyte's screen with what real terminals do beyond it.

    It has the alternate screen, and half a wide character left by an overwrite is blank.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._main: Any = None
        super().__init__(columns, rows)

    def draw(self, data: str) -> None:
        super().draw(data)
        line = self.buffer[self.cursor.y]
        for x in range(self.columns):
            wide = len(line[x].data) > 0 and pyte.screens.wcwidth(line[x].data[0]) == 2
            halved = wide and (x + 1 >= self.columns or line[x + 1].data != "")
            stub = line[x].data == "" and not (
                x and line[x - 1].data and pyte.screens.wcwidth(line[x - 1].data[0]) == 2
            )
            if halved or stub:
                line[x] = line[x]._replace(data=" ")

    def set_mode(self, *modes: int, **options: Any) -> None:
        super().set_mode(*modes, **options)
        if options.get("private") and _ALTERNATE in modes and self._main is None:
            self._main = copy.deepcopy(self.buffer), copy.copy(self.cursor)
            self.erase_in_display(2)

    def reset_mode(self, *modes: int, **options: Any) -> None:
        super().reset_mode(*modes, **options)
        if options.get("private") and _ALTERNATE in modes and self._main is not None:
            (self.buffer, self.cursor), self._main = self._main, None

    @property
    def alternate(self) -> bool:
        return self._main is not None

    def report_device_status(self, *_: Any, **__: Any) -> None:
        """Not answered: answers belong to the `Terminal`."""


class Terminal:
    """A command on a pty of some size, and what a person would see of it.

    Args:
        environment: Put over this process's own; a value of None takes one away.
        synchronized: Whether it answers that it knows synchronized output.
        answers: What it answers to what it is sent, besides.
        cell: Width and height of a cell in pixels, where the kernel is told of them.

    Attributes:
        received: All bytes that came, in order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        synchronized: bool = False,
        answers: Mapping[bytes, bytes] | None = None,
        cell: tuple[int, int] = (0, 0),
    ) -> None:
        self.cell_pixels = cell
        self.screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.received = bytearray()
        self._torn = b""
        self._answers = {**(answers or {})}
        self._answers.setdefault(_WHO_ASKED, _WHO_ANSWER)
        if synchronized:
            self._answers[_SYNC_ASKED] = _SYNC_ANSWER
        self._reading = True
        self._open = True
        self._fd, child = os.openpty()
        self._set_size(columns, rows)
        self.process = subprocess.Popen(
            list(command),
            stdin=child,
            stdout=child,
            stderr=child,
            cwd=cwd,
            env=_environment(environment or {}),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(child)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the command, whatever its state, and the terminal."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def hang_up(self) -> None:
        """Take the terminal away, as a lost link does."""
        os.close(self._fd)
        self._fd = -1
        self._open = False

    def send(self, keys: str | bytes) -> None:
        """Type keys, as the bytes a terminal sends for them."""
        os.write(self._fd, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Take another size; the kernel tells the command."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        wide, high = self.cell_pixels
        size = struct.pack("HHHH", rows, columns, columns * wide, rows * high)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    def feed(self, data: bytes) -> None:
        """Show bytes that did not come from the command: another program's scribble."""
        self._stream.feed(data)

    @property
    def fd(self) -> int:
        """Our end of the terminal; its settings are those of the other end."""
        return self._fd

    def make_cooked(self) -> None:
        """Give the terminal the settings that a shell wants."""
        settings = termios.tcgetattr(self._fd)
        settings[3] |= termios.ICANON | termios.ECHO | termios.ISIG
        termios.tcsetattr(self._fd, termios.TCSANOW, settings)

    def stop_reading(self) -> None:
        """Be a link that stands, until `continue_reading`."""
        self._reading = False

    def continue_reading(self) -> None:
        self._reading = True

    def pump(self, wait_s: float = 0.02) -> bool:
        """Take in what has come; wait a little for more. False: nothing came."""
        if not (self._open and self._reading):
            select.select([], [], [], wait_s)
            return False
        if not select.select([self._fd], [], [], wait_s)[0]:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            data = b""
        if not data:
            self._open = False
            return False
        self.received += data
        for asked, answer in self._answers.items():
            if asked in data:
                self.send(answer)
        self._emulate(data)
        return True

    def _emulate(self, data: bytes) -> None:
        data = self._torn + data
        torn = _TORN.search(data)
        self._torn = torn.group() if torn else b""
        whole = _PICTURE.sub(b"", data[: len(data) - len(self._torn)])
        self._stream.feed(_PRIVATE.sub(b"", whole))

    def wait_until(
        self, condition: Callable[[], object], *, deadline_s: float = DEADLINE_S, what: str = ""
    ) -> None:
        """Take in output until a condition holds.

        Raises:
            AssertionError: It did not by the deadline; shows the screen.
        """
        end = time.monotonic() + deadline_s
        while not condition():
            self.pump()
            if time.monotonic() > end and not condition():
                raise AssertionError(f"not seen: {what or condition}\n{self.text}")

    def wait_for(self, text: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Take in output until a text is on the screen."""
        self.wait_until(lambda: text in self.text, deadline_s=deadline_s, what=repr(text))

    def wait_gone(self, text: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Take in output until a text is no longer on the screen."""
        found = f"{text!r} to go"
        self.wait_until(lambda: text not in self.text, deadline_s=deadline_s, what=found)

    def wait_end(self, *, deadline_s: float = DEADLINE_S) -> int:
        """Take in output until the command ends; its exit status."""
        done = self.process.poll
        self.wait_until(lambda: done() is not None, deadline_s=deadline_s, what="its end")
        with contextlib.suppress(OSError):
            while self.pump(0.2):
                pass
        return self.process.returncode

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown, as a full-screen program does."""
        return self.screen.alternate

    @property
    def lines(self) -> list[str]:
        """The rows of the screen without trailing blanks."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The screen as text."""
        return "\n".join(self.lines)

    def cell(self, x: int, y: int) -> Cell:
        """What is seen of one cell."""
        found = self.screen.buffer[y][x]
        names = ("bold", "italics", "underscore", "strikethrough", "reverse", "blink")
        attributes = {name for name in names if getattr(found, name)}
        foreground = found.fg
        if found.data in ("", " ") and not attributes & {"underscore", "strikethrough", "reverse"}:
            attributes, foreground = set(), "default"
        return Cell(found.data, foreground, found.bg, frozenset(attributes))

    def cells(self) -> list[list[Cell]]:
        """What is seen of every cell."""
        size = self.screen.lines, self.screen.columns
        return [[self.cell(x, y) for x in range(size[1])] for y in range(size[0])]


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """A modern terminal's surroundings, whatever the tests themselves run in."""
    surroundings: dict[str, str | None] = {
        **os.environ,
        **{"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"},
        **{"NO_COLOR": None, "SSH_CONNECTION": None, "LINES": None, "COLUMNS": None},
        **{"ESCDELAY": "25", "TEXTUAL_ANIMATIONS": "none"},
        **changes,
    }
    return {name: value for name, value in surroundings.items() if value is not None}
