"""What may be done to an image now: who uses it, what stands on it, is there room."""

from __future__ import annotations

import os

from kvmtui.errors import ImageError, StateError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import clashes, images
from kvmtui.manage.image_links import ChainPart, read_chain
from kvmtui.manage.image_reach import Reach, read_places
from kvmtui.manage.image_users import Users
from kvmtui.manage.image_work import refuse_busy
from kvmtui.manage.images import ImageView
from kvmtui.qemu import image
from kvmtui.text import visible


def chain_of(
    library: Library, path: str, *, recorded: str | None = None, follow: bool = False
) -> list[ChainPart]:
    """An image and what it stands on, all looked at before qemu-img opens any of it.

    Args:
        recorded: The format that a person names; else a definition's, else its own bytes say.

    Raises:
        ImageError: As `image_links.read_chain`.
    """
    users = Users(library)
    places = read_places(library)
    folders = Reach(library, places).of(path, [user.guest for user in users.of(path)])
    known = recorded or users.format_of(path)
    if known is None and path in places.devices:
        # As the list takes it: what a guest wrote into its volume does not count.
        known = "raw"
    return read_chain(path, known, folders, follow=follow, formats=users.formats)


def view_of(library: Library, path: str) -> ImageView:
    """One image with its users and what stands on it.

    Raises:
        ImageError: There is none.
    """
    survey = images.survey(library, [path])
    view = survey.images.get(path)
    if view is None:
        raise images.missing(survey, path)
    return view


def refuse_in_use(
    library: Library, view: ImageView, what: str, *, reading: bool = False, own: str = ""
) -> None:
    """Raise StateError when a guest that runs, or another process, has an image open.

    Other work on it is a BusyError.

    Args:
        what: What is not done to it, such as ``was not compacted``.
        reading: Whether it is only read, which those do not mind that read it too.
        own: The id of work that is the asker's own.
    """
    for user in view.used_by:
        if user.running and not (reading and (user.role == "backing" or "cdrom" in user.role)):
            stands = " through an image that stands on it" if user.role == "backing" else ""
            raise StateError(
                f"{visible(view.name)} {what}: {user.guest} runs and uses it{stands}",
                hint=f"kvmtui shutdown {user.guest}",
            )
    refuse_busy(library, () if reading else (view.path,), (view.path,), own=own)
    if image.is_locked(view.path, read_only=reading):
        holder = clashes.user_of(library, view.path)
        who = f"{visible(holder[0])} (pid {holder[1]})" if holder else "another process"
        raise StateError(
            f"{visible(view.name)} {what}: it is in use by {who}", hint="end that process first"
        )


def refuse_device(view: ImageView, what: str) -> None:
    """Raise StateError for a block device, which has no file that could be replaced."""
    if view.actual_size_bytes is None:
        raise StateError(
            f"{visible(view.name)} {what}: it is a block device",
            hint="use the tools of its kind, such as lvextend or lvremove",
        )


def refuse_dependents(view: ImageView, what: str) -> None:
    """Raise StateError when other images stand on an image."""
    if view.children:
        told = ", ".join(visible(path) for path in view.children[:3])
        more = f" and {len(view.children) - 3} more" if len(view.children) > 3 else ""
        stand = "stands" if len(view.children) == 1 else "stand"
        raise StateError(
            f"{visible(view.name)} {what}: {told}{more} {stand} on it",
            hint=f"kvmtui image flatten {visible(view.children[0])}",
        )


def refuse_snapshots(view: ImageView, what: str) -> None:
    """Raise StateError when an image has internal snapshots, which would be lost or broken."""
    if view.snapshots:
        count = (
            "an internal snapshot"
            if view.snapshots == 1
            else f"{view.snapshots} internal snapshots"
        )
        raise StateError(
            f"{visible(view.name)} {what}: it has {count}",
            hint=f"qemu-img snapshot -l {visible(view.path)}, and delete them first",
        )


def free_bytes(folder: str) -> int:
    """What a user may still write on a folder's file system (``statvfs``)."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def refuse_without_room(folder: str, needed_bytes: int, what: str) -> None:
    """Raise ImageError when a file system has less room than is needed."""
    free = free_bytes(folder)
    if needed_bytes > free:
        raise ImageError(
            f"{what}: it needs {format_size(needed_bytes)} and {visible(folder)} "
            f"has {format_size(free)} left",
            hint="make room there, or choose another directory",
        )
