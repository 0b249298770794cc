"""A display's cells, on which one points with the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from kvmtui.tui.widgets.cell_view import CellView

if TYPE_CHECKING:
    from typing import Literal

    Button = Literal["left", "middle", "right", "wheel-up", "wheel-down"]

_BUTTONS: dict[int, Button] = {1: "left", 2: "middle", 3: "right"}


class DisplayView(CellView):
    """Tells where it was pointed at, while it has the focus."""

    class Pointed(Message):
        """The mouse did something on the picture."""

        def __init__(self, x: float, y: float, button: Button | None, down: bool) -> None:
            super().__init__()
            self.x = x
            """As a part of the picture's width, from 0 to 1."""
            self.y = y
            """As a part of its height."""
            self.button = button
            """None: it moved with a button held."""
            self.down = down

    def _point(self, event: events.MouseEvent, button: Button | None, down: bool = True) -> None:
        place = self.place_at(int(event.x), int(event.y))
        if self.has_focus and place is not None:
            event.stop()
            self.post_message(self.Pointed(*place, button, down))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A button is pressed."""
        if (button := _BUTTONS.get(event.button)) is not None:
            self._point(event, button)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A button is let go."""
        if (button := _BUTTONS.get(event.button)) is not None:
            self._point(event, button, down=False)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Something is dragged; without a button a move is told to nobody."""
        if event.button in _BUTTONS:
            self._point(event, None)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel is turned away."""
        self._point(event, "wheel-up")

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel is turned near."""
        self._point(event, "wheel-down")
