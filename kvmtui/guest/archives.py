"""Small archives in memory: what is appended to an initrd, and Alpine's overlay."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

_REGULAR = 0o100600
_TRAILER = "TRAILER!!!"


def cpio(files: Mapping[str, bytes]) -> bytes:
    """Files as a cpio archive of the kind ``newc``, which Linux unpacks behind an initrd.

    The kernel skips zeroes before it, so the archive may be appended after padding to 4 bytes.
    """
    made = b"".join(
        _member(name, data, number) for number, (name, data) in enumerate(files.items(), 1)
    )
    made += _member(_TRAILER, b"", 0)
    return made + b"\0" * (-len(made) % 512)


def _member(name: str, data: bytes, number: int) -> bytes:
    encoded = name.encode() + b"\0"
    mode = 0 if name == _TRAILER else _REGULAR
    # ino, mode, uid, gid, nlink, mtime, size, device (two), special device (two), name, check
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + encoded) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def tar_gz(files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str]) -> bytes:
    """Files (content and mode) and symbolic links as a compressed tar archive of root."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (data, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            archive.addfile(member, io.BytesIO(data))
        for name, goal in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, goal
            archive.addfile(member)
    return gzip.compress(raw.getvalue(), mtime=0)
