"""What a guest's own agent tells and does."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from kvmtui.errors import CommandRefused, KvmtuiError, MonitorTimeout, StateError
from kvmtui.guest.folder import AGENT, RUN
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.screens import refuse_stopped
from kvmtui.qemu.agent import Agent, AgentSilent, agent_session
from kvmtui.text import visible

EXEC_LIMIT_S = 60.0
MOST_INPUT_BYTES = 16 << 20
_FIRST_LOOK_S = 0.02
_SLOWEST_LOOK_S = 0.5
_MOST_INTERFACES = 100
_MOST_ADDRESSES = 64


class AgentInfo(NamedTuple):
    """What an agent says of itself and its guest; None where it does not know."""

    version: str | None
    host_name: str | None
    os: str | None
    """In the guest's own words: ``Debian GNU/Linux 12 (bookworm)``."""
    kernel: str | None
    addresses: tuple[str, ...]
    commands: tuple[str, ...]
    """What it can do and is allowed to."""
    disabled: tuple[str, ...]
    """What it can, and its guest's administrator forbids."""


class ExecResult(NamedTuple):
    """How a command in the guest ended."""

    exit_status: int | None
    """None where a signal ended it."""
    signal: int | None
    out: bytes
    err: bytes
    truncated: bool
    """Whether there was more output than the agent keeps."""


@contextlib.asynccontextmanager
async def session(library: Library, name: str, verb: str = "agent") -> AsyncIterator[Agent]:
    """A session with the guest's agent.

    Raises:
        StateError: The guest does not run, or has no agent that answers.
        BusyError: Another uses it.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    if not load_definition(folder).agent:
        raise StateError(
            f"{name} has no agent's channel", hint=f"kvmtui set {name} agent=true, then reboot it"
        )
    try:
        purpose = f"kvmtui {verb} {name}"
        async with agent_session(folder.at(RUN), folder.place, AGENT, purpose) as agent:
            yield agent
    except AgentSilent as error:
        raise AgentSilent(
            f"{name}: {error.message}",
            hint="install and start qemu-guest-agent in the guest",
        ) from None


async def ping(library: Library, name: str) -> float:
    """Ask whether the agent answers; how long it took, in seconds.

    Raises:
        KvmtuiError: As `session`.
    """
    async with session(library, name) as agent:
        began = time.monotonic()
        await agent.execute("guest-ping")
        return time.monotonic() - began


async def call(
    library: Library,
    name: str,
    command: str,
    arguments: dict[str, Any] | None,
    *,
    limit_s: float,
) -> Any:
    """Run one command of the agent's own, such as ``guest-get-fsinfo``.

    Raises:
        KvmtuiError: As `session`, or the agent refused it.
    """
    async with session(library, name) as agent:
        return await agent.execute(command, arguments, limit_s=limit_s)


async def info(library: Library, name: str) -> AgentInfo:
    """What the agent says of itself and its guest.

    Raises:
        KvmtuiError: As `session`.
    """
    async with session(library, name) as agent:
        about = await _asked(agent, "guest-info")
        os_info = await _asked(agent, "guest-get-osinfo")
        host = await _asked(agent, "guest-get-host-name")
        cards = await _asked(agent, "guest-network-get-interfaces")
    listed = about.get("supported_commands") if isinstance(about, dict) else None
    commands = [one for one in listed or () if isinstance(one, dict)]

    def named(enabled: bool) -> tuple[str, ...]:
        chosen = (one for one in commands if bool(one.get("enabled")) is enabled)
        return tuple(sorted(visible(str(one.get("name")), limit=80) for one in chosen))

    return AgentInfo(
        version=_text(about, "version"),
        host_name=_text(host, "host-name"),
        os=_text(os_info, "pretty-name") or _text(os_info, "name"),
        kernel=_text(os_info, "kernel-release"),
        addresses=read_addresses(cards),
        commands=named(True),
        disabled=named(False),
    )


async def addresses(library: Library, name: str) -> tuple[str, ...]:
    """The guest's addresses, its loopback and link-local ones left out.

    Raises:
        KvmtuiError: As `session`, or the agent refused to tell.
    """
    async with session(library, name) as agent:
        return read_addresses(await agent.execute("guest-network-get-interfaces"))


async def _asked(agent: Agent, command: str) -> Any:
    """An answer, or None where this agent does not give one."""
    try:
        return await agent.execute(command)
    except CommandRefused:
        return None


def _text(value: Any, key: str) -> str | None:
    found = value.get(key) if isinstance(value, dict) else None
    return visible(found, limit=200) if isinstance(found, str) and found else None


def read_addresses(cards: Any) -> tuple[str, ...]:
    """The addresses in an answer to ``guest-network-get-interfaces``, whatever is in it."""
    import ipaddress

    found: list[str] = []
    for card in (cards if isinstance(cards, list) else [])[:_MOST_INTERFACES]:
        listed = card.get("ip-addresses") if isinstance(card, dict) else None
        for one in (listed if isinstance(listed, list) else [])[:_MOST_ADDRESSES]:
            told = one.get("ip-address") if isinstance(one, dict) else None
            try:
                address = ipaddress.ip_address(str(told))
            except ValueError:
                continue
            text = str(address)
            usable = not (address.is_loopback or address.is_link_local or address.is_unspecified)
            if usable and text not in found:
                found.append(text)
    return tuple(found[:_MOST_ADDRESSES])


async def run_in_guest(
    library: Library,
    name: str,
    words: list[str],
    *,
    given: bytes | None = None,
    limit_s: float = EXEC_LIMIT_S,
) -> ExecResult:
    """Run a command in the guest and wait for its end.

    Args:
        words: The program and its arguments; no shell reads them.
        given: Its standard input.

    Raises:
        KvmtuiError: As `session`; it cannot be started; or it goes on beyond the limit.
    """
    if given is not None and len(given) > MOST_INPUT_BYTES:
        raise KvmtuiError(f"standard input has more than {MOST_INPUT_BYTES} bytes")
    arguments: dict[str, Any] = {"path": words[0], "arg": words[1:], "capture-output": True}
    if given is not None:
        arguments["input-data"] = base64.b64encode(given).decode()
    deadline = time.monotonic() + limit_s
    async with session(library, name, "agent exec") as agent:
        started = await agent.execute("guest-exec", arguments)
        pid = started.get("pid") if isinstance(started, dict) else None
        if not isinstance(pid, int):
            raise KvmtuiError(f"{name}'s agent started nothing")
        pause_s = _FIRST_LOOK_S
        while True:
            status = await agent.execute("guest-exec-status", {"pid": pid})
            if isinstance(status, dict) and status.get("exited"):
                return _exec_result(status)
            if time.monotonic() >= deadline:
                raise MonitorTimeout(
                    f"{name}: {visible(words[0], limit=80)} goes on after {limit_s:g} s, as pid"
                    f" {pid} of the guest"
                )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _SLOWEST_LOOK_S)


def _exec_result(status: dict[str, Any]) -> ExecResult:
    exit_status, number = status.get("exitcode"), status.get("signal")
    return ExecResult(
        exit_status=exit_status if isinstance(exit_status, int) else None,
        signal=number if isinstance(number, int) else None,
        out=_bytes(status.get("out-data")),
        err=_bytes(status.get("err-data")),
        truncated=bool(status.get("out-truncated") or status.get("err-truncated")),
    )


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value) if isinstance(value, str) else b""
    except ValueError:
        return b""


async def press_shutdown(library: Library, name: str) -> bool:
    """Ask the agent to shut the guest down; whether one took it. It answers only to refuse."""
    try:
        async with session(library, name, "shutdown") as agent:
            await agent.execute("guest-shutdown", {"mode": "powerdown"}, limit_s=1.0)
    except MonitorTimeout:
        return True
    except (KvmtuiError, OSError):
        return False
    return True
