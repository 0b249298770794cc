"""A real Debian with cloud-init and sshd, as a cloud image has them, for slow tests.

`build(cache)` makes it once by mmdebstrap from this host's own package sources: a raw image
with one ext4 file system, and its kernel and initial RAM disk for `-kernel` and `-initrd`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

PACKAGES = (
    "cloud-init openssh-server systemd-sysv netplan.io linux-image-cloud-amd64 initramfs-tools"
    " sudo iproute2 locales"
)
SUITE = "bookworm"
KERNEL_LINE = "root=/dev/sda rw console=ttyS0"
SIZE = "1600M"


class CloudGuest(NamedTuple):
    """The files of the guest."""

    image: Path
    kernel: Path
    initrd: Path


def missing() -> str:
    """What it takes that is not here; empty when nothing."""
    if os.geteuid() != 0:
        return "making a root file system takes root"
    tools = [tool for tool in ("mmdebstrap", "mke2fs") if shutil.which(tool) is None]
    if not tools and not _sources():
        return "this host has no package sources of Debian"
    return f"{', '.join(tools)} missing" if tools else ""


def build(cache: Path) -> CloudGuest:
    """The guest's files, made in `cache` when not there yet."""
    key = hashlib.sha256(f"{SUITE} {PACKAGES} {SIZE}".encode()).hexdigest()[:16]
    folder = cache.absolute() / f"cloud-{key}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as work:
            made = Path(work) / "made"
            made.mkdir()
            _make(Path(work), made)
            made.rename(folder)
    return CloudGuest(folder / "root.img", folder / "vmlinuz", folder / "initrd.img")


def _sources() -> list[str]:
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("debian.sources"))]
    return [str(file) for file in files if file.is_file() and file.stat().st_size]


def _make(work: Path, made: Path) -> None:
    root = work / "root"
    packages = ",".join(PACKAGES.split())
    command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", SUITE, str(root)]
    subprocess.run([*command, *_sources()], check=True, capture_output=True)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    for name, target in (("vmlinuz-*", "vmlinuz"), ("initrd.img-*", "initrd.img")):
        (found,) = (root / "boot").glob(name)
        shutil.copy(found, made / target)
    image = made / "root.img"
    command = ["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(image), SIZE]
    subprocess.run(command, check=True, capture_output=True)
