"""Network cards and what they are plugged into."""

from __future__ import annotations

from typing import Any

from kvmtui.guest.definition import Network
from kvmtui.qemu.command.plan import Plan

_DRIVERS = {"virtio": "virtio-net-pci"}


def add_networks(plan: Plan) -> None:
    """One netdev and one card for each network of the definition."""
    for index, network in enumerate(plan.definition.networks):
        plan.option("-netdev", _backend(index, network))
        boot_index = plan.boot_index("network")
        plan.device(
            _DRIVERS.get(network.model, network.model),
            id=f"nic{index}",
            bus=plan.pci_place(),
            netdev=f"net{index}",
            mac=plan.definition.mac_of(index, plan.layout.name),
            bootindex=boot_index,
            # Without an option ROM the firmware does not wait for it.
            romfile="" if boot_index is None else None,
        )


def _backend(index: int, network: Network) -> dict[str, Any]:
    backend: dict[str, Any] = {"type": network.type, "id": f"net{index}"}
    if network.type == "user":
        rules = [{"str": rule.qemu_rule()} for rule in network.parsed_forwards()]
        if rules:
            backend["hostfwd"] = rules
        if network.boot_file is not None:
            backend["bootfile"] = network.boot_file
    elif network.type == "bridge":
        backend["br"] = network.bridge
    else:
        backend |= {"ifname": network.tap, "script": "no", "downscript": "no"}
    return backend
