"""Work on disk images: one at a time for each image, told in the home's story at both ends.

Image work belongs to no guest. While it goes on, ``HOME/work/ID.json`` holds what is done to
which files and how far it is, locked by the process at work and by its qemu-img; so every
kvmtui sees it, and can ask it to end by a file ``ID.cancel``. A record that nobody holds is
of work that was cut off: its unfinished files are removed and the story gets its end.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kvmtui import light_json as json
from kvmtui.durable import make_folder, try_lock
from kvmtui.errors import BusyError, Cancelled, KvmtuiError, told_os_error
from kvmtui.guest import history
from kvmtui.guest.library import Library, remove_tree
from kvmtui.manage import hosting, image_below
from kvmtui.manage.image_records import WORK, cancel_file, records
from kvmtui.manage.operation import exclusive
from kvmtui.manage.operations import CUT_OFF
from kvmtui.qemu.image_tool import Course
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from kvmtui.light import NamedTuple

IMAGES_LOCK = ".images.lock"
_TOLD_EACH_S = 0.5
_RECORD_BYTES = 8192
_SETTLE_LIMIT_S = 5.0
"""How long a guest is waited for that does not tell how cut-off work on its disk ended."""
PART = ".part-"
"""In the names of files that are not finished."""


class Progress(NamedTuple):
    """How far long work is."""

    percent: float
    rate_bytes_per_s: float | None
    """Of the whole run so far; None before the first second."""
    left_s: float | None


class Watcher:
    """Who watches work: gets its progress, may end it.

    Args:
        tell: Called from the thread at work, at most a few times a second.
        is_cancelled: Asked from that thread; True ends it.
    """

    def __init__(
        self,
        tell: Callable[[Progress], None] = lambda progress: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.tell = tell
        self.is_cancelled = is_cancelled


class Work:
    """One piece of work under way; use `work`."""

    def __init__(
        self, library: Library, verb: str, path: str, lock: int, record: dict[str, Any]
    ) -> None:
        self.verb = verb
        self.result: dict[str, object] = {}
        """Figures that go into the story's end line."""
        self._library = library
        self._path = path
        self._lock = lock
        self._record = record
        self._began = time.monotonic()
        self._told_at = 0.0
        self.total_bytes: int | None = None
        """How much is gone through in all, where that is known only on the way."""
        self.unsettled = False
        """Whether its record stays, since a guest could not be asked how it ended."""

    @property
    def id(self) -> str:
        """What the story calls it."""
        return str(self._record["id"])

    def new_part(self, target: str) -> str:
        """An empty file of a target's name, in a closed folder beside it.

        A VMDK holds its own name, so the file has it from the first. If work is cut off, the
        next work removes the folder.

        Raises:
            OSError: It cannot be made.
        """
        folder, name = os.path.split(target)
        place = f"{folder}/.{name[:200]}{PART}{self.id}"
        if place not in self._record["parts"]:
            self._record["parts"].append(place)
            self._record["targets"].append(target)
            self._write()
            os.mkdir(place, 0o700)
        part = f"{place}/{name}"
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        return part

    def claim(self, path: str) -> None:
        """Be alone with an image whose name came out on the way; it is told of that one then.

        Raises:
            BusyError: Another kvmtui is at work on it; names it.
        """
        with exclusive(self._library.at(IMAGES_LOCK), "the list of image work"):
            refuse_busy(self._library, (path,), (), own=self.id)
            self._path = path
            self._record["image"] = path
            self._record["writes"].append(os.path.realpath(path))
            self._write()

    def note_live(self, live: list[Any], *, durable: bool = False) -> None:
        """Keep in the record what a guest's QEMU does, for who finds it if this one dies."""
        self._record["live"] = live
        self._write()
        if durable:
            os.fsync(self._lock)

    def named(self, text: str) -> str:
        """A message that speaks of targets, not of the hidden files that are gone."""
        for place, target in zip(self._record["parts"], self._record["targets"], strict=True):
            text = text.replace(f"{place}/{os.path.basename(target)}", target)
            text = text.replace(f"{target} was not made: {target}: ", f"{target} was not made: ")
        return text

    def course(
        self,
        watcher: Watcher,
        total_bytes: int | None = None,
        keep: tuple[int, ...] = (),
        begun_percent: float = 0.0,
    ) -> Course:
        """A run of qemu-img whose progress goes into the record and to the watcher.

        Args:
            total_bytes: How much is gone through in all; gives the rate.
            keep: Descriptors that it inherits.
            begun_percent: What an earlier run had done already.
        """

        def tell(percent: float) -> None:
            now = time.monotonic()
            if now - self._told_at < _TOLD_EACH_S and percent < 100:
                return
            self._told_at = now
            took = now - self._began
            total = total_bytes or self.total_bytes
            own = percent - begun_percent
            rate = total * own / 100 / took if total and took >= 1 else None
            left = took * (100 - percent) / own if own > 0 and took >= 1 else None
            self._record |= {"percent": percent, "rate_bytes_per_s": rate, "left_s": left}
            with contextlib.suppress(OSError):
                self._write()
            watcher.tell(Progress(percent, rate, left))

        def is_cancelled() -> bool:
            return watcher.is_cancelled() or os.path.exists(cancel_file(self._library, self.id))

        return Course(tell, is_cancelled, (self._lock, *keep))

    def _write(self) -> None:
        # In place, since the lock is on this very file; readers take a torn one for none.
        data = json.dumps(self._record).encode().ljust(_RECORD_BYTES)
        os.pwrite(self._lock, data, 0)
        os.ftruncate(self._lock, len(data))


@contextlib.contextmanager
def work(
    library: Library,
    verb: str,
    path: str,
    *,
    writes: tuple[str, ...] = (),
    reads: tuple[str, ...] = (),
) -> Iterator[Work]:
    """Do something to images, alone with those that it changes.

    Args:
        verb: As on the command line, such as ``convert``.
        path: The image that the story tells it of.
        writes: Images that must not be touched by others meanwhile.
        reads: Images that must not be changed by others meanwhile.

    Raises:
        BusyError: Another kvmtui is at work on one of them; names it.
    """
    hosting.make_home(library)
    make_folder(library.at(WORK))
    with exclusive(library.at(IMAGES_LOCK), "the list of image work"):
        sweep(library)
        refuse_busy(library, writes, reads)
        one = _begin(library, verb, path, writes, reads)
    try:
        yield one
    except Cancelled as error:
        _end(library, one, "interrupted", error.message)
        raise
    except KvmtuiError as error:
        error.message = one.named(error.message)
        _end(library, one, "failed", error.message, error.hint)
        raise
    except OSError as error:
        told = told_os_error("", error)
        told.message = one.named(told.message)
        _end(library, one, "failed", told.message, told.hint)
        raise told from None
    except BaseException:
        _end(library, one, "interrupted", "")
        raise
    _end(library, one, "done", "")


def _begin(
    library: Library, verb: str, path: str, writes: tuple[str, ...], reads: tuple[str, ...]
) -> Work:
    number = os.urandom(6).hex()
    file = library.at(WORK, f"{number}.json")
    # The name is new: only who looks whether work goes on can be at its lock, for a moment.
    while (lock := try_lock(file, owner_folder=library.root)) is None:
        time.sleep(0.001)
    record = {
        "id": number,
        "verb": verb,
        "image": path,
        "user": history.acting_user(),
        "pid": os.getpid(),
        "writes": [os.path.realpath(one) for one in writes],
        "reads": [os.path.realpath(one) for one in reads],
        "parts": [],
        "targets": [],
        "percent": None,
    }
    one = Work(library, verb, path, lock, record)
    try:
        one._write()
        _tell(
            library,
            {
                "phase": "begin",
                "id": number,
                "verb": verb,
                "image": path,
                "user": record["user"],
                "pid": record["pid"],
                "boot_id": history.boot_id(),
            },
        )
    except BaseException:
        os.unlink(file)
        os.close(lock)
        raise
    return one


def _tell(library: Library, line: dict[str, object]) -> None:
    history.make_room(library.history)
    history.append(library.history, line)


def _end(library: Library, one: Work, result: str, message: str, hint: str = "") -> None:
    """Remove what is unfinished, tell the end, forget the record."""
    image_below.forget(library)
    for part in one._record["parts"]:
        remove_tree(Path(part))
    line: dict[str, object] = {"phase": "end", "id": one.id, "verb": one.verb}
    line |= {"image": one._path, "result": result}
    line["took_s"] = round(time.monotonic() - one._began, 2)
    if message:
        line["message"] = message[:500]
    if hint:
        line["hint"] = hint[:200]
    with contextlib.suppress(OSError):
        _tell(library, {**line, **one.result})
    if one.unsettled:
        os.close(one._lock)
        return
    for file in (cancel_file(library, one.id), library.at(WORK, f"{one.id}.json")):
        with contextlib.suppress(OSError):
            os.unlink(file)
    os.close(one._lock)


def refuse_busy(
    library: Library, writes: tuple[str, ...], reads: tuple[str, ...], *, own: str = ""
) -> None:
    """Raise BusyError when other work is at one of these images; names it, and how to end it.

    Args:
        own: The id of work that is the asker's own.
    """
    mine = {os.path.realpath(one) for one in (*writes, *reads)}
    own_writes = {os.path.realpath(one) for one in writes}
    for record, held in records(library):
        if not held or record["id"] == own:
            continue
        clash = mine & set(record.get("writes", ())) or own_writes & set(record.get("reads", ()))
        if clash:
            raise BusyError(
                f"{visible(min(clash))} is busy: image {record.get('verb')} by "
                f"{visible(str(record.get('user')))} (pid {record.get('pid')})",
                hint="wait for it, or cancel it: kvmtui image cancel " + str(record.get("id")),
            )


def sweep_now(library: Library) -> list[str]:
    """As `sweep`; for who holds nothing. A home that is not there has nothing to sweep."""
    if not os.path.isdir(library.at(WORK)):
        return []
    with exclusive(library.at(IMAGES_LOCK), "the list of image work"):
        return sweep(library)


def sweep(library: Library) -> list[str]:
    """Remove what cut-off work left behind, and tell its end; the caller holds the lock.

    Returns:
        The unfinished files that were removed.
    """
    removed = []
    for record, held in records(library):
        file = library.at(WORK, f"{record['id']}.json")
        lock = None if held else try_lock(file)
        if lock is None:
            continue
        told = CUT_OFF
        if "live" in record:
            settled = _settled(library, record["live"])
            if settled is None:
                os.close(lock)
                continue
            told, leftovers = settled
            removed += leftovers
        for part in record.get("parts", ()):
            if isinstance(part, str) and f"{PART}{record['id']}" in os.path.basename(part):
                remove_tree(Path(part))
                removed.append(part)
        line = {"phase": "end", "id": record["id"], "verb": str(record.get("verb"))}
        line |= {"image": str(record.get("image")), "result": "interrupted"}
        if "verb" in record:
            with contextlib.suppress(OSError):
                _tell(library, {**line, "message": told})
        with contextlib.suppress(OSError):
            os.unlink(file)
            os.unlink(cancel_file(library, str(record["id"])))
        os.close(lock)
    return removed


def _settled(library: Library, live: object) -> tuple[str, list[str]] | None:
    """How live work that was cut off ended, and what was removed; None: not to be told yet."""
    from kvmtui.manage import image_jobs

    try:
        end = image_jobs.settle(library, image_jobs.job_of(live), limit_s=_SETTLE_LIMIT_S)
    except (KvmtuiError, OSError):
        return None
    if end.in_force == "unknown":
        return None
    what = "; the guest had it already, so it is done" if end.in_force == "new" else ""
    return CUT_OFF + what, end.removed
