"""Typing into a guest: text by its keyboard layout, and named keys, none of them lost."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from kvmtui.errors import StateError
from kvmtui.guest.folder import MONITORS
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.lending import SHORT_S, Lender, is_short
from kvmtui.manage.screens import refuse_stopped
from kvmtui.manage.views import Outcome
from kvmtui.qemu import keyboard
from kvmtui.qemu.guest_memory import number_of_64_bits
from kvmtui.qemu.keyboard import Stroke
from kvmtui.qemu.monitor import Monitor, MonitorPlace, command_session

_PAUSE_S = 0.02
"""Between keys: firmware keeps 15 of them for a program that is slow to read."""
_ASK_AGAIN_S = 0.01
_READ_LIMIT_S = 5.0
_SHORT_STROKES = 10
"""At once, on the monitor for commands: nobody holds that for 2 s."""
_STATUS_PORT = "i /b 0x64"
_HAS_MORE = 0x01


class Typist:
    """Presses keys of one guest.

    The keyboard has room for 16 bytes, a key takes up to eight, and what does not fit is lost.
    So the next is pressed when the controller has nothing left that the guest did not read; to
    read its status port changes nothing. A keyboard on USB has no such port and is paced alone.

    Args:
        monitor: A session that stays open meanwhile.
        has_port: Whether the machine has the controller of a PC.
    """

    def __init__(self, monitor: Monitor, *, has_port: bool) -> None:
        self._monitor = monitor
        self._has_port = has_port
        self._until = time.monotonic() + SHORT_S if is_short(monitor) else math.inf

    async def press(self, strokes: list[Stroke], *, before: int = 0, total: int = 0) -> None:
        """Press keys one after the other.

        Args:
            before: How many were pressed already.
            total: How many there are in all, where these are a part of them.

        Raises:
            StateError: The guest reads none any more; tells how many it did.
            MonitorError: QEMU ended, or does not answer.
        """
        for number, stroke in enumerate(strokes):
            await self._monitor.execute("input-send-event", {"events": stroke.events()})
            await asyncio.sleep(_PAUSE_S)
            if self._has_port and not await self._all_read():
                raise StateError(
                    f"the guest does not read its keyboard: {before + number} of"
                    f" {total or len(strokes)} keys reached it, and one waits"
                )

    async def _all_read(self) -> bool:
        deadline = min(time.monotonic() + _READ_LIMIT_S, self._until)
        while True:
            answer = await self._monitor.execute(
                "human-monitor-command", {"command-line": _STATUS_PORT}
            )
            value = str(answer).rpartition("=")[2].strip()
            if not number_of_64_bits(value) & _HAS_MORE:
                return True
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_ASK_AGAIN_S)


async def typist_of(monitor: Monitor) -> Typist:
    """A typist for the machine that a monitor is of.

    Raises:
        MonitorError: QEMU ended, or does not answer.
    """
    arch = (await monitor.execute("query-target"))["arch"]
    return Typist(monitor, has_port=arch in ("x86_64", "i386"))


def layout_of(library: Library, name: str) -> str:
    """The keyboard layout that the guest's definition states."""
    return load_definition(library.folder(name)).keyboard


@contextlib.asynccontextmanager
async def input_session(
    library: Library, name: str, verb: str, what: str, *, short: bool
) -> AsyncIterator[Monitor]:
    """A monitor for input to a guest that takes some.

    Args:
        what: What would be lost otherwise, such as ``keys``.
        short: Whether it is done at once, so that it may be on the monitor for commands where
            those who watch the guest have all others.

    Raises:
        StateError: It does not run, or is paused.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    others, commands = MONITORS[:-1], MONITORS[-1:]
    # The last is taken first.
    names = commands + others if short else others
    place = MonitorPlace(folder.run, folder.path, names)
    async with command_session(place, f"kvmtui {verb} {name}") as monitor:
        await _refuse_paused(monitor, name, what)
        yield monitor


async def _refuse_paused(monitor: Monitor, name: str, what: str) -> None:
    status = (await monitor.execute("query-status"))["status"]
    if status != "running":
        raise StateError(f"{name} is {status}: {what} would be lost", hint=f"kvmtui resume {name}")


async def press_by(
    lend: Callable[[], AbstractAsyncContextManager[Monitor]], strokes: list[Stroke], name: str
) -> None:
    """Press keys of a guest, a few at a time where its monitor is the one for commands.

    Raises:
        StateError: It is paused, or reads no keys.
        MonitorError: Its QEMU does not answer.
    """
    pressed = 0
    while pressed < len(strokes):
        async with lend() as monitor:
            await _refuse_paused(monitor, name, "keys")
            some = strokes[pressed:]
            some = some[:_SHORT_STROKES] if is_short(monitor) else some
            typist = await typist_of(monitor)
            await typist.press(some, before=pressed, total=len(strokes))
            pressed += len(some)


async def type_strokes(library: Library, name: str, strokes: list[Stroke]) -> Outcome:
    """Press keys of a guest.

    Raises:
        StateError: It does not run, is paused, or reads no keys.
        MonitorError: Its QEMU does not answer.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    lender = Lender(folder, f"kvmtui type {name}")
    try:
        await press_by(lender.monitor, strokes, name)
    except StateError as error:
        said = error.message
        said = said if said.startswith(f"{name} ") else f"{name}: {said}"
        raise StateError(said, hint=error.hint) from None
    finally:
        await lender.close()
    count = len(strokes)
    return Outcome(name, "type", True, f"{count} key{'' if count == 1 else 's'} typed at {name}")


async def type_text(
    library: Library, name: str, text: str, layout: str | None = None, secret: bool = False
) -> Outcome:
    """Type a text; it is kept and told nowhere.

    Args:
        layout: The guest's keyboard layout; None for what its definition states.
        secret: Whether a failure must not show a part of the text.

    Raises:
        UsageError: The layout has no key for a character; nothing was typed.
        StateError, MonitorError: As `type_strokes`.
    """
    chosen = layout or layout_of(library, name)
    return await type_strokes(library, name, keyboard.strokes_of(text, chosen, secret=secret))


async def press_keys(library: Library, name: str, combinations: list[str]) -> Outcome:
    """Press named keys, such as ``ctrl-alt-delete``, one combination after the other.

    Raises:
        UsageError: There is no such key; nothing was pressed.
        StateError, MonitorError: As `type_strokes`.
    """
    strokes = [keyboard.stroke_named(combination) for combination in combinations]
    return await type_strokes(library, name, strokes)
