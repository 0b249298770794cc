"""CDs laid out as those of real systems, whose kernel is a few bytes that install something."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pycdlib
from tiny_installer import _WRITE, RESTART, STAY, installed

DEBIAN = "Debian 12.5.0 amd64 n"
FEDORA = "Fedora-S-dvd-x86_64-40"
_SECTOR_PLACE = 0x400
_LINE_PLACE = 0x2000
"""The segment where QEMU puts the kernel's command line."""

RESTARTS, STAYS = RESTART, STAY


def kernel(then: bytes = RESTARTS) -> bytes:
    """A kernel that says its command line on the serial port, and writes a boot sector to the disk.

    QEMU takes it for Linux's: it is all in the part that runs in real mode.

    Args:
        then: What it does at its end.
    """
    # mov ax, 2000; mov ds, ax; xor si, si; mov dx, 3f8; 1: lodsb; test al, al; jz 2f
    code = b"\xb8" + _LINE_PLACE.to_bytes(2, "little") + b"\x8e\xd8\x31\xf6\xba\xf8\x03"
    # out dx, al; jmp 1b; 2: mov al, 0a; out dx, al; mov ax, 1000; mov es, ax; mov bx, 400
    code += b"\xac\x84\xc0\x74\x03\xee\xeb\xf8\xb0\x0a\xee\xb8\x00\x10\x8e\xc0\xbb\x00\x04"
    code += _WRITE + then
    made = bytearray(5 * 512)
    made[0x1F1] = 4
    made[0x1FE:0x202] = b"\x55\xaa\xeb\x66"
    made[0x202:0x208] = b"HdrS\x02\x02"
    made[0x211] = 1
    made[0x268 : 0x268 + len(code)] = code
    made[_SECTOR_PLACE : _SECTOR_PLACE + 512] = installed(0)
    return bytes(made) + bytes(512)


def make_cd(
    path: Path,
    files: Mapping[str, bytes],
    label: str = DEBIAN,
    *,
    names: tuple[str, ...] = ("rock_ridge",),
) -> Path:
    """A CD image with files, named by Rock Ridge, by Joliet, or in capitals alone."""
    image = pycdlib.PyCdlib()
    image.new(
        interchange_level=3,
        vol_ident=label,
        rock_ridge="1.09" if "rock_ridge" in names else None,
        joliet=3 if "joliet" in names else None,
    )
    folders: set[str] = set()
    for name, data in files.items():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in folders:
                folders.add(folder)
                short = "/" + folder.upper().replace(".", "_")
                image.add_directory(short, **_called(folder, names))
        short = _short(name) + ("" if "." in parts[-1] else ".") + ";1"
        image.add_fp(io.BytesIO(data), len(data), short, **_called(name, names))
    image.write(str(path))
    image.close()
    return path


def _short(name: str) -> str:
    folder, _, file = name.upper().rpartition("/")
    return "/".join(["", *folder.replace(".", "_").split("/"), file]).replace("//", "/")


def _called(name: str, names: tuple[str, ...]) -> dict[str, str]:
    called = {"rr_name": name.split("/")[-1]} if "rock_ridge" in names else {}
    return called | ({"joliet_path": f"/{name}"} if "joliet" in names else {})


def debian(path: Path, then: bytes = RESTARTS, initrd: bytes = b"initrd") -> Path:
    """As Debian's."""
    files = {"install.amd/vmlinuz": kernel(then), "install.amd/initrd.gz": initrd}
    return make_cd(path, files)


def fedora(path: Path, then: bytes = RESTARTS, *, label: str = FEDORA) -> Path:
    """As Fedora's."""
    folder = "images/pxeboot"
    files = {f"{folder}/vmlinuz": kernel(then), f"{folder}/initrd.img": b"initrd"}
    return make_cd(path, {**files, "images/install.img": b"stage2"}, label)
