"""Putting finished image files in their place, and keeping whose they are."""

from __future__ import annotations

import contextlib
import os

from kvmtui.durable import give_to_owner_of, sync_folder
from kvmtui.errors import ImageError
from kvmtui.text import visible


def publish(part: str, target: str) -> None:
    """Give a finished file its name, durably; never over another file.

    Raises:
        ImageError: There is a file of this name by now.
    """
    folder = os.path.dirname(target)
    give_to_owner_of(folder, part)
    _sync(part)
    try:
        os.link(part, target)
    except FileExistsError:
        raise ImageError(f"{visible(target)} exists already", hint="another name") from None
    except OSError:
        # A file system without hard links.
        if os.path.lexists(target):
            raise ImageError(f"{visible(target)} exists already", hint="another name") from None
        os.rename(part, target)
    else:
        os.unlink(part)
    sync_folder(folder)


def replace(part: str, target: str) -> None:
    """Put a finished file where the old one was, with its owner and rights.

    Raises:
        OSError: The old file is as it was.
    """
    status = os.stat(target)
    with contextlib.suppress(PermissionError):
        os.chown(part, status.st_uid, status.st_gid)
    os.chmod(part, status.st_mode & 0o7777)
    _sync(part)
    os.replace(part, target)
    sync_folder(os.path.dirname(target))


def _sync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def start_writing_back(path: str) -> None:
    """Let the kernel begin to write a file to its disk, so that a sync at the end is short.

    ``sync_file_range(SYNC_FILE_RANGE_WRITE)``: it waits for nothing and promises nothing.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            zero = ctypes.c_int64(0)
            ctypes.CDLL(None).sync_file_range(fd, zero, zero, ctypes.c_uint(2))
        finally:
            os.close(fd)


def actual_bytes(path: str) -> int:
    """What a file takes on its file system."""
    return os.stat(path).st_blocks * 512
