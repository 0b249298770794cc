"""The Fleet's door to consoles: what a guest's serial port and display show, and typing there."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from kvmtui.guest.library import Library
from kvmtui.light import Later

if TYPE_CHECKING:
    from kvmtui.manage import screens, serial_console
    from kvmtui.qemu.picture import Picture
else:
    screens = Later("kvmtui.manage.screens")
    serial_console = Later("kvmtui.manage.serial_console")


class ConsoleDoor:
    """Everything that can be done at the consoles of one home's guests.

    Args:
        library: The home.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    async def serial_state(self, name: str) -> serial_console.SerialState:
        """As `serial_console.serial_state`."""
        return await serial_console.serial_state(self._library, name)

    async def open_serial(
        self, name: str, *, take_over: bool = False
    ) -> serial_console.SerialSession:
        """As `serial_console.open_session`."""
        return await serial_console.open_session(self._library, name, take_over=take_over)

    async def screen(self, name: str) -> screens.Screen:
        """As `screens.screen`."""
        return await screens.screen(self._library, name)

    async def picture(self, name: str) -> Picture:
        """As `screens.picture`; its ``png()`` takes tens of milliseconds."""
        return await screens.picture(self._library, name)

    def mirror(self, name: str) -> AbstractAsyncContextManager[screens.TextMirror]:
        """As `screens.mirror`."""
        return screens.mirror(self._library, name)
