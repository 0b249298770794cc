"""As many real guests of libvirt's, for `list` and figures against `virsh` list and domstats.

Their emulation is the same, their machine as small, and they stand paused from the start.
Needs virsh, and a libvirtd or virtqemud that answers at ``$LIBVIRT_DEFAULT_URI`` or
``qemu:///system``; where none does, root starts a libvirtd of its own for the time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

_URI = os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")
_LIMIT_S = 240.0
"""For one domain; the first waits until libvirt has asked QEMU what it can do."""
_DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>16</memory>
  <os><type arch='{arch}'>hvm</type></os>
  <devices>
    <controller type='usb' model='none'/>
    {devices}
  </devices>
</domain>
"""
_BARE = "<memballoon model='none'/>"
_WITH_FIGURES = """
    <memballoon model='virtio'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='sda' bus='scsi'/>
    </disk>
    <controller type='scsi' model='virtio-scsi'/>
    <interface type='user'><model type='virtio'/></interface>
"""
STATS = ["--state", "--cpu-total", "--balloon", "--vcpu", "--interface", "--block"]
"""Of ``virsh domstats``: what kvmtui's table has columns for."""


class NoDomains(Exception):
    """Why there is nothing to compare with, in one line."""


@contextlib.contextmanager
def daemon() -> Iterator[int]:
    """A libvirtd, started where none runs and we are root; its process.

    Raises:
        NoDomains: There is none, and none can be started.
    """
    if shutil.which("virsh") is None:
        raise NoDomains("virsh is not installed")
    running = _daemon_pid()
    if running is not None:
        yield running
        return
    if os.geteuid() != 0 or shutil.which("libvirtd") is None:
        raise NoDomains("no libvirtd runs, and only root can start one that is installed")
    quiet = subprocess.DEVNULL
    started = [
        subprocess.Popen([name], stdout=quiet, stderr=quiet, start_new_session=True)
        for name in ("virtlogd", "libvirtd")
        if shutil.which(name)
    ]
    try:
        end = time.monotonic() + _LIMIT_S
        while True:
            with contextlib.suppress(NoDomains):
                _virsh("uri")
                break
            if time.monotonic() > end:
                raise NoDomains("libvirtd does not answer")
            time.sleep(0.2)
        yield started[-1].pid
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.wait()


def _daemon_pid() -> int | None:
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/comm") as file:
                if file.read().strip() in ("libvirtd", "virtqemud"):
                    return int(entry)
    return None


def cpu_s_of(pid: int) -> float:
    """CPU time of a process and all its threads, in seconds (``/proc/PID/stat``)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Domains:
    """Running domains of libvirt's, gone at the end of the block.

    Args:
        count: How many.
        disks: A qcow2 file for each, where they are to have what figures are of.

    Raises:
        NoDomains: virsh is missing, no daemon answers, or a domain does not come up.
    """

    def __init__(self, count: int, disks: list[str] | None = None) -> None:
        self._disks = disks
        self.names = [f"kvmtui-bench-{os.getpid()}-{index:03}" for index in range(count)]
        self.listing = ["virsh", "-c", _URI, "list", "--all"]

    def __enter__(self) -> Domains:
        if shutil.which("virsh") is None:
            raise NoDomains("virsh is not installed")
        try:
            self._make(self.names[0])
            self._make_others()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def stats_cpu_s(self, pid: int) -> float:
        """The CPU that ``virsh domstats`` of them all takes, the daemon's included.

        Args:
            pid: Of the daemon.
        """
        before = cpu_s_of(pid)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        _virsh("domstats", *STATS, *self.names)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        return cpu_s_of(pid) - before + own

    def _make_others(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            try:
                list(pool.map(self._make, self.names[1:]))
            except NoDomains:
                pool.shutdown(cancel_futures=True)
                raise

    def _make(self, name: str) -> None:
        devices = _BARE
        if self._disks is not None:
            devices = _WITH_FIGURES.format(disk=self._disks[self.names.index(name)])
        xml = _DOMAIN.format(name=name, arch=os.uname().machine, devices=devices)
        _virsh("create", "--paused", "/dev/stdin", given=xml)

    def _end(self) -> None:
        for name in self.names:
            try:
                _virsh("destroy", name)
            except NoDomains:
                continue


def _virsh(*words: str, given: str = "") -> None:
    try:
        done = subprocess.run(
            ["virsh", "-q", "-c", _URI, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoDomains(f"virsh {words[0]}: {error}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise NoDomains(f"virsh {words[0]}: {lines[-1].removeprefix('error: ')}")
