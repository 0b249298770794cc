"""Whether the terminal draws pictures: asked once, when the first one is to be shown.

The question goes out behind a frame and nothing waits for its answer but that picture. What
the terminal answers is taken out of what is typed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import re
import struct
import termios
from collections.abc import Mapping
from typing import Literal

Kind = Literal["kitty", "sixel", "blocks"]

QUESTION = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[?2;4;0S\x1b[c"
"""Kitty's graphics, the pixels of a cell and of the largest sixels, and last what every
terminal answers."""
ANSWER_LIMIT_S = 1.0
"""How long the first picture waits for the answer; then it is one of half blocks."""
_ANSWER = re.compile(
    r"\x1b_G(?P<kitty>[^\x1b]{0,200})\x1b\\|\x1b\[6;(?P<high>\d{1,5});(?P<wide>\d{1,5})t"
    r"|\x1b\[\?2;(?P<status>\d);?(?P<most_wide>\d{0,5});?(?P<most_high>\d{0,5})S"
    r"|\x1b\[\?(?P<attributes>[\d;]{1,100})c"
)
_TORN = re.compile(r"\x1b(_[^\x1b]{0,200}\x1b?|\[(\?[\d;]{0,100}|6[\d;]{0,12})?)?\Z")
_SIXEL = "4"
_LARGEST_CELL = 256
_USUAL_MOST = (1000, 1000)
"""What xterm draws of sixels, where a terminal says nothing of it."""
_UNASKED = ("linux", "dumb", "vt100", "vt220")
"""Terminals of this name draw none, and the first shows the question."""


class Graphics:
    """What the terminal can, once it has said so.

    Attributes:
        most: Width and height in pixels of the largest picture of sixels.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._may_ask = environment.get("TERM", "") not in _UNASKED
        self._kitty = self._sixel = False
        self._asked = self._answered = False
        self._settled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held = ""
        self._told: tuple[int, int] | None = None
        self._measured: tuple[int, int] | None = None
        self.most = _USUAL_MOST

    @property
    def cell(self) -> tuple[int, int] | None:
        """Width and height of a cell in pixels; None where that is not known."""
        return self._measured or self._told

    def measure(self, terminal: int) -> None:
        """Learn the size of a cell from the kernel: it follows the font, and xterm tells no other.

        Args:
            terminal: A descriptor of it.
        """
        self._measured = None
        with contextlib.suppress(OSError):
            size = struct.unpack("4H", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
            rows, columns, wide, high = size
            if rows and columns:
                self._measured = _plausible(wide // columns, high // rows)

    @property
    def listens(self) -> bool:
        """Whether an answer may be among what is typed."""
        return self._asked and not self._answered

    @property
    def question(self) -> str:
        """What is to be sent; empty where it was, or would not be understood."""
        if self._asked or not self._may_ask:
            return ""
        self._asked = True
        self._loop = asyncio.get_running_loop()
        return QUESTION

    @property
    def kind(self) -> Kind:
        """The best that it can; half blocks until it has said so."""
        if self._kitty:
            return "kitty"
        return "sixel" if self._sixel and self.cell is not None else "blocks"

    async def settled(self) -> None:
        """Wait until it has answered; once, and within the limit."""
        if self._asked and not self._settled.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    await self._settled.wait()
            self._settled.set()

    # In the thread that reads what is typed.

    def without_answers(self, typed: str) -> str:
        """What is left of what came, once answers are taken out; one in two pieces is held."""
        text, self._held = self._held + typed, ""
        kept, place = [], 0
        for found in _ANSWER.finditer(text):
            kept.append(text[place : found.start()])
            place = found.end()
            self._take(found)
        rest = text[place:]
        if not self._answered and (torn := _TORN.search(rest)):
            self._held = rest[torn.start() :]
            rest = rest[: torn.start()]
        return "".join([*kept, rest])

    def held(self) -> str:
        """What looked like the begin of an answer and was none: nothing came behind it."""
        held, self._held = self._held, ""
        return held

    def _take(self, found: re.Match[str]) -> None:
        if found["kitty"] is not None:
            self._kitty = found["kitty"].rpartition(";")[2] == "OK"
        elif found["high"] is not None:
            self._told = _plausible(int(found["wide"]), int(found["high"]))
        elif found["status"] is not None:
            if found["status"] == "0" and found["most_wide"] and found["most_high"]:
                self.most = max(int(found["most_wide"]), 1), max(int(found["most_high"]), 1)
        else:
            self._sixel = _SIXEL in found["attributes"].split(";")[1:]
            # The last of the answers.
            self._answered = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._settled.set)


def _plausible(wide: int, high: int) -> tuple[int, int] | None:
    """The size of a cell; None where it is none."""
    return (wide, high) if all(0 < side <= _LARGEST_CELL for side in (wide, high)) else None
