"""Files that are either as before or wholly new, whenever the power goes.

The base of everything that is kept: definitions, caches, histories, verdicts.
Files made by root below a folder of another user are given to that user, since
a whole home belongs to the user that QEMU runs as.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_FIRST_READ_BYTES = 8192


def give_to_owner_of(folder: Path | str, target: int | Path | str) -> None:
    """Give ``target`` (a path or descriptor) to the owner of ``folder``, when we are root."""
    if os.geteuid() != 0:
        return
    owner = os.stat(folder)
    if isinstance(target, int):
        os.fchown(target, owner.st_uid, owner.st_gid)
    else:
        os.chown(target, owner.st_uid, owner.st_gid, follow_symlinks=False)


def make_folder(path: Path | str, *, mode: int = 0o700) -> None:
    """Make a folder that belongs to its parent's owner; one that exists is left as it is."""
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        return
    give_to_owner_of(os.path.dirname(path), path)


def sync_folder(path: Path | str) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomically(
    path: Path | str, data: bytes, *, mode: int = 0o600, durable: bool = True
) -> None:
    """Replace a file by a new one: readers see the old text or the new, never a part.

    Raises:
        OSError: The old file is as it was; no temporary file is left.
    """
    folder, name = os.path.split(path)
    temporary = f"{folder}/.{name}.{os.getpid()}.tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        try:
            _write_all(fd, data)
            give_to_owner_of(folder, fd)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync_folder(folder)


def append_line(path: Path | str, line: bytes) -> None:
    """Append one line; a torn line before it (power loss) is closed first.

    The caller holds the lock that orders writers.
    """
    fd = open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW)
    try:
        size = os.fstat(fd).st_size
        if size == 0:
            give_to_owner_of(os.path.dirname(path), fd)
        elif os.pread(fd, 1, size - 1) != b"\n":
            line = b"\n" + line
        _write_all(fd, line + b"\n")
    finally:
        os.close(fd)


def open_regular(path: str | os.PathLike[str], flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """Open a file and nothing else: a FIFO of its name would hold up whoever opens it.

    Raises:
        OSError: It cannot be opened, or is a FIFO, a device, a folder or a socket.
    """
    no_file = OSError(errno.EINVAL, "is no file", os.fspath(path))
    try:
        fd = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        # A FIFO that nobody reads, a socket.
        raise (no_file if error.errno == errno.ENXIO else error) from None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise no_file


def reading(path: str | os.PathLike[str]) -> BinaryIO:
    """A file opened for reading, as `open_regular` does.

    Raises:
        OSError: As there.
    """
    return os.fdopen(open_regular(path), "rb")


def read_small(path: str, limit_bytes: int = 1 << 20) -> bytes:
    """The first bytes of a file that mostly fits into one read, such as those of ``/proc``.

    A third of the cost of a file object, which `list` would pay three times for each guest.
    Python makes room for as much as may be read, so the first read is a small one.

    Raises:
        OSError: It cannot be read.
    """
    # A FIFO of this name must not hold up a listing.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = os.read(fd, min(_FIRST_READ_BYTES, limit_bytes))
        if len(data) == _FIRST_READ_BYTES < limit_bytes:
            data += os.read(fd, limit_bytes - _FIRST_READ_BYTES)
        return data
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def try_lock(path: Path | str, *, owner_folder: Path | str | None = None) -> int | None:
    """Take ``flock`` on a lock file that is never unlinked.

    Returns:
        The descriptor that holds it (close it to let go), or None when another has it.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:
        os.close(fd)
        raise
    if owner_folder is not None and os.geteuid() == 0:
        give_to_owner_of(owner_folder, fd)
    return fd
