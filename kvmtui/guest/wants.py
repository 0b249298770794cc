"""What a definition asks of the host, as plain values.

All that a start has to look at besides the command line: small enough to be kept, so
that a start whose definition did not change need not read it again.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from kvmtui.guest.definition import Definition
else:
    from kvmtui.light import NamedTuple


class Wants(NamedTuple):
    """What one guest asks of the host; paths are as the definition has them."""

    uuid: str
    arch: str
    accelerator: str
    """auto, kvm or tcg."""
    cpu: str | None
    memory_bytes: int
    uefi: bool
    disks: Sequence[str]
    raw_disks: Sequence[int]
    """The places among the disks of those that are raw."""
    lan_macs: Sequence[str]
    """MAC addresses that others meet: of the cards on a bridge or tap."""
    cdroms: Sequence[str | None]
    """None is an empty drive."""
    kernel: str | None
    initrd: str | None
    interfaces: Sequence[Sequence[str]]
    """Kind (bridge or tap) and name of each interface of the host."""
    ports: Sequence[tuple[str, str, int]]
    """Protocol, address and port of all that it listens on at the host."""
    limits: Sequence[tuple[int, dict[str, int]]] = ()
    """The place and the limits of each disk that has some, as QMP takes them."""
    secrets: Sequence[tuple[int, str]] = ()
    """The place of each disk that is encrypted, and the file with its passphrase."""
    vnc_secret: str | None = None
    """The file with VNC's password."""
    secure_boot: bool = False
    tpm: bool = False


def wants_of(definition: Definition, name: str) -> Wants:
    """What a checked definition asks for.

    Args:
        name: The guest's name, from which its UUID follows where none is stated.
    """
    interfaces = []
    for network in definition.networks:
        interface = network.bridge or network.tap
        if interface is not None:
            interfaces.append((network.type, interface))
    return Wants(
        uuid=definition.identity(name),
        arch=definition.arch,
        accelerator=definition.accelerator,
        cpu=definition.cpu,
        memory_bytes=definition.memory,
        uefi=definition.boot_firmware() == "uefi",
        disks=[disk.file for disk in definition.disks],
        raw_disks=[i for i, disk in enumerate(definition.disks) if disk.image_format() == "raw"],
        lan_macs=lan_macs(definition, name),
        cdroms=[drive.file for drive in definition.cdroms],
        kernel=definition.kernel,
        initrd=definition.initrd,
        interfaces=interfaces,
        ports=definition.host_ports(),
        limits=[
            (i, disk.limits.throttle()) for i, disk in enumerate(definition.disks) if disk.limits
        ],
        secrets=[(i, disk.secret) for i, disk in enumerate(definition.disks) if disk.secret],
        vnc_secret=definition.vnc.secret if definition.vnc is not None else None,
        secure_boot=definition.secure_boot,
        tpm=definition.tpm,
    )


def macs(definition: Definition, name: str) -> list[str]:
    """The MAC addresses of a guest's cards."""
    return [definition.mac_of(index, name) for index in range(len(definition.networks))]


def lan_macs(definition: Definition, name: str) -> list[str]:
    """The MAC addresses that others meet: those on a bridge or tap of the host."""
    kinds = [network.type for network in definition.networks]
    return [mac for mac, kind in zip(macs(definition, name), kinds, strict=True) if kind != "user"]
