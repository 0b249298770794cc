"""What an ISO 9660 or UDF image says: the ids of its descriptors, and by what it boots.

Twelve kilobytes hold the descriptors of nearly every medium, and one read more its boot
catalog. An image is hostile: every count and place in it is bounded.
"""

from __future__ import annotations

import struct

from kvmtui.guest.recognition import arch_of
from kvmtui.qemu import udf
from kvmtui.qemu.image_header import Bytes
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

_SECTOR = 2048
_FIRST_DESCRIPTOR = 16
_FIRST_READ_BYTES = 12 << 10
_MOST_DESCRIPTORS = 32
_MOST_SECTIONS = 32
_BUILD_FILE = ("sources", "idwbinfo.txt")
"""Where Windows' media, whose files are in UDF, say what they were built from."""
_MOST_BUILD_BYTES = 8 << 10
_PLATFORMS = {0: "bios", 0xEF: "uefi"}
_READ_BYTES = 1 << 16
_LOADERS = {b"BOOTX64 EFI": "x86_64", b"BOOTAA64EFI": "aarch64", b"BOOTRI~1EFI": "riscv64"}
"""How a FAT file system names the loaders that UEFI looks for."""
_MOST_LOADER_BYTES = 256 << 10
"""The folders of a boot image stand before its files."""
_FARTHEST_FOLDERS = 64 << 20
_EL_TORITO = b"EL TORITO SPECIFICATION"


class Media(NamedTuple):
    """Installation media; every text is safe to show, and empty where there is none."""

    volume_id: str
    """Its label."""
    boot: tuple[str, ...] = ()
    """``bios`` and ``uefi``, from the El Torito boot catalog."""
    system_id: str = ""
    publisher: str = ""
    application: str = ""
    """What it is, or by what it was made."""
    preparer: str = ""
    """By what, or by whom, it was written."""
    build: str = ""
    """The branch that Windows was built from, such as ``ni_release``."""
    loader_arch: str | None = None
    """The architecture of its UEFI boot loader, looked for where no id says it."""
    volume_bytes: int = 0
    """How long it is by its own word; 0 where it does not say."""


class _Sectors:
    """The sectors of an image; the first of its descriptors are read at once."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._start = _FIRST_DESCRIPTOR * _SECTOR
        self._read = data.at(self._start, _FIRST_READ_BYTES)

    def __getitem__(self, number: int) -> bytes:
        place = number * _SECTOR - self._start
        if 0 <= place <= len(self._read) - _SECTOR:
            return self._read[place : place + _SECTOR]
        return self._data.at(number * _SECTOR, _SECTOR)


def read_media(path: str) -> Media | None:
    """Read an image's descriptors and boot catalog; None when it is no such image.

    Raises:
        ImageError: It cannot be read.
    """
    with Bytes(path) as data:
        sectors = _Sectors(data)
        primary, catalog, is_udf = _descriptors(sectors)
        entries = _boot_entries(sectors[catalog]) if catalog else {}
        boot = tuple(entries)
        volume = udf.read_volume(sectors.__getitem__) if is_udf else None
        if primary is None:
            if volume is None or not volume.label:
                return None
            return Media(volume.label, boot, build=_windows_build(sectors, volume))
        media = Media(
            volume_id=_text(primary[40:72]),
            boot=boot,
            system_id=_text(primary[8:40]),
            publisher=_text(primary[318:446]),
            application=_text(primary[574:702]),
            preparer=_text(primary[446:574]),
            build=_windows_build(sectors, volume),
            volume_bytes=_volume_bytes(primary),
        )
        if "uefi" in entries and arch_of(media) is None:
            media = media._replace(loader_arch=_loader_arch(data, entries["uefi"]))
        return media


def _folders_place(boot_sector: bytes) -> int:
    """Where the folders of a FAT file system begin: behind its tables."""
    if len(boot_sector) < 64:
        return 0
    sector_bytes, reserved, tables = struct.unpack_from("<HxHB", boot_sector, 11)
    (table,) = struct.unpack_from("<H", boot_sector, 22)
    table = table or int.from_bytes(boot_sector[36:40], "little")
    place = (reserved + tables * table) * sector_bytes
    return int(place) if place <= _FARTHEST_FOLDERS else 0


def _descriptors(sectors: _Sectors) -> tuple[bytes | None, int, bool]:
    """The primary volume descriptor, the boot catalog's sector (or 0), whether UDF is there."""
    primary, catalog = None, 0
    is_iso, is_extended = True, False
    for number in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + _MOST_DESCRIPTORS):
        sector = sectors[number]
        word = sector[1:6]
        if len(sector) < _SECTOR:
            break
        if is_iso and word == b"CD001":
            if sector[0] == 1 and primary is None:
                primary = sector
            elif sector[0] == 0 and sector[7:39].rstrip(b"\0") == _EL_TORITO:
                catalog = int.from_bytes(sector[0x47:0x4B], "little")
            is_iso = sector[0] != 255
        elif word == b"BEA01":
            is_iso, is_extended = False, True
        elif word in (b"NSR02", b"NSR03") and is_extended:
            return primary, catalog, True
        else:
            break
    return primary, catalog, False


def _volume_bytes(primary: bytes) -> int:
    (sectors,) = struct.unpack_from("<I", primary, 80)
    (sector_bytes,) = struct.unpack_from("<H", primary, 128)
    return int(sectors * sector_bytes)


def _text(field: bytes) -> str:
    return visible(field.decode("ascii", "replace").strip(" \0"))


def _boot_entries(catalog: bytes) -> dict[str, int]:
    """The platforms with a bootable entry, in the catalog's order, and its first sector."""
    if len(catalog) < 64 or catalog[0] != 1 or catalog[30:32] != b"\x55\xaa":
        return {}
    found: dict[str, int] = {}
    _add_entry(found, catalog[1], catalog[32:64])
    place = 64
    for _ in range(_MOST_SECTIONS):
        header = catalog[place : place + 32]
        if len(header) < 32 or header[0] not in (0x90, 0x91):
            break
        count = int.from_bytes(header[2:4], "little")
        for start in range(place + 32, min(place + 32 * (1 + count), len(catalog)), 32):
            _add_entry(found, header[1], catalog[start : start + 32])
        place += 32 * (1 + count)
        if header[0] == 0x91:
            break
    return found


def _add_entry(found: dict[str, int], platform: int, entry: bytes) -> None:
    if entry[:1] == b"\x88" and platform in _PLATFORMS:
        found.setdefault(_PLATFORMS[platform], int.from_bytes(entry[8:12], "little"))


def _loader_arch(data: Bytes, sector: int) -> str | None:
    """The architecture of the one loader in a boot image, which is a FAT file system."""
    start = sector * _SECTOR
    start += _folders_place(data.at(start, 64))
    image = b"".join(
        data.at(start + done, _READ_BYTES) for done in range(0, _MOST_LOADER_BYTES, _READ_BYTES)
    )
    found = {arch for name, arch in _LOADERS.items() if name in image}
    return found.pop() if len(found) == 1 else None


def _windows_build(sectors: _Sectors, volume: udf.Volume | None) -> str:
    """The branch that Windows was built from: its labels do not tell 10 from 11."""
    if volume is None:
        return ""
    text = udf.read_file(sectors.__getitem__, volume, _BUILD_FILE, _MOST_BUILD_BYTES)
    for line in text.decode("latin-1").splitlines():
        key, _, value = line.partition("=")
        if key.strip().lower() == "buildbranch":
            return visible(value.strip().lower(), limit=60)
    return ""
