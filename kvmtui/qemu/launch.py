"""Starting QEMU: in a scope of its own, as its own user, with its own words on failure."""

from __future__ import annotations

import contextlib
import os
import stat

from kvmtui.durable import reading
from kvmtui.errors import LaunchError
from kvmtui.qemu.scope import scope_words
from kvmtui.qemu.spawn import RunUser, spawn, wait_for
from kvmtui.text import visible, visible_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

LIMIT_S = 60.0
"""How long QEMU may take until it has daemonized."""

_LONGEST_LINE = 8000
_PREFIX = r"^(?:\d{4}-\d\d-\d\dT[\d:.]+Z? )?(?:\S+ )?\S*qemu\S*: "


class Launch(NamedTuple):
    """What is needed to start one QEMU."""

    argv: Sequence[str]
    run: str
    """Working folder: sockets are named relatively."""
    log: str
    """``qemu.log``, emptied before the start."""
    inherited: tuple[int, ...]
    """Descriptors that QEMU keeps open."""
    user: RunUser | None
    """None: as ourselves."""
    scope: str | None
    """Name of the systemd scope; None for a plain start."""
    description: str
    """What the scope is, in words."""
    ended_by: str = ""
    """The service that ends the guest with the host, before systemd ends the scope."""


def launch(request: Launch) -> str:
    """Start QEMU and wait until it has daemonized; its monitors are ready then.

    Returns:
        Why it is in no scope though one was asked for; empty when all is as asked.

    Raises:
        LaunchError: It did not come up; its own line is the message.
    """
    missed = ""
    if request.scope is not None:
        words = scope_words(request.scope, request.description, request.user, request.ended_by)
        status, said = _run(request, [*words, *request.argv], None)
        if status == 0:
            return ""
        if status < 0 or os.stat(request.log).st_size:
            raise _failure(request, status, said)
        # Nobody can tell systemd's words from QEMU's: if these were QEMU's it says them again.
        missed = visible(said.strip().partition("\n")[0]) or f"systemd-run ended with {status}"
    status, said = _run(request, request.argv, request.user)
    if status != 0:
        raise _failure(request, status, said)
    return missed


def _run(request: Launch, argv: Sequence[str], user: RunUser | None) -> tuple[int, str]:
    with open(os.memfd_create("kvmtui-output"), "w+b") as output:
        try:
            pid = spawn(argv, request.run, output.fileno(), request.inherited, user)
        except OSError as error:
            raise LaunchError(f"{argv[0]} cannot be run: {error.strerror}") from None
        status = wait_for(pid, LIMIT_S)
        if status is None:
            return -1, f"QEMU was not ready after {LIMIT_S:.0f} s"
        if status == 0:
            _close_sockets(request.run)
        output.seek(0)
        return status, output.read(65536).decode("utf-8", "replace")


def _close_sockets(run: str) -> None:
    """Leave the sockets to their owner: QEMU makes them 0750, by the umask of its daemon.

    Whatever lies there is QEMU's and may be a link by now, which is not followed.
    """
    for name in os.listdir(run):
        with contextlib.suppress(OSError):
            fd = os.open(f"{run}/{name}", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if stat.S_ISSOCK(os.fstat(fd).st_mode):
                    os.chmod(f"/proc/self/fd/{fd}", 0o600)
            finally:
                os.close(fd)


def _failure(request: Launch, status: int, said: str) -> LaunchError:
    lines = log_lines(request.log, last=20)
    told = [line for line in said.splitlines() if line.strip()]
    lines += [_bare(visible(line, limit=_LONGEST_LINE)) for line in told]
    lines = [line for line in lines if "warning:" not in line] or lines
    if lines:
        return LaunchError(lines[0])
    if status < 0:
        return LaunchError(f"QEMU was ended by signal {-status} before it was ready")
    return LaunchError(f"QEMU ended with exit status {status} and said nothing")


def log_lines(log: str | Path, *, last: int) -> list[str]:
    """The last lines of ``qemu.log``, without time, name and program before each."""
    try:
        with reading(log) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - 65536))
            data = file.read(65536)
    except OSError:
        return []
    lines = visible_lines(data, last=last, limit=_LONGEST_LINE)
    return [_bare(line) for line in lines]


def _bare(line: str) -> str:
    """A line without time, name and program before it, and without a long option's value."""
    import re

    line = re.sub(_PREFIX, "", line)
    option, opening, rest = line.partition(" {")
    _, closing, text = rest.rpartition("}: ")
    return f"{option}: {text}" if option.startswith("-") and opening and closing else line
