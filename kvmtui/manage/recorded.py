"""What `watch` has recorded, for who looks: read where somebody asks, and nothing made up.

Asking is for the interface's loop and reads nothing. The file is read in the round that
follows, and again when it was written anew.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from kvmtui.guest.folder import FIGURES
from kvmtui.light import Later
from kvmtui.stats.history import HOST, KEYS, History

if TYPE_CHECKING:
    from typing import NamedTuple

    from kvmtui.guest.library import Library
    from kvmtui.manage.summaries import Summaries
    from kvmtui.stats import figure_file
    from kvmtui.stats.figure_file import Content, Stamp
    from kvmtui.stats.history import Series, Span
else:
    from kvmtui.light import NamedTuple

    figure_file = Later("kvmtui.stats.figure_file")

_LOOK_AGAIN_S = 5.0
_FORGOTTEN_S = 300.0


class _Asked:
    """One that somebody asked for."""

    __slots__ = ("last", "looked", "sign")

    def __init__(self, now: float) -> None:
        self.last = now
        self.looked = -_LOOK_AGAIN_S
        self.sign: tuple[int, int, int] | None = None


class Recorded:
    """The recorded histories of the guests that were asked for lately."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._asked: dict[str, _Asked] = {}
        self._history = History()

    def of(self, name: str) -> History | None:
        """What is known of a guest or of the host; asked from now on.

        Returns:
            None where nothing is known, or not yet.
        """
        now = time.monotonic()
        asked = self._asked.get(name)
        if asked is None:
            self._asked[name] = asked = _Asked(now)
        asked.last = now
        return None if asked.sign is None else self._history

    def refresh(self, summaries: Summaries, second: int) -> None:
        """Read the files that are new; may wait for a slow disk.

        Args:
            second: This one, of ``CLOCK_BOOTTIME``.
        """
        now = time.monotonic()
        for name, asked in list(self._asked.items()):
            if now - asked.last > _FORGOTTEN_S:
                del self._asked[name]
                self._history.forget(name)
            elif now - asked.looked >= _LOOK_AGAIN_S:
                asked.looked = now
                self._look(name, asked, summaries, second)

    def _look(self, name: str, asked: _Asked, summaries: Summaries, second: int) -> None:
        sign = sign_of(path_of(self._library, name))
        if sign == asked.sign:
            return
        content = None
        if sign is not None:
            identity = identity_of(self._library, name, summaries)
            with contextlib.suppress(OSError):
                content = read(self._library, name, identity)
        shift_s = content and content.shift_s(figure_file.stamp_now(second))
        if content is None or shift_s is None:
            self._history.forget(name)
            asked.sign = None
            return
        self._history.restore(name, content.dump, shift_s)
        asked.sign = sign


def path_of(library: Library, name: str) -> str:
    """The file of a guest, or of the host."""
    return library.at(FIGURES) if name == HOST else library.place(name).at(FIGURES)


def identity_of(library: Library, name: str, summaries: Summaries) -> str:
    """A guest's UUID, where its definition cannot be read that of its last start."""
    if name == HOST:
        return ""
    folder = library.place(name)
    uuid = summaries.get(folder).get("uuid") or (folder.start_record() or {}).get("uuid")
    return str(uuid or "")


class PastFigures(NamedTuple):
    """What was recorded of a guest, up to now."""

    name: str
    step_s: int
    last: float
    """When the last step begins, seconds since 1970."""
    series: dict[str, Series]


def past_figures(library: Library, name: str, span: Span, width: int) -> PastFigures | None:
    """A guest's recorded figures; None where there are none.

    Raises:
        OSError: The disk does not answer.
    """
    from kvmtui.manage.summaries import Summaries

    content = read(library, name, identity_of(library, name, Summaries(library)))
    now = figure_file.stamp_now()
    shift_s = content and content.shift_s(now)
    if content is None or shift_s is None:
        return None
    history = History()
    history.restore(name, content.dump, shift_s)
    history.rest(name, now.second)
    return figures_of(name, history, span, width, now)


def figures_of(name: str, history: History, span: Span, width: int, now: Stamp) -> PastFigures:
    """What a history has of a guest, or of the host."""
    series = {key: history.series(name, key, span, width, now=now.second) for key in keys_of(name)}
    cpu = series["cpu"]
    return PastFigures(name, cpu.step_s, now.wall - now.second + cpu.number * cpu.step_s, series)


def keys_of(name: str) -> tuple[str, ...]:
    """What a guest's file has, or the host's."""
    return figure_file.HOST_KEYS if name == HOST else KEYS


def read(library: Library, name: str, identity: str) -> Content | None:
    """A guest's file; None where there is none, or it is another guest's.

    Args:
        identity: The guest's UUID; of no account for the host.

    Raises:
        OSError: The disk does not answer.
    """
    owner = figure_file.owner_of(host_identity() if name == HOST else identity)
    return figure_file.read(path_of(library, name), owner, keys_of(name))


def host_identity() -> str:
    """What tells this machine's file from that of a home copied from another one."""
    with contextlib.suppress(OSError), open("/etc/machine-id") as file:
        return f"host {file.read(64).strip()}"
    return "host"


def sign_of(path: str) -> tuple[int, int, int] | None:
    """A file's inode, time and size: other than before where it was written; None without it."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
