"""The disk images of this home: what there is, who uses it, what stands on what.

Only first bytes are read, and nothing that an image names is opened: a thousand images are
listed in the time of one start of ``qemu-img``. What was read is kept by file identity for
the next round of the same process.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Callable, Iterator, Sequence

from kvmtui.errors import ImageError
from kvmtui.guest.library import GUESTS, IMAGES, Library
from kvmtui.manage import image_below, image_places, image_reach
from kvmtui.manage.image_links import Link, link_of
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_users import ImageUser, Users
from kvmtui.manage.image_waiting import Patience
from kvmtui.qemu import image
from kvmtui.qemu.image_header import Header, read_header
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, TypeVar

    T = TypeVar("T")
else:
    from kvmtui.light import NamedTuple

ANSWER_LIMIT_S = 2.0
"""How long a directory may take to be read before it is told as one that does not answer."""


_SILENT = "backing does not answer"
_HELD = "in use by another process"


class ImageView(NamedTuple):
    """One disk image as it stands now; sizes in bytes."""

    path: str
    name: str
    """What it is called: below the home's folders without the way there; not yet visible."""
    format: str | None
    """As recorded by a guest, else by its own bytes; None where it cannot be read."""
    virtual_size_bytes: int | None
    actual_size_bytes: int | None
    """What it takes on its file system; None for a device."""
    used_by: tuple[ImageUser, ...]
    """Guests whose definition names it, or that stand on it through other images."""
    snapshots: int | None
    """Internal ones; None where the format has none."""
    changed: float | None
    """Seconds since 1970."""
    backing: Link | None
    """What it stands on; None where on nothing."""
    children: tuple[str, ...]
    """The listed images that stand on it, by path."""
    locked: bool
    """Whether a process has QEMU's lock on it for writing."""
    trouble: str
    """One thing that is wrong with it, in a few words; empty where nothing is."""
    header: Header | None

    @property
    def is_running(self) -> bool:
        """Whether a guest that runs uses it."""
        return any(user.running for user in self.used_by)


class Survey(NamedTuple):
    """All images of a home at one time."""

    images: dict[str, ImageView]
    """By path, in the order of their names."""
    silent: tuple[str, ...]
    """Directories and devices that did not answer in time."""
    unreadable: tuple[tuple[str, str], ...]
    """Directories that cannot be read, with the reason."""


class _Entry(NamedTuple):
    """One file as it was read."""

    identity: tuple[int, int, int, int]
    header: Header | None
    fault: str
    actual_bytes: int | None
    changed: float
    is_device: bool
    locked: bool


class _Look(NamedTuple):
    """One round of reading; who reads adds to it."""

    users: Users
    silent: list[str]
    unreadable: list[tuple[str, str]]


class ImageCatalog:
    """Reads all images of a home, again and again; what did not change is not read anew."""

    def __init__(self, library: Library, patience: Patience | None = None) -> None:
        self._library = library
        self._known: dict[tuple[str, str | None], _Entry] = {}
        self._patience = patience or Patience()

    def survey(self, also: Sequence[str] = ()) -> Survey:
        """Look at all images.

        Args:
            also: Paths that are looked at wherever they lie.

        Raises:
            HostError: The home is another user's, and closed to this one.
        """
        places = image_reach.read_places(self._library)
        users = Users(self._library)
        found: dict[str, _Entry] = {}
        silent: list[str] = []
        unreadable: list[tuple[str, str]] = []
        look = _Look(users, silent, unreadable)
        for folder in self._guest_folders():
            found |= self._folder(folder, look)
        own = self._library.at(IMAGES)
        asked = self._asked(own, look, lambda: [image_below.time_of_images(self._library)])
        images_time = asked[0] if asked else None
        outside = {os.path.dirname(path) for path in users.paths() if path not in found}
        for folder in dict.fromkeys([own, *places.directories, *outside, *places.devices]):
            if folder not in silent:
                reader = self._reader(folder, places, look)
                found |= self._asked(folder, look, reader) or {}
        for path in also:
            if path not in found and os.path.dirname(path) not in silent:
                found |= self._asked(path, look, functools.partial(self._one, path, users)) or {}
        kept = {(path, users.format_of(path)): entry for path, entry in found.items()}
        self._known = kept
        reach = image_reach.Reach(self._library, places, silent)
        views = _Views(self._library, users, found, reach, self._patience)
        if not silent:
            image_below.keep(self._library, images_time, views.below())
        return Survey(views.all(), tuple(silent), tuple(unreadable))

    def _asked(self, place: str, look: _Look, read: Callable[[], T]) -> T | None:
        """What a place answers, None being no answer; after one without, others get less time."""
        limit_s = ANSWER_LIMIT_S / 4 if look.silent else ANSWER_LIMIT_S
        found = self._patience.within(limit_s, place, read)
        if found is None:
            look.silent.append(place)
        return found

    def _guest_folders(self) -> list[str]:
        return [self._library.at(GUESTS, name) for name in self._library.names()]

    def _reader(
        self, folder: str, places: image_reach.Places, look: _Look
    ) -> Callable[[], dict[str, _Entry]]:
        users = look.users

        def read() -> dict[str, _Entry]:
            if folder in places.devices:
                return self._one(folder, users, "raw")
            if folder in places.directories or folder == self._library.at(IMAGES):
                return self._folder(folder, look)
            named = [path for path in users.paths() if os.path.dirname(path) == folder]
            entries = [self._one(path, users) for path in named]
            return {path: entry for one in entries for path, entry in one.items()}

        return read

    def _folder(self, folder: str, look: _Look) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        is_guest = os.path.dirname(folder) == self._library.at(GUESTS)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return {}
        except OSError as error:
            look.unreadable.append((folder, error.strerror or str(error)))
            return {}
        for name in names:
            path = f"{folder}/{name}"
            recorded = look.users.format_of(path)
            if recorded is None and not (
                image_places.is_guests_own(name) if is_guest else image_places.is_image_name(name)
            ):
                continue
            read = functools.partial(self._one, path, look.users)
            # A link may lead to a disk that is dead, where its folder is not.
            found |= (self._asked(path, look, read) or {}) if os.path.islink(path) else read()
            self._patience.beat()
        return found

    def _one(self, path: str, users: Users, otherwise: str | None = None) -> dict[str, _Entry]:
        """One file by its path; none where it is neither a file nor a device."""
        entry = self._entry(path, users.format_of(path) or otherwise)
        return {path: entry} if entry is not None else {}

    def _entry(self, path: str, recorded: str | None) -> _Entry | None:
        """Read one file; None for what is neither a file nor a device."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        is_device = stat.S_ISBLK(status.st_mode)
        if not is_device and not stat.S_ISREG(status.st_mode):
            return None
        identity = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        actual = None if is_device else status.st_blocks * 512
        known = self._known.get((path, recorded))
        if known is not None and known.identity == identity and not is_device:
            locked = image.is_locked(path, read_only=False)
            return known._replace(actual_bytes=actual, locked=locked)
        header, fault = None, ""
        try:
            header = read_header(path, recorded)
            fault = header.fault
        except ImageError as error:
            fault = error.message.rpartition(": ")[2]
        locked = not is_device and image.is_locked(path, read_only=False)
        return _Entry(identity, header, fault, actual, status.st_mtime, is_device, locked)


def _unseen(path: str, header: Header) -> Link:
    """The link of an image to what lies on a disk that does not answer."""
    named = header.backing_file or ""
    target = os.path.normpath(f"{os.path.dirname(path)}/{named}")
    target = named if named.startswith("/") else target
    return Link(visible(target, limit=200), target, None, _SILENT)


class _Views:
    """Puts together what was read: links, users, troubles."""

    def __init__(
        self,
        library: Library,
        users: Users,
        entries: dict[str, _Entry],
        reach: image_reach.Reach,
        patience: Patience,
    ) -> None:
        self._library = library
        self._users = users
        self._entries = entries
        self._reach = reach
        self._patience = patience
        self._same: dict[tuple[int, ...], list[str]] = {}
        for path, entry in entries.items():
            self._same.setdefault(entry.identity[:2], []).append(path)
        self._links: dict[str, Link] = {}
        self._targets: dict[str, tuple[int, int]] = {}
        """Device and inode of what an image stands on."""
        self._read_links()
        self._children: dict[str, list[str]] = {}
        for path in entries:
            parent = self._parent(path)
            if parent is not None:
                self._children.setdefault(parent, []).append(path)

    def _read_links(self) -> None:
        """What each image stands on; where that lies on a disk that is dead, only its name."""
        by_folder: dict[str, list[tuple[str, Header]]] = {}
        for path, entry in self._entries.items():
            named = entry.header.backing_file if entry.header is not None else None
            if named is not None and entry.header is not None:
                place = os.path.normpath(os.path.dirname(f"{os.path.dirname(path)}/{named}"))
                place = os.path.dirname(named) if named.startswith("/") else place
                by_folder.setdefault(place, []).append((path, entry.header))
        for folder, found in by_folder.items():
            read = functools.partial(self._links_to, found)
            links = self._patience.within(ANSWER_LIMIT_S, f"backing in {folder}", read)
            for path, header in found:
                link, target = links[path] if links is not None else (_unseen(path, header), None)
                if link is not None:
                    self._links[path] = link
                if target is not None:
                    self._targets[path] = target

    def _links_to(
        self, found: list[tuple[str, Header]]
    ) -> dict[str, tuple[Link | None, tuple[int, int] | None]]:
        links: dict[str, tuple[Link | None, tuple[int, int] | None]] = {}
        for path, header in found:
            users = [user.guest for user in self._users.of(path)]
            link = link_of(path, header, self._reach.of(path, users))
            target = None
            if link is not None and link.path is not None:
                with contextlib.suppress(OSError):
                    status = os.stat(link.path)
                    target = (status.st_dev, status.st_ino)
            links[path] = (link, target)
            self._patience.beat()
        return links

    def _parent(self, path: str) -> str | None:
        """The listed image that an image stands on, whatever its path is called there."""
        link = self._links.get(path)
        if link is None or link.path is None:
            return None
        if link.path in self._entries:
            return link.path
        target = self._targets.get(path)
        return next(iter(self._same.get(target, ())), None) if target is not None else None

    def _users_of(self, path: str) -> list[ImageUser]:
        """The guests that name an image, by this path or another of the same file."""
        same = self._same[self._entries[path].identity[:2]]
        return [user for one in same for user in self._users.of(one)]

    def below(self) -> list[tuple[int, int]]:
        """Device and inode of every image that others stand on."""
        return [self._entries[path].identity[:2] for path in self._children]

    def all(self) -> dict[str, ImageView]:
        """Every image, by path."""
        views = [self._view(path, entry) for path, entry in self._entries.items()]
        return {view.path: view for view in sorted(views, key=lambda view: view.name.lower())}

    def _view(self, path: str, entry: _Entry) -> ImageView:
        header = entry.header
        link = self._links.get(path)
        used_by = self._all_users(path)
        return ImageView(
            path=path,
            name=shown_name(self._library, path),
            format=header.format if header else None,
            virtual_size_bytes=(header.virtual_size_bytes or None) if header else None,
            actual_size_bytes=entry.actual_bytes,
            used_by=used_by,
            snapshots=header.snapshots if header else None,
            changed=entry.changed,
            backing=link,
            children=tuple(sorted(self._children.get(path, ()))),
            locked=entry.locked,
            trouble=self._trouble(path, entry, used_by),
            header=header,
        )

    def _all_users(self, path: str) -> tuple[ImageUser, ...]:
        """Its own users, then those of the images that stand on it."""
        found = {user.guest: user for user in self._users_of(path)}
        for child in self._descendants(path):
            for user in self._users_of(child):
                found.setdefault(user.guest, user._replace(role="backing", read_only=True))
        return tuple(sorted(found.values(), key=lambda user: user.guest))

    def _descendants(self, path: str) -> Iterator[str]:
        seen, waiting = {path}, list(self._children.get(path, ()))
        while waiting:
            child = waiting.pop()
            if child not in seen:
                seen.add(child)
                yield child
                waiting.extend(self._children.get(child, ()))

    def _trouble(self, path: str, entry: _Entry, used_by: tuple[ImageUser, ...]) -> str:
        if entry.fault:
            return visible(entry.fault, limit=120)
        header, link = entry.header, self._links.get(path)
        if header is not None and header.corrupt:
            return "corrupt"
        if link is not None and self._is_loop(path):
            return "backing files go in a circle"
        if link is not None and link.trouble:
            return link.trouble
        if entry.locked and not any(user.running for user in used_by):
            # Looking at what other processes have open may stand at a dead disk of theirs.
            holder = functools.partial(self._users.holder_of, path)
            return self._patience.within(ANSWER_LIMIT_S, "processes", holder) or _HELD
        return ""

    def _is_loop(self, path: str) -> bool:
        seen = {path}
        parent = self._parent(path)
        while parent is not None:
            if parent in seen:
                return True
            seen.add(parent)
            parent = self._parent(parent)
        return False


def survey(library: Library, also: Sequence[str] = ()) -> Survey:
    """All images of a home, read once; as `ImageCatalog.survey`."""
    return ImageCatalog(library).survey(also)


def missing(survey: Survey, path: str) -> ImageError:
    """Why an image is not among those that were looked at."""
    if path in survey.silent or os.path.dirname(path) in survey.silent:
        return ImageError(f"{visible(path)}: its disk does not answer", hint="see mount and dmesg")
    return ImageError(f"{visible(path)} is neither a file nor a block device")
