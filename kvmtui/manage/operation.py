"""One changing operation a guest at a time, and a line in its story at both ends."""

from __future__ import annotations

import contextlib
import os
import time

from kvmtui.durable import try_lock
from kvmtui.errors import BusyError, KvmtuiError
from kvmtui.guest import history
from kvmtui.guest.folder import HISTORY, LOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.guest.folder import GuestFolder

LOCK_LIMIT_S = 30.0
DOING = {
    "start": "being started",
    "shutdown": "shutting down",
    "reboot": "rebooting",
    "stop": "being stopped",
    "reset": "being reset",
    "pause": "being paused",
    "resume": "being resumed",
    "rename": "being renamed",
    "delete": "being deleted",
    "set": "being changed",
    "edit": "being edited",
    "insert": "getting another CD",
    "password": "getting a VNC password",
    "eject": "having its CD taken out",
}
"""What is under way, by its verb."""


class Operation:
    """An operation under way; what it notes goes into the story's end line."""

    def __init__(self, folder: GuestFolder, verb: str) -> None:
        self.folder = folder
        self.verb = verb
        self.id = os.urandom(6).hex()
        self._began = time.monotonic()
        self.result: dict[str, object] = {}

    def begin(self) -> None:
        """Write the begin line: who does what, from which process."""
        history.append(
            self.folder.at(HISTORY),
            {
                "phase": "begin",
                "id": self.id,
                "verb": self.verb,
                "user": history.acting_user(),
                "pid": os.getpid(),
                "boot_id": history.boot_id(),
            },
        )

    def end(self, result: str, message: str = "") -> None:
        """Write the end line; a full disk does not undo what was done."""
        took_s = round(time.monotonic() - self._began, 2)
        line: dict[str, object] = {"phase": "end", "id": self.id, "verb": self.verb}
        line |= {"result": result, "took_s": took_s}
        if message:
            line["message"] = message
        with contextlib.suppress(OSError):
            history.append(self.folder.at(HISTORY), {**line, **self.result})


def under_way(folder: GuestFolder) -> str:
    """What another kvmtui does with the guest now, in words."""
    begin = history.last_begin(history.read(folder.at(HISTORY), tail_bytes=65536))
    if begin is None:
        return "in use by another kvmtui"
    doing = DOING.get(str(begin.get("verb")), "in use")
    return f"{doing} by {begin.get('user')} (pid {begin.get('pid')}, since {begin.get('time')})"


def acquire(folder: GuestFolder, *, limit_s: float = LOCK_LIMIT_S) -> int:
    """Take the guest's lock.

    Returns:
        The descriptor that holds it.

    Raises:
        BusyError: Another kvmtui kept it; names who and what for.
        KvmtuiError: The guest was renamed or deleted meanwhile.
    """
    deadline = time.monotonic() + limit_s
    while True:
        try:
            lock = try_lock(folder.at(LOCK), owner_folder=folder.place)
        except FileNotFoundError:
            raise KvmtuiError(f"{folder.name}: there is no such guest") from None
        if lock is not None:
            break
        if time.monotonic() >= deadline:
            raise BusyError(f"{folder.name} is {under_way(folder)}")
        time.sleep(0.02)
    if _is_still_there(folder, lock):
        return lock
    os.close(lock)
    raise KvmtuiError(f"{folder.name}: there is no such guest any more", hint="kvmtui list")


@contextlib.contextmanager
def exclusive(lock_file: str, what: str, *, limit_s: float = LOCK_LIMIT_S) -> Iterator[None]:
    """Hold a lock file of the home for a moment.

    Args:
        what: What it guards, for the failure.

    Raises:
        BusyError: Another kvmtui kept it.
    """
    deadline = time.monotonic() + limit_s
    folder = os.path.dirname(lock_file)
    while (lock := try_lock(lock_file, owner_folder=folder)) is None:
        if time.monotonic() >= deadline:
            raise BusyError(f"{what} is in use by another kvmtui", hint="try again in a moment")
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(lock)


def _is_still_there(folder: GuestFolder, lock: int) -> bool:
    """Whether the folder of this name is the one that was locked."""
    held = os.fstat(lock)
    try:
        named = os.stat(folder.at(LOCK))
    except OSError:
        return False
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


@contextlib.contextmanager
def locked(folder: GuestFolder, *, limit_s: float = LOCK_LIMIT_S) -> Iterator[None]:
    """Hold the guest's lock.

    Raises:
        BusyError: As `acquire`.
    """
    lock = acquire(folder, limit_s=limit_s)
    try:
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def told(folder: GuestFolder, verb: str, *, needs_room: bool = False) -> Iterator[Operation]:
    """Tell an operation in the guest's story; the caller holds the lock.

    Args:
        needs_room: Whether a disk too full for the begin line stops the operation.
    """
    operation = Operation(folder, verb)
    try:
        operation.begin()
    except OSError:
        if needs_room:
            raise
    try:
        yield operation
    except KvmtuiError as error:
        operation.end("failed", error.message)
        raise
    except OSError as error:
        operation.end("failed", str(error))
        raise
    except BaseException:
        operation.end("interrupted")
        raise
    operation.end("done")
