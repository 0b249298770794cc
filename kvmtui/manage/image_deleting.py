"""Deleting images, and finding those that nobody uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.durable import sync_folder
from kvmtui.errors import ImageError, KvmtuiError, StateError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_guard, image_places, images
from kvmtui.manage.catalog_names import DOWNLOAD
from kvmtui.manage.image_work import PART, sweep_now, work
from kvmtui.manage.images import ImageView, Survey
from kvmtui.manage.views import Outcome
from kvmtui.text import visible


def refuse_deletion(library: Library, path: str, *, own: str = "") -> ImageView:
    """The image, when it may be deleted.

    Args:
        own: The id of the work that deletes it, which is no use of it.

    Raises:
        StateError: A guest or another image depends on it; names which.
        ImageError: It is no file.
    """
    if os.path.islink(path) and not os.path.exists(path):
        raise ImageError(f"{visible(path)} is a link to nothing", hint=f"rm {visible(path)}")
    view = image_guard.view_of(library, path)
    refuse_deletion_of(library, view, own=own)
    return view


def refuse_deletion_of(library: Library, view: ImageView, *, own: str = "") -> None:
    """As `refuse_deletion`, of an image that was just looked at."""
    name, what = visible(view.name), "was not deleted"
    image_guard.refuse_device(view, what)
    direct = [user for user in view.used_by if user.role != "backing"]
    if direct:
        told = ", ".join(user.guest for user in direct[:3])
        more = f" and {len(direct) - 3} more" if len(direct) > 3 else ""
        one = direct[0]
        key = f"{one.role.rstrip('0123456789')}s"
        raise StateError(
            f"{name} {what}: {told}{more} {'uses' if len(direct) == 1 else 'use'} it as {one.role}",
            hint=f"take it out of {key} by kvmtui edit {one.guest}, or kvmtui delete {one.guest}",
        )
    image_guard.refuse_dependents(view, what)
    image_guard.refuse_in_use(library, view, what, own=own)


def deletable(
    library: Library, survey: Survey, paths: Sequence[str]
) -> list[ImageView | KvmtuiError]:
    """Of each image how it stands, or why it cannot be deleted."""
    found: list[ImageView | KvmtuiError] = []
    for path in paths:
        view = survey.images.get(path)
        if view is None:
            found.append(ImageError(f"{visible(path)} is gone"))
            continue
        try:
            refuse_deletion_of(library, view)
            found.append(view)
        except KvmtuiError as error:
            found.append(error)
    return found


def delete(library: Library, path: str) -> Outcome:
    """Delete an image that nothing depends on.

    Raises:
        As `refuse_deletion`.
    """
    refuse_deletion(library, path)
    with work(library, "delete", path, writes=(path,)) as one:
        # Looked at again: what was begun before this had the word may have ended since.
        view = refuse_deletion(library, path, own=one.id)
        real = os.path.realpath(path)
        os.unlink(path)
        sync_folder(os.path.dirname(path))
        stays = os.path.lexists(real)
        freed_bytes = 0 if stays else view.actual_size_bytes or 0
        one.result["freed_bytes"] = freed_bytes
    name = visible(view.name)
    note = f"it was a link: {visible(real)} stays" if stays else ""
    if view.header is not None and view.header.data_files:
        note = f"its data stay in {', '.join(visible(one) for one in view.header.data_files[:3])}"
    freed = format_size(freed_bytes)
    return Outcome(name, "image delete", True, f"{name} is deleted: {freed} came free", note)


class Orphans(NamedTuple):
    """What could be deleted."""

    images: tuple[ImageView, ...]
    """Images that no guest uses, nor anything that stands on them."""
    actual_bytes: int
    """What they take together."""
    unfinished: tuple[str, ...]
    """Left by work of which no record is left; sizes are not counted."""
    swept: tuple[str, ...]
    """Left by work that was cut off; removed just now."""


def orphans(library: Library) -> Orphans:
    """Find images that nobody uses, and remove what cut-off work left."""
    swept = sweep_now(library)
    found = images.survey(library)
    unused = tuple(view for view in found.images.values() if not view.used_by and not view.locked)
    total = sum(view.actual_size_bytes or 0 for view in unused)
    return Orphans(unused, total, tuple(_unfinished(library, found)), tuple(swept))


def _unfinished(library: Library, found: Survey) -> list[str]:
    folders = {os.path.dirname(path) for path in found.images}
    folders |= set(image_places.known_folders(library))
    left = []
    for folder in sorted(folders):
        if folder in found.silent:
            continue
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        hidden = [name for name in names if name.startswith(".")]
        left += [f"{folder}/{name}" for name in hidden if PART in name or name.endswith(DOWNLOAD)]
    return left
