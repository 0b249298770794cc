"""What a guest's display shows: as text where it is in a text mode, else as a picture."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from kvmtui.errors import StateError
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage.lending import SHORT_S, Lender, is_short
from kvmtui.manage.power import is_running, monitors_of
from kvmtui.qemu import vga_text
from kvmtui.qemu.monitor import Monitor, command_session
from kvmtui.qemu.picture import Picture as Picture
from kvmtui.qemu.picture import grab
from kvmtui.qemu.vga_text import Place
from kvmtui.qemu.vga_text import TextScreen as TextScreen

_CURSOR_LOOKS = 3
_CURSOR_PAUSE_S = 0.15
"""QEMU's cursor is seen for a quarter of a second, then hidden as long."""
_CURSOR_HOLDS_S = 1.6
_CURSOR_RESTS_S = 10.0
"""The same while nothing else changes, which would tell of one that is hidden."""
_LOCATE_AGAIN_S = 1.0
_CHANGING_TRIES = 4


class Screen(NamedTuple):
    """What the display shows now."""

    width: int
    """In pixels."""
    height: int
    text: TextScreen | None
    """None in a graphics mode."""


class TextMirror:
    """The text screen of one guest, looked at again and again.

    Args:
        lend: Gives a monitor for a look.
    """

    def __init__(self, lend: Callable[[], AbstractAsyncContextManager[Monitor]]) -> None:
        self.lend = lend
        """Gives a monitor, for what else is asked of the display."""
        self.is_short = False
        """Whether all monitors but that for commands were taken at the last look: seldom
        ones are asked for."""
        self._place: Place | None = None
        self._located = 0.0
        self._below = b""
        self._cells = b""
        self._cursor: tuple[int, int] | None = None
        self._cursor_seen = 0.0
        self._cells_of_cursor = b""
        self.picture: Picture | None = None
        """The display as it was last grabbed: about once a second."""

    async def frame(self) -> TextScreen | None:
        """The screen as it is now; None in a graphics mode.

        A frame is one command to QEMU. The picture is looked at once a second, and
        where the line below the screen changes, as it does when the guest scrolls.

        Raises:
            StateError: The guest has no display.
            MonitorError: QEMU ended, or does not answer.
            BusyError: Others have all monitors, for seconds.
        """
        async with self.lend() as monitor:
            self.is_short = is_short(monitor)
            return await self._look(monitor)

    async def _look(self, monitor: Monitor) -> TextScreen | None:
        now = time.monotonic()
        place = self._place
        if place is None or now - self._located >= _LOCATE_AGAIN_S:
            return await self._locate(monitor)
        memory = await self._read(monitor, place)
        if memory[place.size_bytes :] != self._below:
            return await self._locate(monitor)
        self._cells = memory[: place.size_bytes]
        return self._screen(place)

    async def _read(self, monitor: Monitor, place: Place) -> bytes:
        size = min(place.size_bytes + place.columns * 2, vga_text.WINDOW_BYTES - place.offset)
        return await monitor.memory.read(vga_text.TEXT_ADDRESS + place.offset, size)

    async def _locate(self, monitor: Monitor) -> TextScreen | None:
        found = None
        until = time.monotonic() + (SHORT_S / 2 if self.is_short else math.inf)
        for _ in range(_CHANGING_TRIES):
            before = await _window(monitor)
            self.picture = await grab(monitor)
            empty_is_text = await vga_text.is_text_by_bios(monitor)
            unsettled = await self._changed(monitor, before)
            found = await asyncio.to_thread(
                vga_text.locate,
                before,
                self.picture,
                self._place,
                empty_is_text=empty_is_text,
                unsettled=unsettled,
            )
            if found is not None:
                break
            after = await _window(monitor)
            if after == before or time.monotonic() >= until:
                break
        self._located = time.monotonic()
        if found is None:
            self._place = None
            return None
        self._place, cursor = found
        if cursor is not None:
            self._cursor, self._cursor_seen = cursor, self._located
            self._cells_of_cursor = before[self._place.offset :][: self._place.size_bytes]
        memory = await self._read(monitor, self._place)
        size = self._place.size_bytes
        self._cells, self._below = memory[:size], memory[size:]
        return self._screen(self._place)

    async def _changed(self, monitor: Monitor, before: bytes) -> set[int]:
        """The cells that changed since memory was read: the picture was made in between."""
        place = self._place
        if place is None:
            return set()
        after = await self._read(monitor, place)
        old = before[place.offset : place.offset + place.size_bytes]
        if after.startswith(old):
            return set()
        return {at // 2 for at, byte in enumerate(old) if byte != after[at]}

    def _screen(self, place: Place) -> TextScreen:
        rests = self._cells == self._cells_of_cursor
        holds_s = _CURSOR_RESTS_S if rests else _CURSOR_HOLDS_S
        seen = time.monotonic() - self._cursor_seen < holds_s + _LOCATE_AGAIN_S
        return TextScreen(place.columns, place.rows, self._cells, self._cursor if seen else None)


async def _window(monitor: Monitor) -> bytes:
    """All of text memory."""
    return await monitor.memory.read(vga_text.TEXT_ADDRESS, vga_text.WINDOW_BYTES)


async def look(monitor: Monitor, *, cursor: bool = True) -> Screen:
    """What the display shows now.

    Args:
        cursor: Look up to three times for the cursor, which blinks.
    """
    mirror = mirror_of(monitor)
    text = await mirror.frame()
    for _ in range(_CURSOR_LOOKS if cursor else 0):
        if text is None or text.cursor is not None:
            break
        await asyncio.sleep(_CURSOR_PAUSE_S)
        mirror = mirror_of(monitor)
        text = await mirror.frame()
    assert mirror.picture is not None
    return Screen(mirror.picture.width, mirror.picture.height, text)


def mirror_of(monitor: Monitor) -> TextMirror:
    """A mirror by a monitor that is held anyway."""
    return TextMirror(lambda: contextlib.nullcontext(monitor))


async def screen(library: Library, name: str, *, cursor: bool = True) -> Screen:
    """What the guest's display shows.

    Args:
        cursor: As for `look`.

    Raises:
        StateError: It does not run, or has no display.
        MonitorError: Its QEMU does not answer.
    """
    async with display_session(library, name) as monitor:
        return await look(monitor, cursor=cursor)


async def picture(library: Library, name: str) -> Picture:
    """The guest's display as pixels.

    Raises:
        StateError: It does not run, or has no display.
        MonitorError: Its QEMU does not answer.
    """
    async with display_session(library, name) as monitor:
        return await grab(monitor)


@contextlib.asynccontextmanager
async def display_session(library: Library, name: str) -> AsyncIterator[Monitor]:
    """A monitor for a look at the display.

    Raises:
        StateError: It does not run, or has no display.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    try:
        async with command_session(monitors_of(folder), f"kvmtui screen {name}") as monitor:
            yield monitor
    except StateError as error:
        raise _of(name, error) from None


@contextlib.asynccontextmanager
async def mirror(library: Library, name: str) -> AsyncIterator[TextMirror]:
    """A mirror of the guest's text screen; it holds one of the guest's monitors if one is free.

    Raises:
        StateError: It does not run, or has no display.
        BusyError: Others have all monitors, for seconds.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    lender = Lender(folder, f"kvmtui screen {name}")
    try:
        yield TextMirror(lender.monitor)
    except StateError as error:
        raise _of(name, error) from None
    finally:
        await lender.close()


def refuse_stopped(library: Library, folder: GuestFolder) -> None:
    """Refuse what takes a running guest.

    Raises:
        StateError: It does not run.
    """
    if not is_running(library, folder):
        raise StateError(f"{folder.name} does not run", hint=f"kvmtui start {folder.name}")


def _of(name: str, error: StateError) -> StateError:
    """The failure, told of this guest."""
    if error.message.startswith(name):
        return error
    return StateError(f"{name}: {error.message}", hint=error.hint.replace("NAME", name))
