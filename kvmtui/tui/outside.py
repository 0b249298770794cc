"""Another program in the terminal, with the app out of the way and its figures going on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.tui.wire import WireApp

_THEN_WAIT = '"$@"; status=$?; printf "\\n%s" "$0"; read -r answer; exit "$status"'


async def run_outside(app: WireApp, command: Sequence[str]) -> int:
    """Run a program; the app neither draws nor reads meanwhile, but looks at its guests.

    Frames are held back by `batch_update`: Textual's queue of output would fill up and
    stop the loop.

    Returns:
        The program's exit status.

    Raises:
        OSError: It could not be started.
    """
    fault: OSError | None = None
    status = 0
    # What is raised in there would leave the app without its terminal.
    with app.suspend(), app.batch_update():
        try:
            status = await _ended(await asyncio.create_subprocess_exec(*command))
        except OSError as error:
            fault = error
    if fault is not None:
        raise fault
    return status


def kept_on_screen(command: Sequence[str], question: str) -> list[str]:
    """A command after which a key is waited for, so that what it said can be read."""
    return ["/bin/sh", "-c", _THEN_WAIT, question, *command]


async def _ended(process: asyncio.subprocess.Process) -> int:
    """The status of a program at its end; it ends with the app."""
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        raise
