"""What an image is brought in from: a file, a pipe, the disk of an OVA, compressed or not.

A few bytes can unpack to any size and ask for any memory. So what comes out is bounded, the
memory of each decoder is, and each read may be ended by a person.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import select
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from kvmtui.errors import Cancelled, ImageError, UsageError
from kvmtui.manage.image_places import SUFFIXES
from kvmtui.text import visible

PIPE = "-"
_MOST_MEMBERS = 1000
_MOST_NAME_BYTES = 1 << 20
"""Of a name or a set of attributes in an archive, which are read into memory."""
_MEMORY_BYTES = 256 << 20
"""For one stream of xz: its strongest setting takes 65 MiB."""
_BLOCK_BYTES = 1 << 20
_TURN_MS = 200
_NO_DATA = (
    EOFError,
    lzma.LZMAError,
    zlib.error,
    tarfile.TarError,
    gzip.BadGzipFile,
    RecursionError,
)
_ATTRIBUTES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class _Watched(io.RawIOBase):
    """Reads a file, a device or a pipe; a person may end it before each read."""

    def __init__(self, fd: int, is_cancelled: Callable[[], bool], what: str) -> None:
        self._fd = fd
        self._is_cancelled = is_cancelled
        self._what = what
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._is_cancelled():
                raise Cancelled(f"{self._what}: it was cancelled")
            # A pipe may bring nothing for ever; a file is always ready.
            if self._poll.poll(_TURN_MS):
                return os.readv(self._fd, [buffer])


class _Xz(io.RawIOBase):
    """Decompresses streams of xz, each within a bound of memory (``lzma.open`` has none)."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._decoder is None or self._decoder.eof:
                rest = self._decoder.unused_data if self._decoder is not None else b""
                data = rest.lstrip(b"\0") or self._file.read(_BLOCK_BYTES)
                if not data.strip(b"\0") and self._decoder is not None:
                    if not data:
                        return 0
                    continue  # Zeroes between streams fill up.
                self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_BYTES)
            elif self._decoder.needs_input:
                data = self._file.read(_BLOCK_BYTES)
                if not data:
                    raise EOFError("it ends before its end")
            else:
                data = b""
            found = self._decoder.decompress(data, len(buffer))
            if found:
                buffer[: len(found)] = found
                return len(found)


class _Member(tarfile.TarInfo):
    """A member of an archive whose name and attributes fit into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in _ATTRIBUTES and self.size > _MOST_NAME_BYTES:
            raise tarfile.ReadError("a name in it is longer than any name")
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("it has a sparse file, as no OVA has")
        return super()._proc_member(archive)  # type: ignore[misc]


_COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\0": lambda file: io.BufferedReader(_Xz(file), _BLOCK_BYTES),
    b"BZh": bz2.open,
}


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is an archive, or compressed."""
    return head[257:262] == b"ustar" or head.startswith(tuple(_COMPRESSED))


@contextmanager
def opened(
    source: str,
    pipe: IO[bytes] | None,
    disk: int | None,
    is_cancelled: Callable[[], bool],
    what: str,
) -> Iterator[IO[bytes]]:
    """The bytes of the image itself, out of an archive or compression where it is in one.

    Args:
        disk: Which disk of an archive, from 1 on; None: its only one.
        is_cancelled: Asked before each read.
        what: What is not done where it fails.

    Raises:
        ImageError: It is damaged, has no such disk, or wants more memory than it gets.
        Cancelled: A person ended it.
    """
    try:
        if source == PIPE:
            if pipe is None:
                raise UsageError("there is no pipe to read from")
            yield io.BufferedReader(_Watched(pipe.fileno(), is_cancelled, what), _BLOCK_BYTES)
            return
        with plain(source) as raw:
            head = os.pread(raw.fileno(), 512, 0)
            file = io.BufferedReader(_Watched(raw.fileno(), is_cancelled, what), _BLOCK_BYTES)
            if head[257:262] == b"ustar":
                with tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as archive:
                    yield from _disk_of(source, archive, disk, what)
                return
            yield _decompressed(file, head)
    except _NO_DATA as error:
        if "Memory usage limit" in str(error):
            why = f"wants more memory than {_MEMORY_BYTES >> 20}M to be decompressed"
            raise ImageError(f"{what}: {visible(source)} {why}", hint="unpack it by hand") from None
        raise ImageError(f"{what}: {visible(source)} is damaged: {visible(str(error))}") from None


def plain(source: str) -> IO[bytes]:
    """A regular file or block device, opened without waiting for anybody.

    Raises:
        ImageError: It is neither, or cannot be read.
    """
    try:
        fd = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ImageError(f"{visible(source)}: {error.strerror}") from None
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        os.close(fd)
        raise ImageError(
            f"{visible(source)} is neither a file nor a block device",
            hint="for a pipe: kvmtui image import - NAME",
        )
    return os.fdopen(fd, "rb", buffering=0)


def _decompressed(file: Any, head: bytes) -> Any:
    for magic, opener in _COMPRESSED.items():
        if head.startswith(magic):
            return opener(file)
    return file


def _disk_of(
    source: str, archive: tarfile.TarFile, disk: int | None, what: str
) -> Iterator[IO[bytes]]:
    """The disk that is meant; an archive is read once, so the others are looked for behind it."""
    wanted, number, given = disk or 1, 0, False
    for index, member in enumerate(archive):
        if index >= _MOST_MEMBERS:
            raise ImageError(f"{what}: {visible(source)} has more files than an OVA")
        name = member.name.lower().removesuffix(".gz")
        if not member.isreg() or os.path.splitext(name)[1] not in SUFFIXES:
            continue
        number += 1
        if number == wanted:
            stream = archive.extractfile(member)
            assert stream is not None, "it is a regular file"
            yield _archived(stream)
            given = True
            if disk is not None:
                return
        elif given and disk is None:
            raise UsageError(
                f"{visible(source)} has several disks", hint="--disk 1, --disk 2 … for each"
            )
    if not given:
        told = f"no disk {disk}" if disk and number else "no disk"
        raise ImageError(f"{what}: {visible(source)} has {told}")


def _archived(stream: Any) -> Any:
    """A member of an archive, decompressed where it is; a stream cannot go back."""
    return _decompressed(stream, stream.peek(8)[:8])
