"""What a guest that is being installed shows on its display, below the list of Activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Container

from kvmtui.tui.render import vga
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.base import Surroundings
from kvmtui.tui.widgets.cell_view import CellView
from kvmtui.tui.widgets.text_view import LineView, rule

if TYPE_CHECKING:
    from kvmtui.manage.screens import Screen, TextScreen

_MOST_ROWS, _LEAST_ROWS = 26, 6
"""With the line that parts it from the list."""
_LIST_ROWS = 9
_SCREEN_COLUMNS = 80


class InstallScreen(Container):
    """The text screen of one guest, or one line that says why there is none."""

    DEFAULT_CSS = """
    InstallScreen { height: auto; display: none; layout: vertical; }
    InstallScreen #install-head { height: 1; }
    InstallScreen #install-words { height: 1fr; }
    InstallScreen #install-face { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head = LineView(id="install-head")
        self._words = LineView(id="install-words")
        self._face = CellView(id="install-face")
        self._guest = ""
        self._facts = ""
        self._rows = 0
        self._text: TextScreen | None = None

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._words
        yield self._face

    def on_mount(self) -> None:
        """Nothing is known yet."""
        self._face.display = False

    @property
    def has_room(self) -> bool:
        """Whether it can be seen where there is something to see."""
        return self._rows >= _LEAST_ROWS

    def fit(self, width: int, height: int) -> None:
        """Take what the list can spare of these columns and rows."""
        self._rows = max(min(height - _LIST_ROWS, _MOST_ROWS), 0)
        self.styles.height = self._rows
        self._face.styles.margin = (0, 0, 0, 1 if width > _SCREEN_COLUMNS else 0)
        self._draw_text()
        self._settle(width)

    def follow(self, guest: str) -> None:
        """Show the screen of another guest from now on; none where it has no name."""
        self._guest, self._facts = guest, ""
        self.say(())
        self._settle(self.size.width)

    def say(self, words: Line) -> None:
        """Say why there is no text screen."""
        self._text = None
        self._words.set_lines([(Span(" "), *words)])
        self._show_face(False)
        self._tell("")

    def take(self, screen: Screen, key: str) -> None:
        """Show what the display shows; only rows that differ are drawn.

        Args:
            key: What shows a picture.
        """
        text = screen.text
        if text is None:
            graphics = Span(f"graphics {screen.width}×{screen.height}: ", "muted")
            self.say((graphics, Span(key, "accent", bold=True), Span(" shows it", "muted")))
            return
        if text != self._text:
            self._text = text
            self._draw_text()
        self._show_face(True)
        self._tell(f"text {text.columns}×{text.rows}")

    def _draw_text(self) -> None:
        """The rows for which there is room, down to the last that has text."""
        text = self._text
        if text is None:
            return
        room = max(self._rows - 1, 0)
        told = [row for row, line in enumerate(text.lines()) if line.strip()]
        end = max(told[-1] + 1 if told else 0, min(room, text.rows))
        rows = [vga.text_row(text, row) for row in range(max(end - room, 0), end)]
        self._face.set_rows(rows, None)

    def _show_face(self, shown: bool) -> None:
        if self._face.display != shown:
            self._face.display = shown
            self._words.display = not shown

    def _tell(self, facts: str) -> None:
        if facts != self._facts:
            self._facts = facts
            self._draw_head(self.size.width)

    def _settle(self, width: int) -> None:
        self.display = bool(self._guest) and self.has_room
        self._draw_head(width)

    def _draw_head(self, width: int) -> None:
        title = f"{self._guest}: its screen now" + (f", {self._facts}" if self._facts else "")
        self._head.set_lines([rule(title, width, cast(Surroundings, self.app).glyphs)])

    def on_resize(self) -> None:
        """The line across is as long as it is wide."""
        self._draw_head(self.size.width)
