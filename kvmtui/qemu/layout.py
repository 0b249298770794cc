"""What the command line needs to know of the host, gathered before it is built."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple


class DiskPlace(NamedTuple):
    """Where a disk lies and what its file system can."""

    path: str
    """Absolute."""
    direct: bool
    """Whether the file opens with O_DIRECT."""
    block_device: bool


class FirmwarePlace(NamedTuple):
    """The UEFI firmware and this guest's variables."""

    code: str
    code_format: str
    variables: str
    """Empty for U-Boot, which is booted as a kernel is."""
    variables_format: str


class Layout(NamedTuple):
    """Where everything of one guest lies; every path is absolute."""

    name: str
    folder: str
    accelerator: str
    """kvm or tcg."""
    cpu: str | None
    """CPU model that goes with the accelerator; None for the machine's own."""
    disks: tuple[DiskPlace, ...] = ()
    cdroms: tuple[str | None, ...] = ()
    kernel: str | None = None
    initrd: str | None = None
    firmware: FirmwarePlace | None = None
    installs: bool = False
    """Whether it boots from what it is installed from, and ends where it would restart."""
