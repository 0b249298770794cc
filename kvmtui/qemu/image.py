"""Disk images by ``qemu-img``: formats are always named, never probed."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from kvmtui.errors import ImageError
from kvmtui.qemu.binary import find_tool
from kvmtui.text import visible

_LIMIT_S = 120.0
_QCOW2_MAGIC = b"QFI\xfb"
_FLOCK = "hhqqi"
"""struct flock in native layout: type, whence, start, length, pid."""


def _qemu_img(arguments: list[str], what: str) -> None:
    command = [find_tool("qemu-img"), *arguments]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise ImageError(f"{what}: qemu-img was not done after {_LIMIT_S:.0f} s") from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        reason = visible(lines[0].removeprefix("qemu-img: "), limit=300)
        raise ImageError(f"{what}: {reason}")


def create(path: Path, image_format: str, size_bytes: int) -> None:
    """Make an empty image; an existing file is never touched.

    Raises:
        ImageError: It was not made; nothing is left.
        HostError: qemu-img is missing.
    """
    if path.exists():
        raise ImageError(f"{path} exists already")
    what = f"{visible(str(path))} was not made"
    try:
        _qemu_img(["create", "-q", "-f", image_format, "--", str(path), str(size_bytes)], what)
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
        _qemu_img(["convert", "-f", source_format, "-O", "qcow2", "--", source, str(part)], what)
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
        with open(path, "rb") as file:
            header = file.read(112)
    except OSError:
        return None
    if len(header) < 104 or header[:4] != _QCOW2_MAGIC:
        return None
    backing_offset = int.from_bytes(header[8:16], "big")
    version = int.from_bytes(header[4:8], "big")
    incompatible = int.from_bytes(header[72:80], "big") if version >= 3 else 0
    external_data = incompatible & 4
    return None if backing_offset or external_data else "qcow2"


def virtual_size_bytes(path: str, image_format: str) -> int | None:
    """The size that a guest sees, from a file's header; never by probing its format.

    Returns:
        None where the header does not say it in a place of its own (vmdk and others), or
        the file cannot be read.
    """
    try:
        if image_format == "raw":
            return os.stat(path).st_size or None
        if image_format != "qcow2":
            return None
        with open(path, "rb") as file:
            header = file.read(32)
    except OSError:
        return None
    if len(header) < 32 or header[:4] != _QCOW2_MAGIC:
        return None
    return int.from_bytes(header[24:32], "big")
