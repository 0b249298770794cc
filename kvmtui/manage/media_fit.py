"""Whether an installation medium suits a guest: its architecture, by what it boots."""

from __future__ import annotations

import contextlib
import os
import re

from kvmtui.errors import ImageError
from kvmtui.guest.units import format_size
from kvmtui.qemu.image_header import Bytes
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.manage.recognising import Medium

_NAMED = re.compile(r" \([a-z][a-z0-9._-]*\)")
"""The id behind a system's name."""
_PADDING_BYTES = 300 << 10
"""At the end, which some tools count and do not write."""
_CALLED = {"x86_64": "amd64", "aarch64": "arm64"}


def words_of(medium: Medium) -> str:
    """What a medium is, in one line."""
    found = medium.recognition
    arch = _CALLED.get(found.arch or "", found.arch or "")
    boots = " and ".join(one.upper() for one in found.boot)
    parts = [
        visible(_NAMED.sub("", medium.told), limit=60),
        arch,
        boots or "boots by nothing that is known",
    ]
    return ", ".join(part for part in parts if part)


def arch_faults(medium: Medium, arch: str) -> list[str]:
    """What is wrong with its architecture; a PC of 64 bits runs what is for 32."""
    found = medium.recognition.arch
    if found is None or found == arch or (found, arch) == ("i686", "x86_64"):
        return []
    return [f"it is for {found}, the guest is {arch}"]


def size_faults(medium: Medium) -> list[str]:
    """What is wrong with its length: a download that broke off."""
    return _cut_off(medium.media.volume_bytes, medium.size_bytes)


def _cut_off(wanted: int, there: int) -> list[str]:
    if not there or wanted <= there + _PADDING_BYTES:
        return []
    return [f"it is cut off: {format_size(there)} of {format_size(wanted)} are there"]


def boot_faults(medium: Medium, arch: str, firmware: str) -> list[str]:
    """What is wrong with the firmware."""
    boots = medium.recognition.boot
    if not boots or firmware in boots or arch_faults(medium, arch):
        return []
    only = " or ".join(one.upper() for one in boots)
    return [f"the ISO boots by {only} only"]


def has_boot_sector(path: str) -> bool:
    """Whether a PC's BIOS would start it as a disk.

    Raises:
        ImageError: It cannot be read.
    """
    with Bytes(path) as data:
        return data.at(0, 512)[510:] == b"\x55\xaa"


def cd_doubt(path: str) -> str:
    """Why a guest may find nothing on a CD of this file; empty where it should, or none knows."""
    from kvmtui.qemu.iso import read_media

    name = visible(os.path.basename(path), limit=80)
    with contextlib.suppress(ImageError):
        media = read_media(path)
        if media is None:
            return f"{name} is no CD image: neither ISO 9660 nor UDF is in it"
        with Bytes(path) as data:
            faults = _cut_off(media.volume_bytes, data.size_bytes)
        if faults:
            return f"{name}: {faults[0]}; fetch it again"
    return ""
