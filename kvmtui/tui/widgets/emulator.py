"""A terminal in memory, for what a guest writes to its serial console: the only user of bittty.

What the guest sends changes cells here and never reaches the real terminal: titles,
queries, sizes, printers, clipboards and links stay inside. Answers to its queries go back
to the guest alone, and are bounded.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable

import bittty.style
from bittty import XTERM, Board, KeyEvent, KeyModifiers
from bittty.constants import ERASE_ALL
from bittty.video import WideHead
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from kvmtui.tui.widgets.cell_view import Cells, Run

MOST_COLUMNS, MOST_ROWS = 300, 120
_MOST_REPLY = 4096
_MOST_STYLES = 2048
_MOST_PENDING = 1 << 15
"""Characters of a sequence that has no end yet; each piece that comes scans them again."""
_MOST_MARKS = 6
_CANCEL = b"\x18"
_CONTROL = re.compile(rb"[\x00-\x1a\x1c-\x1f\x7f]")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNHEARD = ("XTWINOPS", "OSC_CLIPBOARD", "C0_ENQ")
"""Reports of a title, a clipboard and an answerback would type what the guest's output says
into the guest's own shell; and the size is not the guest's to say."""
_TERMINAL = dataclasses.replace(XTERM, options=frozenset())
"""Without xterm's printer, to which one stray sequence would send all that follows."""
_MODIFIERS = {
    "shift": KeyModifiers.SHIFT,
    "alt": KeyModifiers.ALT,
    "ctrl": KeyModifiers.CTRL,
    "meta": KeyModifiers.META,
    "super": KeyModifiers.SUPER,
    "hyper": KeyModifiers.HYPER,
}
_CONTROLS = {
    **{"at": "@", "left_square_bracket": "[", "backslash": "\\", "right_square_bracket": "]"},
    **{"circumflex_accent": "^", "underscore": "_", "space": " "},
}


class _Line:
    """The line back to the guest, as bittty sees it: what is sent is kept until it is taken."""

    closed = False

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: str) -> int:
        return self.write_bytes(data.encode("utf-8", "replace"))

    def write_bytes(self, data: bytes) -> int:
        if len(self.sent) + len(data) <= _MOST_REPLY:
            self.sent += data
        return len(data)

    def flush(self) -> None: ...

    async def read_bytes_async(self, size: int) -> bytes:
        return b""

    def configure_line(self, line: object) -> None: ...

    def resize(self, rows: int, cols: int) -> None: ...

    def close(self) -> None: ...


class Emulator:
    """An xterm of a fixed size.

    Args:
        width: Columns, at most `MOST_COLUMNS`.
        height: Rows, at most `MOST_ROWS`.
    """

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self._width, self._height = _bounded(width, height)
        self._styles: dict[bittty.style.Style, Style] = {}
        self.broken = 0
        """How often what the guest wrote was too much for the emulator, and it began anew."""
        self._start()

    def _start(self) -> None:
        self._line = _Line()
        self._board = Board(width=self._width, height=self._height, model=_TERMINAL)
        self._board.host.attach(self._line)
        self._board.blitter.set_column_mode = self._begin_page
        for operation in _UNHEARD:
            self._board.registry.pop(operation, None)
        self._page = self._board.blitter.current_page
        self._seen = 0
        self._all = True

    def _begin_page(self, _columns: int) -> None:
        """A change to 80 or 132 columns clears the screen; the size is not the guest's to say."""
        blitter = self._board.blitter
        blitter.set_scroll_region(0, blitter.rows - 1)
        blitter.reset_left_right_margins()
        if not self._board.modes.no_clear_column_mode:
            blitter.clear_screen(ERASE_ALL)
        self._board.cursor.set_position(0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self._width, self._height

    def resize(self, width: int, height: int) -> None:
        """Have another size; where rows are lost, those above the cursor go first."""
        size = _bounded(width, height)
        if size != (self._width, self._height):
            x, y = self._board.cursor.x, self._board.cursor.y
            lost = y - size[1] + 1
            if lost > 0:
                self.feed(f"\x1b[?6l\x1b[r\x1b[{lost}S\x1b[{y - lost + 1};{x + 1}H".encode())
            self._width, self._height = size
            self._board.resize(*size)
            self._all = True

    # From the guest.

    def feed(self, data: bytes) -> None:
        """Take what the guest wrote, cut anywhere."""
        try:
            self._board.feed_host_data(data)
            if len(self._board.parser.buffer) > _MOST_PENDING:
                self._board.feed_host_data(_CANCEL)
                self.broken += 1
            if (self._board.width, self._board.height) != (self._width, self._height):
                self._board.resize(self._width, self._height)
        except Exception:  # noqa: BLE001 - hostile bytes met a fault of the library
            self.broken += 1
            self._start()

    def take_replies(self) -> bytes:
        """What the emulator answered to queries of the guest since the last call.

        An answer with control characters is none: the guest's output made it up.
        """
        sent = bytes(self._line.sent)
        self._line.sent.clear()
        return b"" if _CONTROL.search(sent) else sent

    # What is seen.

    def changed_rows(self) -> list[int]:
        """The rows that may differ from when this was last asked."""
        page = self._board.blitter.current_page
        if page is not self._page or self._all:
            self._page, self._all = page, False
            rows = list(range(self._height))
        else:
            rows = [y for y in page.dirty_rows(self._seen) if y < self._height]
        self._seen = page.observe()
        return rows

    def row(self, y: int) -> Cells:
        """The cells of a row as runs, together as wide as the screen."""
        page = self._board.blitter.current_page
        if not 0 <= y < page.height:
            return ()
        runs: list[Run] = []
        text: list[str] = []
        of: bittty.style.Style | None = None
        for style, cell in page.grid[y][: self._width]:
            if style is not of and style != of:
                if text and of is not None:
                    runs.append(Run("".join(text), self._style(of)))
                text, of = [], style
            if cell != "":
                text.append(cell if cell.isascii() and cell.isprintable() else _safe(cell))
        if text and of is not None:
            runs.append(Run("".join(text), self._style(of)))
        return tuple(runs)

    def text(self) -> list[str]:
        """The rows as plain text, blanks at their ends left out."""
        return ["".join(run.text for run in self.row(y)).rstrip() for y in range(self._height)]

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Column and row of the cursor; None where the guest hides it."""
        if not self._board.modes.cursor_visible:
            return None
        cursor = self._board.cursor
        return min(cursor.x, self._width - 1), min(cursor.y, self._height - 1)

    @property
    def cursor_row(self) -> int:
        """The row of the cursor, also of one that is hidden."""
        return min(int(self._board.cursor.y), self._height - 1)

    def _style(self, style: bittty.style.Style) -> Style:
        found = self._styles.get(style)
        if found is None:
            if len(self._styles) >= _MOST_STYLES:
                self._styles.clear()
            found = self._styles[style] = Style(
                color=_color(style.fg),
                bgcolor=_color(style.bg),
                bold=style.bold or None,
                dim=style.dim or None,
                italic=style.italic or None,
                underline=style.underline or None,
                reverse=style.reverse or None,
                conceal=style.conceal or None,
                strike=style.strike or None,
            )
        return found

    # To the guest.

    def key(self, key: str, character: str | None) -> bytes:
        """What a key sends, as the guest's program has asked for it.

        Args:
            key: As Textual names it: ``a``, ``ctrl+c``, ``shift+up``, ``f5``.
            character: What it types, where it types something.
        """
        if character is not None and "alt+" not in key and "meta+" not in key:
            # DEL is what Backspace sends, and CR what Enter does, unless it was told otherwise.
            modes = self._board.modes
            if character == "\r" and modes.linefeed_newline_mode:
                return b"\r\n"
            if character == "\x7f" and modes.backarrow_key_sends_bs:
                return b"\b"
            return character.encode("utf-8", "replace")
        *names, base = key.split("+") if key != "+" else ["+"]
        modifiers = KeyModifiers.NONE
        for name in names:
            modifiers |= _MODIFIERS.get(name, KeyModifiers.NONE)
        base = _CONTROLS.get(base, base)
        if len(base) == 1 and modifiers & KeyModifiers.CTRL:
            code = bytes([ord(base.upper()) & 0x1F]) if base.isascii() else b""
            return b"\x1b" + code if code and modifiers & KeyModifiers.ALT else code
        if character is not None:
            return b"\x1b" + character.encode("utf-8", "replace")
        if base.startswith("upper_"):
            base = base.removeprefix("upper_").upper()
        if len(base) == 1:
            alt = modifiers & (KeyModifiers.ALT | KeyModifiers.META)
            return (b"\x1b" if alt else b"") + base.encode("utf-8", "replace")
        return self._sent_by(lambda: self._board.input_key_event(KeyEvent(base, modifiers)))

    def paste(self, text: str) -> bytes:
        """What a paste sends: bracketed where the guest's program asked for that."""
        clean = text.replace("\x1b", " ")
        bracketed = self._board.modes.bracketed_paste
        typed = clean.replace("\r\n", "\r").replace("\n", "\r").encode("utf-8", "replace")
        return b"\x1b[200~" + typed + b"\x1b[201~" if bracketed else typed

    @property
    def wants_mouse(self) -> bool:
        """Whether the guest's program asked for the mouse."""
        return bool(self._board.mouse.capture() != "off")

    def wants_move(self, *, held: bool) -> bool:
        """Whether it asked for moves of the mouse: with a button held, or any."""
        captured = self._board.mouse.capture()
        return bool(captured == "any" or (held and captured == "button"))

    def mouse(self, x: int, y: int, button: int, event: str, modifiers: set[str]) -> bytes:
        """What the mouse sends, where it is asked for.

        Args:
            x: Column, from 0.
            y: Row, from 0.
            button: 0 left, 1 middle, 2 right, 64 and 65 the wheel.
            event: ``press``, ``release`` or ``move``.
            modifiers: Of ``shift``, ``meta`` and ``ctrl``.
        """
        if not self.wants_mouse:
            return b""
        return self._sent_by(
            lambda: self._board.input_mouse(x + 1, y + 1, button, event, modifiers)
        )

    def _sent_by(self, act: Callable[[], None]) -> bytes:
        """What bittty sends for an input; its answers to the guest stay where they are."""
        before = bytes(self._line.sent)
        self._line.sent.clear()
        try:
            act()
            return bytes(self._line.sent)
        except ValueError:
            return b""
        finally:
            self._line.sent[:] = before


def _bounded(width: int, height: int) -> tuple[int, int]:
    return max(2, min(width, MOST_COLUMNS)), max(2, min(height, MOST_ROWS))


def _safe(cell: str) -> str:
    """A cell of any Unicode, as one that a terminal draws and does not obey."""
    width = 2 if isinstance(cell, WideHead) else 1
    cell = cell[: 1 + _MOST_MARKS]
    kept = "".join(one for one in cell if unicodedata.category(one) not in _HIDDEN)
    return kept if cell_len(kept) == width else "\ufffd".ljust(width)


def _color(color: bittty.style.Color | None) -> Color | None:
    if color is None or color.mode == "default":
        return None
    if color.mode == "rgb" and isinstance(color.value, tuple):
        return Color.from_rgb(*color.value)
    return Color.from_ansi(color.value) if isinstance(color.value, int) else None
