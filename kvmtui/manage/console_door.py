"""The Fleet's door to consoles: what a guest's serial port and display show, and typing there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.manage import (
        black_box,
        kept_log,
        media_form,
        pointing,
        screens,
        serial_console,
        typing_keys,
        viewing,
        vnc,
    )
    from kvmtui.manage.forms import FormField
    from kvmtui.manage.last_minutes import LastMinutes
    from kvmtui.manage.views import GuestView, LiveGuest
    from kvmtui.qemu.picture import Picture
else:
    black_box = Later("kvmtui.manage.black_box")
    kept_log = Later("kvmtui.manage.kept_log")
    media_form = Later("kvmtui.manage.media_form")
    pointing = Later("kvmtui.manage.pointing")
    screens = Later("kvmtui.manage.screens")
    serial_console = Later("kvmtui.manage.serial_console")
    typing_keys = Later("kvmtui.manage.typing_keys")
    viewing = Later("kvmtui.manage.viewing")
    vnc = Later("kvmtui.manage.vnc")


class ConsoleDoor:
    """Everything that can be done at the consoles of one home's guests.

    Args:
        library: The home.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._noticing: set[asyncio.Task[object]] = set()

    async def serial_state(self, name: str) -> serial_console.SerialState:
        """As `serial_console.serial_state`."""
        return await serial_console.serial_state(self._library, name)

    async def open_serial(
        self, name: str, *, take_over: bool = False
    ) -> serial_console.SerialSession:
        """As `serial_console.open_session`."""
        return await serial_console.open_session(self._library, name, take_over=take_over)

    async def send_break(self, name: str) -> Outcome:
        """As `serial_console.send_break`."""
        return await serial_console.send_break(self._library, name)

    def kept_log(self, name: str, *, width: int) -> kept_log.KeptLog:
        """As `kept_log.KeptLog`."""
        return kept_log.KeptLog(self._library, name, width=width)

    async def screen(self, name: str, *, cursor: bool = True) -> screens.Screen:
        """As `screens.screen`."""
        return await screens.screen(self._library, name, cursor=cursor)

    async def picture(self, name: str) -> Picture:
        """As `screens.picture`; its ``png()`` takes tens of milliseconds."""
        return await screens.picture(self._library, name)

    def mirror(self, name: str) -> AbstractAsyncContextManager[screens.TextMirror]:
        """As `screens.mirror`."""
        return screens.mirror(self._library, name)

    async def type_text(
        self, name: str, text: str, layout: str | None = None, secret: bool = False
    ) -> Outcome:
        """As `typing_keys.type_text`."""
        return await typing_keys.type_text(self._library, name, text, layout, secret)

    async def press_keys(self, name: str, combinations: list[str]) -> Outcome:
        """As `typing_keys.press_keys`."""
        return await typing_keys.press_keys(self._library, name, combinations)

    async def point(self, name: str, deeds: Sequence[pointing.Deed]) -> None:
        """As `pointing.point`."""
        await pointing.point(self._library, name, deeds)

    async def cd_fields(self, name: str) -> list[FormField]:
        """As `media_form.fields`."""
        return await media_form.fields(self._library, name)

    async def told_of_cd(self, name: str, drive: str) -> str:
        """As `media_form.told_of_drive`."""
        return await media_form.told_of_drive(self._library, name, drive)

    async def check_cd(self, file: str) -> tuple[bool, str]:
        """As `media_form.check_file`."""
        return await asyncio.to_thread(media_form.check_file, file)

    async def change_cd(self, name: str, values: dict[str, str]) -> Outcome:
        """As `media_form.change`."""
        return await media_form.change(self._library, name, values)

    async def viewer(self, name: str) -> viewing.Viewer:
        """As `viewing.viewer`."""
        return await asyncio.to_thread(viewing.viewer, self._library, name)

    async def set_vnc_password(
        self, name: str, password: str, *, expires_s: int | None = None
    ) -> Outcome:
        """As `vnc.set_password`."""
        return await vnc.set_password(self._library, name, password, expires_s=expires_s)

    async def notice(
        self, view: GuestView, minutes: LastMinutes | None = None
    ) -> black_box.Report | None:
        """As `black_box.notice`."""
        return await asyncio.to_thread(black_box.notice, self._library, view, minutes)

    def keep_watch(
        self,
        before: Mapping[str, LiveGuest],
        after: Mapping[str, LiveGuest],
        minutes_of: Callable[[str], LastMinutes | None],
    ) -> None:
        """Have a report made of each guest that has come into trouble between two refreshes."""
        for name, live in after.items():
            known = before.get(name)
            if known is None or known.view.state == live.view.state:
                continue
            if live.view.state in ("crashed", "io-error"):
                task: asyncio.Task[object] = asyncio.create_task(
                    self.notice(live.view, minutes_of(name))
                )
                self._noticing.add(task)
                task.add_done_callback(self._noticing.discard)
