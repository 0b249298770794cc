"""Moving an image: the file, the guests that name it, and the images that stand on it."""

from __future__ import annotations

import copy
import os

from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest.library import Library
from kvmtui.manage import changing, image_guard, image_places, images
from kvmtui.manage.definitions import load_plain
from kvmtui.manage.image_copying import (
    SUFFIX_OF,
    WRITEABLE,
    Copy,
    copy_into,
    copy_into_same,
    format_of_name,
)
from kvmtui.manage.image_files import publish
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_making import backing_name
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.text import visible


def move(
    library: Library,
    path: str,
    target_text: str,
    *,
    image_format: str | None = None,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Move an image to another directory or name; who names it is told of the new place.

    Args:
        image_format: The format it is to have; None: the one it has.

    It is there under its new name before the old one goes: cut off at any moment, every
    guest still finds its disk.

    Raises:
        StateError: It, or what stands on it, is in use.
        ImageError: There is something at the new place, or no room; it is as it was.
    """
    view = image_guard.view_of(library, path)
    name, what = visible(view.name), "was not moved"
    chain = image_guard.chain_of(library, path, follow=follow)
    refuse_move(library, view, chain, what)
    driver = chain[0].header.driver
    refuse_format(view, chain, image_format, what)
    how = None if image_format in (None, driver) else Copy(format=str(image_format))
    target = target_of_move(library, path, target_text, image_format)
    found = images.survey(library, [path]).images
    children = [found[child] for child in view.children]
    writes = (path, target, *(child.path for child in children))
    reads = tuple(part.path for part in chain[1:])
    new_driver = driver if how is None else how.format
    with image_tools(), work(library, "move", path, writes=writes, reads=reads) as one:
        if how is None:
            _put(one, view, path, target, watcher)
        else:
            _convert(one, chain, path, target, how, watcher)
        try:
            if how is None and chain[0].header.backing_file is not None:
                below = chain[1]
                _point(target, below.path, below.header.driver, f"{name} {what}")
                image_places.vouch_for(library, target, below.path)
            for child in children:
                _point(child.path, target, new_driver, f"{visible(child.name)} {what}")
                image_places.vouch_for(library, child.path, target)
            _tell_guests(library, view, new_driver, target)
        except BaseException:
            _undo(children, path, driver, target)
            raise
        os.unlink(path)
        one.result["target"] = target
    shown = visible(shown_name(library, target))
    guests = sorted({user.guest for user in view.used_by if user.role != "backing"})
    note = f"changed: {', '.join(guests)}" if guests else ""
    return Outcome(shown, "image move", True, f"{name} is {shown} now", note)


def target_of_move(library: Library, path: str, text: str, image_format: str | None = None) -> str:
    """The absolute path that a person means: a directory, a path, a name in ``images/``.

    Args:
        image_format: The format that it gets there; None: the one it has.

    Raises:
        KvmtuiError: It cannot be there.
    """
    place = os.path.abspath(os.path.expanduser(text))
    if text and os.path.isdir(place):
        name = os.path.basename(path)
        if image_format is not None and image_format != format_of_name(name):
            name = f"{os.path.splitext(name)[0]}.{SUFFIX_OF.get(image_format, image_format)}"
        text = f"{place}/{name}"
    return image_places.new_place(library, text)


def refuse_move(library: Library, view: ImageView, chain: list[ChainPart], what: str) -> None:
    """Everything that stands against moving an image of which no guest runs."""
    name = visible(view.name)
    image_guard.refuse_device(view, what)
    image_guard.refuse_in_use(library, view, what)
    if os.path.islink(view.path):
        real = visible(os.path.realpath(view.path))
        raise ImageError(f"{name} {what}: it is a link", hint=f"kvmtui image move {real} TO")
    if chain[0].header.data_files:
        raise ImageError(f"{name} {what}: it is kept in several files")


def refuse_format(
    view: ImageView, chain: list[ChainPart], image_format: str | None, what: str
) -> None:
    """What stands against having it in another format; None, and its own, are no other."""
    if image_format in (None, chain[0].header.driver):
        return
    name = visible(view.name)
    if image_format not in WRITEABLE:
        raise UsageError(
            f"{visible(str(image_format))} cannot be written",
            hint=f"one of {', '.join(WRITEABLE)}",
        )
    if any(part.header.encrypted for part in chain):
        raise StateError(f"{name} {what}: it is encrypted, and the copy would not be")
    image_guard.refuse_snapshots(view, what)


def _convert(
    one: Work, chain: list[ChainPart], path: str, target: str, how: Copy, watcher: Watcher | None
) -> None:
    """Have its content under the new name in another format."""
    part = one.new_part(target)
    copy_into(one, chain, part, how, watcher, f"{visible(target)} was not made")
    os.chmod(part, os.stat(path).st_mode & 0o7777)
    publish(part, target)


def _put(one: Work, view: ImageView, path: str, target: str, watcher: Watcher | None) -> None:
    """Have the file under its new name too: by a link, or by a copy of its bytes."""
    try:
        os.link(os.path.realpath(path), target)
        return
    except OSError:
        pass
    folder = os.path.dirname(target)
    what = f"{visible(view.name)} was not moved"
    image_guard.refuse_without_room(folder, view.actual_size_bytes or 0, what)
    part = one.new_part(target)
    copy_into_same(one, os.path.realpath(path), part, watcher, what)
    os.chmod(part, os.stat(path).st_mode & 0o7777)
    publish(part, target)


def _point(path: str, backing: str, driver: str, what: str) -> None:
    words = ["rebase", "-u", "-f", "qcow2", "-b", backing_name(backing, path), "-F", driver]
    image_tool.run([*words, "--", path], what)


def _tell_guests(library: Library, view: ImageView, driver: str, target: str) -> None:
    """Write the new path into each definition that names the image; into all or none."""
    told: list[str] = []
    try:
        for guest in sorted({user.guest for user in view.used_by if user.role != "backing"}):
            _tell_guest(library, guest, view.path, target, driver)
            told.append(guest)
    except BaseException:
        for guest in told:
            _tell_guest(library, guest, target, view.path, driver)
        raise


def _tell_guest(library: Library, guest: str, old: str, new: str, driver: str) -> None:
    folder = library.folder(guest)
    before = load_plain(folder)
    after = copy.deepcopy(before)
    file = os.path.basename(new) if os.path.dirname(new) == folder.place else new
    for key in ("disks", "cdroms"):
        for item in after.get(key) or ():
            named = item.get("file") if isinstance(item, dict) else None
            if isinstance(named, str) and _is_same(folder.resolve(named), old):
                item["file"] = file
                if key == "disks":
                    item["format"] = driver
    changing.replace_plain(library, guest, before, after)


def _is_same(named: str, path: str) -> bool:
    return os.path.realpath(named) == os.path.realpath(path)


def _undo(children: list[ImageView], path: str, driver: str, target: str) -> None:
    for child in children:
        _point(child.path, path, driver, visible(child.name))
    os.unlink(target)
