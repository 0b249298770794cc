"""Which guest uses which file: by the definitions, and by what runs."""

from __future__ import annotations

import os

from kvmtui.guest.library import Library
from kvmtui.host import resources
from kvmtui.manage.living import live_pid
from kvmtui.manage.summaries import Summaries
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple


class ImageUser(NamedTuple):
    """A guest that uses an image."""

    guest: str
    running: bool
    role: str
    """``disk0``, ``cdrom0`` …, or ``backing`` where another of its images stands on it."""
    read_only: bool = False
    """Whether it will never write to it."""


class Users:
    """The users of all images of a home, as of one moment."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._by_path: dict[str, list[ImageUser]] = {}
        self._formats: dict[str, str] = {}
        self._pids: dict[int, str] = {}
        summaries = Summaries(library)
        for name in library.names():
            folder = library.place(name)
            summary = summaries.get(folder)
            pid = live_pid(folder, folder.start_record(), summary.get("uuid"))
            if pid:
                self._pids[pid] = name
            for index, (file, image_format, read_only) in enumerate(summary.get("disks") or ()):
                path = os.path.normpath(folder.resolve(file))
                self._add(path, ImageUser(name, pid is not None, f"disk{index}", read_only))
                if image_format is not None:
                    self._formats.setdefault(path, image_format)
            for index, file in enumerate(summary.get("cdroms") or ()):
                path = os.path.normpath(folder.resolve(file))
                self._add(path, ImageUser(name, pid is not None, f"cdrom{index}", True))
        summaries.keep(whole=True)

    def _add(self, path: str, user: ImageUser) -> None:
        self._by_path.setdefault(path, []).append(user)

    def paths(self) -> list[str]:
        """All files that definitions name."""
        return list(self._by_path)

    def of(self, path: str) -> list[ImageUser]:
        """The guests whose definition names a file by this path."""
        return self._by_path.get(path, [])

    def format_of(self, path: str) -> str | None:
        """The format that a definition records for a file."""
        return self._formats.get(path)

    def formats(self) -> dict[str, str]:
        """All recorded formats, by path."""
        return self._formats

    def holder_of(self, path: str) -> str:
        """Who has a locked file open, in a few words."""
        holders = resources.processes_that_hold(path)
        for pid, _ in holders:
            if pid in self._pids:
                return f"in use by {self._pids[pid]}"
        if not holders:
            return "in use by another process"
        pid, name = holders[0]
        return f"in use by {visible(name, limit=16)} (pid {pid})"
