"""The Fleet: the live view of all guests, and everything that can be done with them.

What crosses here are plain values and async calls, so that a fleet on another machine
can stand behind the same door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kvmtui.errors import KvmtuiError, told_os_error
from kvmtui.guest.editing import Change
from kvmtui.guest.library import Library
from kvmtui.manage import changing, creating, looking, power, starting, story, waiting
from kvmtui.manage.power import monitors_of
from kvmtui.manage.timeline import TimelineEntry, timeline
from kvmtui.manage.views import GuestView, Outcome
from kvmtui.qemu.monitor import command_session

Result = Outcome | KvmtuiError
Changed = dict[str, GuestView | None]
"""What a refresh found: guests by name, None for one that is gone."""

_MOST_AT_ONCE = 16


class Fleet:
    """All guests of one home.

    Args:
        library: The folders of the guests.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.guests: dict[str, GuestView] = {}
        self._subscribers: list[Callable[[Changed], None]] = []

    def subscribe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Be told what each refresh changed; returns the function that ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    async def refresh(self) -> list[GuestView]:
        """Look at all guests and tell the subscribers what is new, other or gone."""
        views = await asyncio.to_thread(looking.look, self.library)
        fresh = {view.name: view for view in views}
        changed: Changed = {
            name: view for name, view in fresh.items() if self.guests.get(name) != view
        }
        changed |= {name: None for name in self.guests if name not in fresh}
        self.guests = fresh
        if changed:
            for callback in list(self._subscribers):
                callback(changed)
        return views

    async def create(self, name: str, plain: dict[str, Any], text: str | None = None) -> Outcome:
        """As `creating.create`."""
        return await asyncio.to_thread(creating.create, self.library, name, plain, text=text)

    async def change(self, name: str, changes: list[Change]) -> Outcome:
        """As `changing.change`."""
        return await asyncio.to_thread(changing.change, self.library, name, changes)

    async def rename(self, name: str, new_name: str) -> Outcome:
        """As `changing.rename`."""
        return await asyncio.to_thread(changing.rename, self.library, name, new_name)

    async def delete(self, name: str, *, keep_disks: bool = False) -> Outcome:
        """As `changing.delete`."""
        return await asyncio.to_thread(changing.delete, self.library, name, keep_disks=keep_disks)

    async def start(self, name: str) -> Outcome:
        """As `starting.start`."""
        return await asyncio.to_thread(starting.start, self.library, name)

    async def shutdown(
        self, name: str, *, timeout_s: float = power.SHUTDOWN_LIMIT_S, force: bool = False
    ) -> Outcome:
        """As `power.shutdown`."""
        return await power.shutdown(self.library, name, timeout_s=timeout_s, force=force)

    async def reboot(self, name: str, *, timeout_s: float = power.SHUTDOWN_LIMIT_S) -> Outcome:
        """As `power.reboot`."""
        return await power.reboot(self.library, name, timeout_s=timeout_s)

    async def stop(self, name: str) -> Outcome:
        """As `power.stop`."""
        return await power.stop(self.library, name)

    async def reset(self, name: str) -> Outcome:
        """As `power.reset`."""
        return await power.reset(self.library, name)

    async def pause(self, name: str) -> Outcome:
        """As `power.pause`."""
        return await power.pause(self.library, name)

    async def resume(self, name: str) -> Outcome:
        """As `power.resume`."""
        return await power.resume(self.library, name)

    async def wait(self, name: str, condition: str, *, timeout_s: float) -> Outcome:
        """As `waiting.wait_for`."""
        return await waiting.wait_for(self.library, name, condition, timeout_s=timeout_s)

    async def why(self, name: str) -> story.Why:
        """As `story.why`."""
        return await asyncio.to_thread(story.why, self.library, name)

    async def timeline(self, name: str, *, most: int = 50) -> list[TimelineEntry]:
        """As `timeline.timeline`."""
        return await asyncio.to_thread(timeline, self.library, name, most=most)

    async def qmp(
        self, name: str, command: str, arguments: dict[str, Any] | None, *, limit_s: float
    ) -> Any:
        """Run one QMP command of the user's own.

        Raises:
            MonitorError: The guest does not run, refused, or did not answer.
        """
        folder = self.library.folder(name)
        if not power.is_running(self.library, folder):
            raise KvmtuiError(f"{name} does not run", hint=f"kvmtui start {name}")
        async with command_session(monitors_of(folder), f"kvmtui qmp {name}") as monitor:
            return await monitor.execute(command, arguments, limit_s=limit_s)

    async def each(
        self, names: list[str], act: Callable[[str], Awaitable[Outcome]]
    ) -> list[tuple[str, Result]]:
        """Do the same to several guests at once; each one's failure is its own."""
        gate = asyncio.Semaphore(_MOST_AT_ONCE)

        async def one(name: str) -> tuple[str, Result]:
            async with gate:
                try:
                    return name, await act(name)
                except KvmtuiError as error:
                    return name, error
                except OSError as error:
                    return name, told_os_error(name, error)

        return list(await asyncio.gather(*(one(name) for name in names)))
