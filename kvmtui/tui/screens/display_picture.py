"""A display in a graphics mode, drawn as well as the terminal can, within bounds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from rich.style import Style
from textual.geometry import Size

from kvmtui.tui import pixels
from kvmtui.tui.render import vga
from kvmtui.tui.widgets.cell_view import CellView, Run
from kvmtui.tui.wire import Placed

if TYPE_CHECKING:
    from kvmtui.manage.screens import Picture
    from kvmtui.tui.app import KvmtuiApp
    from kvmtui.tui.graphics import Kind

MOST_BYTES = 256 << 10
"""Of one picture on the wire; one that takes more is made smaller."""
_SMALLER, _TRIES = 0.7, 5
_USUAL_CELL = (8, 16)
_PICTURE_S = 1.0
_LONGEST_S = 30.0
_BYTES_PER_S = 64 << 10
"""The mean of pictures that change all the time, where no budget is set."""
_NUMBERS = (27510, 27511)
"""Of kitty's pictures: one is shown while the next comes."""
_BLANK = Style.null()


class DisplayPicture:
    """Draws pictures in a view.

    Args:
        app: Whose terminal it is.
        view: Where they are.
        room: The columns and rows there are.
    """

    def __init__(self, app: Callable[[], KvmtuiApp], view: CellView, room: Callable[[], Size]):
        self._app = app
        self._view = view
        self._room = room
        self._shown: Picture | None = None
        self._kind: Kind | Literal["off"] = "blocks"
        self._turn = 0
        self.pause_s = _PICTURE_S
        """How long the last one is to stand, for its bytes."""

    def forget(self) -> None:
        """Draw the next one in any case: there is other room, or something lay over it."""
        self._shown = None
        self._app().take_picture_away()

    async def show(self, picture: Picture, *, plain: bool = False) -> None:
        """Draw a picture; nothing is sent where it is the one that is shown.

        Args:
            plain: In half blocks, whatever the terminal can: cells lie over it.
        """
        kind = await self._best(plain=plain)
        if picture == self._shown and kind == self._kind:
            return
        self._shown, self._kind = picture, kind
        if kind in ("kitty", "sixel") and await self._place(picture):
            return
        self._app().take_picture_away()
        self.pause_s = _PICTURE_S
        room = self._room()
        if kind == "off":
            self._view.set_rows([], None)
        else:
            rows = await asyncio.to_thread(vga.picture_rows, picture, room.width, room.height)
            self._view.set_rows(rows, None)

    async def _best(self, *, plain: bool) -> Kind | Literal["off"]:
        app = self._app()
        wanted = app.preferences.pictures
        if wanted != "auto" or plain:
            return "off" if wanted == "off" else "blocks"
        app.ask_graphics()
        await app.graphics.settled()
        return app.graphics.kind

    async def _place(self, picture: Picture) -> bool:
        app, kind, room = self._app(), self._kind, self._room()
        cell = app.graphics.cell or _USUAL_CELL
        self._turn = 1 - self._turn
        number = _NUMBERS[self._turn]
        most = app.graphics.most
        found = await asyncio.to_thread(drawn, picture, kind == "kitty", cell, room, number, most)
        if found is None or room != self._room() or not self._view.is_attached:
            return False
        (columns, rows), text = found
        self._view.set_rows([(Run(" " * columns, _BLANK),)] * rows, None)
        allowed = app.preferences.budget or _BYTES_PER_S
        self.pause_s = min(max(_PICTURE_S, len(text) / allowed), _LONGEST_S)
        gone = pixels.kitty_gone(number) if kind == "kitty" else ""
        placed = Placed((0, 0), (columns, rows), text, gone, kind == "sixel")
        # Behind the frame that blanks the cells.
        self._view.call_after_refresh(self._put, placed)
        return True

    def _put(self, placed: Placed) -> None:
        # A screen with a box over it counts as current, and the picture would hide the box.
        screen_is_seen = self._view.is_attached and self._view.screen is self._app().screen
        x, y = self._view.region.offset
        placed = placed._replace(at=(x, y))
        if not screen_is_seen or not self._app().place_picture(placed):
            self._shown = None


def drawn(
    picture: Picture,
    as_kitty: bool,
    cell: tuple[int, int],
    room: Size,
    number: int,
    most: tuple[int, int],
) -> tuple[tuple[int, int], str] | None:
    """What draws a picture, and the cells that it takes; None where it has too many bytes.

    Args:
        cell: Width and height of a cell in pixels.
        room: The columns and rows there are.
        most: Width and height in pixels of the largest picture of sixels.
    """
    wide, high = cell
    there = room.width * wide, room.height * high
    if not as_kitty:
        there = min(there[0], most[0]), min(there[1], most[1])
    picture = pixels.scaled(picture, *there)
    cells = math.ceil(picture.width / wide), math.ceil(picture.height / high)
    for _ in range(_TRIES):
        if as_kitty:
            text: str | None = pixels.kitty(picture.png(), number, *cells)
        else:
            text = pixels.sixel(picture, MOST_BYTES)
            cells = math.ceil(picture.width / wide), math.ceil(picture.height / high)
        if text is not None and len(text) <= MOST_BYTES:
            return cells, text
        smaller = int(picture.width * _SMALLER), int(picture.height * _SMALLER)
        picture = pixels.scaled(picture, max(smaller[0], 1), max(smaller[1], 1))
    return None
