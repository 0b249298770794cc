"""What this host offers to guests: emulators, the measured accelerator, the user to run as.

Answers that cost time are kept in the home, each by the identity of what was asked.
"""

from __future__ import annotations

import contextlib
import os
import time

from kvmtui import light_json as json
from kvmtui.durable import reading, try_lock, write_atomically
from kvmtui.errors import HostError
from kvmtui.guest.library import Library
from kvmtui.host import accelerator
from kvmtui.host.accelerator import Progress as Progress
from kvmtui.host.accelerator import Verdict as Verdict
from kvmtui.host.accounts import account_of_uid
from kvmtui.qemu.binary import find_emulator, host_architecture
from kvmtui.qemu.spawn import RunUser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from kvmtui.qemu.capabilities import Capabilities

_CAPABILITIES = "capabilities.json"
_VERDICT = "accelerator.json"
_LOCK = ".accelerator.lock"
_MEASURED_LIMIT_S = 8.0
"""The longest to wait for a measurement that another kvmtui makes."""


def make_home(library: Library) -> None:
    """Make the home where it is missing; root gives a new one to ``run_as``."""
    owner = None
    if os.geteuid() == 0 and not os.path.exists(library.root):
        from kvmtui.host.settings import run_as_account

        found = run_as_account()
        owner = (found.uid, found.gid) if found else None
    library.make(owner)


def run_user(library: Library) -> RunUser | None:
    """The user that QEMU is executed as: the owner of the home, when root starts it."""
    if os.geteuid() != 0:
        return None
    stat = os.stat(library.root)
    if stat.st_uid == 0:
        return None
    found = account_of_uid(stat.st_uid, stat.st_gid)
    return RunUser(found.uid, found.gid, found.groups, found.name)


def emulator_for(arch: str) -> str:
    """The emulator's path.

    Raises:
        HostError: It is missing; the hint installs it.
    """
    try:
        return find_emulator(arch)
    except HostError as error:
        from kvmtui.host.packages import install_hint

        raise HostError(error.message, hint=install_hint(f"qemu-{arch}")) from None


def emulator_fault(arch: str) -> str:
    """Why no guest of an architecture starts here, and the command that mends it; else empty."""
    try:
        emulator_for(arch)
    except HostError as error:
        return f"QEMU for {arch} is not installed: {error.hint}"
    return ""


def capabilities_for(library: Library, arch: str) -> Capabilities:
    """What the emulator can do, asked once for each binary.

    Raises:
        HostError: It is missing, too old, or does not answer.
    """
    from kvmtui.qemu import capabilities

    emulator = emulator_for(arch)
    path = library.at(_CAPABILITIES)
    found, content = capabilities.load(emulator, _read(path))
    if content is not None:
        with contextlib.suppress(OSError):
            write_atomically(path, content, durable=False)
    return found


def kept_verdict(library: Library) -> Verdict | None:
    """The verdict that was measured for this very host; None where there is none.

    It never waits for a measurement. One of an earlier version of kvmtui is none.

    Raises:
        HostError: QEMU is missing.
    """
    return _kept(library, emulator_for(host_architecture()))


def _kept(library: Library, emulator: str) -> Verdict | None:
    with contextlib.suppress(
        OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError
    ):
        kept = json.loads(_read(library.at(_VERDICT)) or b"{}")
        if kept["key"] == _key(library, emulator):
            return accelerator.verdict_from_json(kept["verdict"])
    return None


def _key(library: Library, emulator: str) -> str:
    user = _qemu_user(library)
    numbers = None if user is None else (user.uid, user.gid, *sorted(user.groups))
    return accelerator.verdict_key(emulator, user=numbers)


def verdict_for(
    library: Library,
    *,
    again: bool = False,
    told: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Verdict:
    """What guests of this machine's own architecture are run with: as measured.

    Args:
        again: Measure also where a verdict is kept.
        told, cancelled: As `measuring.measure`.

    Raises:
        HostError: QEMU is missing.
        accelerator.Cancelled: It was given up; what was kept still is.
    """
    emulator = emulator_for(host_architecture())
    kept = None if again else _kept(library, emulator)
    if kept is not None:
        return kept
    from kvmtui.guest.history import iso_time

    asked = iso_time()
    with _alone(library, cancelled):
        # Two at once would measure each other; who waited takes what the other has found.
        kept = _kept(library, emulator)
        if kept is None or (again and kept.time < asked):
            kept = _measure(library, emulator, told, cancelled)
        return kept


@contextlib.contextmanager
def _alone(library: Library, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock of measurements; another's is waited for, but not for ever.

    A home that is not there or cannot be written has no lock, and does not need one.
    """
    deadline = time.monotonic() + _MEASURED_LIMIT_S
    lock = None
    with contextlib.suppress(OSError):
        while (lock := try_lock(library.at(_LOCK), owner_folder=library.root)) is None:
            if cancelled():
                raise accelerator.Cancelled
            if time.monotonic() >= deadline:
                break
            time.sleep(0.02)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _measure(
    library: Library,
    emulator: str,
    told: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> Verdict:
    from kvmtui.guest.history import iso_time
    from kvmtui.host import measuring

    user = _qemu_user(library)
    identity: dict[str, Any] = {}
    if user is not None:
        identity = {"user": user.uid, "group": user.gid, "extra_groups": user.groups}
    conditions = measuring.Conditions(
        emulator=emulator,
        program=probe_program(),
        identity=identity,
        user=user.name if user else None,
        architecture=host_architecture(),
    )
    key = _key(library, emulator)
    verdict = measuring.measure(conditions, told=told, cancelled=cancelled)
    verdict = verdict._replace(time=iso_time())
    if verdict.settled:
        content = {"key": key, "verdict": accelerator.verdict_to_json(verdict)}
        with contextlib.suppress(OSError):
            write_atomically(library.at(_VERDICT), json.dumps(content).encode(), durable=False)
    return verdict


def probe_program() -> bytes:
    """The boot sector that is timed; its source is ``kvmtui/demo/probe.s``."""
    from importlib import resources

    return resources.files("kvmtui.demo").joinpath("probe.bin").read_bytes()


def _qemu_user(library: Library) -> RunUser | None:
    """As `run_user`, also before there is a home."""
    return run_user(library) if os.path.exists(library.root) else None


def _read(path: str) -> bytes | None:
    try:
        with reading(path) as file:
            return file.read()
    except OSError:
        return None
