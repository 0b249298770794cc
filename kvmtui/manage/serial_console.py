"""A guest's serial console: whether it can be had now, and a viewer of it for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import Any, NamedTuple

from kvmtui.errors import BusyError, CommandRefused, KvmtuiError, StateError
from kvmtui.guest.folder import CONSOLE_LOG, PID, RUN, SERIAL, GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage.kept_log import count_lines
from kvmtui.manage.own_thread import OwnThread
from kvmtui.manage.power import is_running, monitors_of
from kvmtui.manage.serial_line import STEP_S, SerialLine
from kvmtui.manage.views import Outcome
from kvmtui.qemu.claims import claim
from kvmtui.qemu.monitor import command_session
from kvmtui.qemu.process import command_line_of, lock_holder

TAKE_LIMIT_S = 3.0


class SerialState(NamedTuple):
    """What stands before one who opens the console."""

    run_state: str
    """QEMU's own: ``running``, ``paused``, …"""
    logs: bool
    """Whether the console is logged."""
    foreign: bool
    """Whether a program that knows nothing of kvmtui's locks has the socket."""

    @property
    def note(self) -> str:
        """What the viewer should know; empty where all is as usual."""
        if self.foreign:
            return "another program has the serial socket: what is typed waits for its end"
        if self.run_state != "running":
            return f"it is {self.run_state}: it reads and says nothing until it runs again"
        return ""


async def serial_state(library: Library, name: str) -> SerialState:
    """Ask the guest's QEMU about its console.

    Raises:
        StateError: It does not run, was started without a serial console, or its folder
            does not answer.
        MonitorError: Its QEMU does not answer.
    """
    files = OwnThread(name)
    try:
        return await _state(library, name, files)
    finally:
        files.end(lambda: None)


async def _state(library: Library, name: str, files: OwnThread) -> SerialState:
    folder = await files.do(lambda: _running(library, name))
    async with command_session(monitors_of(folder), f"kvmtui console {name}") as monitor:
        run_state = (await monitor.execute("query-status"))["status"]
        devices: list[dict[str, Any]] = await monitor.execute("query-chardev")
    serial = next((one for one in devices if one.get("label") == "serial0"), None)
    if serial is None:
        raise StateError(
            f"{name} was started without a serial console",
            hint=f"kvmtui set {name} serial=true, then kvmtui reboot {name}",
        )
    connected = not str(serial.get("filename", "")).startswith("disconnected:")
    logs, free = await files.do(lambda: (_logs(folder), _is_free(folder)))
    return SerialState(run_state, logs, connected and free)


def _running(library: Library, name: str) -> GuestFolder:
    folder = library.folder(name)
    if not is_running(library, folder):
        raise StateError(f"{name} does not run", hint=f"kvmtui start {name}")
    return folder


def _logs(folder: GuestFolder) -> bool:
    """Whether this run writes the log: its own command line tells."""
    pid = lock_holder(folder.at(RUN, PID))
    words = command_line_of(pid) if pid else []
    return any(b"id=serial0" in word and b"logfile=" in word for word in words)


def _is_free(folder: GuestFolder) -> bool:
    """Whether none of us holds the socket."""
    lock = claim(folder.place, SERIAL, "a look")
    if lock is None:
        return False
    os.close(lock)
    return True


async def send_break(library: Library, name: str) -> Outcome:
    """Send a BREAK down the guest's serial line (QMP ``chardev-send-break``).

    Linux takes the letter after it for SysRq, where its console is there.

    Raises:
        StateError: It does not run, or was started without a serial console.
        MonitorError: Its QEMU does not answer.
    """
    files = OwnThread(name)
    try:
        folder = await files.do(lambda: _running(library, name))
    finally:
        files.end(lambda: None)
    async with command_session(monitors_of(folder), f"kvmtui type {name}") as monitor:
        try:
            await monitor.execute("chardev-send-break", {"id": "serial0"})
        except CommandRefused as error:
            raise StateError(
                f"{name} has no serial line that takes a BREAK: {error.description}",
                hint=f"kvmtui set {name} serial=true, then kvmtui reboot {name}",
            ) from None
    return Outcome(name, "type", True, f"a BREAK was sent to {name}'s serial line")


async def take_over(line: SerialLine, name: str, files: OwnThread) -> None:
    """Have who types give the console up.

    Raises:
        BusyError: It does not, within 3 s.
    """
    deadline = time.monotonic() + TAKE_LIMIT_S
    await files.do(line.ask_for_it)
    while not line.typing:
        if time.monotonic() >= deadline:
            holder = await files.do(lambda: line.holder)
            raise BusyError(f"{name}'s console is not given up by {holder}")
        await asyncio.sleep(0.05)
        await files.do(line.step)


class SerialSession:
    """A viewer of the console in asyncio's loop; `close` it. Files are touched in a thread.

    Args:
        tail: What the console said last before this viewer came, at most 16 KiB.
        holder: Who types instead.
        lines: How many lines its log has; None where there is none.

    Attributes:
        state: As it was when it was opened.
    """

    def __init__(
        self,
        name: str,
        line: SerialLine,
        state: SerialState,
        files: OwnThread,
        *,
        tail: bytes = b"",
        holder: str = "",
        lines: int | None = None,
    ) -> None:
        self._name = name
        self._line = line
        self._files = files
        self._unsent = b""
        self._holder = holder
        self._step_at = 0.0
        self.state = state
        self.tail = tail
        self.lines = lines

    @property
    def typing(self) -> bool:
        """Whether what is written reaches the guest."""
        return self._line.typing

    @property
    def holder(self) -> str:
        """Who types instead; empty where it is this viewer."""
        return "" if self.typing else self._holder

    @property
    def ended(self) -> bool:
        """Whether the guest's QEMU is gone."""
        return self._line.ended

    async def read(self) -> bytes:
        """What the guest wrote; empty when nothing came within a quarter of a second.

        Once it has ended that is all the rest.

        Raises:
            StateError: The guest's folder does not answer.
        """
        line = self._line
        now = time.monotonic()
        if not line.typing or now >= self._step_at:
            self._step_at = now + STEP_S
            await self._files.do(self._step)
        self.write(b"")
        data = await self._piece()
        if not data and not line.ended:
            if line.fileno() < 0:
                await asyncio.sleep(STEP_S / 2)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STEP_S):
                        await _readable(line.fileno())
            data = await self._piece()
        return data + await self.read_rest() if line.ended else data

    def _step(self) -> None:
        self._line.step()
        if not self._line.typing:
            self._holder = self._line.holder

    async def _piece(self) -> bytes:
        heard = self._line.hear()
        return await self._files.do(self._line.read) if heard is None else heard

    async def read_rest(self) -> bytes:
        """All that the guest wrote and that is not yet read; for when it has ended."""
        return await self._files.do(self._line.read_rest)

    def write(self, data: bytes) -> bool:
        """Send what was typed; False where the guest has not read what was typed before."""
        if not self.typing:
            self._unsent = b""
            return False
        if len(self._unsent) > MOST_UNSENT_BYTES:
            data = b""
        self._unsent += data
        self._unsent = self._unsent[self._line.write(self._unsent) :] if self._unsent else b""
        return not self._unsent

    async def take_over(self) -> None:
        """As `take_over`."""
        await take_over(self._line, self._name, self._files)

    async def let_go(self) -> None:
        """Give the console up for good and go on reading."""
        self._line.reads_only = True
        await self._files.do(self._line.let_go)

    def close(self) -> None:
        """Leave; the guest goes on."""
        self._files.end(self._line.close)


MOST_UNSENT_BYTES = 1 << 16
"""What is kept of typed text for a guest that does not read."""


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def notice() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(fd, notice)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


async def open_line(library: Library, name: str, *, wanted: bool) -> tuple[SerialLine, SerialState]:
    """A viewer that is open.

    Args:
        wanted: Take the console from who types.

    Raises:
        StateError: It does not run, or has no serial console.
        BusyError: Another types and there is no log to read, or it does not let go.
    """
    files = OwnThread(name)
    try:
        return await _open(library, name, files, wanted=wanted)
    finally:
        files.end(lambda: None)


async def _open(
    library: Library, name: str, files: OwnThread, *, wanted: bool
) -> tuple[SerialLine, SerialState]:
    state = await _state(library, name, files)
    line = SerialLine(await files.do(lambda: library.folder(name)), logs=state.logs)
    try:
        await files.do(line.open)
        if not line.typing and wanted:
            await take_over(line, name, files)
        if not line.typing and not state.logs:
            holder = await files.do(lambda: line.holder)
            raise BusyError(
                f"{name}'s console is used by {holder}, and it is not logged",
                hint=f"kvmtui console {name} --take-over",
            )
    except OSError as error:
        files.end(line.close)
        raise KvmtuiError(f"{name}'s console cannot be reached: {error.strerror}") from None
    except BaseException:
        files.end(line.close)
        raise
    return line, state


async def open_session(library: Library, name: str, *, take_over: bool = False) -> SerialSession:
    """A viewer in asyncio's loop.

    Raises:
        KvmtuiError: As `open_line`.
    """
    files = OwnThread(name)
    try:
        line, state = await _open(library, name, files, wanted=take_over)
    except BaseException:
        files.end(lambda: None)
        raise
    path = library.place(name).at(CONSOLE_LOG)
    try:
        tail, holder = await files.do(lambda: (line.tail(), line.holder))
        lines = await files.do(lambda: count_lines(path)) if state.logs else None
    except BaseException:
        files.end(line.close)
        raise
    return SerialSession(name, line, state, files, tail=tail, holder=holder, lines=lines)
