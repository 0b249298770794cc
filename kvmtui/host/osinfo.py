"""The rules of osinfo-db for installation media, where that database is installed.

Read when a medium is met that kvmtui's own profiles do not know; nothing of it is copied.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MOST_FILES = 5000
_MOST_RULES = 20000
_LARGEST_FILE_BYTES = 1 << 20
_LONGEST_PATTERN = 400
_ID = re.compile(r"[a-z][a-z0-9._-]{0,62}")
_FIELDS = {
    "volume-id": "volume_id",
    "system-id": "system_id",
    "publisher-id": "publisher",
    "application-id": "application",
}
_NOT_ALLOWED = (b"<!DOCTYPE", b"<!ENTITY", b"\0")
"""What could make a small file large, or let it read others; osinfo-db's files have none."""


class OsinfoRule(NamedTuple):
    """What one medium of one operating system says of itself."""

    os: str
    """The short id."""
    patterns: dict[str, str]
    """The field of a medium, and what must be found in it."""
    arch: str | None


def folders() -> list[str]:
    """Where the database lies, as libosinfo looks for it; what comes later wins there."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    system = os.environ.get("OSINFO_SYSTEM_DIR") or "/usr/share/osinfo"
    return [system, "/etc/osinfo", f"{config}/osinfo"]


def state(places: list[str]) -> list[list[str | int]]:
    """Which folders the database has and when each changed; empty where it is not installed."""
    found: list[list[str | int]] = []
    for place in places:
        for folder in _vendors(place):
            found.append([folder, os.stat(folder).st_mtime_ns])
    return found


def read_rules(places: list[str]) -> list[OsinfoRule]:
    """Every rule of the database; a file that cannot be read is passed over."""
    found: list[OsinfoRule] = []
    files = 0
    for place in places:
        for folder in _vendors(place):
            for name in sorted(os.listdir(folder)):
                if not name.endswith(".xml") or files >= _MOST_FILES:
                    continue
                files += 1
                found += _rules_of(os.path.join(folder, name))
                if len(found) >= _MOST_RULES:
                    return found[:_MOST_RULES]
    return found


def _vendors(place: str) -> list[str]:
    try:
        with os.scandir(os.path.join(place, "os")) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return []


def _rules_of(path: str) -> list[OsinfoRule]:
    from xml.etree import ElementTree

    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            data = file.read(_LARGEST_FILE_BYTES + 1)
        if len(data) > _LARGEST_FILE_BYTES or any(word in data for word in _NOT_ALLOWED):
            return []
        root = ElementTree.fromstring(data)
    except (OSError, ValueError, LookupError, ElementTree.ParseError):
        return []
    return [rule for system in root.iter("os") for rule in _rules_in(system)]


def _rules_in(system: Element) -> Iterator[OsinfoRule]:
    short = system.findtext("short-id") or ""
    if not _ID.fullmatch(short):
        return
    for medium in system.iter("media"):
        for iso in medium.iter("iso"):
            patterns = {
                field: text
                for tag, field in _FIELDS.items()
                if (text := iso.findtext(tag)) and len(text) <= _LONGEST_PATTERN
            }
            if patterns:
                yield OsinfoRule(short, patterns, medium.get("arch"))
