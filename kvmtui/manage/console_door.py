"""The Fleet's door to consoles: what a guest's serial port and display show, and typing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.guest.library import Library
from kvmtui.light import Later

if TYPE_CHECKING:
    from kvmtui.manage import serial_console
else:
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
