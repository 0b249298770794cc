"""Whether somebody watches a home, and what that one told last.

The lock says whether; what is beside it is only told to people.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, NamedTuple

from kvmtui import light_json as json
from kvmtui.durable import reading, try_lock, write_atomically
from kvmtui.errors import BusyError
from kvmtui.guest.library import Library
from kvmtui.qemu.process import is_held
from kvmtui.text import visible

LOCK = ".watch.lock"
_STATE = "watch.json"


class State(NamedTuple):
    """What a watch tells of itself."""

    pid: int
    since: str
    """ISO 8601 UTC, as `seen`."""
    seen: str
    """When it wrote this: once a minute."""
    guests: int
    metrics: str | None
    """Where it tells metrics."""
    faults: tuple[str, ...]
    """What it cannot do, and why."""
    over: tuple[str, ...]
    """What is above its threshold now."""


def take_lock(library: Library) -> int:
    """Be the one who watches; the descriptor that holds it.

    Raises:
        BusyError: Another one does.
        OSError: The home cannot be written.
    """
    lock = try_lock(library.at(LOCK), owner_folder=library.root)
    if lock is not None:
        return lock
    found = read_state(library)
    who = f"process {found.pid}" if found else "another kvmtui"
    raise BusyError(f"{who} watches this home already", hint="kvmtui watch status")


def is_watched(library: Library) -> bool:
    """Whether somebody watches the home now."""
    return is_held(library.at(LOCK))


def tell(library: Library, state: State) -> None:
    """Tell people what a watch does; a full disk keeps nobody from watching."""
    with contextlib.suppress(OSError):
        data = json.dumps(state._asdict(), ensure_ascii=False).encode()
        write_atomically(library.at(_STATE), data, durable=False)


def read_state(library: Library) -> State | None:
    """What the watch of now tells; None where nobody watches, or it did not tell yet."""
    if not is_watched(library):
        return None
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        with reading(library.at(_STATE)) as file:
            found: dict[str, Any] = json.loads(file.read(1 << 16))
        state = State(
            pid=int(found["pid"]),
            since=visible(str(found["since"]), limit=40),
            seen=visible(str(found["seen"]), limit=40),
            guests=int(found["guests"]),
            metrics=None if found["metrics"] is None else visible(str(found["metrics"])),
            faults=_lines(found["faults"]),
            over=_lines(found["over"]),
        )
        # What an earlier watch told is of no use.
        return state if os.path.exists(f"/proc/{state.pid}") else None
    return None


def _lines(found: Any) -> tuple[str, ...]:
    return tuple(visible(str(one)) for one in found) if isinstance(found, list) else ()
