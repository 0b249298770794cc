"""A CD with a real installer: GRUB boots Linux, which partitions the disk and puts a system on it.

The system is busybox with GRUB on an ext2 partition; it asks for a login on its serial port.
"""

from __future__ import annotations

import gzip
import stat
import struct
import subprocess
from pathlib import Path

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
wait_for /dev/sda
if ! grep -qw install /proc/cmdline; then
    wait_for /dev/sda1
    mount -t ext2 /dev/sda1 /mnt
    exec switch_root /mnt /bin/busybox init
fi
fail() {{ echo "INSTALL FAILED: $1" > /dev/console; sleep 1000; }}
wait_for /dev/sr0
mkdir -p /cd
mount -t iso9660 /dev/sr0 /cd || fail medium
printf 'o\\nn\\np\\n1\\n{_PARTITION_START}\\n\\nw\\n' | fdisk -u /dev/sda || fail fdisk
wait_for /dev/sda1
mke2fs /dev/sda1 || fail mke2fs
mount -t ext2 /dev/sda1 /mnt || fail mount
cd /mnt
mkdir -p bin boot dev etc proc sys root tmp
cp /bin/busybox bin/ && chroot /mnt /bin/busybox --install -s /bin || fail busybox
cp /cd/vmlinuz /cd/initrd.img boot/ || fail kernel
echo 'root::0:0:root:/root:/bin/sh' > etc/passwd
echo installed > etc/hostname
cat > etc/inittab <<END
::sysinit:/bin/mount -t proc proc /proc
::sysinit:/bin/mount -t devtmpfs dev /dev
::sysinit:/bin/hostname installed
ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100
END
cd /
umount /mnt || fail umount
dd if=/cd/boot.img of=/dev/sda bs=440 count=1 conv=notrunc || fail boot
dd if=/cd/core.img of=/dev/sda bs=512 seek=1 conv=notrunc || fail core
sync
echo INSTALLED > /dev/console
reboot -f
"""


def make_cd(folder: Path, linux: tuple[Path, Path]) -> Path:
    """Make the CD.

    Args:
        linux: Kernel and initial RAM disk as `linux_guest` makes them.
    """
    tree = folder / "tree"
    tree.mkdir()
    _grub(tree / "eltorito.img", "i386-pc-eltorito", "(cd)", _CD_CONFIG, "iso9660")
    _grub(tree / "core.img", "i386-pc", "(hd0,msdos1)/boot", _DISK_CONFIG, "part_msdos ext2")
    (tree / "boot.img").write_bytes(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes())
    (tree / "vmlinuz").write_bytes(linux[0].read_bytes())
    more = linux_guest._file("init", _INIT.encode(), 0o755)
    more += linux_guest._entry("cd", stat.S_IFDIR | 0o755, b"")
    more += linux_guest._entry("TRAILER!!!", 0, b"")
    (tree / "initrd.img").write_bytes(linux[1].read_bytes() + gzip.compress(more, mtime=0))
    iso = folder / "installer.iso"
    words = ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", iso, "-b", "eltorito.img"]
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
