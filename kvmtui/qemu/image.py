"""Disk images by ``qemu-img``: formats are always named, never probed."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from kvmtui.errors import ImageError
from kvmtui.qemu.image_header import LARGEST_BYTES, read_header
from kvmtui.qemu.image_tool import run
from kvmtui.text import visible

_CONVERT_LIMIT_S = 120.0
"""For the firmware's variables, which are small."""
_FLOCK = "hhqqi"
"""struct flock in native layout: type, whence, start, length, pid."""


def create(path: Path, image_format: str, size_bytes: int, *, base: str | None = None) -> None:
    """Make an empty image, or one that stands on another; an existing file is never touched.

    Args:
        base: The path of a qcow2 image that it stands on.

    Raises:
        ImageError: It was not made; nothing is left.
        HostError: qemu-img is missing.
    """
    if path.exists():
        raise ImageError(f"{path} exists already")
    what = f"{visible(str(path))} was not made"
    try:
        below = ["-u", "-b", base, "-F", "qcow2"] if base else []
        run(["create", "-q", "-f", image_format, *below, "--", str(path), str(size_bytes)], what)
        path.chmod(0o600)
    except ImageError:
        path.unlink(missing_ok=True)
        raise


def convert_to_qcow2(source: str, source_format: str, target: Path) -> None:
    """Copy an image into a new qcow2 file, whole or not at all.

    Raises:
        ImageError: It was not made; nothing is left.
    """
    part = target.with_name(f".{target.name}.part")
    what = f"{visible(str(target))} was not made"
    try:
        run(
            ["convert", "-f", source_format, "-O", "qcow2", "--", source, str(part)],
            what,
            limit_s=_CONVERT_LIMIT_S,
        )
        part.chmod(0o600)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def is_locked(path: str, *, read_only: bool) -> bool:
    """Whether QEMU would refuse an image, since another QEMU or qemu-img is at it.

    QEMU locks bytes of the file by open file description: 100 + N where it uses
    permission N, 200 + N where it lets nobody else use it; 0 is reading, 1 is writing.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return any(_byte_is_locked(fd, byte) for byte in (101, 200 if read_only else 201))
    except OSError:
        return False
    finally:
        os.close(fd)


def _byte_is_locked(fd: int, byte: int) -> bool:
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    kind, *_ = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))
    return bool(kind != fcntl.F_UNLCK)


def format_by_header(path: str) -> str | None:
    """qcow2 by the file's first bytes, where an admin names an image without its format.

    A raw disk's content is the guest's: one that was made to look like qcow2 could name
    any file of the host as backing. So only a header without backing file and external
    data file counts.

    Returns:
        ``qcow2``, or None when the header does not settle it.
    """
    try:
        header = read_header(path)
    except ImageError:
        return None
    whole = header.backing_file is None and not header.data_files and not header.fault
    return "qcow2" if header.format == "qcow2" and whole else None


def virtual_size_bytes(path: str, image_format: str) -> int | None:
    """The size that a guest sees, from a file's header; never by probing its format.

    Returns:
        None where the header does not say it, or the file is not what it should be.
    """
    try:
        header = read_header(path, image_format)
    except ImageError:
        return None
    size = header.virtual_size_bytes or 0
    return size if header.driver == image_format and 0 < size <= LARGEST_BYTES else None
