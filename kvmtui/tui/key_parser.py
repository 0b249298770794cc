"""Keys as they were typed, for who looks at a guest: Esc is a key, not the beginning of one.

Textual waits a tenth of a second after Esc, and takes what comes meanwhile for one key with
Alt. Over a slow line ``Esc :wq`` arrives at once, and in an editor on a guest's console all
of it counts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from textual import constants, events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.message import Message

if TYPE_CHECKING:
    from kvmtui.tui.graphics import Graphics

_ESC = "\x1b"
_BEGINS = "[]PX^_"
_SS3 = frozenset("ABCDEFHIMPQRSXjklmnopqrstuvwxy")


class KeyParser(XTermParser):
    """As Textual's; while `literal` is set, Esc before what begins no sequence is a key."""

    literal = False
    """Whether Esc is a key of its own; for all parsers, of which one reads."""
    graphics: Graphics | None = None
    """Whose answers are taken out of what is typed; for all parsers too."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held = ""
        self._held_until = 0.0
        self._answers_held_until = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        """Take what was typed."""
        graphics = KeyParser.graphics
        if data and graphics is not None and graphics.listens:
            data = graphics.without_answers(data)
            self._answers_held_until = get_time() + constants.ESCAPE_DELAY
            if not data:
                return
        yield from self._feed(data)

    def _feed(self, data: str) -> Iterable[Message]:
        if not data or not (KeyParser.literal or self._held):
            yield from self._flush()
            yield from super().feed(data)
            return
        text, self._held = self._held + data, ""
        while text:
            text = yield from self._take(text)

    def _take(self, text: str) -> Generator[Message, None, str]:
        """Take the first key of a text; returns the rest."""
        if text[0] != _ESC or self._awaiting.timeout is not None:
            yield from super().feed(text[0])
            return text[1:]
        if len(text) == 1 or text == _ESC + "O":
            self._held = text
            self._held_until = get_time() + constants.ESCAPE_DELAY
            return ""
        if text[1] in _BEGINS or (text[1] == "O" and text[2] in _SS3):
            yield from super().feed(_ESC)
        else:
            yield events.Key("escape", _ESC)
        return text[1:]

    def tick(self) -> Iterable[Message]:
        """Esc alone is a key, once nothing follows."""
        graphics = KeyParser.graphics
        over = graphics is not None and get_time() >= self._answers_held_until
        if graphics is not None and over and (held := graphics.held()):
            yield from self._feed(held)
        if self._held and get_time() >= self._held_until:
            yield from self._flush()
        yield from super().tick()

    def _flush(self) -> Iterator[Message]:
        held, self._held = self._held, ""
        if held:
            yield events.Key("escape", _ESC)
            yield from super().feed(held[1:]) if held[1:] else ()
