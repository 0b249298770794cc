"""ISOs that a BIOS really boots, as small as they can be: they write a line and rest."""

from __future__ import annotations

import shutil
import subprocess

from boot_guests import bios_call, boot_disk


def boots(line: str) -> bytes:
    """A boot sector that writes a line by the BIOS, and rests."""
    code = b"".join(bios_call(0x0E00 | ord(letter), bx=7) for letter in line)
    return boot_disk(code + b"\xf4\xeb\xfd")[:512]


def make_iso(path, label="14_2_RELEASE_AMD64_CD", files=(), words="MEDIUM"):
    """A real ISO that a BIOS boots, as small as it can be.

    Args:
        files: Copied into it: a path there, and one here.
    """
    tree = path.parent.parent / f"{path.name}.tree"
    tree.mkdir()
    for there, here in files:
        (tree / there).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(here, tree / there)
    (tree / "boot.bin").write_bytes(boots(words).ljust(2048, b"\0"))
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", label]
    command += ["-publisher", "FreeBSD"]
    command += ["-b", "boot.bin", "-no-emul-boot", "-boot-load-size", "4"]
    subprocess.run([*command, "-o", path, tree], check=True, capture_output=True)
    return path


_GRUB_MENU = """
set timeout=-1
menuentry "First system" { chainloader /first.bin }
menuentry "Second system" { chainloader /second.bin }
submenu "More systems" {
    menuentry "Third system" { chainloader /third.bin }
    menuentry "Fourth system" { chainloader /fourth.bin }
}
"""


def make_grub_menu(path):
    """A CD as `grub-mkrescue` makes them: GRUB's menu, whose entries say which was booted."""
    tree = path.parent / f"{path.name}.tree"
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(_GRUB_MENU)
    for name in ("first", "second", "third", "fourth"):
        (tree / f"{name}.bin").write_bytes(boots(f"{name} boots"))
    command = ["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", path, tree]
    modules = ["--install-modules=normal iso9660 biosdisk chain", "--fonts=", "--locales="]
    subprocess.run([*command, *modules, "--themes="], check=True, capture_output=True)
    return path
