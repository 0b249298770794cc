"""Words that a shell offers: ids and media, found without reading more than that takes.

Ids are looked for by how kvmtui's own files write them; what a user's file writes otherwise is
known all the same, and only not offered. The standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import re

import kvmtui.guest
from kvmtui.durable import reading
from kvmtui.guest.library import IMAGES
from kvmtui.host.paths import catalog_files, profile_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.library import Library

_OWN = os.path.dirname(os.path.abspath(kvmtui.guest.__file__))
_ID = re.compile(rb"^ *- (?:\{ *)?id: *([a-z0-9][a-z0-9._-]{0,62})", re.MULTILINE)
_MOST_BYTES = 1 << 20
_MOST = 1000


def profile_ids() -> list[str]:
    """The ids of operating systems that have a profile."""
    files: list[str] = []
    for folder in (f"{_OWN}/profiles", *profile_folders()):
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(folder) if name.endswith(".yaml"))
            files += [f"{folder}/{name}" for name in names[:_MOST]]
    return _ids(files)


def image_ids() -> list[str]:
    """The ids of the catalogue's cloud images."""
    return _ids([f"{_OWN}/catalog.yaml", *catalog_files()])


def _ids(files: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for path in files:
        with contextlib.suppress(OSError), reading(path) as file:
            ids = _ID.findall(file.read(_MOST_BYTES))
            found |= dict.fromkeys(one.decode() for one in ids)
    return list(found)


def media(library: Library) -> list[str]:
    """The paths of the media in the home's own folder of images."""
    folder = library.at(IMAGES)
    try:
        names = sorted(name for name in os.listdir(folder) if name.lower().endswith(".iso"))
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names[:_MOST] if name.isprintable()]
