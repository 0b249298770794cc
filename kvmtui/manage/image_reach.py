"""What an image may refer to without a person's word.

Its own folder is: the guest's in which it lies, or that has it as a disk. So are ``images/``
and the directories that a person added. Another guest's folder is not: a disk that its guest
wrote to could name what is the other's. Where a person let an image stand on a file there, as
a linked clone does, that file is kept in ``storage.json`` as one that images may stand on.
"""

from __future__ import annotations

import os

from kvmtui import light_json as json
from kvmtui.durable import reading
from kvmtui.guest.library import GUESTS, IMAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple

    from kvmtui.guest.library import Library
    from kvmtui.manage.images import ImageView
else:
    from kvmtui.light import NamedTuple

STORAGE = "storage.json"


class Places(NamedTuple):
    """What a person added to the home's own places."""

    directories: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    """Files in guests' folders that images of others may stand on."""


def read_places(library: Library) -> Places:
    """What was added; nothing where the file is missing or makes no sense."""
    try:
        with reading(library.at(STORAGE)) as file:
            found = json.loads(file.read(1 << 20))
    except (OSError, ValueError, RecursionError):
        return Places()
    if not isinstance(found, dict):
        return Places()

    def paths(key: str) -> tuple[str, ...]:
        values = found.get(key)
        listed = values if isinstance(values, list) else []
        return tuple(one for one in listed if isinstance(one, str) and one.startswith("/"))

    return Places(paths("directories"), paths("devices"), paths("bases"))


class Reach:
    """The places of one home that images may refer to.

    Args:
        silent: Directories that do not answer and must not be asked.
    """

    def __init__(
        self, library: Library, places: Places | None = None, silent: Iterable[str] = ()
    ) -> None:
        places = read_places(library) if places is None else places
        self._guests = library.at(GUESTS)
        known = (library.at(IMAGES), *places.directories, *places.bases)
        self._common = [one for one in known if one not in silent]

    def of(self, path: str, guests: Iterable[str] = ()) -> list[str]:
        """The folders, and files, that one image may refer to.

        Args:
            guests: Those that have it as a disk.
        """
        own = [f"{self._guests}/{guest}" for guest in guests]
        inside = _below(os.path.realpath(self._guests), os.path.realpath(path))
        inside = inside or _below(self._guests, path)
        return [*self._common, *own, *([f"{self._guests}/{inside}"] if inside else [])]


def folders_of(library: Library, view: ImageView) -> list[str]:
    """What one image that was looked at may refer to."""
    return Reach(library).of(view.path, [u.guest for u in view.used_by if u.role != "backing"])


def guest_of(library: Library, path: str) -> str:
    """The guest in whose folder a file lies; empty where in none."""
    return _below(os.path.realpath(library.at(GUESTS)), os.path.realpath(path))


def _below(folder: str, path: str) -> str:
    """The first name below a folder on the way to a file; empty where it lies elsewhere."""
    if not path.startswith(f"{folder}/"):
        return ""
    name, slash, _ = path[len(folder) + 1 :].partition("/")
    return name if slash else ""
