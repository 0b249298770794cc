"""What this host offers to guests: emulators, the measured accelerator, the user to run as.

Answers that cost time are kept in the home, each by the identity of what was asked.
"""

from __future__ import annotations

import contextlib
import os

from kvmtui import light_json as json
from kvmtui.durable import write_atomically
from kvmtui.errors import HostError
from kvmtui.guest.library import Library
from kvmtui.host import accelerator
from kvmtui.host.accelerator import Verdict
from kvmtui.host.accounts import account_of_uid
from kvmtui.qemu.binary import find_emulator, host_architecture
from kvmtui.qemu.spawn import RunUser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmtui.qemu.capabilities import Capabilities

_CAPABILITIES = "capabilities.json"
_VERDICT = "accelerator.json"


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


def verdict_for(library: Library, *, again: bool = False) -> Verdict:
    """What guests of this machine's own architecture are run with: as measured.

    Args:
        again: Measure also where a verdict is kept.

    Raises:
        HostError: QEMU is missing.
    """
    emulator = emulator_for(host_architecture())
    key = accelerator.verdict_key(emulator)
    path = library.at(_VERDICT)
    if not again:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            kept = json.loads(_read(path) or b"{}")
            if kept["key"] == key:
                return accelerator.verdict_from_json(kept["verdict"])
    verdict = accelerator.measure(emulator, probe_sector(), identity=_identity(library))
    content = {"key": key, "verdict": accelerator.verdict_to_json(verdict)}
    with contextlib.suppress(OSError):
        write_atomically(path, json.dumps(content).encode(), durable=False)
    return verdict


def probe_sector() -> bytes:
    """The boot sector that is timed; its source is ``kvmtui/demo/probe.s``."""
    from importlib import resources

    return resources.files("kvmtui.demo").joinpath("probe.bin").read_bytes()


def _identity(library: Library) -> dict[str, Any]:
    user = run_user(library) if os.path.exists(library.root) else None
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": user.groups}


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
