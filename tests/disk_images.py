"""Disk images for tests, by qemu-img."""

from __future__ import annotations

import os
import subprocess


def make(path: str | os.PathLike[str], *words: object, size: str = "4M") -> str:
    """Make a qcow2 image; its path."""
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *map(str, words), os.fspath(path), size]
    subprocess.run(command, check=True)
    return os.fspath(path)
