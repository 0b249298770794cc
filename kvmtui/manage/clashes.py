"""What a valid definition meets here by mistake: a disk in use, a MAC address or UUID of another
guest, an accelerator that was measured not to serve, a host that does not start it.
"""

from __future__ import annotations

from typing import Any

from kvmtui.guest.definition import Definition
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.guest.wants import lan_macs, macs
from kvmtui.host import resources
from kvmtui.manage import choosing
from kvmtui.manage.living import live_pid
from kvmtui.manage.starters import starter_of
from kvmtui.manage.summaries import Summaries
from kvmtui.qemu import image
from kvmtui.text import visible


def notes(library: Library, folder: GuestFolder, definition: Definition) -> list[str]:
    """What to know of a definition that is valid, but meets others here; a line each."""
    found = [*_disks_in_use(library, folder, definition), *_twins(library, folder, definition)]
    slow = choosing.warning(library, definition.arch, definition.accelerator)
    if slow:
        found.append(slow)
    if definition.start_with_host() is not None and not starter_of(library).is_in_place():
        name = folder.name
        found.append(f"nothing starts {name} with the host yet: kvmtui autostart enable {name}")
    return found


def notes_of_start(library: Library, folder: GuestFolder, definition: Definition) -> list[str]:
    """What to know of a guest that starts beside one of the same identity that runs.

    One MAC address on two user networks is harmless: these never meet.
    """
    return _twins(library, folder, definition, starting=True)


def _twins(
    library: Library, folder: GuestFolder, definition: Definition, *, starting: bool = False
) -> list[str]:
    summaries = Summaries(library)
    name = folder.name
    identity = definition.identity(name)
    key, own = ("lan_macs", lan_macs) if starting else ("macs", macs)
    addresses = set(own(definition, name))
    found = []
    for other in library.names():
        summary = summaries.get(library.place(other))
        shared = addresses.intersection(summary.get(key) or ())
        same = summary.get("uuid") == identity
        if other == name or not (shared or same):
            continue
        runs = _runs(library.place(other), summary)
        if runs or not starting:
            found.append(_told(definition, name, other, same=same, shared=shared, runs=runs))
    summaries.keep(whole=True)
    return found


def _runs(folder: GuestFolder, summary: dict[str, Any]) -> bool:
    return live_pid(folder, folder.start_record(), summary.get("uuid")) is not None


def _told(
    definition: Definition, name: str, other: str, *, same: bool, shared: set[str], runs: bool
) -> str:
    what = ["UUID"] if same else []
    if shared:
        what.append("MAC" if same else f"MAC {min(shared)}")
    remedy = ["uuid="] if same else []
    remedy += [
        f"'networks[{index}].mac='"
        for index, network in enumerate(definition.networks)
        if network.mac is not None and network.mac.lower() in shared
    ]
    running = ", which runs" if runs else ""
    set_line = f"kvmtui set {name} {' '.join(remedy or ['uuid='])}"
    return f"{name} has the {' and '.join(what)} of {other}{running}: {set_line}"


def _disks_in_use(library: Library, folder: GuestFolder, definition: Definition) -> list[str]:
    """Disks that QEMU would refuse, since another process holds QEMU's lock on them."""
    found = []
    for index, disk in enumerate(definition.disks):
        path = folder.resolve(disk.file)
        if not image.is_locked(path, read_only=disk.read_only):
            continue
        user = user_of(library, path)
        if user is None or user[0] != folder.name:
            who = f"{user[0]} (pid {user[1]})" if user else "another process"
            found.append(f"{folder.name}: disks[{index}]: {visible(path)} is in use by {who}")
    return found


def user_of(library: Library, path: str) -> tuple[str, int] | None:
    """Who has a file open: the guest's name or else the program's, and its pid."""
    holders = resources.processes_that_hold(path)
    for pid, _ in holders:
        name = _guest_of(library, pid)
        if name is not None:
            return name, pid
    return (holders[0][1], holders[0][0]) if holders else None


def _guest_of(library: Library, pid: int) -> str | None:
    """The name of the guest whose QEMU has this pid, if it is one of ours."""
    for name in library.names():
        folder = library.place(name)
        record = folder.start_record()
        if record is not None and live_pid(folder, record, None) == pid:
            return name
    return None
