"""CDs with an installer of a few bytes, which SeaBIOS boots: it writes a boot sector to the disk.

What it installs says DISK on its serial port and rests.
"""

from __future__ import annotations

import struct
from pathlib import Path

SECTOR = 2048
TEXT = b"DISK\r\n\0"
_REST = b"\xf4\xeb\xfd"
"""hlt; jmp to it"""
RESTART = b"\xba\xf9\x0c\xb0\x06\xee" + _REST
"""mov dx, cf9; mov al, 6; out dx, al"""
POWER_OFF = b"\xba\x04\x06\xb8\x00\x20\xef" + _REST
"""mov dx, 604; mov ax, 2000; out dx, ax: q35's ACPI, as SeaBIOS has it"""
STAY = _REST
_WRITE = b"\xb8\x01\x03\xb9\x01\x00\xba\x80\x00\xcd\x13"
"""mov ax, 0301; mov cx, 1; mov dx, 80; int 13"""


def installed(restarts: int) -> bytes:
    """The boot sector of an installed system that restarts so many times before it is done."""
    # xor ax, ax; mov es, ax; mov ds, ax; inc byte [7df4]; cmp byte [7df4], restarts; ja done
    code = b"\x31\xc0\x8e\xc0\x8e\xd8\xfe\x06\xf4\x7d\x80\x3e\xf4\x7d" + bytes([restarts])
    again = b"\xbb\x00\x7c" + _WRITE + RESTART
    code += b"\x77" + bytes([len(again)]) + again
    # mov si, text; mov dx, 3f8; 1: lodsb; test al, al; jz rest; out dx, al; jmp 1b
    code += b"\xbe\x00\x7d\xba\xf8\x03\xac\x84\xc0\x74\x03\xee\xeb\xf8" + _REST
    return (code.ljust(256, b"\0") + TEXT).ljust(510, b"\0") + b"\x55\xaa"


def make_cd(path: Path, then: bytes, *, writes: bool = True, restarts: int = 0) -> Path:
    """A CD whose installer does something once it has installed.

    Args:
        then: RESTART, POWER_OFF or STAY.
        writes: Whether it installs anything.
        restarts: How often the installed system restarts itself.
    """
    # xor ax, ax; mov es, ax; mov bx, 7e00: the sector behind this one
    code = b"\x31\xc0\x8e\xc0\xbb\x00\x7e" + _WRITE if writes else b""
    boot = (code + then).ljust(512, b"\0") + installed(restarts)
    catalog = struct.pack("<BBH24sHBB", 1, 0, 0, b"", 0, 0x55, 0xAA)
    total = -sum(struct.unpack("<16H", catalog)) & 0xFFFF
    catalog = catalog[:28] + struct.pack("<H", total) + catalog[30:]
    catalog += struct.pack("<BBHBBHI", 0x88, 0, 0, 0, 0, 4, 20)
    record = b"\0CD001\x01EL TORITO SPECIFICATION".ljust(71, b"\0") + struct.pack("<I", 19)
    sectors = {
        16: b"\x01CD001\x01\0" + b" " * 32 + b"TINY".ljust(32),
        17: record,
        18: b"\xffCD001\x01",
        19: catalog,
        20: boot,
    }
    content = bytearray(64 * SECTOR)
    for number, data in sectors.items():
        content[number * SECTOR : number * SECTOR + len(data)] = data
    path.write_bytes(content)
    return path
