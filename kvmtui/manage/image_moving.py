"""Moving an image: the file, the guests that name it, and the images that stand on it."""

from __future__ import annotations

import copy
import os

from kvmtui.errors import ImageError
from kvmtui.guest.library import Library
from kvmtui.manage import changing, image_guard, image_places, images
from kvmtui.manage.definitions import load_plain
from kvmtui.manage.image_copying import copy_into_same
from kvmtui.manage.image_files import publish
from kvmtui.manage.image_making import backing_name
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.text import visible


def move(
    library: Library, path: str, target_text: str, *, watcher: Watcher | None = None
) -> Outcome:
    """Move an image to another directory or name; who names it is told of the new place.

    It is there under its new name before the old one goes: cut off at any moment, every
    guest still finds its disk.

    Raises:
        StateError: It, or what stands on it, is in use.
        ImageError: There is something at the new place, or no room; it is as it was.
    """
    view = image_guard.view_of(library, path)
    name, what = visible(view.name), "was not moved"
    image_guard.refuse_device(view, what)
    chain = image_guard.chain_of(library, path)
    image_guard.refuse_in_use(library, view, what)
    if os.path.islink(path):
        real = visible(os.path.realpath(path))
        raise ImageError(f"{name} {what}: it is a link", hint=f"kvmtui image move {real} TO")
    if chain[0].header.data_files:
        raise ImageError(f"{name} {what}: it is kept in several files")
    target = target_of_move(library, path, target_text)
    found = images.survey(library, [path]).images
    children = [found[child] for child in view.children]
    writes = (path, target, *(child.path for child in children))
    reads = tuple(part.path for part in chain[1:])
    with image_tools(), work(library, "move", path, writes=writes, reads=reads) as one:
        _put(one, view, path, target, watcher)
        try:
            if chain[0].header.backing_file is not None:
                below = chain[1]
                _point(target, below.path, below.header.driver, f"{name} {what}")
            for child in children:
                _point(child.path, target, chain[0].header.driver, f"{visible(child.name)} {what}")
            _tell_guests(library, view, chain[0].header.driver, target)
        except BaseException:
            _undo(children, path, chain[0].header.driver, target)
            raise
        os.unlink(path)
        one.result["target"] = target
    shown = visible(shown_name(library, target))
    guests = sorted({user.guest for user in view.used_by if user.role != "backing"})
    note = f"changed: {', '.join(guests)}" if guests else ""
    return Outcome(shown, "image move", True, f"{name} is {shown} now", note)


def target_of_move(library: Library, path: str, text: str) -> str:
    """The absolute path that a person means: a directory, a path, a name in ``images/``.

    Raises:
        KvmtuiError: It cannot be there.
    """
    place = os.path.abspath(os.path.expanduser(text))
    if os.path.isdir(place) and ("/" in text or text in (".", "..")):
        text = f"{place}/{os.path.basename(path)}"
    return image_places.new_place(library, text)


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
