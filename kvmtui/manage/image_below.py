"""Whether other images stand on a disk that a guest is about to write to.

Looking at all images costs more than a start may. So who looks at them anyway leaves in
``below.json`` which files others stand on, by device and inode, with the time of ``images/``;
a start reads that one file, and looks itself only where it is missing, ``images/`` changed, or
a disk of the guest is among them. Work on images takes the file away.
"""

from __future__ import annotations

import contextlib
import os

from kvmtui import light_json as json
from kvmtui.durable import read_small, write_atomically
from kvmtui.errors import StateError
from kvmtui.guest.library import IMAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library
    from kvmtui.guest.wants import Wants
    from kvmtui.manage.images import ImageView

BELOW = "below.json"
_VERSION = 1
_MOST_TOLD = 3


def time_of_images(library: Library) -> int | None:
    """When a name in ``images/`` last changed; None without that folder."""
    try:
        return os.stat(library.at(IMAGES)).st_mtime_ns
    except OSError:
        return None


def keep(library: Library, images_time: int | None, identities: list[tuple[int, int]]) -> None:
    """Leave which files images stand on; a home that cannot be written is fine.

    Args:
        images_time: `time_of_images`, from before they were looked at.
        identities: Device and inode of each file.
    """
    found = {"version": _VERSION, "images": images_time, "below": sorted(identities)}
    data = json.dumps(found).encode()
    path = library.at(BELOW)
    with contextlib.suppress(OSError, ValueError):
        if not os.path.exists(path) or read_small(path) != data:
            write_atomically(path, data, durable=False)


def forget(library: Library) -> None:
    """Take it away: images were changed."""
    with contextlib.suppress(OSError):
        os.unlink(library.at(BELOW))


def notes_of_start(library: Library, folder: GuestFolder, wants: Wants) -> list[str]:
    """What to know of images that stand on a guest's disks; a line for each disk.

    Raises:
        StateError: A guest runs on one of them, and would read what is overwritten.
    """
    if not wants.disks:
        return []
    known = _known(library)
    if known is None:
        from kvmtui.manage import images

        images.survey(library)
        known = _known(library) or []
    if not known:
        return []
    found = []
    for index, file in enumerate(wants.disks):
        status = os.stat(folder.resolve(file))
        if [status.st_dev, status.st_ino] in known:
            found.append(index)
    return _looked_at(library, folder, found) if found else []


def _known(library: Library) -> list[Any] | None:
    """Which files others stand on; None where that has to be looked at anew."""
    try:
        kept = json.loads(read_small(library.at(BELOW)))
        if kept["version"] == _VERSION and kept["images"] == time_of_images(library):
            below: list[Any] = kept["below"]
            return below
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _looked_at(library: Library, folder: GuestFolder, indices: list[int]) -> list[str]:
    from kvmtui.manage import images

    notes = []
    for view in images.survey(library).images.values():
        users = [user for user in view.used_by if user.guest == folder.name]
        writes = [user for user in users if user.role in {f"disk{i}" for i in indices}]
        if view.children and any(not user.read_only for user in writes):
            notes.append(_told(folder, view))
    return notes


def _told(folder: GuestFolder, view: ImageView) -> str:
    from kvmtui.text import visible

    name = visible(view.name)
    running = [user.guest for user in view.used_by if user.running and user.role == "backing"]
    if running:
        raise StateError(
            f"{folder.name} was not started: {running[0]} runs on an image that stands on its "
            f"disk {name}, and would be damaged",
            hint=f"kvmtui shutdown {running[0]}, or give {folder.name} a clone of {name}",
        )
    told = ", ".join(visible(path) for path in view.children[:_MOST_TOLD])
    more = len(view.children) - _MOST_TOLD
    told += f" and {more} more" if more > 0 else ""
    verb = "stands" if len(view.children) == 1 else "stand"
    return f"{told} {verb} on the disk {name} of {folder.name}: what it writes damages them"
