"""A small real Linux guest of another architecture: Debian 13's kernel and busybox.

As `linux_guest`, whose initial RAM disk it shares. Debian 12 has no riscv64, and a host knows
no packages of other architectures: apt is asked with lists of its own, which lie in the cache.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import shutil
import tempfile
from pathlib import Path

import linux_guest
from linux_guest import GuestError

SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBIAN_NAMES = {"aarch64": "arm64", "riscv64": "riscv64"}
KERNELS = {"aarch64": "linux-image-cloud-arm64", "riscv64": "linux-image-riscv64"}
MODULES = "virtio_blk virtio_scsi sd_mod virtio_net virtio_console virtio_rng evdev gpio_keys ext4"


def build(cache: Path, arch: str) -> tuple[Path, Path]:
    """Return the guest's (kernel, initrd), made in `cache` when not there yet."""
    text = Path(__file__).read_bytes() + Path(linux_guest.__file__).read_bytes()
    folder = cache.absolute() / f"{arch}-{hashlib.sha256(text).hexdigest()[:16]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.absolute(), prefix="build-") as work:
            linux_guest._publish(_assemble(arch, Path(work)), folder)
    return folder / "vmlinuz", folder / "initrd.img"


def _assemble(arch: str, work: Path) -> Path:
    options = _apt_options(DEBIAN_NAMES[arch], work)
    linux_guest._run(["apt-get", *options, "update"])
    depends = linux_guest._run(["apt-cache", *options, "depends", KERNELS[arch]])
    kernel = re.search(r"Depends: (linux-image-\S+)", depends)
    if kernel is None:
        raise GuestError(f"apt knows no {KERNELS[arch]}")
    packages = [kernel[1], linux_guest.BUSYBOX_PACKAGE]
    linux_guest._run(["apt-get", *options, "download", *packages], cwd=work)
    unpacked, made = work / "unpacked", work / "made"
    for package in sorted(work.glob("*.deb")):
        linux_guest._run(["dpkg-deb", "-x", str(package), str(unpacked)])
    _unpack_modules(unpacked)
    (unpacked / "bin").symlink_to("usr/bin")
    made.mkdir()
    shutil.copyfile(next(unpacked.glob("boot/vmlinu*")), made / "vmlinuz")
    archive = b"".join(linux_guest._archive(unpacked))
    (made / "initrd.img").write_bytes(gzip.compress(archive, mtime=0))
    for path, mode in ((made, 0o755), *((file, 0o644) for file in made.iterdir())):
        path.chmod(mode)
    return made


def _apt_options(name: str, work: Path) -> list[str]:
    """The options by which apt has lists of another architecture, and the host's are left."""
    found = linux_guest._run(["apt-get", "indextargets", "--format", "$(REPO_URI)"])
    mirror = next((line for line in found.split() if re.search(r"/debian/?$", line)), None)
    if mirror is None:
        raise GuestError("apt has no mirror of Debian")
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
    settings = {
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": name,
        "APT::Architectures": name,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _unpack_modules(unpacked: Path) -> None:
    """Unpack the modules that are loaded and what they depend on; Debian 13 has them in xz."""
    packed = {path.name.removesuffix(".ko.xz"): path for path in unpacked.glob("**/*.ko.xz")}
    packed = {name.replace("-", "_"): path for name, path in packed.items()}
    wanted = MODULES.split()
    while wanted:
        path = packed.pop(wanted.pop(), None)
        if path is None:
            continue
        content = lzma.decompress(path.read_bytes())
        target = unpacked / "lib/modules/any/kernel" / path.name.removesuffix(".xz")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        stated = re.search(rb"\0depends=([^\0]*)\0", content)
        wanted += stated[1].decode().replace("-", "_").split(",") if stated else []
