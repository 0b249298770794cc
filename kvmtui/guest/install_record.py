"""``install.json`` in a guest's folder: how far its installation is, for whoever comes next.

It is there from the guest's first hour until it is installed, so each kvmtui that meets the
guest can go on from it. The standard library alone: `start` and `list` ask for it.
"""

from __future__ import annotations

import contextlib
import os

from kvmtui import light_json as json
from kvmtui.durable import read_small, sync_folder, write_atomically
from kvmtui.guest.folder import INSTALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from kvmtui.guest.folder import GuestFolder
else:
    from kvmtui.light import NamedTuple

MEDIUM, DISK, INSTALLED = "medium", "disk", "installed"
"""The stages: it boots from its medium; from its disk with the medium in; it is installed."""
ASKS = "asks"
"""The trouble of a guest that shut itself down: nobody but a person knows whether it is done."""


class InstallRecord(NamedTuple):
    """How far an installation is."""

    id: str
    """What it is called in the guest's story."""
    stage: str
    media: Sequence[str]
    """The files that are taken out once it is installed, as the definition has them."""
    kernel: bool = False
    """Whether the medium is a kernel that is booted directly."""
    reboots: int = 1
    """How many more times the guest restarts itself until it is installed."""
    run: str = ""
    """The run that it is about, as ``run/start.json`` has it; empty before the first."""
    start: bool = True
    """Whether whoever comes next starts the guest."""
    trouble: str = ""
    """Why it does not go on by itself: asks, or how the run ended; empty where it does."""
    disks: Sequence[Sequence[object]] = ()
    """Path, time and blocks of each disk before the run: whether it wrote to any."""
    idle_resets: int = 0
    """How often the guest restarted before it wrote to a disk."""
    secret: bool = False
    """Whether a password's hash is in its answers, which are deleted then."""


def read_install(folder: GuestFolder) -> InstallRecord | None:
    """The installation under way; None where there is none."""
    try:
        content = json.loads(read_small(folder.at(INSTALL)))
        return InstallRecord(**content)
    except (OSError, ValueError, TypeError):
        return None


def write_install(folder: GuestFolder, record: InstallRecord) -> None:
    """Keep how far it is; the caller holds the guest's lock."""
    write_atomically(folder.at(INSTALL), json.dumps(record._asdict()).encode())


def forget_install(folder: GuestFolder) -> None:
    """The installation is over."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(folder.at(INSTALL))
        sync_folder(folder.place)
