"""Keeps what is sampled in files of fixed size, for `watch`: a guest's in its folder, the
host's in the home.

A file is written once a minute, each at its own second of it, and at the end. What was
recorded before is taken over as a guest is first seen, so the history goes on behind the
gap in which nobody watched.
"""

from __future__ import annotations

import binascii
import contextlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.library import Library
from kvmtui.manage import recorded
from kvmtui.manage.live import Watch
from kvmtui.manage.storage_days import with_day
from kvmtui.manage.views import LiveGuest
from kvmtui.stats import figure_file
from kvmtui.stats.figure_file import Content, Day, Stamp, stamp_now
from kvmtui.stats.history import HOST

EVERY_S = 60


class _File(NamedTuple):
    """A file between two writes."""

    identity: str
    sequence: int
    days: tuple[Day, ...]
    due: int
    """The second from which on it is written anew."""
    is_news: bool
    """Whether anything was recorded since it was written."""


class Recorder:
    """The files of one home; the only one who writes them.

    Args:
        watch: Whose history is kept; it `keeps` those of guests that do not run.
        stamp: Tells the moment.

    Attributes:
        faults: Why files could not be written, by guest.
    """

    def __init__(
        self, library: Library, watch: Watch, stamp: Callable[[], Stamp] = stamp_now
    ) -> None:
        self._library = library
        self._watch = watch
        self._stamp = stamp
        self._files: dict[str, _File] = {}
        self.faults: dict[str, str] = {}

    def begin(self) -> None:
        """Take over what is known of the host; before its first figures."""
        self._take_over(HOST, self._stamp())

    def round(self, guests: Mapping[str, LiveGuest], days: Mapping[str, Day]) -> None:
        """Take over what is new among the guests, and write what is due.

        Args:
            days: What the storage of each takes now, where that was measured.
        """
        now = self._stamp()
        for gone in self._files.keys() - guests.keys() - {HOST}:
            del self._files[gone]
            self.faults.pop(gone, None)
        for name, live in guests.items():
            file = self._files.get(name)
            if file is None or file.identity != self._watch.identity(name):
                if file is not None:
                    self._watch.history.forget(name)
                self._take_over(name, now)
            elif live.view.pid is not None and not file.is_news:
                self._files[name] = file._replace(is_news=True)
        for name, file in list(self._files.items()):
            if file.due <= now.second and (file.is_news or name == HOST):
                self._write(name, file, now, days.get(name))

    def finish(self, days: Mapping[str, Day]) -> None:
        """Write all that is not written yet."""
        now = self._stamp()
        for name, file in list(self._files.items()):
            if file.is_news or name == HOST:
                self._write(name, file, now, days.get(name))

    def days(self, name: str) -> tuple[Day, ...]:
        """What a guest's storage took on the last days."""
        file = self._files.get(name)
        return () if file is None else file.days

    def _take_over(self, name: str, now: Stamp) -> None:
        identity = "" if name == HOST else self._watch.identity(name)
        content = None
        with contextlib.suppress(OSError):
            content = recorded.read(self._library, name, identity)
        # Not all in the same second.
        phase = binascii.crc32(name.encode()) % EVERY_S
        due = now.second + 1 + (phase - now.second) % EVERY_S
        if content is None:
            self._files[name] = _File(identity, 0, (), due, False)
            return
        self._files[name] = _File(identity, content.sequence, content.days, due, False)
        shift_s = content.shift_s(now)
        if shift_s is not None:
            self._watch.history.restore(name, content.dump, shift_s)
            self._watch.history.rest(name, now.second)

    def _write(self, name: str, file: _File, now: Stamp, day: Day | None) -> None:
        dump = self._watch.history.dump(name)
        if dump is None:
            return
        days = with_day(file.days, day, now.wall)
        identity = recorded.host_identity() if name == HOST else file.identity
        owner = figure_file.owner_of(identity)
        content = Content(file.sequence + 1, owner, now, dump, days)
        path = recorded.path_of(self._library, name)
        due = now.second + EVERY_S
        try:
            figure_file.write(path, content, recorded.keys_of(name))
        except FileNotFoundError:
            # Deleted or renamed a moment ago: the next round knows.
            self._files[name] = file._replace(due=due)
            return
        except (OSError, KvmtuiError) as error:
            self.faults[name] = as_told("", error).message
            self._files[name] = file._replace(due=due)
            return
        self.faults.pop(name, None)
        self._files[name] = file._replace(
            sequence=file.sequence + 1, days=days, due=due, is_news=False
        )
