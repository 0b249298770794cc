"""Disks and CD-ROMs: block nodes, controllers, drives."""

from __future__ import annotations

from typing import Any

from kvmtui.guest.definition import Disk
from kvmtui.qemu.command.plan import Plan
from kvmtui.qemu.layout import DiskPlace

_IDE_UNITS = 4
_SATA_PORTS = 6


class _Controllers:
    """Controllers that drives ask for, made when the first one does."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.made: set[str] = set()
        self.ports = 0

    def scsi(self) -> str:
        if "scsi" not in self.made:
            self.made.add("scsi")
            self.plan.device(
                "virtio-scsi-pci", id="scsi0", bus=self.plan.pci_place(), iothread=self.iothread()
            )
        return "scsi0.0"

    def iothread(self) -> str:
        if "iothread" not in self.made:
            self.made.add("iothread")
            self.plan.option("-object", {"qom-type": "iothread", "id": "io0"})
        return "io0"

    def ide(self) -> dict[str, Any]:
        """The next place on the classic machine's IDE, or else on AHCI."""
        if not self.plan.is_classic:
            return self.sata()
        unit = self._port(_IDE_UNITS)
        return {"bus": f"ide.{unit // 2}", "unit": unit % 2}

    def sata(self) -> dict[str, Any]:
        """The next AHCI port: q35 has six of its own, others get a controller."""
        port = self._port(_SATA_PORTS)
        if self.plan.is_x86 and not self.plan.is_classic:
            return {"bus": f"ide.{port}"}
        if "ahci" not in self.made:
            self.made.add("ahci")
            self.plan.device("ich9-ahci", id="ahci", bus=self.plan.pci_place())
        return {"bus": f"ahci.{port}"}

    def _port(self, most: int) -> int:
        port = self.ports
        self.ports += 1
        return min(port, most)


def add_storage(plan: Plan) -> None:
    """All disks, then all CD-ROM drives."""
    controllers = _Controllers(plan)
    for index, disk in enumerate(plan.definition.disks):
        _add_disk(plan, controllers, index, disk, plan.layout.disks[index])
    for index in range(len(plan.definition.cdroms)):
        _add_cdrom(plan, controllers, index)


def _add_disk(
    plan: Plan, controllers: _Controllers, index: int, disk: Disk, place: DiskPlace
) -> None:
    node = f"disk{index}"
    cache = disk.cache
    if cache == "auto":
        cache = "none" if place.direct else "writeback"
    if disk.secret is not None:
        # By file: a passphrase on the command line is everyone's.
        plan.option("-object", {"qom-type": "secret", "id": f"{node}-key", "file": disk.secret})
    plan.option("-blockdev", disk_node(node, disk, place, cache, plan.capabilities.io_uring))
    properties: dict[str, Any] = {
        "id": f"hd{index}",
        "drive": node,
        "serial": disk.serial or node,
        "bootindex": plan.boot_index("disk"),
    }
    if disk.bus != "nvme":
        properties["write-cache"] = "off" if cache in ("writethrough", "directsync") else "on"
        properties |= {"werror": "stop", "rerror": "stop"}
    _add_drive(plan, controllers, disk.bus, properties)


def disk_node(
    node: str, disk: Disk, place: DiskPlace, cache: str, io_uring: bool
) -> dict[str, Any]:
    """The block node of a disk: the format is named, never probed."""
    modes = {"direct": cache in ("none", "directsync"), "no-flush": cache == "unsafe"}
    protocol: dict[str, Any] = {
        "driver": "host_device" if place.block_device else "file",
        "node-name": f"{node}-file",
        "filename": place.path,
        "aio": "io_uring" if io_uring else "threads",
        "discard": disk.discard,
        "cache": modes,
    }
    detect = disk.detect_zeroes
    if detect == "unmap" and disk.discard != "unmap":
        detect = "on"
    outer: dict[str, Any] = {
        "driver": disk.image_format(),
        "node-name": node,
        "discard": disk.discard,
        "detect-zeroes": "off" if disk.read_only else detect,
        "cache": modes,
        "file": protocol,
    }
    if disk.secret is not None:
        key = f"{node}-key"
        if disk.image_format() == "raw":
            outer |= {"driver": "luks", "key-secret": key}
        else:
            outer["encrypt"] = {"format": "luks", "key-secret": key}
    if disk.read_only:
        protocol["read-only"] = True
        outer["read-only"] = True
    return outer


def _add_drive(plan: Plan, controllers: _Controllers, bus: str, properties: dict[str, Any]) -> None:
    if bus == "scsi":
        plan.device("scsi-hd", bus=controllers.scsi(), rotation_rate=1, **properties)
    elif bus == "virtio":
        iothread = controllers.iothread()
        plan.device("virtio-blk-pci", bus=plan.pci_place(), iothread=iothread, **properties)
    elif bus == "nvme":
        plan.device("nvme", bus=plan.pci_place(), **properties)
    elif bus == "usb":
        plan.device("usb-storage", bus="usb.0", removable=False, **properties)
    else:
        place = controllers.ide() if bus == "ide" else controllers.sata()
        plan.device("ide-hd", **place, **properties)


def _add_cdrom(plan: Plan, controllers: _Controllers, index: int) -> None:
    path = plan.layout.cdroms[index]
    node = f"cd{index}"
    if path is not None:
        protocol = {"driver": "file", "filename": path, "read-only": True}
        plan.option(
            "-blockdev",
            {"driver": "raw", "node-name": node, "read-only": True, "file": protocol},
        )
    properties: dict[str, Any] = {
        "id": f"cdrom{index}",
        "drive": node if path is not None else None,
        "bootindex": plan.boot_index("cdrom"),
    }
    bus = plan.definition.cdroms[index].bus or _usual_cdrom_bus(plan)
    if bus == "scsi":
        plan.device("scsi-cd", bus=controllers.scsi(), **properties)
    elif bus == "usb":
        plan.device("usb-storage", bus="usb.0", removable=True, **properties)
    else:
        place = controllers.ide() if bus == "ide" else controllers.sata()
        plan.device("ide-cd", **place, **properties)


def _usual_cdrom_bus(plan: Plan) -> str:
    """What the guest sees before any driver: Windows AHCI, a classic machine IDE.

    Kernels made for clouds have no AHCI, so all others get virtio-scsi.
    """
    if plan.is_classic:
        return "ide"
    return "sata" if plan.is_x86 and plan.definition.os.startswith("win") else "scsi"
