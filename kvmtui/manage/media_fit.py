"""Whether an installation medium suits a guest: its architecture, by what it boots."""

from __future__ import annotations

import re

from kvmtui.guest.units import format_size
from kvmtui.manage.recognising import Medium
from kvmtui.text import visible

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
    wanted, there = medium.media.volume_bytes, medium.size_bytes
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
