"""The command line while it grows: pairs of option and value, PCI places, boot order."""

from __future__ import annotations

import json
from typing import Any

from kvmtui.guest.definition import Definition
from kvmtui.qemu.capabilities import Capabilities
from kvmtui.qemu.layout import Layout

SPARE_PORTS = 4
"""Empty PCIe root ports, so that devices can be plugged in later: pcie.0 itself is fixed."""


class Plan:
    """What one guest's command line is made of.

    Args:
        machine: The versioned machine, such as ``pc-q35-7.2``.
    """

    def __init__(
        self, definition: Definition, capabilities: Capabilities, layout: Layout, machine: str
    ) -> None:
        self.definition = definition
        self.capabilities = capabilities
        self.layout = layout
        self.machine = machine
        self.arguments: list[str] = []
        self.is_x86 = definition.arch == "x86_64"
        self.is_classic = "i440fx" in machine or machine == "isapc"
        self._ports = 0
        self._boot_indices = 0

    def option(self, name: str, value: str | dict[str, Any] | None = None) -> None:
        """Add an option; a mapping is written as JSON, so that nothing needs escaping."""
        self.arguments.append(name)
        if isinstance(value, dict):
            self.arguments.append(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
        elif value is not None:
            self.arguments.append(value)

    def device(self, driver: str, **properties: Any) -> None:
        """Add a device; a property that is None is left out."""
        given = {key: value for key, value in properties.items() if value is not None}
        self.option("-device", {"driver": driver, **given})

    def pci_place(self) -> str:
        """The bus for the next PCI device: a PCIe root port of its own, or pci.0."""
        if self.is_classic:
            return "pci.0"
        self._ports += 1
        return f"rp{self._ports - 1}"

    def root_ports(self) -> list[str]:
        """The root ports that were given out and the spare ones, as arguments."""
        plan = Plan(self.definition, self.capabilities, self.layout, self.machine)
        total = 0 if self.is_classic else self._ports + SPARE_PORTS
        for index in range(total):
            slot, function = 0x10 + index // 8, index % 8
            plan.device(
                "pcie-root-port",
                id=f"rp{index}",
                bus="pcie.0",
                chassis=index + 1,
                addr=f"{slot:#x}.{function}",
                multifunction=True if function == 0 else None,
            )
        return plan.arguments

    def boot_index(self, kind: str) -> int | None:
        """The place in the boot order of the next device of this kind; None when not booted.

        Devices of one kind follow each other in the order of the definition.
        """
        order: list[str] = list(self.definition.boot)
        if self.layout.installs and self.definition.cdroms:
            order = ["cdrom", *(one for one in order if one != "cdrom")]
        if kind not in order:
            return None
        base = (order.index(kind) + 1) * 100
        self._boot_indices += 1
        return base + self._boot_indices
