"""The file systems that hold images: what they have, what is left, what is promised."""

from __future__ import annotations

import functools
import os

from kvmtui.guest.library import Library
from kvmtui.manage import image_places
from kvmtui.manage.image_waiting import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from kvmtui.manage.images import Survey
else:
    from kvmtui.light import NamedTuple

_LIMIT_S = 2.0


class Storage(NamedTuple):
    """One file system with images on it; sizes in bytes (``statvfs``)."""

    mount: str
    """Where it is mounted."""
    total_bytes: int
    free_bytes: int
    """What a user may still write."""
    images_actual_bytes: int
    """What the images on it take."""
    promised_bytes: int
    """What is taken on it, and what its images take more once their guests wrote to all of
    them. An image that does not say its size counts with what it takes."""
    directories: tuple[str, ...]
    """The directories of images on it."""


def storages(library: Library, survey: Survey, patience: Patience | None = None) -> list[Storage]:
    """The file systems that hold the home and the listed images.

    Directories that do not answer are left out.
    """
    folders = {os.path.dirname(path) for path in survey.images}
    folders |= set(image_places.known_folders(library))
    folders -= set(survey.silent)
    patience = patience or Patience()
    by_device: dict[int, tuple[os.statvfs_result, str, list[str]]] = {}
    for folder in sorted(folders):
        found = patience.within(_LIMIT_S, f"room of {folder}", functools.partial(_asked, folder))
        if found is not None:
            device, room, mount = found
            by_device.setdefault(device, (room, mount, []))[2].append(folder)
    return [_storage(survey, *one) for one in by_device.values()]


def _asked(folder: str) -> tuple[int, os.statvfs_result, str] | None:
    try:
        return os.stat(folder).st_dev, os.statvfs(folder), _mount_of(folder)
    except OSError:
        return None


def _storage(survey: Survey, found: os.statvfs_result, mount: str, folders: list[str]) -> Storage:
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    here = set(folders)
    views = [view for path, view in survey.images.items() if os.path.dirname(path) in here]
    actual = sum(view.actual_size_bytes or 0 for view in views)
    growth = sum(
        max(0, (view.virtual_size_bytes or 0) - view.actual_size_bytes)
        for view in views
        if view.actual_size_bytes is not None and view.format != "iso"
    )
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    return Storage(mount, total, free, actual, used + growth, tuple(folders))


def _mount_of(folder: str) -> str:
    here = os.path.realpath(folder)
    while here != "/" and not os.path.ismount(here):
        here = os.path.dirname(here)
    return here
