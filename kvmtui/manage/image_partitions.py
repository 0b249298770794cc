"""The partitions of an image and what is in them, without mounting or opening any of it.

``qemu-img convert`` reads a few bounded ranges, each as a raw image of its own within the image
(``qemu-img dd`` counts differently from version to version); the format is named, and what was
read is taken apart here. Works beside a guest that runs, and then is of the moment.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from kvmtui.errors import ImageError, StateError
from kvmtui.guest.library import Library
from kvmtui.manage import image_guard, image_secrets
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.starting import image_tools
from kvmtui.qemu import image_tool
from kvmtui.qemu.file_systems import FileSystem
from kvmtui.qemu.partitions import Partition, Table, read_table
from kvmtui.text import visible

__all__ = ["FileSystem", "Partition", "Table", "document", "partitions"]

_BLOCK = 512
_LARGEST_READ_BYTES = 4 << 20


def partitions(
    library: Library, path: str, *, source_format: str | None = None, follow: bool = False
) -> Table:
    """Read the partition table of an image.

    Args:
        source_format: Its format, where it is not recorded and its first bytes do not say it.

    Raises:
        ImageError: It cannot be read, or does not say which size it has.
        StateError: It is encrypted, and no definition names its passphrase.
    """
    chain = image_guard.chain_of(library, path, recorded=source_format, follow=follow)
    view = image_guard.view_of(library, path)
    words, below = _input(library, path, chain[0])
    size = view.virtual_size_bytes or chain[0].header.virtual_size_bytes
    if not size:
        raise ImageError(f"{visible(path)} does not say which size it has")

    def read(offset: int, length: int) -> bytes:
        end = min(offset + min(length, _LARGEST_READ_BYTES), size)
        return _read(words, below, path, offset, end, size)

    with image_tools():
        return read_table(read, size)


def _input(library: Library, path: str, part: ChainPart) -> tuple[list[str], str]:
    """qemu-img's words for the passphrase, and the options by which it opens the image."""
    is_device = stat.S_ISBLK(os.stat(path).st_mode)
    options = f"file.driver={part.header.driver}"
    options += f",file.file.driver={'host_device' if is_device else 'file'}"
    options += f",file.file.filename={image_secrets.escaped(path)}"
    if not part.header.encrypted:
        return [], options
    secret = image_secrets.secret_of(library, image_guard.view_of(library, path))
    if secret is None:
        raise StateError(
            f"{visible(path)} was not read: it is encrypted, and no guest's definition names "
            "its passphrase",
            hint="kvmtui set GUEST 'disks[N].secret=FILE'",
        )
    key = "key-secret" if part.header.driver == "luks" else "encrypt.key-secret"
    words = ["--object", f"secret,id=s0,file={image_secrets.escaped(secret)}"]
    return words, f"{options},file.{key}=s0"


def _read(words: list[str], below: str, path: str, offset: int, end: int, size: int) -> bytes:
    """Read a range, in whole blocks as QEMU wants it."""
    if not 0 <= offset < end:
        return b""
    skipped = offset % _BLOCK
    whole_end = min(-(-end // _BLOCK), size // _BLOCK) * _BLOCK
    whole = whole_end - (offset - skipped)
    if whole <= 0:
        return b""
    fd = os.memfd_create("kvmtui-range", os.MFD_CLOEXEC)
    try:
        source = f"driver=raw,offset={offset - skipped},size={whole},{below}"
        image_tool.run(
            ["convert", "-U", *words, "--image-opts", "-O", "raw", source, f"/proc/self/fd/{fd}"],
            f"{visible(path)} was not read",
            course=image_tool.Course(keep=(fd,)),
        )
        return os.pread(fd, end - offset, skipped)
    finally:
        os.close(fd)


def document(table: Table) -> dict[str, Any]:
    """A table as ``image partitions --json`` tells it."""
    return {
        "table": table.kind,
        "file_system": _told(table.file_system),
        "trouble": table.trouble or None,
        "boot": list(table.boot),
        "partitions": [
            {
                "number": one.number,
                "start_bytes": one.start_bytes,
                "size_bytes": one.size_bytes,
                "kind": one.kind,
                "name": one.name or None,
                "file_system": _told(one.file_system),
                "trouble": one.trouble or None,
            }
            for one in table.partitions
        ],
    }


def _told(found: FileSystem | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "kind": found.kind,
        "label": found.label or None,
        "uuid": found.uuid or None,
        "size_bytes": found.size_bytes,
    }
