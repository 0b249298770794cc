"""A small real Linux guest for the tests: Debian's cloud kernel and busybox.

`build(cache)` returns a kernel and an initial RAM disk for `-kernel` and
`-initrd`, to be used with `-append "console=ttyS0 quiet panic=-1"`.  The guest
prints READY on its serial port and then offers a shell there (prompt PROMPT).
It has the address 10.0.2.15, an HTTP server on port 80 and an echo on port 7.
Further words on the command line:

    nopower    the guest ignores the power button
    crash      the kernel panics as soon as the guest is ready
    poweroff   the guest powers itself off as soon as it is ready
    reboot     the guest resets itself as soon as it is ready
"""

import contextlib
import gzip
import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

READY = "KVMTUI-GUEST-READY"
PROMPT = "guest# "
GREETING = "hello from the guest"

KERNEL_META_PACKAGE = "linux-image-cloud-amd64"
BUSYBOX_PACKAGE = "busybox-static"

# Loaded in this order, each after what it depends on.  The kernel has some of
# them built in and lacks others; those are left out without a word.
MODULES = (
    "virtio_pci virtio_blk virtio_scsi sd_mod sr_mod virtio_net virtio_console"
    " virtio_balloon virtio_rng button evdev pvpanic_pci ahci ata_piix e1000"
    " e1000e 8139cp isofs ext4"
)
# Debian scans SCSI buses in the background: disks would appear after READY.
MODULE_OPTIONS = {"scsi_mod": " scan=sync"}

INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ TERM=linux PS1='{PROMPT}'
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
word() {{ grep -qw -- "$1" /proc/cmdline; }}
while read -r line; do insmod $line; done < /modules.list

# The names of serial ports and whole SCSI disks arrive a moment after their
# drivers: wait for them, at most a second each.
wait_for() {{
    for try in $(seq 50); do "$@" && return; usleep 20000; done
}}
virtio_ports_named() {{
    ls /sys/bus/virtio/drivers/virtio_console/ | grep -q '^virtio' || return 0
    cat /sys/class/virtio-ports/*/name 2>/dev/null | grep -q .
}}
scsi_disks_present() {{
    for type in /sys/bus/scsi/devices/*:*/type; do
        [ -e "$type" ] || return 0
        [ "$(cat "$type")" != 0 ] || [ -e "${{type%/type}}"/block/* ] || return 1
    done
}}
wait_for virtio_ports_named
wait_for scsi_disks_present
mkdir -p /dev/virtio-ports
for port in /sys/class/virtio-ports/*/name; do
    name=$(cat "$port" 2>/dev/null)
    node=${{port%/name}}
    [ -z "$name" ] || ln -s "../${{node##*/}}" "/dev/virtio-ports/$name"
done

ifconfig lo 127.0.0.1 up
if [ -e /sys/class/net/eth0 ]; then
    ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
    route add default gw 10.0.2.2
fi
httpd -p 80 -h /www
nc -ll -p 7 -e cat &
# acpid writes its pid file once it watches the button: READY comes after that.
if ! word nopower; then
    acpid
    wait_for test -e /var/run/acpid.pid
fi
echo {READY} > /dev/console
! word crash || echo c > /proc/sysrq-trigger
! word poweroff || poweroff -f
! word reboot || reboot -f
while :; do
    setsid cttyhack sh
    sleep 0.2
done
"""

DIRECTORIES = (
    "bin dev etc etc/acpi etc/acpi/PWRF modules mnt proc run sys tmp usr var var/log var/run www"
)


class GuestError(RuntimeError):
    """The guest cannot be built on this host; the text says why."""


def build(cache: Path) -> tuple[Path, Path]:
    """Return the guest's (kernel, initrd), made in `cache` when not there yet.

    Several processes may call this at once: the first to finish wins.
    """
    packages = [_kernel_package(), BUSYBOX_PACKAGE]
    folder = cache.absolute() / _key(packages)
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as work:
            _publish(_assemble(packages, Path(work)), folder)
    return folder / "vmlinuz", folder / "initrd.img"


def _publish(made: Path, folder: Path) -> None:
    """Give a finished folder its final name, unless another process did so."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _run(command: list[str], cwd: Path | None = None) -> str:
    """Run a command and return its output; a failure becomes a GuestError."""
    env = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise GuestError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise GuestError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _kernel_package() -> str:
    """Return the package that holds the current cloud kernel."""
    command = ["apt-cache", "depends", KERNEL_META_PACKAGE]
    pattern, found = r"Depends: (linux-image-\S+)", None
    with contextlib.suppress(GuestError):
        found = re.search(pattern, _run(command))
    if not found and os.geteuid() == 0:
        _run(["apt-get", "update"])
        found = re.search(pattern, _run(command))
    if not found:
        raise GuestError(f"apt knows no {KERNEL_META_PACKAGE}: run apt-get update")
    return found[1]


def _key(packages: list[str]) -> str:
    """Return a name that changes with this module's text or with a package."""
    shown = _run(["apt-cache", "show", "--no-all-versions", *packages])
    sums = re.findall(r"^SHA256: (\w+)$", shown, re.MULTILINE)
    if len(sums) != len(packages):
        raise GuestError(f"apt has no checksum for all of {', '.join(packages)}")
    text = Path(__file__).read_bytes() + "".join(sums).encode()
    return f"guest-{hashlib.sha256(text).hexdigest()[:16]}"


def _assemble(packages: list[str], work: Path) -> Path:
    """Download the packages into `work` and make a folder of the two files."""
    unpacked, made = work / "unpacked", work / "made"
    _download(packages, work)
    for package in sorted(work.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(unpacked)])
    made.mkdir()
    shutil.copyfile(next(unpacked.glob("boot/vmlinuz-*")), made / "vmlinuz")
    archive = b"".join(_archive(unpacked))
    (made / "initrd.img").write_bytes(gzip.compress(archive, mtime=0))
    # A QEMU that gave up root must be able to read them, whatever the umask.
    for path, mode in ((made, 0o755), *((file, 0o644) for file in made.iterdir())):
        path.chmod(mode)
    return made


def _download(packages: list[str], work: Path) -> None:
    """Download packages; root renews a package list that is too old for it."""
    command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", *packages]
    try:
        _run(command, cwd=work)
    except GuestError:
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "update"])
        _run(command, cwd=work)


def _module_order(available: dict[str, Path]) -> list[str]:
    """Return the modules to load, each after those it depends on."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order or name not in available:
            return
        stated = re.search(rb"\0depends=([^\0]*)\0", available[name].read_bytes())
        for needed in stated[1].decode().split(",") if stated else []:
            visit(needed)
        order.append(name)

    for module in MODULES.split():
        visit(module)
    return order


def _archive(unpacked: Path) -> Iterator[bytes]:
    """Yield the entries of the initial RAM disk."""
    for directory in DIRECTORIES.split():
        yield _entry(directory, stat.S_IFDIR | 0o755, b"")
    found = unpacked.glob("lib/modules/*/kernel/**/*.ko")
    available = {path.stem.replace("-", "_"): path for path in found}
    order = _module_order(available)
    for name in order:
        yield _file(f"modules/{name}.ko", available[name].read_bytes())
    lines = [f"/modules/{name}.ko{MODULE_OPTIONS.get(name, '')}\n" for name in order]
    yield _file("modules.list", "".join(lines).encode())
    yield _file("bin/busybox", (unpacked / "bin/busybox").read_bytes(), 0o755)
    yield _file("init", INIT.encode(), 0o755)
    yield _file("www/index.html", f"{GREETING}\n".encode())
    # busybox's acpid runs this for the power button's event.
    yield _file("etc/acpi/PWRF/00000080", b"#!/bin/sh\npoweroff -f\n", 0o755)
    yield _entry("TRAILER!!!", 0, b"")


def _file(name: str, content: bytes, permissions: int = 0o644) -> bytes:
    """Return the archive's entry for a regular file."""
    return _entry(name, stat.S_IFREG | permissions, content)


def _entry(name: str, mode: int, content: bytes) -> bytes:
    """Return one entry of a cpio archive in the "newc" format."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + path) + _padded(content)


def _padded(data: bytes) -> bytes:
    """Return the data with zeros up to a multiple of four bytes."""
    return data + bytes(-len(data) % 4)
