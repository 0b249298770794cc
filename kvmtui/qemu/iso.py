"""What an ISO 9660 image says: its volume id, and by which firmware it boots."""

from __future__ import annotations

import re

from kvmtui.qemu.image_header import Bytes
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

_SECTOR = 2048
_FIRST_DESCRIPTOR = 16
_MOST_DESCRIPTORS = 32
_MOST_SECTIONS = 32
_PLATFORMS = {0: "bios", 0xEF: "uefi"}
_EL_TORITO = b"EL TORITO SPECIFICATION"
_ARCHITECTURES = {
    "amd64": "x86_64",
    "x86_64": "x86_64",
    "x64": "x86_64",
    "x64fre": "x86_64",
    "arm64": "aarch64",
    "aarch64": "aarch64",
    "a64fre": "aarch64",
    "riscv64": "riscv64",
}


class Media(NamedTuple):
    """Installation media."""

    volume_id: str
    """As text that is safe to show; empty where it has none."""
    boot: tuple[str, ...]
    """``bios`` and ``uefi``, from the El Torito boot catalog."""

    @property
    def arch(self) -> str | None:
        """The architecture, where the volume id has a word for it."""
        words = re.split(r"[^a-z0-9_]+|_(?=x64|amd64|arm64)", self.volume_id.lower())
        parts = {part for word in words for part in (word, *word.split("_"))}
        found = {arch for name, arch in _ARCHITECTURES.items() if name in parts}
        return found.pop() if len(found) == 1 else None


def read_media(path: str) -> Media | None:
    """Read an image's volume descriptors and boot catalog; None when it is no ISO 9660.

    Raises:
        ImageError: It cannot be read.
    """
    with Bytes(path) as data:
        volume_id, catalog = None, None
        for number in range(_MOST_DESCRIPTORS):
            sector = data.at((_FIRST_DESCRIPTOR + number) * _SECTOR, _SECTOR)
            if len(sector) < _SECTOR or sector[1:6] != b"CD001" or sector[0] == 255:
                break
            if sector[0] == 1 and volume_id is None:
                volume_id = sector[40:72].decode("ascii", "replace").strip(" \0")
            elif sector[0] == 0 and sector[7:39].rstrip(b"\0") == _EL_TORITO:
                catalog = int.from_bytes(sector[0x47:0x4B], "little")
        if volume_id is None:
            return None
        boot = _boot_ways(data.at(catalog * _SECTOR, _SECTOR)) if catalog else ()
        return Media(visible(volume_id), boot)


def _boot_ways(catalog: bytes) -> tuple[str, ...]:
    """The platforms with a bootable entry, in the catalog's order."""
    if len(catalog) < 64 or catalog[0] != 1 or catalog[30:32] != b"\x55\xaa":
        return ()
    found = [catalog[1]] if catalog[32] == 0x88 else []
    place = 64
    for _ in range(_MOST_SECTIONS):
        header = catalog[place : place + 32]
        if len(header) < 32 or header[0] not in (0x90, 0x91):
            break
        count = int.from_bytes(header[2:4], "little")
        entries = [
            catalog[place + 32 * (1 + n)]
            for n in range(count)
            if place + 32 * (n + 1) < len(catalog)
        ]
        if 0x88 in entries:
            found.append(header[1])
        place += 32 * (1 + count)
        if header[0] == 0x91:
            break
    return tuple(dict.fromkeys(_PLATFORMS[one] for one in found if one in _PLATFORMS))
