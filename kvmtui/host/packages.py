"""The distribution's own command for what is missing."""

from __future__ import annotations

from pathlib import Path

_FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "fedora": ("fedora", "rhel", "centos"),
    "arch": ("arch",),
    "suse": ("suse", "opensuse", "sles"),
}
_INSTALL = {
    "debian": "apt install",
    "fedora": "dnf install",
    "arch": "pacman -S",
    "suse": "zypper install",
}
_PACKAGES = {
    "qemu-x86_64": ("qemu-system-x86", "qemu-kvm", "qemu-base", "qemu-x86"),
    "qemu-aarch64": (
        "qemu-system-arm",
        "qemu-system-aarch64",
        "qemu-system-aarch64",
        "qemu-arm",
    ),
    "qemu-riscv64": (
        "qemu-system-misc",
        "qemu-system-riscv",
        "qemu-system-riscv",
        "qemu-extra",
    ),
    "qemu-img": ("qemu-utils", "qemu-img", "qemu-img", "qemu-tools"),
    "uefi-x86_64": ("ovmf", "edk2-ovmf", "edk2-ovmf", "qemu-ovmf-x86_64"),
    "uefi-aarch64": ("qemu-efi-aarch64", "edk2-aarch64", "edk2-aarch64", "qemu-uefi-aarch64"),
    "uefi-riscv64": ("u-boot-qemu", "edk2-riscv64", "edk2-riscv64", "qemu-uefi-riscv64"),
    "swtpm": ("swtpm swtpm-tools", "swtpm swtpm-tools", "swtpm", "swtpm"),
    "crontab": ("cron", "cronie", "cronie", "cronie"),
    "openssl": ("openssl", "openssl", "openssl", "openssl"),
    "chrony": ("chrony", "chrony", "chrony", "chrony"),
    "locales": ("locales", "glibc-langpack-en", "glibc-locales", "glibc-locale"),
    "microcode-intel": ("intel-microcode", "microcode_ctl", "intel-ucode", "ucode-intel"),
    "microcode-amd": ("amd64-microcode", "linux-firmware", "amd-ucode", "ucode-amd"),
}
_OS_RELEASE = Path("/etc/os-release")


def distribution_family(os_release: Path = _OS_RELEASE) -> str | None:
    """debian, fedora, arch or suse, by ID and ID_LIKE of ``/etc/os-release``; else None."""
    try:
        return family_of(os_release.read_text(errors="replace"))
    except OSError:
        return None


def family_of(text: str) -> str | None:
    """The family by the content of an ``os-release``."""
    words: list[str] = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key in ("ID", "ID_LIKE"):
            words.extend(value.strip("\"' ").lower().replace("-", " ").split())
    for family, ids in _FAMILIES.items():
        if any(word in ids for word in words):
            return family
    return None


def install_hint(what: str, os_release: Path = _OS_RELEASE) -> str:
    """The command that installs ``what`` (a key such as ``qemu-img``) on this machine."""
    family = distribution_family(os_release)
    if family is None:
        return f"install {what} by your distribution's package manager"
    return f"sudo {_INSTALL[family]} {package_of(what, family)}"


def package_of(what: str, family: str) -> str:
    """The package that has ``what`` (a key such as ``qemu-img``) in a family."""
    return _PACKAGES[what][list(_FAMILIES).index(family)]
