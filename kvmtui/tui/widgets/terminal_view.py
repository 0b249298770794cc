"""A terminal as a widget: bytes go in, keys come out. It knows nothing of guests."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from kvmtui.tui.widgets.cell_view import CellView

if TYPE_CHECKING:
    from kvmtui.tui.widgets.emulator import Emulator

FRAME_S = 0.05
"""Between two pictures, at the least."""
_SLICE = 512
_WORK_S, _REST_S = 0.004, 0.003
_BUTTONS, _NO_BUTTON = 3, 3
"""How many there are, and what a move without any is told as."""
_WHEEL = {"up": 64, "down": 65}


class TerminalView(CellView):
    """Shows what an `Emulator` makes of the bytes; works in small slices, so keys stay quick.

    Args:
        emulator: Fresh, of the size that the other side thinks it has.
    """

    can_focus = True

    class Typed(Message):
        """A key, a paste, the mouse or an answer of the terminal: for the other side."""

        def __init__(self, data: bytes, *, answer: bool = False) -> None:
            super().__init__()
            self.data = data
            self.answer = answer
            """Whether nobody typed it: the terminal answers a query."""

    class Hungry(Message):
        """All that came is shown: more may be read."""

    def __init__(self, emulator: Emulator, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.emulator = emulator
        """The terminal itself."""
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._size_waiting = 0
        self._working = False
        self._painting = False
        self._held = False
        self._pointed_at = (-1, -1)

    @property
    def waiting(self) -> int:
        """How many bytes came and are not shown yet; who reads waits while there are many."""
        return self._size_waiting

    def begin_anew(self, emulator: Emulator) -> None:
        """Show another terminal; what is not shown of the last one is dropped."""
        self.emulator = emulator
        self._waiting.clear()
        self._size_waiting = 0
        self.set_rows([], None)

    def feed(self, data: bytes, *, old: bool = False) -> None:
        """Take what the other side wrote.

        Args:
            old: It was written long ago: its queries are not answered.
        """
        if not data:
            return
        self._waiting.append((data, old))
        self._size_waiting += len(data)
        if not self._working:
            self._working = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        """Take some of it in, for a few milliseconds; then the keys are looked at."""
        end = perf_counter() + _WORK_S
        while self._waiting and perf_counter() < end:
            data, old = self._waiting.popleft()
            self.emulator.feed(data[:_SLICE])
            self._size_waiting -= min(len(data), _SLICE)
            if len(data) > _SLICE:
                self._waiting.appendleft((data[_SLICE:], old))
            if old:
                self.emulator.take_replies()
        answer = self.emulator.take_replies()
        if not self.is_attached:
            return
        if answer:
            self.post_message(self.Typed(answer, answer=True))
        self._paint_soon()
        if self._waiting:
            asyncio.get_running_loop().call_later(_REST_S, self._work)
        else:
            self._working = False
            self.post_message(self.Hungry())

    def _paint_soon(self) -> None:
        if not self._painting and self.is_mounted:
            self._painting = True
            self.set_timer(FRAME_S, self._paint)

    def _paint(self) -> None:
        self._painting = False
        self.show_all()

    def show_all(self) -> None:
        """Show the emulator's screen as it is now."""
        emulator = self.emulator
        rows = [(y, emulator.row(y)) for y in emulator.changed_rows()]
        self.set_some(rows, emulator.cursor)

    def resize_terminal(self, width: int, height: int) -> None:
        """Give the emulator another size."""
        self.emulator.resize(width, height)
        self.emulator.changed_rows()
        self.set_rows([self.emulator.row(y) for y in range(height)], self.emulator.cursor)

    # What a person does.

    def press(self, event: events.Key) -> None:
        """Send what a key means to the program on the other side."""
        self._send(self.emulator.key(event.key, event.character))

    def paste(self, text: str) -> None:
        """Send a text as a paste."""
        self._send(self.emulator.paste(text))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.paste(event.text)

    def _send(self, data: bytes) -> None:
        if data:
            self.post_message(self.Typed(data))

    def _mouse(self, event: events.MouseEvent, kind: str, button: int) -> None:
        modifiers = {
            name
            for name, held in (("shift", event.shift), ("meta", event.meta), ("ctrl", event.ctrl))
            if held
        }
        width, height = self.emulator.size
        x, y = int(event.x), int(event.y) + self.top
        if self._held:
            # Drawn beyond its edge, a guest's program is told of the edge.
            x, y = max(0, min(x, width - 1)), max(0, min(y, height - 1))
        if 0 <= x < width and 0 <= y < height:
            event.stop()
            if kind == "move" and (x, y) == self._pointed_at:
                return
            self._pointed_at = x, y
            self._send(self.emulator.mouse(x, y, button, kind, modifiers))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._mouse(event, "press", max(event.button - 1, 0))
        if self.emulator.wants_mouse and not self._held:
            self._held = True
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._mouse(event, "release", max(event.button - 1, 0))
        if self._held:
            self._held = False
            self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        held = 1 <= event.button <= _BUTTONS
        if self.emulator.wants_move(held=held):
            self._mouse(event, "move", event.button - 1 if held else _NO_BUTTON)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._mouse(event, "press", _WHEEL["up"])

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._mouse(event, "press", _WHEEL["down"])
