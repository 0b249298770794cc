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


PARTITION = 270


def tagged(kind: int, body: bytes) -> bytes:
    """A descriptor of UDF: its tag with a checksum, then what is behind the tag."""
    tag = bytearray(struct.pack("<HHBBHHHI", kind, 2, 0, 0, 0, 0, 0, 0))
    tag[4] = sum(tag) % 256
    return (bytes(tag) + body).ljust(SECTOR, b"\0")


def _file(kind: int, content: bytes, *, at: int | None = None) -> bytes:
    """A file's entry: with its content inside, or in the sectors from one of its partition on."""
    inside = content if at is None else struct.pack("<II", len(content), at)
    flags = 3 if at is None else 0
    body = bytearray(176 - 16)
    struct.pack_into("<BxxxxxxH", body, 27 - 16, kind, flags)
    struct.pack_into("<Q", body, 56 - 16, len(content))
    struct.pack_into("<II", body, 168 - 16, 0, len(inside))
    return tagged(261, bytes(body) + inside)


def _entry(name: str, place: int, *, flags: int = 0) -> bytes:
    text = b"\x08" + name.encode() if name else b""
    body = struct.pack("<HBBIIHHIH", 1, flags, len(text), SECTOR, place, 0, 0, 0, 0)
    data = tagged(257, body + text)[: 38 + len(text)]
    return data.ljust(-(-len(data) // 4) * 4, b"\0")


def udf_parts(label: str, build: str = "", *, descriptors: int = 6) -> dict[int, bytes]:
    """The sectors of a UDF file system with ``sources/idwbinfo.txt``, by their numbers."""
    text = b"\x08" + label.encode("latin-1")
    field = text.ljust(31, b"\0") + bytes([len(text)])
    info = f"[BUILDINFO]\r\nBuildArch=amd64\r\nBuildBranch={build}\r\n".encode()
    sources = _entry("", 1, flags=10) + b"".join(_entry(f"a{n}.dll", 9) for n in range(99))
    sources += _entry("IDWBINFO.TXT", 5)
    deleted = _entry("sources", 77, flags=6)
    top = _entry("", 1, flags=10) + deleted + _entry("sources", 2, flags=2)
    logical = bytearray(256 - 16)
    struct.pack_into("<I", logical, 212 - 16, SECTOR)
    struct.pack_into("<II", logical, 248 - 16, SECTOR, 0)
    parts = {
        256: tagged(2, struct.pack("<II", descriptors * SECTOR, 257)),
        257: tagged(1, bytes(8) + field),
        258: tagged(5, bytes(188 - 16) + struct.pack("<II", PARTITION, 99)),
        259: tagged(6, bytes(logical)),
        260: tagged(8, b""),
        PARTITION: tagged(256, bytes(400 - 16) + struct.pack("<II", SECTOR, 1)),
        PARTITION + 1: _file(4, top),
        PARTITION + 2: _file(4, sources, at=10),
        PARTITION + 5: _file(5, info),
    }
    for index in range(0, len(sources), SECTOR):
        parts[PARTITION + 10 + index // SECTOR] = sources[index : index + SECTOR]
    return parts


def udf_only(label: str, build: str = "", *, descriptors: int = 6) -> bytes:
    """A UDF image without ISO 9660, as some tools write Windows' files."""
    data = bytearray(300 * SECTOR)
    for index, word in enumerate(("BEA01", "NSR03", "TEA01")):
        place = (16 + index) * SECTOR
        data[place : place + 7] = f"\0{word}\x01".encode()
    put(data, udf_parts(label, build, descriptors=descriptors))
    return bytes(data)


def windows(label: str, build: str = "") -> bytes:
    """Windows' installation media: ISO 9660 and beside it UDF with the files."""
    image = iso(label, publisher="MICROSOFT CORPORATION", udf=True)
    data = bytearray(image.ljust(300 * SECTOR, b"\0"))
    put(data, udf_parts(label, build))
    return bytes(data)


def length_told(data: bytes | bytearray, length: int) -> bytes:
    """The first descriptor of an ISO, saying how long all of it is."""
    primary = bytearray(data[16 * SECTOR : 17 * SECTOR])
    struct.pack_into("<I", primary, 80, length // SECTOR)
    struct.pack_into("<H", primary, 128, SECTOR)
    return bytes(primary)


def put(data: bytearray, parts: dict[int, bytes]) -> None:
    """Write sectors into an image."""
    for number, sector in parts.items():
        data[number * SECTOR : number * SECTOR + len(sector)] = sector
