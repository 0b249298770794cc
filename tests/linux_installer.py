"""A CD with a real installer: GRUB boots Linux, which partitions the disk and puts a system on it.

The system is busybox with GRUB on an ext2 partition; it asks for a login on its serial port.
It can be laid out as Debian's or Fedora's media, and then reads its answers as their installers
do: from its own initrd, or from CDs that the kernel's line names by label.
"""

from __future__ import annotations

import gzip
import re
import stat
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import linux_guest

LOGIN = "installed login: "
_PARTITION_START = 2048
"""In sectors: GRUB's core image lies before it."""
_LINE = "console=ttyS0 quiet panic=-1"
_CD_CONFIG = f"""
linux (cd)/vmlinuz {_LINE} install
initrd (cd)/initrd.img
boot
"""
_DISK_CONFIG = f"""
linux (hd0,msdos1)/boot/vmlinuz {_LINE}
initrd (hd0,msdos1)/boot/initrd.img
boot
"""
_INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r line; do insmod $line; done < /modules.list
wait_for() {{ for try in $(seq 100); do [ -b $1 ] && return; usleep 50000; done; }}
if ! grep -q -e INSTALLS /proc/cmdline; then
    for try in $(seq 100); do [ -b /dev/?da1 ] && break; usleep 50000; done
    mount -t ext2 /dev/?da1 /mnt
    exec switch_root /mnt /bin/busybox init
fi
fail() {{ echo "INSTALL FAILED: $1" > /dev/console; sleep 1000; }}
mkdir -p /cd /answers
disk=/dev/sda host=installed user=root password=
wait_for /dev/sr0
ANSWERS
wait_for $disk
printf 'o\\nn\\np\\n1\\n{_PARTITION_START}\\n\\nw\\n' | fdisk -u $disk || fail fdisk
wait_for ${{disk}}1
mke2fs ${{disk}}1 || fail mke2fs
mount -t ext2 ${{disk}}1 /mnt || fail mount
cd /mnt
mkdir -p bin boot dev etc proc sys root tmp
cp /bin/busybox bin/ && chroot /mnt /bin/busybox --install -s /bin || fail busybox
cp /cd/KERNEL boot/vmlinuz && cp /cd/INITRD boot/initrd.img || fail kernel
echo "$user:$password:0:0::/root:/bin/sh" > etc/passwd
echo $host > etc/hostname
cat > etc/inittab <<END
::sysinit:/bin/mount -t proc proc /proc
::sysinit:/bin/mount -t devtmpfs dev /dev
::sysinit:/bin/hostname $host
ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100
END
cd /
umount /mnt || fail umount
dd if=/cd/boot.img of=$disk bs=440 count=1 conv=notrunc || fail boot
dd if=/cd/core.img of=$disk bs=512 seek=1 conv=notrunc || fail core
sync
echo INSTALLED > /dev/console
reboot -f
"""


class Layout(NamedTuple):
    """How the CD of an installer is laid out, and how that reads its answers."""

    label: str
    kernel: str
    initrd: str
    files: tuple[str, ...]
    installs: str
    """What stands on the kernel's line of the installer alone."""
    answers: str
    """Mounts the medium on /cd and sets disk, host, user and password."""


PLAIN = Layout(
    *("ISOIMAGE", "vmlinuz", "initrd.img", (), "install"),
    "mount -t iso9660 /dev/sr0 /cd || fail medium",
)
DEBIAN = Layout(
    *("Debian 12.5.0 amd64 n", "install.amd/vmlinuz", "install.amd/initrd.gz", (".disk/info",)),
    "auto=true",
    """
answer() { sed -n "s|^d-i $1 [a-z]* ||p" /preseed.cfg; }
[ -f /preseed.cfg ] && sh -n /kvmtui-late.sh || fail preseed
disk=$(answer partman-auto/disk) host=$(answer netcfg/get_hostname)
user=$(answer passwd/username) password=$(answer passwd/user-password-crypted)
for cd in /dev/sr*; do
    mount -t iso9660 $cd /cd && [ -f /cd/.disk/info ] && break
    umount /cd
done
[ -f /cd/.disk/info ] || fail medium""",
)
FEDORA = Layout(
    *("Fedora-S-dvd-x86_64-40", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"),
    *(("images/install.img",), "inst.ks="),
    r"""
labelled() {
    name=$(sed -n "s|.*$1=hd:LABEL=\([^ :]*\).*|\1|p" /proc/cmdline)
    for cd in /dev/sr*; do
        dd if=$cd bs=1 skip=32808 count=32 2>/dev/null | grep -q "^$name *$" && echo $cd
    done
}
answer() { sed -n "s|^$1.* --$2=\([^ ]*\).*|\1|p" /answers/ks.cfg | tr -d "'"; }
mount -t iso9660 $(labelled inst.stage2) /cd && [ -f /cd/images/install.img ] || fail medium
mount -t iso9660 $(labelled inst.ks) /answers && [ -f /answers/ks.cfg ] || fail answers
disk=/dev/$(answer ignoredisk only-use) host=$(answer network hostname)
user=$(answer user name) password=$(answer user password)""",
)


def make_cd(folder: Path, linux: tuple[Path, Path], layout: Layout = PLAIN) -> Path:
    """Make the CD.

    Args:
        linux: Kernel and initial RAM disk as `linux_guest` makes them.
    """
    tree = folder / "tree"
    tree.mkdir()
    _grub(tree / "eltorito.img", "i386-pc-eltorito", "(cd)", _CD_CONFIG, "iso9660")
    _grub(tree / "core.img", "i386-pc", "(hd0,msdos1)/boot", _DISK_CONFIG, "part_msdos ext2")
    (tree / "boot.img").write_bytes(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes())
    for file in (layout.kernel, *layout.files):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_bytes(linux[0].read_bytes() if file == layout.kernel else b"here")
    words = {"INSTALLS": layout.installs, "ANSWERS": layout.answers}
    words |= {"KERNEL": layout.kernel, "INITRD": layout.initrd}
    init = re.sub(r"\b(INSTALLS|ANSWERS|KERNEL|INITRD)\b", lambda one: words[one[0]], _INIT)
    more = linux_guest._file("init", init.encode(), 0o755)
    more += linux_guest._entry("cd", stat.S_IFDIR | 0o755, b"")
    more += linux_guest._entry("answers", stat.S_IFDIR | 0o755, b"")
    more += linux_guest._entry("TRAILER!!!", 0, b"")
    (tree / layout.initrd).write_bytes(linux[1].read_bytes() + gzip.compress(more, mtime=0))
    iso = folder / "installer.iso"
    words = [
        "xorriso",
        "-as",
        "mkisofs",
        "-quiet",
        "-R",
        "-V",
        layout.label,
        "-o",
        iso,
        "-b",
        "eltorito.img",
    ]
    words += ["-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree]
    subprocess.run(list(map(str, words)), check=True, capture_output=True)
    return iso


def _grub(image: Path, kind: str, prefix: str, config: str, modules: str) -> None:
    """One of GRUB's core images, with all it needs in it."""
    written = image.with_suffix(".cfg")
    written.write_text(config)
    words = ["grub-mkimage", "-O", kind, "-o", image, "-p", prefix, "-c", written]
    words += ["-d", "/usr/lib/grub/i386-pc", "biosdisk", "linux", *modules.split()]
    subprocess.run(list(map(str, words)), check=True)
    written.unlink()
    if kind == "i386-pc":
        assert image.stat().st_size <= (_PARTITION_START - 1) * 512
        length = struct.unpack_from("<QHH", image.read_bytes(), 512 - 12)
        assert length[0] == 2, "the core image does not begin where it is put"
