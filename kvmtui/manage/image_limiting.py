"""The limits of an image: those of the disks that it is, in the definitions and in the guests."""

from __future__ import annotations

from typing import Any, NamedTuple

from kvmtui.errors import BusyError, MonitorError, StateError
from kvmtui.guest.definition import THROTTLES
from kvmtui.guest.editing import Change
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import changing, image_guard
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.images import ImageView
from kvmtui.manage.views import Outcome
from kvmtui.qemu.block_nodes import throttles
from kvmtui.qemu.brief import brief_session
from kvmtui.text import visible

KEYS = (*THROTTLES, *(f"burst_{key}" for key in THROTTLES), "burst_s")
"""The limits that a disk can have, as its definition calls them."""
WORDS = {
    "bytes_per_s": "the most a second, read and written: 50M",
    "read_bytes_per_s": "the most that is read",
    "write_bytes_per_s": "the most that is written",
    "iops": "the most operations a second",
    "read_iops": "of reading",
    "write_iops": "of writing",
    "burst_bytes_per_s": "more for a while, where less was used before",
    "burst_read_bytes_per_s": "the same for reading",
    "burst_write_bytes_per_s": "the same for writing",
    "burst_iops": "the same for operations",
    "burst_read_iops": "of reading",
    "burst_write_iops": "of writing",
    "burst_s": "how long a burst may last",
}
"""What each of them is."""


class DiskLimits(NamedTuple):
    """The limits of one guest's disk."""

    guest: str
    role: str
    defined: dict[str, int]
    """By their names in the definition."""
    in_force: dict[str, int] | None
    """What QEMU says of the guest that runs, by the same names; None where none runs."""


def limit(library: Library, path: str, values: dict[str, str], *, clear: bool = False) -> Outcome:
    """Change the limits of the disks that an image is; guests that run have them at once.

    Args:
        values: By key; empty text takes that limit away.
        clear: Whether those that are not given are taken away.

    Raises:
        StateError: No guest uses it.
        DefinitionError: They contradict each other; all is as it was.
    """
    view = image_guard.view_of(library, path)
    notes, changed = [], []
    for user in disk_users(view):
        place: list[str | int] = ["disks", int(user.role.removeprefix("disk")), "limits"]
        changes = [Change(place, "")] if clear else []
        changes += [Change([*place, key], text) for key, text in values.items()]
        done = changing.change(library, user.guest, changes)
        if done.changed:
            changed.append(user.guest)
        notes += [f"{user.guest}: {line}" for line in done.note.splitlines()]
    name = visible(view.name)
    message = f"{name} is limited so already"
    if changed:
        message = f"{name} has no limits now" if clear and not values else f"{name} is limited"
        message += f", in {', '.join(changed)}"
    return Outcome(name, "image limit", bool(changed), message, "\n".join(notes))


def disk_users(view: ImageView) -> list[ImageUser]:
    """The guests whose disk an image is.

    Raises:
        StateError: There is none.
    """
    users = [user for user in view.used_by if user.role.startswith("disk")]
    if not users:
        raise StateError(
            f"{visible(view.name)} is no guest's disk, and limits are a disk's",
            hint="kvmtui set GUEST 'disks[0].file=FILE'",
        )
    return users


def limits_of(library: Library, path: str) -> list[DiskLimits]:
    """The limits of the disks that an image is, as defined and as they are in force.

    Raises:
        StateError: No guest uses it.
    """
    view = image_guard.view_of(library, path)
    return [_limits(library, view, user) for user in disk_users(view)]


def _limits(library: Library, view: ImageView, user: ImageUser) -> DiskLimits:
    folder = library.folder(user.guest)
    disk = load_definition(folder).disks[int(user.role.removeprefix("disk"))]
    defined = {key: value for key in KEYS if (value := getattr(disk.limits, key, None))}
    in_force = None
    if user.running:
        try:
            with brief_session(folder, "kvmtui limits") as monitor:
                in_force = _by_key(throttles(monitor, view.path) or {})
        except (MonitorError, BusyError):
            in_force = None
    return DiskLimits(user.guest, user.role, {k: int(v) for k, v in defined.items()}, in_force)


def _by_key(found: dict[str, Any]) -> dict[str, int]:
    """QEMU's figures by the definition's names; what is 0 is no limit."""
    limits: dict[str, Any] = {}
    for key, name in THROTTLES.items():
        limits[key] = found.get(name)
        limits[f"burst_{key}"] = found.get(f"{name}_max")
        if found.get(f"{name}_max"):
            limits["burst_s"] = found.get(f"{name}_max_length")
    return {key: limits[key] for key in KEYS if isinstance(limits.get(key), int) and limits[key]}


def told_limits(limits: dict[str, int]) -> str:
    """Limits in words, for people."""
    parts = []
    for key in KEYS:
        if key not in limits:
            continue
        value = limits[key]
        parts.append(f"{key} {format_size(value) if 'bytes' in key else value}")
    return ", ".join(parts) or "none"
