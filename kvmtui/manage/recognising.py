"""What installation media are: read, recognised, and kept while a file is the same."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress

from kvmtui.durable import reading, write_atomically
from kvmtui.errors import ImageError
from kvmtui.guest.library import Library
from kvmtui.guest.pattern_text import beginning
from kvmtui.guest.profile_files import Profiles
from kvmtui.guest.recognition import MediaRule, Recognition, recognise
from kvmtui.host import osinfo
from kvmtui.manage.profiles import profiles
from kvmtui.qemu.iso import Media, read_media
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

SUFFIX = ".iso"
MOST_FILES = 5000
"""How many of one folder are looked at."""
_KEPT = "osinfo.json"
_LARGEST_KEPT_BYTES = 8 << 20
_BEGINNING = 12
"""By so many letters rules are told apart."""
_KNOWN_BEFORE = 10000
"""More files than these are forgotten."""

Identity = tuple[int, int, int, int]


class Medium(NamedTuple):
    """An installation medium and what it is."""

    path: str
    size_bytes: int
    media: Media
    recognition: Recognition
    told: str
    """What it is, for people."""


class Recogniser:
    """Looks at media, again and again; what did not change is not read anew.

    Args:
        library: The home, where the rules of osinfo-db are kept once they were read.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, tuple[Identity, Medium | None]] = {}
        self._profiles: Profiles | None = None
        self._rules: list[MediaRule] = []
        self._wider: _Wider | None = None

    def look(self, path: str) -> Medium | None:
        """What one file is; None when it is no medium.

        Raises:
            ImageError: It cannot be read.
        """
        try:
            status = os.stat(path)
        except OSError as error:
            raise ImageError(f"{visible(path)}: {error.strerror}") from None
        self._refresh()
        return self._look(path, status)

    def folder(self, folder: str) -> list[Medium]:
        """All media in a folder, by name; files that cannot be read are passed over.

        Raises:
            OSError: The folder cannot be read.
        """
        self._refresh()
        found = []
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower().endswith(SUFFIX))
        for name in names[:MOST_FILES]:
            path = f"{folder}/{name}"
            with suppress(OSError, ImageError):
                status = os.stat(path)
                if stat.S_ISREG(status.st_mode):
                    medium = self._look(path, status)
                    found += [medium] if medium is not None else []
        return found

    def _look(self, path: str, status: os.stat_result) -> Medium | None:
        identity = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        known = self._known.get(path)
        if known is not None and known[0] == identity:
            return known[1]
        media = read_media(path)
        medium = None
        if media is not None:
            found = self.recognise(media)
            medium = Medium(path, status.st_size, media, found, told(found))
        if len(self._known) >= _KNOWN_BEFORE:
            self._known.clear()
        self._known[path] = identity, medium
        return medium

    def recognise(self, media: Media) -> Recognition:
        """What a medium is: by the profiles; by osinfo-db too where they do not know it.

        Many of its rules are of systems whose newer versions it does not know, so it only
        says what a medium can be.
        """
        self._refresh()
        found = recognise(media, self._rules)
        if found.candidates:
            return found
        wider = recognise(media, self._osinfo().of(media))
        if not wider.candidates:
            return found
        return wider._replace(os=None)

    def _refresh(self) -> None:
        """Take the rules anew once a user's profiles have changed."""
        now = profiles()
        if now is not self._profiles:
            self._known.clear()
            self._profiles, self._rules = now, now.rules()

    def _osinfo(self) -> _Wider:
        if self._wider is None:
            self._wider = _Wider(self._osinfo_rules())
        return self._wider

    def _osinfo_rules(self) -> list[osinfo.OsinfoRule]:
        """The rules of osinfo-db, from the home where they are of the same database."""
        places = osinfo.folders()
        state = osinfo.state(places)
        if not state:
            return []
        path = self._library.at(_KEPT)
        with suppress(OSError, ValueError, TypeError, KeyError):
            with reading(path) as file:
                kept = json.loads(file.read(_LARGEST_KEPT_BYTES))
            if kept["state"] == state:
                return [osinfo.OsinfoRule(*rule) for rule in kept["rules"]]
        rules = osinfo.read_rules(places)
        with suppress(OSError):
            data = json.dumps({"state": state, "rules": rules}).encode()
            write_atomically(path, data, durable=False)
        return rules


class _Wider:
    """Rules of osinfo-db by how what they look for begins.

    There are thousands, and a medium meets a few: compiling them all takes longer than all else.
    """

    def __init__(self, rules: list[osinfo.OsinfoRule]) -> None:
        self._plain: dict[tuple[str, str], list[osinfo.OsinfoRule]] = {}
        self._ready: dict[tuple[str, str], list[MediaRule]] = {}
        for rule in rules:
            field, text = next(iter(rule.patterns.items()))
            self._plain.setdefault((field, beginning(text)[:_BEGINNING]), []).append(rule)

    def of(self, media: Media) -> Iterator[MediaRule]:
        """All that may be of a medium."""
        for key, rules in self._plain.items():
            field, begins = key
            if begins in getattr(media, field):
                if key not in self._ready:
                    self._ready[key] = [one for rule in rules for one in _compiled(rule)]
                yield from self._ready[key]


def _compiled(rule: osinfo.OsinfoRule) -> list[MediaRule]:
    """A rule as those of profiles; none where Python reads its patterns differently."""
    try:
        patterns = tuple((field, re.compile(text)) for field, text in rule.patterns.items())
    except re.error:
        return []
    return [MediaRule(patterns, (rule.os,), None, -1)]


def told(recognition: Recognition) -> str:
    """What a medium is, for people: a system's name, or what it can be."""
    if not recognition.candidates:
        return "not recognised"
    known = profiles()
    names = []
    for os_id in recognition.candidates:
        profile = known.find(os_id)
        own = profile is not None and profile.id == os_id
        names.append(f"{profile.name} ({os_id})" if own and profile is not None else os_id)
    if recognition.os is not None:
        return names[0]
    return f"perhaps {' or '.join(names)}"
