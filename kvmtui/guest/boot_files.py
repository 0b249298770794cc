"""The kernel and initrd of an installer, on its medium: where they are, and taken out of it.

Read by pycdlib, which is imported only here and in `seed_image`. A medium is hostile: how much
of its directories is read, for how long, and how large a file may be are bounded.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, cast

from kvmtui.errors import ImageError
from kvmtui.text import visible

LARGEST_BYTES = 512 << 20
"""Of a kernel, or an initrd."""
_MOST_DIRECTORY_BYTES = 16 << 20
_LIMIT_S = 20.0
_STEP_BYTES = 1 << 20


class BootFiles(NamedTuple):
    """Paths on a medium."""

    kernel: str
    initrd: str
    also: str = ""
    """A file that must be there too."""


def _pair(folder: str, kernel: str, initrd: str, also: str = "") -> BootFiles:
    return BootFiles(f"{folder}/{kernel}", f"{folder}/{initrd}", also)


_DEBIAN = (
    _pair("/install", "vmlinuz", "initrd.gz"),
    _pair("", "linux", "initrd.gz"),
)
_UBUNTU = tuple(_pair("/casper", "vmlinuz", f"initrd{end}") for end in ("", ".gz", ".lz"))
_FEDORA = (_pair("/images/pxeboot", "vmlinuz", "initrd.img", "/images/install.img"),)
_SUSE = (_pair("/boot/x86_64/loader", "linux", "initrd"),)
_SUSE_ARM = (_pair("/boot/aarch64", "linux", "initrd"),)
_AGAMA_ARM = (_pair("/boot/aarch64/loader", "linux", "initrd"),)
PLACES: dict[str, dict[str, tuple[BootFiles, ...]]] = {
    "preseed": {
        "x86_64": (_pair("/install.amd", "vmlinuz", "initrd.gz"), *_DEBIAN),
        "aarch64": (_pair("/install.a64", "vmlinuz", "initrd.gz"), *_DEBIAN),
    },
    "autoinstall": {"x86_64": _UBUNTU, "aarch64": _UBUNTU},
    "kickstart": {"x86_64": _FEDORA, "aarch64": _FEDORA},
    "autoyast": {"x86_64": _SUSE, "aarch64": _SUSE_ARM},
    "agama": {"x86_64": _SUSE, "aarch64": (*_AGAMA_ARM, *_SUSE_ARM)},
}
"""Where they are, by the kind of answer file that the installer reads and by the machine."""


def find(path: str, kind: str, arch: str) -> BootFiles | None:
    """Where a medium has its installer's kernel and initrd; None where it is not known.

    Raises:
        ImageError: The medium cannot be read.
    """
    places = PLACES.get(kind, {}).get(arch, ())
    if not places:
        return None
    with _opened(path) as image:
        for place in places:
            if all(_way(image, file) for file in place if file):
                return place
    return None


def extract(path: str, file: str, goal: str, *, behind: bytes = b"") -> None:
    """Write a file of a medium into a new file that only its owner reads.

    Args:
        behind: An archive that is appended where Linux looks for a further one.

    Raises:
        ImageError: The medium cannot be read, or the file not be written.
    """
    with _opened(path) as image, _new_file(goal) as new:
        way = _way(image, file)
        if way is None:
            raise ImageError(f"{visible(path)} has no {file}")
        image.get_file_from_iso_fp(new, **way)
        _append(new, behind)


def copy(path: str, goal: str, *, behind: bytes = b"") -> None:
    """As `extract`, of a file that lies on this host.

    Raises:
        ImageError: It cannot be read, is too large, or the copy not be written.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - what fails here is not the copy
    except OSError as error:
        raise ImageError(f"{visible(path)}: {error.strerror}") from None
    with file, _new_file(goal) as new:
        while data := file.read(_STEP_BYTES):
            if new.tell() + len(data) > LARGEST_BYTES:
                raise ImageError(f"{visible(path)} is too large to be booted")
            new.write(data)
        _append(new, behind)


def _append(new: IO[bytes], behind: bytes) -> None:
    if behind:
        new.write(bytes(-new.tell() % 4) + behind)


@contextlib.contextmanager
def _new_file(goal: str) -> Iterator[IO[bytes]]:
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(goal, flags, 0o600), "w+b", buffering=0) as new:
            yield new
            os.fsync(new.fileno())
    except OSError as error:
        raise ImageError(f"{os.path.basename(goal)} was not written: {error.strerror}") from None


class _Bounded(io.FileIO):
    """A medium of whose directories only so much is read, and only for so long."""

    def __init__(self, path: str) -> None:
        super().__init__(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        self._left: int | None = _MOST_DIRECTORY_BYTES
        self._deadline = time.monotonic() + _LIMIT_S

    def unbound(self) -> None:
        """The directories are read; a file's size is looked at by itself."""
        self._left = None

    def read(self, size: int | None = -1, /) -> bytes:
        most = LARGEST_BYTES if self._left is None else self._left + 1
        data = super().read(most if size is None or size < 0 else min(size, most)) or b""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or time.monotonic() >= self._deadline:
                raise ImageError("it has more directories than any installation medium")
        return data


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    from pycdlib import PyCdlib

    image = PyCdlib()
    try:
        with _Bounded(path) as file:
            image.open_fp(cast(Any, file))
            file.unbound()
            yield image
            image.close()
    except ImageError as error:
        known = error.message.startswith(visible(path)) or "was not written" in error.message
        raise error if known else ImageError(f"{visible(path)}: {error.message}") from None
    except OSError as error:
        raise ImageError(f"{visible(path)}: {error.strerror}") from None
    except Exception as error:  # noqa: BLE001 - pycdlib fails in many ways on a damaged image
        text = visible(str(error), limit=200)
        raise ImageError(f"{visible(path)} cannot be read as a CD: {text}") from None


def _way(image: Any, file: str) -> dict[str, str] | None:
    """By which of a medium's names a file is there; None where it is not, or too large."""
    from pycdlib.pycdlibexception import PyCdlibInvalidInput

    ways = [{"rr_path": file}] if image.has_rock_ridge() else []
    ways += [{"joliet_path": file}] if image.has_joliet() else []
    short = file.upper() + ("" if "." in os.path.basename(file) else ".") + ";1"
    for way in (*ways, {"iso_path": short}):
        try:
            record = image.get_record(**way)
        except PyCdlibInvalidInput:
            continue
        if record.is_file() and 0 < record.get_data_length() <= LARGEST_BYTES:
            return way
    return None
