"""The Fleet: the live view of all guests, and everything that can be done with them.

Its door has a part for each subject: the host (`HostDoor`), definitions (`DefinitionDoor`).

What crosses here are plain values and async calls, so that a fleet on another machine
can stand behind the same door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from kvmtui.errors import KvmtuiError, told_os_error
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.console_door import ConsoleDoor
from kvmtui.manage.definition_door import DefinitionDoor
from kvmtui.manage.host_door import HostDoor
from kvmtui.manage.image_door import ImageDoor
from kvmtui.manage.install_door import InstallDoor
from kvmtui.manage.install_settling import Settler
from kvmtui.manage.live import Watch
from kvmtui.manage.views import SHUTDOWN_LIMIT_S, LiveGuest, OperationView, Outcome
from kvmtui.stats.history import MOST_DRIVES as MOST_DRIVES
from kvmtui.stats.history import MOST_VCPUS as MOST_VCPUS
from kvmtui.stats.history import Series as Series
from kvmtui.stats.history import of_drive as of_drive
from kvmtui.stats.history import of_interface as of_interface
from kvmtui.stats.host import HostFigures as HostFigures
from kvmtui.stats.host import HostMeter

if TYPE_CHECKING:
    from kvmtui.manage import detail, installing, logs, machine, power, starting, story, waiting
    from kvmtui.manage.catalog import CatalogDoor
    from kvmtui.manage.detail import GuestDetail
    from kvmtui.manage.wanted import Level
    from kvmtui.qemu import monitor
    from kvmtui.stats.history import Span
else:
    detail = Later("kvmtui.manage.detail")
    installing = Later("kvmtui.manage.installing")
    logs = Later("kvmtui.manage.logs")
    machine = Later("kvmtui.manage.machine")
    power = Later("kvmtui.manage.power")
    starting = Later("kvmtui.manage.starting")
    story = Later("kvmtui.manage.story")
    waiting = Later("kvmtui.manage.waiting")
    monitor = Later("kvmtui.qemu.monitor")

Result = Outcome | KvmtuiError
Changed = dict[str, LiveGuest | None]
"""What a refresh found: guests by name, None for one that is gone."""

_MOST_AT_ONCE = 16


class Fleet(HostDoor, DefinitionDoor):
    """All guests of one home.

    Args:
        library: The folders of the guests.
    """

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self.guests: dict[str, LiveGuest] = {}
        self.operations: list[OperationView] = []
        """What is and was done to the guests, newest first, as of the last refresh."""
        self.host: HostFigures | None = None
        """This machine, as of the last refresh."""
        self.images = ImageDoor(library)
        """All about disk images."""
        self.console = ConsoleDoor(library)
        """Serial consoles, screens, keyboards, agents and CDs."""
        self.installs = InstallDoor(library, self._promised_cpus, lambda: self.catalog)
        """New guests."""
        self.pulse: machine.Pulse | None = None
        """Its load, pressure and uptime, as of the last refresh; None unless it is felt."""
        self.feels_pulse = False
        """Whether a refresh reads the pulse too."""
        self._subscribers: list[Callable[[Changed], None]] = []
        self._watch = Watch(library)
        self._settler = Settler(library)
        self._host_meter = HostMeter(library.home)
        self._looker = ThreadPoolExecutor(1, "kvmtui-look")

    @property
    def catalog(self) -> CatalogDoor:
        """The catalogue of cloud images."""
        from kvmtui.manage.catalog import CatalogDoor

        return CatalogDoor(self.library, self.images)

    def close(self) -> None:
        """Let go of what is held open; guests go on."""
        self._looker.shutdown(wait=False, cancel_futures=True)
        super().close()
        self.images.close()
        self.installs.close()
        self._settler.close()
        self._watch.close()

    def _promised_cpus(self) -> int:
        running = (one.view for one in self.guests.values() if one.view.pid is not None)
        return sum(view.cpus or 0 for view in running)

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
        self.console.keep_watch(self.guests, fresh, self._watch.last_minutes)
        self.guests = fresh
        if changed:
            for callback in list(self._subscribers):
                callback(changed)
        return fresh

    def want_figures(self, owner: str, names: set[str] | None, level: Level | None) -> None:
        """Say which guests' `figures` somebody looks at, from the next refresh on.

        Each owner tells its whole need; what nobody needs costs nothing. A guest that is
        looked at has one of its monitors held.

        Args:
            owner: Who looks, such as a pane.
            names: The guests; None for all.
            level: ``columns`` for sums, ``detail`` for each drive, interface and processor
                and for p99 too; None for nothing any more.
        """
        self._watch.wanted.want(owner, names, level)

    def let_go(self) -> None:
        """Let go of all monitors until the next refresh: before the app is suspended."""
        self._watch.let_go()

    def series(self, name: str | None, key: str, span: Span, width: int, more: int = 0) -> Series:
        """A figure over time; NaN where it is not known.

        From memory, and behind it what `watch` has recorded: from the first round on after
        a guest was asked for.

        Args:
            name: A guest; None for this machine.
            key: Of a guest ``cpu``, ``wait``, ``memory_used``, ``disk_read``,
                ``disk_write``, ``disk_latency``, ``net_in``, ``net_out``, ``vcpu0`` … and what
                `of_drive` and `of_interface` name;
                of the machine ``cpu``, ``stolen``, ``memory_used``, ``disk_read``,
                ``disk_write``, ``net_in``, ``net_out``.
            width: The most values that are wanted.
            more: How many older ones are wanted besides.
        """
        return self._watch.series(name, key, span, width, more)

    def is_recorded(self, name: str) -> bool:
        """As `live.Watch.is_recorded`."""
        return self._watch.is_recorded(name)

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
        self.pulse = machine.read_pulse() if self.feels_pulse else None
        self._watch.keep_host(self.host)
        fresh = self._watch.round()
        self._settler.step(fresh)
        self.operations = self._watch.operations()
        return fresh

    async def detail(self, name: str) -> GuestDetail:
        """As `detail.guest_detail`."""
        return await self._read(lambda: detail.guest_detail(self.library, name))

    async def log_tail(self, name: str, which: Literal["console", "qemu"]) -> list[str]:
        """As `logs.log_tail`."""
        return await self._read(lambda: logs.log_tail(self.library, name, which))

    async def start(self, name: str) -> Outcome:
        """As `starting.start`."""
        return await asyncio.to_thread(lambda: starting.start(self.library, name))

    async def install_done(self, name: str) -> Outcome:
        """As `installing.done`."""
        return await asyncio.to_thread(lambda: installing.done(self.library, name))

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
