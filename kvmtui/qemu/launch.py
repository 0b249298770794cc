"""Starting QEMU: in a scope of its own, as its own user, with its own words on failure."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
from typing import IO, NamedTuple

from kvmtui.errors import LaunchError
from kvmtui.text import visible, visible_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIMIT_S = 60.0
"""How long QEMU may take until it has daemonized."""

_LONGEST_LINE = 8000
_PREFIX = re.compile(r"^(?:\d{4}-\d\d-\d\dT[\d:.]+Z? )?(?:\S+ )?\S*qemu\S*: ")


class RunUser(NamedTuple):
    """The user that QEMU is executed as; by the parent, before exec."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str


class Launch(NamedTuple):
    """What is needed to start one QEMU."""

    argv: Sequence[str]
    run: Path
    """Working folder: sockets are named relatively."""
    log: Path
    """``qemu.log``, emptied before the start."""
    inherited: tuple[int, ...]
    """Descriptors that QEMU keeps open."""
    user: RunUser | None
    """None: as ourselves."""
    scope: str | None
    """Name of the systemd scope; None for a plain start."""


def scope_available() -> bool:
    """Whether systemd runs here and can make a scope for us."""
    if not os.path.isdir("/run/systemd/system") or shutil.which("systemd-run") is None:
        return False
    if os.geteuid() == 0:
        return True
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(runtime) and os.path.exists(f"{runtime}/bus")


def scope_prefix(unit: str, user: RunUser | None) -> list[str]:
    """The words before QEMU that put it in a scope, so that a logout cannot end it."""
    words = ["systemd-run", "--scope", "--quiet", "--collect", f"--unit={unit}"]
    if os.geteuid() != 0:
        words.append("--user")
    elif user is not None:
        words += [f"--uid={user.uid}", f"--gid={user.gid}"]
    return [*words, "--"]


def launch(request: Launch) -> bool:
    """Start QEMU and wait until it has daemonized; its monitors are ready then.

    Returns:
        Whether it runs in a scope of its own.

    Raises:
        LaunchError: It did not come up; its own line is the message.
    """
    if request.scope is not None:
        prefix = scope_prefix(request.scope, request.user)
        status, said = _run(request, [*prefix, *request.argv], None)
        if status == 0:
            return True
        if request.log.stat().st_size or not said.startswith("Failed"):
            raise _failure(request, status, said)
    status, said = _run(request, request.argv, request.user)
    if status != 0:
        raise _failure(request, status, said)
    return False


def _run(request: Launch, argv: Sequence[str], user: RunUser | None) -> tuple[int, str]:
    with open(os.memfd_create("kvmtui-output"), "w+b") as output:
        try:
            process = _spawn(request, argv, user, output)
        except OSError as error:
            raise LaunchError(f"{argv[0]} cannot be run: {error.strerror}") from None
        if not _ends_within(process, LIMIT_S):
            process.kill()
            process.wait()
            return -1, f"QEMU was not ready after {LIMIT_S:.0f} s"
        output.seek(0)
        return process.returncode, output.read(65536).decode("utf-8", "replace")


def _ends_within(process: subprocess.Popen[bytes], limit_s: float) -> bool:
    """Wait by pidfd: `Popen.wait` with a limit looks only every 50 ms."""
    pidfd = os.pidfd_open(process.pid)
    try:
        ended = bool(select.select([pidfd], [], [], limit_s)[0])
    finally:
        os.close(pidfd)
    if ended:
        process.wait()
    return ended


def _spawn(
    request: Launch, argv: Sequence[str], user: RunUser | None, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """A new session, so that a closing terminal does not reach a starting QEMU."""
    return subprocess.Popen(
        argv,
        cwd=request.run,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=request.inherited,
        start_new_session=True,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=user.groups if user else None,
        umask=0o077,
    )


def _failure(request: Launch, status: int, said: str) -> LaunchError:
    lines = log_lines(request.log, last=20)
    told = [line for line in said.splitlines() if line.strip()]
    lines += [_shortened(_PREFIX.sub("", visible(line, limit=_LONGEST_LINE))) for line in told]
    lines = [line for line in lines if "warning:" not in line] or lines
    if lines:
        return LaunchError(lines[0])
    if status < 0:
        return LaunchError(f"QEMU was ended by signal {-status} before it was ready")
    return LaunchError(f"QEMU ended with exit status {status} and said nothing")


def log_lines(log: Path, *, last: int) -> list[str]:
    """The last lines of ``qemu.log``, without time, name and program before each."""
    try:
        with open(log, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - 65536))
            data = file.read(65536)
    except OSError:
        return []
    lines = visible_lines(data, last=last, limit=_LONGEST_LINE)
    return [_shortened(_PREFIX.sub("", line)) for line in lines]


def _shortened(line: str) -> str:
    """``-blockdev {…}: text`` without the option's value, which may be very long."""
    option, opening, rest = line.partition(" {")
    _, closing, text = rest.rpartition("}: ")
    return f"{option}: {text}" if option.startswith("-") and opening and closing else line
