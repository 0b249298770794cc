"""Where disk images lie: the home, and what a person added; and what an image is called.

What was added stands in ``storage.json`` of the home, since it belongs to these guests and
not to the person who sits here.
"""

from __future__ import annotations

import functools
import os
import stat

from kvmtui import light_json as json
from kvmtui.durable import write_atomically
from kvmtui.errors import ImageError, KvmtuiError, UsageError
from kvmtui.guest.definition import FORMAT_OF_SUFFIX
from kvmtui.guest.folder import EFI_VARS, SEED
from kvmtui.guest.library import GUESTS, IMAGES, Library
from kvmtui.manage import hosting
from kvmtui.manage.image_reach import STORAGE, Places, guest_of, read_places
from kvmtui.manage.image_waiting import Patience
from kvmtui.manage.operation import exclusive
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_LIMIT_S = 2.0
STORAGE_LOCK = ".storage.lock"
SUFFIXES = frozenset({*FORMAT_OF_SUFFIX, ".img", ".iso", ".qcow2c", ".dmg", ".luks", ".cow"})
"""Names by which a file of an added directory is taken for an image."""


def add_place(library: Library, path: str) -> tuple[bool, str]:
    """Add a directory of images, or a block device such as an LVM volume.

    Returns:
        Whether it was new, and its absolute path.

    Raises:
        ImageError: It is neither, or cannot be read.
    """
    path = os.path.abspath(path)
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise ImageError(f"{visible(path)} was not added: {error.strerror}") from None
    if not (stat.S_ISDIR(mode) or stat.S_ISBLK(mode)):
        raise ImageError(
            f"{visible(path)} was not added: it is neither a directory nor a block device",
            hint=f"kvmtui image add-directory {visible(os.path.dirname(path))}",
        )
    is_directory = stat.S_ISDIR(mode)

    def change(places: Places) -> Places:
        known = places.directories if is_directory else places.devices
        more = known if path in known else (*known, path)
        return places._replace(**{"directories" if is_directory else "devices": more})

    return _change(library, change), path


def remove_place(library: Library, path: str) -> tuple[bool, str]:
    """Forget an added directory or device; nothing in it is touched.

    Returns:
        Whether it was known, and its absolute path.
    """
    path = os.path.abspath(path)

    def change(places: Places) -> Places:
        return places._replace(
            directories=tuple(one for one in places.directories if one != path),
            devices=tuple(one for one in places.devices if one != path),
        )

    return _change(library, change), path


def vouch_for(library: Library, path: str, backing: str) -> None:
    """Keep that images may stand on a file of another guest's folder: a person let one do so."""
    real = os.path.realpath(backing)
    owner = guest_of(library, real)
    if not owner or owner == guest_of(library, path) or real in read_places(library).bases:
        return
    _change(
        library,
        lambda places: places._replace(
            bases=(*(one for one in places.bases if os.path.lexists(one)), real)
        ),
    )


def _change(library: Library, change: Callable[[Places], Places]) -> bool:
    hosting.make_home(library)
    with exclusive(library.at(STORAGE_LOCK), "the list of image directories"):
        before = read_places(library)
        after = change(before)
        if after != before:
            write_atomically(library.at(STORAGE), json.dumps(after._asdict()).encode())
    return after != before


def is_image_name(name: str) -> bool:
    """Whether a file is called like a disk image."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def is_guests_own(name: str) -> bool:
    """Whether a file in a guest's folder is a disk image, and not its firmware's variables."""
    return is_image_name(name) and name not in (EFI_VARS, SEED)


def known_folders(library: Library, places: Places | None = None) -> list[str]:
    """The folders in which images are looked for."""
    added = (places or read_places(library)).directories
    return [library.at(IMAGES), library.at(GUESTS), *added]


def find_image(library: Library, text: str) -> str:
    """The absolute path of an image that a person names.

    Args:
        text: A path, or a name below ``images/``, ``guests/`` or an added directory.

    Raises:
        ImageError: There is none, or several are called so.
    """
    if not text:
        raise UsageError("an image's name is empty", hint="kvmtui image list")
    if text.startswith(("/", "./", "../", "~")):
        found = [os.path.abspath(os.path.expanduser(text))]
    else:
        places = [*known_folders(library), os.getcwd()]
        found = list(dict.fromkeys(os.path.abspath(f"{place}/{text}") for place in places))
    real, silent = _looked_up(found)
    there = [path for path in found if path in real]
    distinct = list({real[path]: path for path in there}.values())
    if len(distinct) > 1:
        told = " and ".join(visible(path) for path in distinct[:3])
        raise ImageError(f"{visible(text)}: several images are called so: {told}", hint="its path")
    if not distinct and silent:
        told = f"{visible(text)}: its disk does not answer: {visible(silent[0])}"
        raise ImageError(told, hint="see mount and dmesg")
    if not distinct:
        hint = "kvmtui image list"
        raise ImageError(f"{visible(text)}: there is no such image", hint=hint)
    return there[0]


def _looked_up(paths: list[str]) -> tuple[dict[str, str], list[str]]:
    """Where those lead to that are there; and those whose disk does not answer."""
    patience = Patience()
    real: dict[str, str] = {}
    silent = []
    for path in paths:
        read = functools.partial(_real_path, path)
        found = patience.within(_ANSWER_LIMIT_S, os.path.dirname(path), read)
        if found is None:
            silent.append(path)
        elif found:
            real[path] = found
    return real, silent


def _real_path(path: str) -> str:
    return os.path.realpath(path) if os.path.lexists(path) else ""


def new_place(library: Library, text: str) -> str:
    """The absolute path of an image that is to be made: a bare name lies in ``images/``.

    Raises:
        ImageError: There is something already, or no folder for it.
        KvmtuiError: The name cannot be an image's.
    """
    name = os.path.basename(text)
    if name in ("", ".", "..") or name.startswith(".") or len(os.fsencode(name)) > 200:
        raise KvmtuiError(f"'{visible(text, limit=80)}' cannot be the name of an image")
    if "/" in text or text.startswith("~"):
        path = os.path.abspath(os.path.expanduser(text))
    else:
        hosting.make_home(library)
        path = library.at(IMAGES, text)
    if os.path.lexists(path):
        raise ImageError(f"{visible(path)} exists already", hint="another name, or delete it first")
    if not os.path.isdir(os.path.dirname(path)):
        raise ImageError(f"{visible(path)} was not made: there is no such folder")
    return path
