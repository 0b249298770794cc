"""The Fleet: the live view of all guests, and everything that can be done with them.

What crosses here are plain values and async calls, so that a fleet on another machine
can stand behind the same door.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from kvmtui.errors import KvmtuiError, told_os_error
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.image_fleet import ImageDoor
from kvmtui.manage.live import Watch
from kvmtui.manage.views import SHUTDOWN_LIMIT_S, LiveGuest, OperationView, Outcome
from kvmtui.stats.host import HostFigures as HostFigures
from kvmtui.stats.host import HostMeter

if TYPE_CHECKING:
    from kvmtui.guest import editing
    from kvmtui.host.accelerator import Verdict
    from kvmtui.manage import (
        changing,
        creating,
        demo,
        detail,
        forms,
        hosting,
        logs,
        power,
        starting,
        story,
        waiting,
    )
    from kvmtui.manage.detail import GuestDetail
    from kvmtui.qemu import monitor
else:
    editing = Later("kvmtui.guest.editing")
    changing = Later("kvmtui.manage.changing")
    creating = Later("kvmtui.manage.creating")
    demo = Later("kvmtui.manage.demo")
    detail = Later("kvmtui.manage.detail")
    forms = Later("kvmtui.manage.forms")
    hosting = Later("kvmtui.manage.hosting")
    logs = Later("kvmtui.manage.logs")
    power = Later("kvmtui.manage.power")
    starting = Later("kvmtui.manage.starting")
    story = Later("kvmtui.manage.story")
    waiting = Later("kvmtui.manage.waiting")
    monitor = Later("kvmtui.qemu.monitor")

T = TypeVar("T")
Result = Outcome | KvmtuiError
Changed = dict[str, LiveGuest | None]
"""What a refresh found: guests by name, None for one that is gone."""

_MOST_AT_ONCE = 16
_MOST_READERS = 8


class Fleet:
    """All guests of one home.

    Args:
        library: The folders of the guests.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.guests: dict[str, LiveGuest] = {}
        self.operations: list[OperationView] = []
        """What is and was done to the guests, newest first, as of the last refresh."""
        self.host: HostFigures | None = None
        """This machine, as of the last refresh."""
        self.images = ImageDoor(library)
        """All about disk images."""
        self._subscribers: list[Callable[[Changed], None]] = []
        self._watch = Watch(library)
        self._host_meter = HostMeter(library.home)
        self._looker = ThreadPoolExecutor(1, "kvmtui-look")
        # Not the loop's own threads: leaving would wait for a disk that hangs, or a measurement.
        self._readers = ThreadPoolExecutor(_MOST_READERS, "kvmtui-read")

    def close(self) -> None:
        """Let go of what is held open; guests go on."""
        self._looker.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.images.close()
        self._watch.close()

    def subscribe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Be told what each refresh changed; returns the function that ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    async def refresh(self) -> dict[str, LiveGuest]:
        """Look at all guests and tell the subscribers what is new, other or gone.

        Raises:
            OSError, KvmtuiError: The home cannot be read; what was known stays.
        """
        loop = asyncio.get_running_loop()
        fresh = await loop.run_in_executor(self._looker, self._round)
        changed: Changed = {
            name: live for name, live in fresh.items() if self.guests.get(name) != live
        }
        changed |= {name: None for name in self.guests if name not in fresh}
        self.guests = fresh
        if changed:
            for callback in list(self._subscribers):
                callback(changed)
        return fresh

    def standing(self, name: str) -> object:
        """What changes when more than a guest's figures does: compare it with an earlier one."""
        live = self.guests.get(name)
        newest = next((one for one in self.operations if one.guest == name), None)
        if live is None:
            return name, None, newest
        moving = live.view._replace(memory_resident_bytes=None, uptime_s=None)
        return name, moving, newest

    def _round(self) -> dict[str, LiveGuest]:
        self.host = self._host_meter.read()
        fresh = self._watch.round()
        self.operations = self._watch.operations()
        return fresh

    async def _read(self, read: Callable[[], T]) -> T:
        """Read something in a thread that nobody waits for when the app is left."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, read)

    async def verdict(self) -> Verdict:
        """Under what guests run here; measured when it never was.

        Raises:
            HostError: QEMU is missing.
        """
        return await self._read(lambda: hosting.verdict_for(self.library))

    async def create(self, name: str, plain: dict[str, Any], text: str | None = None) -> Outcome:
        """As `creating.create`."""
        return await asyncio.to_thread(
            lambda: creating.create(self.library, name, plain, text=text)
        )

    async def change(self, name: str, changes: list[editing.Change]) -> Outcome:
        """As `changing.change`."""
        return await asyncio.to_thread(lambda: changing.change(self.library, name, changes))

    async def replace_text(self, name: str, before: str, after: str) -> Outcome:
        """As `changing.replace_text`."""
        return await asyncio.to_thread(
            lambda: changing.replace_text(self.library, name, before, after)
        )

    async def form_fields(self, name: str | None) -> list[forms.FormField]:
        """As `forms.edit_fields`; for None as `forms.new_fields`."""
        if name is None:
            return await self._read(lambda: forms.new_fields(self.library))
        return await self._read(lambda: forms.edit_fields(self.library, name))

    async def check_field(self, field: str, text: str) -> tuple[bool, str]:
        """As `forms.check_field`."""
        return await self._read(lambda: forms.check_field(self.library, field, text))

    async def create_from_form(self, values: dict[str, str]) -> Outcome:
        """Define a guest as a filled form says.

        Raises:
            KvmtuiError: A field is not right, or it cannot be made; nothing is left.
        """
        name, plain = forms.definition_of(values)
        return await self.create(name, plain)

    async def change_by_form(self, name: str, values: dict[str, str]) -> Outcome:
        """Change the fields of a definition that a form gave.

        Raises:
            KvmtuiError: A field is not right; the file is as before.
        """

        def change() -> Outcome:
            before, after = forms.edited(self.library, name, values)
            return changing.replace_plain(self.library, name, before, after)

        return await asyncio.to_thread(change)

    async def definition_text(self, name: str) -> str:
        """As `changing.definition_text`."""
        return await self._read(lambda: changing.definition_text(self.library, name))

    async def detail(self, name: str) -> GuestDetail:
        """As `detail.guest_detail`."""
        return await self._read(lambda: detail.guest_detail(self.library, name))

    async def log_tail(self, name: str, which: Literal["console", "qemu"]) -> list[str]:
        """As `logs.log_tail`."""
        return await self._read(lambda: logs.log_tail(self.library, name, which))

    async def rename(self, name: str, new_name: str) -> Outcome:
        """As `changing.rename`."""
        return await asyncio.to_thread(lambda: changing.rename(self.library, name, new_name))

    async def delete(self, name: str, *, keep_disks: bool = False) -> Outcome:
        """As `changing.delete`."""
        return await asyncio.to_thread(
            lambda: changing.delete(self.library, name, keep_disks=keep_disks)
        )

    async def files_of(self, name: str) -> tuple[list[tuple[str, int]], list[str]]:
        """As `changing.files_of`."""
        return await self._read(lambda: changing.files_of(self.library, name))

    async def set_tags(self, name: str, tags: list[str]) -> Outcome:
        """Give a guest other tags."""
        text = json.dumps(tags) if tags else ""
        return await self.change(name, [editing.Change(["tags"], text)])

    def demo_names(self) -> list[str]:
        """The names of the demo guests."""
        return list(demo.GUESTS)

    async def define_demo(self) -> list[str]:
        """As `demo.ensure`; returns the demo guests' names."""
        await asyncio.to_thread(lambda: demo.ensure(self.library))
        return self.demo_names()

    async def start(self, name: str) -> Outcome:
        """As `starting.start`."""
        return await asyncio.to_thread(lambda: starting.start(self.library, name))

    async def shutdown(
        self, name: str, *, timeout_s: float = SHUTDOWN_LIMIT_S, force: bool = False
    ) -> Outcome:
        """As `power.shutdown`."""
        return await power.shutdown(self.library, name, timeout_s=timeout_s, force=force)

    async def reboot(self, name: str, *, timeout_s: float = SHUTDOWN_LIMIT_S) -> Outcome:
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
        return await asyncio.to_thread(lambda: story.why(self.library, name))

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
        async with monitor.command_session(
            power.monitors_of(folder), f"kvmtui qmp {name}"
        ) as session:
            return await session.execute(command, arguments, limit_s=limit_s)

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
