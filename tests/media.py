"""Installation media made of descriptors alone, as large as what is read of them."""

from __future__ import annotations

import struct

SECTOR = 2048
CATALOG = 24
LOADER = 32


def iso(
    volume_id: str | bytes = "Debian 12.5.0 amd64 n",
    *,
    system_id: str = "",
    publisher: str = "",
    application: str = "",
    preparer: str = "",
    platforms: tuple[int, ...] = (0, 0xEF),
    udf: bool = False,
    loader: bytes = b"",
) -> bytes:
    """An ISO 9660 image.

    Args:
        platforms: Those of its boot catalog; none without one.
        udf: Whether a UDF file system is told of behind the descriptors.
        loader: What stands in the boot image of every platform.
    """
    label = volume_id if isinstance(volume_id, bytes) else volume_id.encode()
    primary = bytearray(SECTOR)
    primary[0:7] = b"\x01CD001\x01"
    primary[8:40] = system_id.encode().ljust(32)
    primary[40:72] = label.ljust(32)
    primary[318:446] = publisher.encode().ljust(128)
    primary[446:574] = preparer.encode().ljust(128)
    primary[574:702] = application.encode().ljust(128)
    descriptors = [bytes(primary)]
    if platforms:
        record = bytearray(SECTOR)
        record[0:7] = b"\x00CD001\x01"
        record[7:30] = b"EL TORITO SPECIFICATION"
        record[0x47:0x4B] = CATALOG.to_bytes(4, "little")
        descriptors.append(bytes(record))
    descriptors.append(b"\xffCD001\x01".ljust(SECTOR, b"\0"))
    if udf:
        descriptors += [
            f"\0{word}\x01".encode().ljust(SECTOR, b"\0") for word in ("BEA01", "NSR02")
        ]
    data = bytearray(40 * SECTOR)
    for index, descriptor in enumerate(descriptors):
        place = (16 + index) * SECTOR
        data[place : place + SECTOR] = descriptor
    if platforms:
        data[CATALOG * SECTOR : (CATALOG + 1) * SECTOR] = catalog(platforms)
    data[LOADER * SECTOR : LOADER * SECTOR + len(loader)] = loader
    return bytes(data)


def catalog(platforms: tuple[int, ...]) -> bytes:
    """A boot catalog with one bootable entry a platform."""
    data = bytearray(SECTOR)
    data[0:2] = bytes((1, platforms[0]))
    data[30:32] = b"\x55\xaa"
    entry = b"\x88" + bytes(7) + LOADER.to_bytes(4, "little")
    data[32:44] = entry
    for index, platform in enumerate(platforms[1:]):
        place = 64 + 64 * index
        last = index == len(platforms) - 2
        data[place : place + 4] = bytes((0x91 if last else 0x90, platform, 1, 0))
        data[place + 32 : place + 44] = entry
    return bytes(data)


def udf_only(label: str, *, blocks: int = 6) -> bytes:
    """A UDF image without ISO 9660, as some tools write Windows' files."""
    data = bytearray(300 * SECTOR)
    for index, word in enumerate(("BEA01", "NSR03", "TEA01")):
        place = (16 + index) * SECTOR
        data[place : place + 7] = f"\0{word}\x01".encode()
    anchor = struct.pack("<H14xII", 2, blocks * SECTOR, 257)
    data[256 * SECTOR : 256 * SECTOR + len(anchor)] = anchor
    text = b"\x08" + label.encode("latin-1")
    field = text.ljust(31, b"\0") + bytes([len(text)])
    primary = struct.pack("<H22x", 1) + field
    place = 258 * SECTOR
    data[place : place + len(primary)] = primary
    return bytes(data)
