"""The disk images of this home: what there is, who uses it, what stands on what.

Only first bytes are read, and nothing that an image names is opened: a thousand images are
listed in the time of one start of ``qemu-img``. What was read is kept by file identity for
the next round of the same process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence

from kvmtui.errors import ImageError
from kvmtui.guest.library import GUESTS, IMAGES, Library
from kvmtui.manage import image_below, image_places, image_reach
from kvmtui.manage.image_links import Link, link_of, target_of
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_users import ImageUser, Users
from kvmtui.manage.image_waiting import Patience
from kvmtui.qemu import image
from kvmtui.qemu.image_header import Header, read_header
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

ANSWER_LIMIT_S = 2.0
"""How long a directory may take to be read before it is told as one that does not answer."""


_SILENT = "backing does not answer"


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


class ImageCatalog:
    """Reads all images of a home, again and again; what did not change is not read anew."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[tuple[str, str | None], _Entry] = {}
        self._patience = Patience()

    def survey(self, also: Sequence[str] = ()) -> Survey:
        """Look at all images.

        Args:
            also: Paths that are looked at wherever they lie.

        Raises:
            HostError: The home is another user's, and closed to this one.
        """
        images_time = image_below.time_of_images(self._library)
        places = image_reach.read_places(self._library)
        users = Users(self._library)
        found: dict[str, _Entry] = {}
        silent: list[str] = []
        unreadable: list[tuple[str, str]] = []
        own = [self._library.at(IMAGES), *self._guest_folders()]
        for folder in own:
            found |= self._folder(folder, users, unreadable)
        outside = {os.path.dirname(path) for path in users.paths() if path not in found}
        for folder in dict.fromkeys([*places.directories, *outside, *places.devices]):
            reader = self._reader(folder, places, users, found, unreadable)
            read = self._patience.within(ANSWER_LIMIT_S, folder, reader)
            if read is None:
                silent.append(folder)
            else:
                found |= read
        for path in also:
            entry = None if path in found else self._entry(path, users.format_of(path))
            if entry is not None:
                found[path] = entry
        kept = {(path, users.format_of(path)): entry for path, entry in found.items()}
        self._known = kept
        reach = image_reach.Reach(self._library, places, silent)
        views = _Views(self._library, users, found, reach, self._patience)
        image_below.keep(self._library, images_time, views.below())
        return Survey(views.all(), tuple(silent), tuple(unreadable))

    def _guest_folders(self) -> list[str]:
        return [self._library.at(GUESTS, name) for name in self._library.names()]

    def _reader(
        self,
        folder: str,
        places: image_reach.Places,
        users: Users,
        found: dict[str, _Entry],
        unreadable: list[tuple[str, str]],
    ) -> Callable[[], dict[str, _Entry]]:
        def read() -> dict[str, _Entry]:
            if folder in places.devices:
                entry = self._entry(folder, users.format_of(folder) or "raw")
                return {folder: entry} if entry is not None else {}
            if folder in places.directories:
                return self._folder(folder, users, unreadable)
            named = [path for path in users.paths() if os.path.dirname(path) == folder]
            entries = {path: self._entry(path, users.format_of(path)) for path in named}
            return {path: entry for path, entry in entries.items() if entry is not None}

        return read

    def _folder(
        self, folder: str, users: Users, unreadable: list[tuple[str, str]]
    ) -> dict[str, _Entry]:
        found = {}
        is_guest = os.path.dirname(folder) == self._library.at(GUESTS)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return {}
        except OSError as error:
            unreadable.append((folder, error.strerror or str(error)))
            return {}
        for name in names:
            path = f"{folder}/{name}"
            recorded = users.format_of(path)
            if recorded is None and not (
                image_places.is_guests_own(name) if is_guest else image_places.is_image_name(name)
            ):
                continue
            entry = self._entry(path, recorded)
            if entry is not None:
                found[path] = entry
        return found

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
            return known._replace(actual_bytes=actual)
        header, fault = None, ""
        try:
            header = read_header(path, recorded)
            fault = header.fault
        except ImageError as error:
            fault = error.message.rpartition(": ")[2]
        return _Entry(identity, header, fault, actual, status.st_mtime, is_device)


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
        self._answering = dict.fromkeys(map(os.path.dirname, entries), True)
        self._links = {
            path: self._link(path, entry.header)
            for path, entry in entries.items()
            if entry.header is not None
        }
        self._children: dict[str, list[str]] = {}
        for path in entries:
            parent = self._parent(path)
            if parent is not None:
                self._children.setdefault(parent, []).append(path)

    def _link(self, path: str, header: Header) -> Link | None:
        """What an image stands on; where that lies on a disk that is dead, only its name."""
        target = header.backing_file and target_of(path, header.backing_file)
        if target and not self._answers(os.path.dirname(target)):
            return Link(visible(target, limit=200), target, None, _SILENT)
        if header.backing_file is None:
            return None
        return link_of(path, header, self._reach.of(path, [u.guest for u in self._users.of(path)]))

    def _answers(self, folder: str) -> bool:
        known = self._answering.get(folder)
        if known is None:
            exists = self._patience.within(ANSWER_LIMIT_S, folder, lambda: os.path.exists(folder))
            known = exists is not None
            self._answering[folder] = known
        return known

    def _parent(self, path: str) -> str | None:
        """The listed image that an image stands on, whatever its path is called there."""
        link = self._links.get(path)
        if link is None or link.path is None:
            return None
        if link.path in self._entries:
            return link.path
        if link.trouble == _SILENT:
            return None
        try:
            status = os.stat(link.path)
        except OSError:
            return None
        return next(iter(self._same.get((status.st_dev, status.st_ino), ())), None)

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
        locked = not entry.is_device and image.is_locked(path, read_only=False)
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
            locked=locked,
            trouble=self._trouble(path, entry, locked, used_by),
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

    def _trouble(
        self, path: str, entry: _Entry, locked: bool, used_by: tuple[ImageUser, ...]
    ) -> str:
        if entry.fault:
            return visible(entry.fault, limit=120)
        header, link = entry.header, self._links.get(path)
        if header is not None and header.corrupt:
            return "corrupt"
        if link is not None and self._is_loop(path):
            return "backing files go in a circle"
        if link is not None and link.trouble:
            return link.trouble
        if locked and not any(user.running for user in used_by):
            return self._users.holder_of(path)
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
