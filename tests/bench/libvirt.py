"""As many real guests of libvirt's, for `list` against `virsh list --all`.

Their emulation is the same, their machine as small, and they stand paused from the start.
Needs virsh, and a libvirtd or virtqemud that answers at ``$LIBVIRT_DEFAULT_URI`` or
``qemu:///system``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

_URI = os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")
_LIMIT_S = 60.0
"""For one domain; the first waits until libvirt has asked QEMU what it can do."""
_DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>16</memory>
  <os><type arch='{arch}'>hvm</type></os>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


class NoDomains(Exception):
    """Why there is nothing to compare with, in one line."""


class Domains:
    """Running domains of libvirt's, gone at the end of the block.

    Raises:
        NoDomains: virsh is missing, no daemon answers, or a domain does not come up.
    """

    def __init__(self, count: int) -> None:
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

    def _make_others(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            try:
                list(pool.map(self._make, self.names[1:]))
            except NoDomains:
                pool.shutdown(cancel_futures=True)
                raise

    def _make(self, name: str) -> None:
        xml = _DOMAIN.format(name=name, arch=os.uname().machine)
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
