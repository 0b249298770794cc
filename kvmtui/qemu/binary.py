"""Finding the emulator under the names that distributions give it."""

from __future__ import annotations

import os

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


def find_program(name: str) -> str | None:
    """The path of a program in ``PATH``, or None; ``shutil`` alone costs 2 ms to import."""
    if "/" in name:
        places = [name]
    else:
        path = os.environ.get("PATH", os.defpath)
        places = [os.path.join(folder, name) for folder in path.split(os.pathsep) if folder]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


def find_emulator(arch: str) -> str:
    """The absolute path of the emulator for ``arch``.

    Raises:
        HostError: None of its names is there.
    """
    for name in candidates(arch):
        path = find_program(name)
        if path:
            return path
    raise HostError(
        f"QEMU for {arch} is not installed: none of {', '.join(candidates(arch))} was found"
    )


def identity_of(emulator: str) -> str:
    """What tells one binary on one kernel from the next: path, file and kernel."""
    real = os.path.realpath(emulator)
    stat = os.stat(real)
    parts = (real, stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size, os.uname().release)
    return ":".join(str(part) for part in parts)


def find_tool(name: str) -> str:
    """The absolute path of one of QEMU's tools, such as ``qemu-img``.

    Raises:
        HostError: It is not there.
    """
    path = find_program(name)
    if path:
        return path
    raise HostError(f"{name} is not installed")


def version_of(emulator: str, *, limit_s: float = 2.0) -> str:
    """The version as the emulator tells it, ``7.2.22``; empty where it does not."""
    import re
    import subprocess

    try:
        done = subprocess.run(
            [emulator, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = re.search(rb"version (\d+\.\d+(?:\.\d+)?)", done.stdout[:4096])
    return told.group(1).decode() if told else ""
