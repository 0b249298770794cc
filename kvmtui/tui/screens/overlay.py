"""What palette and help share: a framed box over the screen, which stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from kvmtui.tui.widgets.base import LineWidget, Parts

if TYPE_CHECKING:
    from kvmtui.tui.app import KvmtuiApp


class OverlayBox(LineWidget, can_focus=True):
    """Draws the rows of its screen."""

    rows: list[Parts]

    def __init__(self) -> None:
        super().__init__()
        self.rows = []

    def paint(self, y: int, width: int) -> Parts:
        """A row of the box."""
        return self.rows[y] if y < len(self.rows) else ()


class Overlay(ModalScreen[str]):
    """A box that is as high as its rows; ends with the id of an action, or an empty text."""

    DEFAULT_CSS = """
    Overlay { background: transparent; align: center middle; overflow: hidden hidden; }
    """
    WIDTH = 72

    def __init__(self) -> None:
        super().__init__()
        self.box = OverlayBox()

    @property
    def kvmtui(self) -> KvmtuiApp:
        """The app, as what it is."""
        return cast("KvmtuiApp", self.app)

    def compose(self) -> ComposeResult:
        yield self.box

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.draw()

    def on_resize(self) -> None:
        """Lay out anew."""
        self.draw()

    def rows(self, width: int, height: int) -> list[Parts]:
        """All rows with their frame, at the most ``height`` of them."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the rows as they are now."""
        screen = self.app.size
        width = min(self.WIDTH, screen.width)
        self.box.rows = self.rows(width, screen.height)
        self.box.styles.width, self.box.styles.height = width, len(self.box.rows)
        self.box.show_changes()
        self.box.refresh()

    def on_key(self, event: events.Key) -> None:
        """Every key is for the box."""
        event.stop()
        event.prevent_default()
        self.key(event.key, event.character)
        if self.is_current:
            self.draw()

    def key(self, key: str, character: str | None) -> None:
        """What a key does."""
        raise NotImplementedError
