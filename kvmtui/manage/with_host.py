"""Starting guests as the host starts, and shutting them down before it goes down.

Started one after the other, in their order; shut down in the reverse of it, those of one
place together. Every guest that runs is shut down, not only those that the host's start
starts: who started it by hand did not mean its plug to be pulled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from kvmtui.errors import BusyError, KvmtuiError, as_told
from kvmtui.guest import history
from kvmtui.guest.library import Library
from kvmtui.host.boot_unit import is_host_going_down, take_passed_mark
from kvmtui.host.paths import autostart_unit
from kvmtui.manage import power, starting
from kvmtui.manage.autostart import Planned, planned
from kvmtui.manage.looking import look
from kvmtui.manage.views import Outcome

END_LIMIT_S = 300.0
"""How long all guests together may take to shut down, before their plugs are pulled."""
STARTER = "autostart"
ENDER = "host shutdown"
"""Who did it, in the guests' stories."""

Result = tuple[str, Outcome | KvmtuiError]


def run(library: Library, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[Result]:
    """Start the guests that start with the host; each one's result as it comes.

    One that runs already is waited for by nobody. Right after the unit was installed
    there is nothing to start: that start of it is not the host's.

    Args:
        sleep: Waits for so many seconds.
    """
    if take_passed_mark(autostart_unit(library.root)):
        return
    guests, _ = planned(library)
    with history.acting_as(STARTER):
        for one in guests:
            try:
                if one.delay_s and not power.is_running(library, library.folder(one.name)):
                    sleep(one.delay_s)
                yield one.name, starting.start(library, one.name)
            except (KvmtuiError, OSError) as error:
                yield one.name, as_told(one.name, error)


def places(guests: list[Planned], running: list[str]) -> list[list[str]]:
    """The running guests in the order in which they are shut down, each place together.

    First those that the host does not start: they came last.
    """
    orders = {one.name: (one.order is None, one.order or 0) for one in guests}
    keys = sorted({orders[name] for name in running if name in orders}, reverse=True)
    groups = [[name for name in running if name not in orders]]
    groups += [[name for name in running if orders.get(name) == key] for key in keys]
    return [group for group in groups if group]


async def stop(
    library: Library, *, limit_s: float = END_LIMIT_S, clock: Callable[[], float] = time.monotonic
) -> list[Result]:
    """Shut all running guests down in reverse order; what does not obey is stopped.

    Each place has an equal share of the time that is left, so that one guest without an
    ear for its power button does not take all of it. Why a plug was pulled is in the
    guest's story.

    Args:
        limit_s: How long all of them may take before the plug is pulled.
        clock: Seconds that only grow.
    """
    deadline = clock() + limit_s
    results: list[Result] = []
    # A start that was under way at first is met by the second look.
    for _ in range(2):
        done = {name for name, _ in results}
        running = [view.name for view in look(library) if view.pid is not None]
        groups = places(planned(library)[0], [name for name in running if name not in done])
        for index, group in enumerate(groups):
            share_s = round(max(0.0, deadline - clock()) / (len(groups) - index), 1)
            results += await asyncio.gather(*(_end(library, name, share_s) for name in group))
    return results


async def _end(library: Library, name: str, limit_s: float) -> Result:
    """Shut one guest down, or stop it."""
    try:
        try:
            return name, await power.shutdown(library, name, timeout_s=limit_s, force=True)
        except BusyError:
            return name, await power.stop(library, name)
    except (KvmtuiError, OSError) as error:
        return name, as_told(name, error)


def ender() -> str:
    """Who ends the guests: the host's shutdown, else whoever calls."""
    return ENDER if is_host_going_down() else history.acting_user()
