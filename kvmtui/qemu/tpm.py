"""swtpm, the process that is a guest's TPM 2.0: started just before QEMU, gone with it.

It takes one client: QEMU connects once, and swtpm ends as that connection does
(``--terminate``), whatever becomes of us. Its socket is bound here and handed over, so that
nobody waits for it; all its files are named relatively to ``run/``, where it stands, since
its options have no way to write a comma. Only one that QEMU never came to is left over: it is
known by its pid file, its program and the folder that it stands in.
"""

from __future__ import annotations

import contextlib
import os
import signal

from kvmtui.durable import give_to_owner_of, make_folder, read_small
from kvmtui.errors import HostError, LaunchError
from kvmtui.qemu.binary import find_program
from kvmtui.qemu.launch import log_lines
from kvmtui.qemu.process import ProcessHandle, hold_process
from kvmtui.qemu.scope import scope_words
from kvmtui.qemu.spawn import RunUser, spawn, wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

SOCKET = "tpm"
PID = "tpm.pid"
LOG = "tpm.log"
STATE_FILE = "tpm2-00.permall"
_STATE = "../tpm"
_PROGRAM = "swtpm"
_SETUP_LIMIT_S = 60.0
_START_LIMIT_S = 10.0
_LEAVING_S = 2.0
_IN_BACKGROUND = f'"$@" </dev/null & echo $! >{PID}'
"""For ``sh -c``: swtpm belongs to nobody who would have to wait for its end, and its pid is
known before we go on."""


class Tpm(NamedTuple):
    """What is needed to start one swtpm."""

    run: str
    """The guest's ``run/``."""
    state: str
    """The folder with what the TPM keeps."""
    user: RunUser | None
    """None: as ourselves."""
    scope: str | None
    """Name of its systemd scope; None for a plain start."""
    ended_by: str = ""
    """The service that ends the guest with the host, before systemd ends the scope."""


def find_swtpm() -> str:
    """The path of swtpm.

    Raises:
        HostError: It is not there.
    """
    path = find_program(_PROGRAM)
    if path is None:
        raise HostError("swtpm is not installed: it is the guest's TPM")
    return path


def make_state(tpm: Tpm) -> None:
    """Make a TPM as its maker would, once: with endorsement keys, and SHA-256 for its PCRs.

    A TPM without ``swtpm_setup`` (package swtpm-tools) makes itself, without such keys.

    Raises:
        LaunchError: It was not made.
    """
    make_folder(tpm.state)
    setup = find_program("swtpm_setup")
    if setup is None or os.path.exists(f"{tpm.state}/{STATE_FILE}"):
        return
    words = [setup, "--tpm2", "--tpmstate", _STATE, "--createek", "--lock-nvram"]
    words += ["--pcr-banks", "sha256", "--overwrite", "--logfile", LOG]
    _run(tpm, words, (), _SETUP_LIMIT_S, "swtpm_setup")


def start_tpm(tpm: Tpm) -> None:
    """Start swtpm; QEMU may connect at once.

    Raises:
        HostError: It is not installed.
        LaunchError: It did not start.
    """
    words = [find_swtpm(), "socket", "--tpm2", "--tpmstate", f"dir={_STATE},mode=0600"]
    words += ["--terminate", "--pid", f"file={PID}", "--log", f"file={LOG}"]
    listener = _listen(tpm.run)
    try:
        words += ["--ctrl", f"type=unixio,fd={listener}"]
        shell = ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *words]
        _run(tpm, shell, (listener,), _START_LIMIT_S, _PROGRAM)
    finally:
        os.close(listener)


def _listen(run: str) -> int:
    """A listening socket in ``run/``, however deep that is."""
    import socket

    folder = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(f"/proc/self/fd/{folder}/{SOCKET}")
            listener.listen(1)
            os.chmod(f"{run}/{SOCKET}", 0o600)
            give_to_owner_of(run, f"{run}/{SOCKET}")
            os.set_inheritable(fd := os.dup(listener.fileno()), True)
            return fd
    finally:
        os.close(folder)


def _run(tpm: Tpm, words: list[str], inherited: tuple[int, ...], limit_s: float, what: str) -> None:
    """Run something in ``run/`` as the guest's user, in its scope where there is one."""
    if tpm.scope is not None:
        before = scope_words(tpm.scope, f"TPM of {tpm.scope}", tpm.user, tpm.ended_by)
        if _status(tpm, [*before, *words], inherited, None, limit_s) == 0:
            return
    status = _status(tpm, words, inherited, tpm.user, limit_s)
    if status != 0:
        why = "was not ready in time" if status is None else f"ended with exit status {status}"
        said = log_lines(f"{tpm.run}/{LOG}", last=1)
        raise LaunchError(f"{what}, the guest's TPM, {why}: {said[0] if said else 'no word'}")


def _status(
    tpm: Tpm,
    words: list[str],
    inherited: tuple[int, ...],
    user: RunUser | None,
    limit_s: float,
) -> int | None:
    output = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        return wait_for(spawn(words, tpm.run, output, inherited, user), limit_s)
    except OSError as error:
        raise LaunchError(f"{words[0]} cannot be run: {error.strerror}") from None
    finally:
        os.close(output)


def last_words(run: str) -> str:
    """The last line of swtpm's log; empty where it said nothing."""
    return next(iter(log_lines(f"{run}/{LOG}", last=1)), "")


def find_tpm(run: str) -> int | None:
    """The pid of the swtpm that stands in a guest's ``run/``, or None."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(read_small(f"{run}/{PID}"))
        words = read_small(f"/proc/{pid}/cmdline").split(b"\0")
        # Before exec it is the shell still, with the same words.
        named = any(os.path.basename(word) == _PROGRAM.encode() for word in words[:5])
        if named and os.path.samefile(f"/proc/{pid}/cwd", run):
            return pid
    return None


def end_tpm(run: str, *, leaving_s: float = _LEAVING_S) -> None:
    """Let a swtpm whose QEMU is gone end; one that does not is killed.

    Args:
        leaving_s: How long it may take by itself.

    Raises:
        LaunchError: The kernel does not let go of it.
    """
    process = hold_process(lambda: find_tpm(run))
    if process is None:
        return
    with process:
        if not process.wait(leaving_s):
            _kill(process)


def _kill(process: ProcessHandle) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        process.signal(number)
        if process.wait(_LEAVING_S):
            return
    raise LaunchError(f"swtpm (pid {process.pid}) of an earlier run does not end, even when killed")
