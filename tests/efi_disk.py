"""A disk that UEFI boots a program from."""

from __future__ import annotations

import subprocess
from pathlib import Path


def efi_disk(disk: Path, program: Path, name: str) -> None:
    """A FAT disk with one EFI program where firmware looks for it."""
    with open(disk, "wb") as file:
        file.truncate(64 << 20)
    for words in (
        ["mformat", "-i", disk, "-F", "::"],
        ["mmd", "-i", disk, "::EFI", "::EFI/BOOT"],
        ["mcopy", "-i", disk, program, f"::EFI/BOOT/{name}"],
    ):
        subprocess.run(list(map(str, words)), check=True)
