"""The QEMU guest agent for the real Linux guest of the tests: a second initrd behind its own.

`AGENT_LINE` typed on the guest's console starts it.
"""

from __future__ import annotations

import re
import stat
import subprocess
import tempfile
from pathlib import Path

import linux_guest

_PACKAGE = "qemu-guest-agent"
AGENT_LINE = (
    "mkdir -p /var/run; LD_LIBRARY_PATH=/ga /ga/ld.so /ga/qemu-ga -d -m virtio-serial"
    " -p /dev/virtio-ports/org.qemu.guest_agent.0 -f /var/run/ga.pid -t /var/run\n"
)


def add_to(initrd: Path, target: Path) -> None:
    """Write an initrd with the agent, made of the distribution's package and our libraries."""
    with tempfile.TemporaryDirectory() as folder:
        linux_guest._download([_PACKAGE], Path(folder))
        package = next(Path(folder).glob("*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, f"{folder}/x"], check=True)
        program = next(Path(folder).glob("x/usr/*bin/qemu-ga"))
        ldd = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        data = linux_guest._entry("ga", stat.S_IFDIR | 0o755, b"")
        data += linux_guest._file("ga/qemu-ga", program.read_bytes(), 0o755)
        for path in set(re.findall(r"(/\S+) \(0x", ldd)):
            name = "ld.so" if "ld-linux" in path else Path(path).name
            data += linux_guest._file(f"ga/{name}", Path(path).read_bytes(), 0o755)
    end = linux_guest._entry("TRAILER!!!", 0, b"")
    target.write_bytes(initrd.read_bytes() + data + end)
