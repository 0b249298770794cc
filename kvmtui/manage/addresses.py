"""The addresses of guests that run, from their agents: all asked at once, none waited for long.

`list` does this, so asyncio is not used, and a guest whose agent has not opened its channel
costs one look at the end of its events.
"""

from __future__ import annotations

import contextlib
import time

from kvmtui import light_json as json
from kvmtui.durable import reading
from kvmtui.guest.folder import AGENT, EVENTS, RUN
from kvmtui.qemu.events import AGENT_PORT, tail_offset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library
    from kvmtui.manage.views import GuestView
    from kvmtui.qemu.agent_polls import AgentPoll

_LIMIT_S = 0.3
_TAIL_BYTES = 256 << 10
_QUESTION = b'{"execute":"guest-network-get-interfaces"}\n'


def with_addresses(library: Library, views: Sequence[GuestView]) -> list[GuestView]:
    """The same views with the addresses that running guests told within 0.3 s."""
    running = [view for view in views if view.pid is not None and view.state == "running"]
    asked = [view.name for view in running if agent_is_open(library.place(view.name))]
    if not asked:
        return list(views)
    from kvmtui.qemu.agent_polls import AgentPoll

    polls: dict[str, AgentPoll] = {}
    for name in asked:
        folder = library.place(name)
        polls[name] = AgentPoll(folder.at(RUN), folder.place, AGENT, _QUESTION, "kvmtui list")
    found = _asked(polls)
    return [view._replace(addresses=found.get(view.name, ())) for view in views]


def agent_is_open(folder: GuestFolder) -> bool:
    """Whether the guest's agent last opened its channel (event VSERPORT_CHANGE).

    False too where that was so long ago that its event is no longer near the record's end.
    """
    path = folder.at(EVENTS)
    port = f'"id": "{AGENT_PORT}"'.encode()
    with contextlib.suppress(OSError), reading(path) as file:
        file.seek(tail_offset(path, _TAIL_BYTES))
        for line in reversed(file.read().split(b"\n")):
            if b'"VSERPORT_CHANGE"' in line and port in line:
                return b'"open": true' in line
    return False


def _asked(polls: dict[str, AgentPoll]) -> dict[str, tuple[str, ...]]:
    import select

    deadline = time.monotonic() + _LIMIT_S
    found: dict[str, tuple[str, ...]] = {}
    waiting = dict(polls)
    try:
        while waiting and time.monotonic() < deadline:
            for name, poll in list(waiting.items()):
                answer = poll.step()
                if answer is not None:
                    found[name] = addresses_in(answer[0])
                    del waiting[name]
            select.select([], [], [], 0.005)
    finally:
        for poll in polls.values():
            poll.close()
    return found


def addresses_in(line: bytes) -> tuple[str, ...]:
    """The addresses in an agent's answer to ``guest-network-get-interfaces``."""
    from kvmtui.manage.agents import read_addresses

    return read_addresses(_cards(line))


def _cards(line: bytes) -> object:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return answer.get("return") if isinstance(answer, dict) else None
