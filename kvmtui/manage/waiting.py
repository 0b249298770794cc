"""Waiting for a guest: for a state, a text on its console, its agent, a port."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable

from kvmtui.durable import reading
from kvmtui.errors import BusyError, MonitorError, StateError, UsageError
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.forwards import Forward
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.looking import look_at
from kvmtui.manage.power import is_running, monitors_of
from kvmtui.manage.views import Outcome
from kvmtui.qemu.events import AGENT_PORT, data_from, read_events
from kvmtui.qemu.monitor import command_session
from kvmtui.text import visible

_PAUSE_S = 0.1
_ANSWER_S = 0.2
_WINDOW_BYTES = 1 << 20

Check = Callable[[], Awaitable[bool]]


async def wait_for(library: Library, name: str, condition: str, *, timeout_s: float) -> Outcome:
    """Wait until something is so.

    Args:
        condition: ``running``, ``stopped``, ``agent``, ``text=REGEX`` or ``port=N``.

    Raises:
        UsageError: No such condition.
        StateError: The limit came first, or the guest ended meanwhile.
    """
    folder = library.folder(name)
    check, needs_process = _check_for(library, folder, condition)
    shown = visible(condition, limit=80)
    deadline = time.monotonic() + timeout_s
    while True:
        if await check():
            return Outcome(name, "wait", False, f"{name}: {shown}")
        if needs_process and not is_running(library, folder):
            if await check():
                return Outcome(name, "wait", False, f"{name}: {shown}")
            raise StateError(f"{name} does not run, so {shown} cannot come")
        if time.monotonic() >= deadline:
            raise StateError(f"{name}: {shown} did not come within {timeout_s:g} s")
        await asyncio.sleep(_PAUSE_S)


def _check_for(library: Library, folder: GuestFolder, condition: str) -> tuple[Check, bool]:
    kind, equals, value = condition.partition("=")
    if kind in ("running", "stopped") and not equals:
        return _state_check(library, folder, kind), False
    if kind == "agent" and not equals:
        return _agent_check(folder), True
    if kind == "text" and value:
        if not load_definition(folder).console_log:
            raise UsageError(
                f"{folder.name}'s console is not logged, so no text is seen",
                hint=f"kvmtui set {folder.name} console_log=on, or kvmtui expect",
            )
        try:
            return _text_check(folder, re.compile(value.encode())), True
        except re.error as error:
            raise UsageError(f"'{visible(value)}' is no regular expression: {error}") from None
    if kind == "port" and value.isdecimal() and 0 < int(value) < 65536:
        return _port_check(folder, int(value)), True
    raise UsageError(
        f"'{visible(condition, limit=60)}' cannot be waited for",
        hint="wait for running, stopped, agent, text=REGEX or port=N",
    )


def _state_check(library: Library, folder: GuestFolder, wanted: str) -> Check:
    async def check() -> bool:
        if wanted == "stopped":
            return not is_running(library, folder)
        return look_at(library, folder.name).state == "running"

    return check


def _agent_check(folder: GuestFolder) -> Check:
    """The guest's agent has opened its channel (event ``VSERPORT_CHANGE``)."""

    async def check() -> bool:
        open_now = False
        for event, _ in read_events(folder.events):
            if event.name == "VSERPORT_CHANGE" and event.data.get("id") == AGENT_PORT:
                open_now = bool(event.data.get("open"))
        return open_now

    return check


def _text_check(folder: GuestFolder, pattern: re.Pattern[bytes]) -> Check:
    """The serial console has said it since this start; read from its log."""
    window = b""
    offset = int((folder.start_record() or {}).get("console_offset", 0))

    async def check() -> bool:
        nonlocal window, offset
        try:
            with reading(folder.console_log) as file:
                if os.fstat(file.fileno()).st_size < offset:
                    offset = 0
                offset = data_from(file.fileno(), offset)
                file.seek(offset)
                fresh = file.read(_WINDOW_BYTES)
        except FileNotFoundError:
            return False
        offset += len(fresh)
        window = (window + fresh)[-2 * _WINDOW_BYTES :]
        return bool(fresh) and pattern.search(window) is not None

    return check


def _port_check(folder: GuestFolder, port: int) -> Check:
    """The guest itself answers on a forwarded port.

    QEMU's user network accepts on the host before the guest was asked, so a connection
    alone tells nothing. QEMU lists it as ESTABLISHED (HMP ``info usernet``) when the
    guest answered.
    """
    rules = load_definition(folder).forwards()
    chosen = [rule for rule in rules if rule.guest_port == port and rule.protocol == "tcp"]
    chosen += [rule for rule in rules if rule.host_port == port and rule.protocol == "tcp"]
    if not chosen:
        raise UsageError(
            f"{folder.name} forwards no TCP port to its port {port}",
            hint=f"kvmtui set {folder.name} 'networks[0].forwards=[{port}:{port}]'",
        )
    rule = chosen[0]

    async def check() -> bool:
        family = socket.AF_INET6 if ":" in rule.host_address else socket.AF_INET
        host = "127.0.0.1" if rule.host_address == "0.0.0.0" else rule.host_address
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            loop = asyncio.get_running_loop()
            try:
                before = await _flows(folder, rule)
                async with asyncio.timeout(1.0):
                    await loop.sock_connect(connection, (host, rule.host_port))
                return await _guest_answers(folder, rule, connection, before)
            except (OSError, TimeoutError, MonitorError, BusyError):
                return False

    return check


async def _flows(folder: GuestFolder, rule: Forward) -> set[str]:
    """Descriptors of the connections through a forward that the guest has answered."""
    async with command_session(monitors_of(folder), "kvmtui wait") as monitor:
        answer = await monitor.execute("human-monitor-command", {"command-line": "info usernet"})
    return answered_flows(str(answer), rule)


def answered_flows(usernet: str, rule: Forward) -> set[str]:
    """The descriptors of a forward's connections that the guest answered.

    The source column is the forward's own address, so connections differ by their
    descriptor alone. One that the guest has not answered is SYN_SENT.
    """
    found = set()
    for line in usernet.splitlines():
        words = line.split()
        answered = len(words) >= 6 and words[0] in ("TCP[ESTABLISHED]", "TCP[CLOSE_WAIT]")
        if answered and (words[3], words[5]) == (str(rule.host_port), str(rule.guest_port)):
            found.add(words[1])
    return found


async def _guest_answers(
    folder: GuestFolder, rule: Forward, connection: socket.socket, before: set[str]
) -> bool:
    """Whether the guest sent something, or QEMU lists the connection as answered."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_ANSWER_S):
            return bool(await loop.sock_recv(connection, 1))
    except TimeoutError:
        return bool(await _flows(folder, rule) - before)
    except OSError:
        return False
