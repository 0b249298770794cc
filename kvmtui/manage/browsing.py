"""Folders and files of this host, for who looks for an installation medium or an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.errors import ImageError, KvmtuiError
from kvmtui.guest.library import IMAGES, Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_places, image_reach, media_fit
from kvmtui.manage.image_users import Users
from kvmtui.manage.recognising import SUFFIX, Recogniser
from kvmtui.qemu.image_header import read_header
from kvmtui.text import visible

MOST_ENTRIES = 20_000
"""More entries of a folder are not looked at."""
_PLACES = ""


class Entry(NamedTuple):
    """One folder or file."""

    path: str
    name: str
    """Safe to show."""
    is_folder: bool


class Listing(NamedTuple):
    """A folder, or the places to begin at."""

    folder: str
    """Its path; empty for the places to begin at."""
    title: str
    above: str
    """The folder above it; empty: the places to begin at."""
    entries: tuple[Entry, ...]
    more: int
    """How many entries were not looked at."""


def begin(library: Library) -> Listing:
    """The images of the home and of added folders, the ISOs that guests have from elsewhere,
    then folders to look into.
    """
    places = image_reach.read_places(library)
    entries: list[Entry] = []
    folders = [library.at(IMAGES), *places.directories]
    more = 0
    for folder in folders:
        try:
            listing = list_folder(folder)
        except KvmtuiError:
            continue
        entries += [one for one in listing.entries if not one.is_folder]
        more += listing.more
    entries += _used_elsewhere(library, {entry.path for entry in entries})
    entries.sort(key=_rank)
    for folder in dict.fromkeys([*folders, os.path.expanduser("~"), os.getcwd(), "/"]):
        if os.path.isdir(folder):
            entries.append(Entry(folder, f"{visible(folder, limit=200).rstrip('/')}/", True))
    return Listing(_PLACES, "images of this home", "", tuple(entries), more)


def _used_elsewhere(library: Library, known: set[str]) -> list[Entry]:
    """The ISOs that guests have in their drives from other folders; no seeds, which are theirs."""
    found = []
    for path in sorted(Users(library).paths()):
        folder, name = os.path.split(path)
        own = path.startswith(f"{library.guests}/")
        if path in known or own or not name.lower().endswith(SUFFIX) or not os.path.isfile(path):
            continue
        told = f"{visible(name, limit=255)}  in {visible(folder, limit=200)}"
        found.append(Entry(path, told, False))
    return found


class Place(NamedTuple):
    """What a typed path leads to."""

    folder: str
    file: str
    """The file that is meant; empty where it is a folder, or the beginning of a name."""
    rest: str
    """What was typed of a name in the folder."""


def place_of(text: str) -> Place:
    """Where a path leads that a person typed: ``/…`` or ``~…``.

    Raises:
        ImageError: There is no such folder.
    """
    path = os.path.abspath(os.path.expanduser(text.strip()))
    if os.path.isdir(path):
        return Place(path, "", "")
    folder, name = (path, "") if text.strip().endswith("/") else os.path.split(path)
    if os.path.isfile(path):
        return Place(folder, path, "")
    if not os.path.isdir(folder):
        raise ImageError(f"no such folder: {visible(folder)}")
    return Place(folder, "", name)


def list_folder(path: str) -> Listing:
    """A folder: the folders in it, then what may be a medium or an image.

    Raises:
        KvmtuiError: It cannot be read.
    """
    folders: list[Entry] = []
    files: list[Entry] = []
    count = 0
    try:
        with os.scandir(path) as found:
            for one in found:
                count += 1
                if count > MOST_ENTRIES:
                    continue
                entry = _entry(one)
                if entry is not None:
                    (folders if entry.is_folder else files).append(entry)
    except OSError as error:
        raise ImageError(f"{visible(path)}: {error.strerror}") from None
    folders.sort(key=lambda one: one.name.lower())
    files.sort(key=_rank)
    above = os.path.dirname(path.rstrip("/")) or "/"
    above = _PLACES if path == "/" else above
    entries = (*files, *folders) if files else tuple(folders)
    return Listing(path, visible(path, limit=4096), above, entries, max(count - MOST_ENTRIES, 0))


def _entry(one: os.DirEntry[str]) -> Entry | None:
    name = visible(one.name, limit=255)
    try:
        if one.is_dir():
            return None if one.name.startswith(".") else Entry(one.path, f"{name}/", True)
        return Entry(one.path, name, False) if one.is_file() else None
    except OSError:
        return None


def _rank(entry: Entry) -> tuple[int, str]:
    """Media first, then images, then other files."""
    suffix = os.path.splitext(entry.path)[1].lower()
    kind = 0 if suffix == ".iso" else 1 if suffix in image_places.SUFFIXES else 2
    return kind, entry.name.lower()


def told(recogniser: Recogniser, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    """How large files are and what each is; what is not known is empty."""
    return {path: _told(recogniser, path) for path in paths}


def _told(recogniser: Recogniser, path: str) -> tuple[str, str]:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return "", ""
        size = format_size(status.st_size)
    except OSError as error:
        return "", error.strerror or ""
    try:
        medium = recogniser.look(path)
        if medium is not None:
            return size, media_fit.words_of(medium)
        header = read_header(path)
    except (KvmtuiError, OSError):
        return size, ""
    if header.driver == "raw":
        return size, ""
    return size, f"{header.driver} image"


def kind_of(recogniser: Recogniser, path: str) -> str:
    """What a chosen file is taken for: ``iso``, ``disk``, or empty where it is not clear."""
    try:
        if recogniser.look(path) is not None:
            return "iso"
        header = read_header(path)
    except (KvmtuiError, OSError):
        return ""
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".iso":
        return "iso"
    return "disk" if header.driver != "raw" or suffix in image_places.SUFFIXES else ""
