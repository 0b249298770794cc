"""Running guests: shutdown, reboot, stop, reset, pause, resume."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator

from kvmtui.errors import (
    BusyError,
    ConnectionLost,
    MonitorError,
    MonitorTimeout,
    StateError,
)
from kvmtui.guest import history
from kvmtui.guest.folder import MONITORS, GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage import starting, story
from kvmtui.manage.living import live_pid
from kvmtui.manage.operation import Operation, acquire, told
from kvmtui.manage.summaries import Summaries
from kvmtui.manage.views import SHUTDOWN_LIMIT_S, Outcome
from kvmtui.qemu.monitor import Monitor, MonitorPlace, command_session
from kvmtui.qemu.process import ProcessHandle
from kvmtui.qemu.process import hold_process as hold
from kvmtui.qemu.silence import is_stopped, unanswered

_QUIT_LIMIT_S = 5.0
_PRESS_AGAIN_S = 5.0
_KILL_LIMIT_S = 10.0
_BROKEN = ("guest-panicked", "internal-error", "watchdog", "shutdown")
_ENDED_OTHERWISE = ("host-qmp-quit", "host-signal", "killed", "crashed")
"""Ends of a run that were not the guest's answer to its power button."""
_WAITING_VERBS = ("shutdown", "reboot")


def monitors_of(folder: GuestFolder) -> MonitorPlace:
    """The guest's monitors."""
    return MonitorPlace(folder.run, folder.path, MONITORS)


def hold_process(library: Library, folder: GuestFolder) -> ProcessHandle | None:
    """The guest's live QEMU, held by a pidfd; None when it does not run."""
    record = folder.start_record()
    uuid = None if record else Summaries(library).get(folder).get("uuid")
    return hold(lambda: live_pid(folder, record, uuid))


def is_running(library: Library, folder: GuestFolder) -> bool:
    """Whether the guest has a live process."""
    record = folder.start_record()
    uuid = None if record else Summaries(library).get(folder).get("uuid")
    return live_pid(folder, record, uuid) is not None


@contextlib.asynccontextmanager
async def _locked(folder: GuestFolder, verb: str) -> AsyncIterator[None]:
    """Hold the guest's lock; `stop` and `reset` do not wait for a patient shutdown."""
    impatient = verb in ("stop", "reset")
    limit_s = 0.5 if impatient else 30.0
    try:
        lock = await asyncio.to_thread(acquire, folder, limit_s=limit_s)
    except BusyError:
        begin = history.last_begin(history.read(folder.history, tail_bytes=65536))
        if not impatient or begin is None or begin.get("verb") not in _WAITING_VERBS:
            raise
        yield
        return
    try:
        yield
    finally:
        os.close(lock)


async def _wait_gone(process: ProcessHandle, limit_s: float) -> bool:
    """Wait for a process' end without blocking the loop; False at the limit."""
    loop = asyncio.get_running_loop()
    gone = loop.create_future()

    def notice() -> None:
        if not gone.done():
            gone.set_result(None)

    loop.add_reader(process.pidfd, notice)
    try:
        async with asyncio.timeout(limit_s):
            await gone
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(process.pidfd)
    return True


def _ended(folder: GuestFolder) -> None:
    """Fold the ended run into the story; a full disk leaves that to the next start."""
    with contextlib.suppress(OSError):
        story.close_run(folder)


async def shutdown(
    library: Library, name: str, *, timeout_s: float = SHUTDOWN_LIMIT_S, force: bool = False
) -> Outcome:
    """Press the guest's power button and wait until it is off.

    A guest without an ACPI handler ignores the button; only ``force`` pulls the plug then.

    Raises:
        StateError: It is paused, or did not go down in time and still runs.
        MonitorError: Its QEMU does not answer.
    """
    folder = library.folder(name)
    async with _locked(folder, "shutdown"):
        process = hold_process(library, folder)
        if process is None:
            return Outcome(name, "shutdown", False, f"{name} does not run")
        with process, told(folder, "shutdown") as operation:
            began = time.monotonic()
            hindrance = await _press_until_gone(library, folder, process, timeout_s, force)
            if not hindrance:
                ended = story.last_stop_of_record(folder)
                _ended(folder)
                if ended is not None and ended.reason in _ENDED_OTHERWISE:
                    operation.result["ended"] = ended.words
                    return Outcome(name, "shutdown", True, f"{name} is off: {ended.words}")
                took = time.monotonic() - began
                return Outcome(name, "shutdown", True, f"{name} shut down in {took:.1f} s")
            if not force:
                raise StateError(
                    f"{name} did not shut down within {timeout_s:g} s and still runs",
                    hint=f"kvmtui shutdown {name} --force, or kvmtui stop {name}",
                )
            operation.result["forced"] = hindrance
            await _pull_plug(folder, process)
            _ended(folder)
            return Outcome(name, "shutdown", True, f"{name} was stopped by force")


async def _press_until_gone(
    library: Library, folder: GuestFolder, process: ProcessHandle, timeout_s: float, force: bool
) -> str:
    """Press the button, and again now and then: a booting guest does not notice it yet.

    A guest that does not obey within 5 s is asked through its agent too, where it has one.

    Returns:
        Empty once the guest is off, else what speaks for force.
    """
    from kvmtui.manage import addresses, agents

    deadline = time.monotonic() + timeout_s
    asked_agent = False
    while True:
        hindrance = await _press_button(folder, force)
        if hindrance:
            return hindrance
        left = deadline - time.monotonic()
        if await _wait_gone(process, min(max(left, 0.0), _PRESS_AGAIN_S)):
            return ""
        if time.monotonic() >= deadline:
            return f"the power button was not obeyed within {timeout_s:g} s"
        if not asked_agent and addresses.agent_is_open(folder):
            asked_agent = True
            await agents.press_shutdown(library, folder.name)


async def _press_button(folder: GuestFolder, force: bool) -> str:
    """``system_powerdown``; a paused guest cannot notice it.

    Returns:
        Empty when it was pressed, else why it could not be, where force follows.
    """
    name = folder.name
    try:
        async with command_session(monitors_of(folder), f"kvmtui shutdown {name}") as monitor:
            status = (await monitor.execute("query-status"))["status"]
            if status == "running":
                await monitor.execute("system_powerdown")
                return ""
    except MonitorError:
        if not force:
            raise
        return "QEMU did not answer"
    if force:
        return f"it was {status} and could not notice the power button"
    raise StateError(
        f"{name} is {status} and cannot notice the power button",
        hint=f"kvmtui resume {name}, or kvmtui stop {name}",
    )


async def _pull_plug(folder: GuestFolder, process: ProcessHandle) -> None:
    """QMP ``quit``, which flushes the disks; SIGKILL where QEMU does not answer.

    Raises:
        MonitorTimeout: The kernel does not let go of it (a disk that hangs).
    """
    try:
        async with command_session(monitors_of(folder), f"kvmtui stop {folder.name}") as monitor:
            await monitor.execute("quit", limit_s=_QUIT_LIMIT_S)
    except (MonitorError, BusyError):
        pass
    if await _wait_gone(process, _QUIT_LIMIT_S if not is_stopped(process.pid) else 0.0):
        return
    with contextlib.suppress(OSError):
        history.append(folder.history, {"phase": "kill", "pid": process.pid})
    process.signal(signal.SIGKILL)
    if not await _wait_gone(process, _KILL_LIMIT_S):
        raise MonitorTimeout(
            f"{folder.name}: its process {process.pid} does not end, even when killed",
            hint="a disk that hangs keeps it: see dmesg",
        )


async def stop(library: Library, name: str) -> Outcome:
    """Pull the plug: the guest's unsaved data is lost, its disks are flushed.

    Raises:
        MonitorTimeout: The process does not end, even when killed.
    """
    folder = library.folder(name)
    async with _locked(folder, "stop"):
        process = hold_process(library, folder)
        if process is None:
            return Outcome(name, "stop", False, f"{name} does not run")
        with process, told(folder, "stop"):
            await _pull_plug(folder, process)
            _ended(folder)
    return Outcome(name, "stop", True, f"{name} was stopped")


async def reboot(library: Library, name: str, *, timeout_s: float = SHUTDOWN_LIMIT_S) -> Outcome:
    """Shut the guest down by its power button and start it again, as now defined.

    Raises:
        StateError: It does not run, did not go down in time, or was ended otherwise.
    """
    folder = library.folder(name)
    if not is_running(library, folder):
        raise StateError(f"{name} does not run", hint=f"kvmtui start {name}")
    await shutdown(library, name, timeout_s=timeout_s)
    ended = story.last_stop_of_record(folder)
    if ended is None or ended.reason != "guest-shutdown":
        raise StateError(f"{name} was ended meanwhile and is not started again")
    outcome = await asyncio.to_thread(starting.start, library, name)
    return Outcome(name, "reboot", True, f"{name} rebooted", outcome.note)


async def reset(library: Library, name: str) -> Outcome:
    """Press the reset button: unsaved data is lost. A broken machine runs again after it.

    Raises:
        StateError: It does not run.
    """
    folder = library.folder(name)
    async with running_session(library, folder, "reset") as (monitor, _):
        status = (await monitor.execute("query-status"))["status"]
        await monitor.execute("system_reset")
        if status in _BROKEN:
            await monitor.execute("cont")
    return Outcome(name, "reset", True, f"{name} was reset")


async def pause(library: Library, name: str) -> Outcome:
    """Halt the guest's processors; its memory stays.

    Raises:
        StateError: It does not run.
    """
    folder = library.folder(name)
    async with running_session(library, folder, "pause") as (monitor, operation):
        status = (await monitor.execute("query-status"))["status"]
        if status == "paused":
            operation.result["changed"] = False
            return Outcome(name, "pause", False, f"{name} is paused already")
        await monitor.execute("stop")
    return Outcome(name, "pause", True, f"{name} is paused")


async def resume(library: Library, name: str) -> Outcome:
    """Let a paused guest, or one that waited for disk space, go on.

    Raises:
        StateError: It does not run, or stands there broken.
    """
    folder = library.folder(name)
    async with running_session(library, folder, "resume") as (monitor, operation):
        status = (await monitor.execute("query-status"))["status"]
        if status == "running":
            operation.result["changed"] = False
            return Outcome(name, "resume", False, f"{name} runs already")
        if status in _BROKEN:
            raise StateError(f"{name} is {status} and cannot go on", hint=f"kvmtui reset {name}")
        await monitor.execute("cont")
        try:
            status = (await monitor.execute("query-status"))["status"]
        except ConnectionLost:
            return Outcome(name, "resume", True, f"{name} ran again, and ended at once")
        if status == "io-error":
            raise StateError(f"{name} stopped again at once: its disk has still no room")
    return Outcome(name, "resume", True, f"{name} runs again")


@contextlib.asynccontextmanager
async def running_session(
    library: Library, folder: GuestFolder, verb: str
) -> AsyncIterator[tuple[Monitor, Operation]]:
    """A monitor of a running guest, under its lock and told in its story."""
    async with _locked(folder, verb):
        process = hold_process(library, folder)
        if process is None:
            raise StateError(f"{folder.name} does not run", hint=f"kvmtui start {folder.name}")
        with process, told(folder, verb) as operation:
            try:
                async with command_session(
                    monitors_of(folder), f"kvmtui {verb} {folder.name}"
                ) as monitor:
                    yield monitor, operation
            except MonitorTimeout as error:
                named = error.message.startswith(f"{folder.name} ")
                raise error if named else unanswered(folder.place, error) from None
