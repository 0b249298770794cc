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
_GRUB = "/usr/lib/grub/i386-pc"
_PARTITION_START = 2048
"""In sectors: GRUB's core image lies before it."""


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


def bootable(guest: CloudGuest, folder: Path) -> Path:
    """The guest as a cloud image that boots by itself: a partitioned disk with GRUB, qcow2."""
    raw, image, core = folder / "cloud.raw", folder / "cloud.qcow2", folder / "core.img"
    words = ["blkid", "-p", "-s", "UUID", "-o", "value", guest.image]
    uuid = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    config = folder / "grub.cfg"
    config.write_text(
        f"linux (hd0,msdos1)/vmlinuz root=UUID={uuid} rw console=ttyS0\n"
        "initrd (hd0,msdos1)/initrd.img\nboot\n"
    )
    words = ["grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot", "-c", config]
    words += ["-d", _GRUB, "biosdisk", "linux", "part_msdos", "ext2"]
    subprocess.run(list(map(str, words)), check=True)
    with open(raw, "wb") as disk:
        disk.truncate((_PARTITION_START << 9) + guest.image.stat().st_size)
    table = f"label: dos\nstart={_PARTITION_START}, type=83, bootable\n"
    words = ["sfdisk", "-q", "--no-reread", "--no-tell-kernel", raw]
    subprocess.run(words, check=True, input=table, text=True)
    with open(raw, "r+b") as disk:
        disk.write((Path(_GRUB) / "boot.img").read_bytes()[:440])
        disk.seek(512)
        disk.write(core.read_bytes())
    words = ["dd", f"if={guest.image}", f"of={raw}", "bs=1M", f"seek={_PARTITION_START >> 11}"]
    subprocess.run([*words, "conv=notrunc,sparse"], check=True, capture_output=True)
    words = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image]
    subprocess.run(words, check=True)
    raw.unlink()
    return image


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
