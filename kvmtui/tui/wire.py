"""The one place where output leaves: only the cells that changed are sent.

Textual sends each changed region from its widget's left edge and keeps no copy of the
screen. Here every frame is compared with what the terminal shows. This stands on private
parts of Textual 8.2 (`App._display`, the two updates, the driver's writer thread), so
that version is pinned, and a test compares the result with stock output cell by cell.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from threading import Thread
from typing import Any, ClassVar, NamedTuple

from rich.color import ColorSystem
from rich.console import RenderableType
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from kvmtui.tui.cells import Frame, Part, Shadow, moved_to
from kvmtui.tui.direct import parts_of
from kvmtui.tui.driver import TerminalDriver
from kvmtui.tui.filters import line_filters, no_color
from kvmtui.tui.graphics import Graphics
from kvmtui.tui.key_parser import KeyParser
from kvmtui.tui.sgr import Looks, Triplet

_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_ORDERLY = "\x1b[m\x1b(B\x0f\x1b[r\x1b[?6l\x1b[?7l\x1b[?25l"
"""What the picture stands on, should another program have changed it: no style, ASCII, no
scroll region or origin of its own, no line wrap, no cursor."""
_MOST_QUEUED = 2
_RETRY_S = 0.2
_SETTLED_S = 0.05


def _parts(update: ChopsUpdate | LayoutUpdate) -> Iterator[Part]:
    """The parts of lines that an update may change, as arguments of `Frame.draw`."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip._segments, x, x + strip.cell_length
                x += strip.cell_length
        return
    for y, start, stop in update.spans:
        for end, (x, part) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if part is not None and x < stop and end > start:
                yield y, x, part._segments, start, min(stop, end)


def _size(update: ChopsUpdate | LayoutUpdate) -> tuple[int, int]:
    if isinstance(update, LayoutUpdate):
        return update.region.width, update.region.height
    return max(ends[-1] for ends in update.chop_ends), len(update.chops)


class Placed(NamedTuple):
    """A picture on the screen."""

    at: tuple[int, int]
    """The cell of its top left corner."""
    size: tuple[int, int]
    """Its columns and rows."""
    text: str
    """What draws it."""
    gone: str = ""
    """What takes it away."""
    covers: bool = False
    """Whether it takes the place of what is written in the cells, as sixels do."""

    def covers_all(self, other: Placed) -> bool:
        """Whether nothing of another one at the same place is left beside it."""
        return (
            self.at == other.at and self.size[0] >= other.size[0] and self.size[1] >= other.size[1]
        )


class WireApp(App[Any]):
    """An app whose output is as small as what changed, and whose loop never waits for it.

    Attributes:
        bytes_sent: The bytes of all frames so far.
        frames_skipped: Frames that were not drawn since the link stood; what they held
            is in the next frame that is drawn.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "repaint", "Repaint", id="app.repaint", show=False)
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(driver_class=TerminalDriver, **options)
        self.bytes_sent = 0
        self.frames_skipped = 0
        self._no_color = no_color(os.environ)
        self._shadow = Shadow()
        self._exact: dict[Triplet, int] = {}
        self._looks: Looks | None = None
        self._writer: Thread | None = None
        self._retry: Timer | None = None
        self._disorderly = False
        self.graphics = Graphics(os.environ)
        """What the terminal draws besides text."""
        self._placed: Placed | None = None

    @property
    def exact_256(self) -> dict[Triplet, int]:
        """Which of 256 colours stands for an RGB value; others take the nearest."""
        return self._exact

    @exact_256.setter
    def exact_256(self, indices: Mapping[Triplet, int]) -> None:
        self._exact = dict(indices)
        self._looks = None

    def action_repaint(self) -> None:
        """Send the whole screen again: another program wrote over it."""
        self._shadow.forget()
        self._disorderly = True
        self._draw_all()

    def on_resize(self, event: events.Resize) -> None:
        """Whatever the terminal keeps of the old picture is its own affair.

        Coming back from a suspension is told as a resize to the same size. A terminal that
        reports sizes in its own input (pixels are known then) does so unasked, once.
        """
        if event.pixel_size is None and isinstance(self._driver, LinuxDriver):
            # In a burst of signals their handlers nest, and the oldest size comes last.
            event.size = Size(*self._driver._get_terminal_size())
            event.virtual_size = event.container_size = event.size
        if event.pixel_size is None or event.size != self.size:
            self._shadow.forget()
            self._repaint_in(_SETTLED_S)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """With ``NO_COLOR`` a theme of the terminal's own colours has none; one with
        colours is shown in them, since a person must have asked for it by name."""
        colorless = self._no_color and self.native_ansi_color
        return line_filters(super().get_line_filters(), colorless=colorless)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        on_terminal = isinstance(self._driver, LinuxDriver)
        if not on_terminal or not isinstance(renderable, ChopsUpdate | LayoutUpdate):
            super()._display(screen, renderable)
            return
        try:
            if self._batch_count or self._closed or not self._running:
                return
            if self._link_stands():
                self.frames_skipped += 1
                self._repaint_in(_RETRY_S)
            elif isinstance(renderable, ChopsUpdate) and not self._shadow.known:
                self._repaint_in(_SETTLED_S)
            else:
                anew = not self._shadow.known
                self._send(self._frame(renderable))
                if anew and self._placed is not None:
                    self._write(f"{moved_to(*self._placed.at)}{self._placed.text}")
        finally:
            self.post_display_hook()

    def draw_lines(self, widget: Widget, lines: Sequence[int]) -> bool:
        """Draw some lines of a widget now; False where they must be drawn with all else.

        Args:
            widget: As for `parts_of`.
            lines: As for `parts_of`.
        """
        if not isinstance(self._driver, LinuxDriver) or self._batch_count or not self._running:
            return False
        if self._closed or not self._shadow.known or self._link_stands():
            return False
        parts = parts_of(self.screen, widget, lines)
        if parts is None:
            return False
        self._send(self._frame_of(parts))
        return True

    def _link_stands(self) -> bool:
        """Whether a write could wait: the reader is slow, or the app is suspended."""
        writer = getattr(self._driver, "_writer_thread", None)
        if writer is not self._writer:
            self._shadow.forget()
            self._writer = writer
        return writer is None or not writer.is_alive() or writer._queue.qsize() > _MOST_QUEUED

    def copy(self, text: str) -> bool:
        """Send a text to the terminal's clipboard (OSC 52); False where the link stands.

        The text goes as base64, so nothing in it can be a sequence of its own. Whether the
        terminal takes it, it does not say.
        """
        on_terminal = isinstance(self._driver, LinuxDriver)
        if on_terminal and self._link_stands():
            return False
        self.copy_to_clipboard(text)
        return True

    # Pictures, which lie over cells that are blank.

    def ask_graphics(self) -> None:
        """Ask the terminal once what it draws; the size of its cells may be another now."""
        if not isinstance(self._driver, LinuxDriver):
            return
        self.graphics.measure(self._driver.fileno)
        if question := self.graphics.question:
            KeyParser.graphics = self.graphics
            self._write(question)
            # Who does not understand it may show it.
            x, y = self._previous_cursor_position or (0, 0)
            self._shadow.forget_part(x, y, len(question), 1)
            self._repaint_in(_SETTLED_S)

    def place_picture(self, placed: Placed) -> bool:
        """Draw a picture in place of the last one; False where the link stands."""
        if not isinstance(self._driver, LinuxDriver) or self._link_stands():
            return False
        before, self._placed = self._placed, placed
        self._write(f"{moved_to(*placed.at)}{placed.text}{before.gone if before else ''}")
        if before is not None and before.covers and not placed.covers_all(before):
            self._uncover(before)
        return True

    def take_picture_away(self) -> None:
        """Have no picture any more; the cells below it are drawn again."""
        placed, self._placed = self._placed, None
        if placed is not None:
            self._write(placed.gone)
            if placed.covers:
                self._uncover(placed)

    def _uncover(self, placed: Placed) -> None:
        self._shadow.forget_part(*placed.at, *placed.size)
        self._repaint_in(_SETTLED_S)

    def _write(self, text: str) -> None:
        """Send what is no frame; the cursor goes back to where frames leave it."""
        if self._driver is None or not text:
            return
        text += moved_to(*(self._previous_cursor_position or (0, 0)))
        self.bytes_sent += len(text.encode())
        self._driver.write(text)
        self._driver.flush()

    def link_stands_at_end(self) -> bool:
        """Whether nobody has read the last output, once the app has ended."""
        return isinstance(self._driver, TerminalDriver) and self._driver.stands

    def give_terminal_back(self) -> None:
        """Give the terminal back from any thread, waiting for nothing."""
        if isinstance(self._driver, TerminalDriver):
            self._driver.give_back()

    def _repaint_in(self, delay_s: float) -> None:
        if self._retry is None and self._running:
            self._retry = self.set_timer(delay_s, self._repaint_missed)

    def _repaint_missed(self) -> None:
        """Compare the whole screen; what the terminal has is not sent again."""
        self._retry = None
        if self._batch_count or self._link_stands():
            self._repaint_in(_RETRY_S)
        else:
            self._draw_all()

    def _draw_all(self) -> None:
        if self._screen_stack and (screen := self.screen)._compositor.size:
            below = self._background_screens
            update = screen._compositor.render_update(full=True, screen_stack=below)
            self._display(screen, update)

    def _frame(self, update: ChopsUpdate | LayoutUpdate) -> str:
        """What makes the terminal show an update; empty when it shows it already."""
        erased = self._shadow.fit(*_size(update)) and self.native_ansi_color
        return self._frame_of(list(_parts(update)), erased=erased)

    def _frame_of(self, parts: Sequence[Part], *, erased: bool = False) -> str:
        if self._looks is None:
            system = self.console._color_system or ColorSystem.TRUECOLOR
            self._looks = Looks(system, self._exact)
        frame = Frame(self._shadow, self._looks)
        if erased:
            frame.erase()
        if self._placed is None:
            frame.scroll(parts)
        for part in parts:
            frame.draw(*part)
        text = frame.text()
        if self._disorderly:
            self._disorderly = False
            text = _ORDERLY + text
        return text

    def _send(self, text: str) -> None:
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        if text or cursor != self._previous_cursor_position:
            text += moved_to(*cursor)
        if not text or self._driver is None:
            return
        self._previous_cursor_position = cursor
        if self._sync_available:
            text = f"{_SYNC_START}{text}{_SYNC_END}"
        self.bytes_sent += len(text.encode())
        self._driver.write(text)
        self._driver.flush()
