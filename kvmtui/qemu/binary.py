"""Finding the emulator under the names that distributions give it."""

from __future__ import annotations

import os
import shutil

from kvmtui.errors import HostError

OLDEST = (7, 2)
"""The oldest QEMU that is driven."""

_NATIVE_NAMES = ("qemu-kvm", "/usr/libexec/qemu-kvm", "kvm")


def host_architecture() -> str:
    """The machine's architecture, as the kernel names it (``uname -m``)."""
    return os.uname().machine


def candidates(arch: str) -> list[str]:
    """The names of the emulator for an architecture, most specific first."""
    names = [f"qemu-system-{arch}"]
    if arch == host_architecture():
        names.extend(_NATIVE_NAMES)
    return names


def find_emulator(arch: str) -> str:
    """The absolute path of the emulator for ``arch``.

    Raises:
        HostError: None of its names is there.
    """
    for name in candidates(arch):
        path = shutil.which(name)
        if path:
            return path
    raise HostError(
        f"QEMU for {arch} is not installed: none of {', '.join(candidates(arch))} was found"
    )


def find_tool(name: str) -> str:
    """The absolute path of one of QEMU's tools, such as ``qemu-img``.

    Raises:
        HostError: It is not there.
    """
    path = shutil.which(name)
    if path:
        return path
    raise HostError(f"{name} is not installed")
