"""From a definition to QEMU's command line: a pure function, one module a device family.

Options are JSON where QEMU takes it, so no name or path needs escaping. QEMU is
started in the guest's ``run/``; sockets are named relatively, every other path is
absolute, since ``-daemonize`` changes to ``/`` afterwards.
"""

from __future__ import annotations

import json

from kvmtui.errors import DefinitionError, HostError
from kvmtui.guest.definition import Definition
from kvmtui.qemu.capabilities import Capabilities
from kvmtui.qemu.command import devices, firmware, machine, monitors, network, storage, tpm
from kvmtui.qemu.command.plan import Plan
from kvmtui.qemu.layout import DiskPlace, FirmwarePlace, Layout

_USUAL_MACHINE = {"x86_64": "q35", "aarch64": "virt", "riscv64": "virt"}
_MOST_ON_BUS = {"ide": 4, "sata": 6}

__all__ = ["DiskPlace", "FirmwarePlace", "Layout", "build", "versioned_machine"]


def versioned_machine(definition: Definition, capabilities: Capabilities) -> str:
    """The machine with its version: as stated, else the usual one of the architecture.

    Raises:
        HostError: This QEMU has no such machine.
    """
    machine = definition.machine or _USUAL_MACHINE[definition.arch]
    return capabilities.machine_name(machine)


def build(definition: Definition, capabilities: Capabilities, layout: Layout) -> list[str]:
    """The command line, QEMU's path first; no I/O, the same at every start.

    Raises:
        HostError: This QEMU lacks the machine or a device.
        DefinitionError: More drives than a bus has places.
    """
    plan = Plan(definition, capabilities, layout, versioned_machine(definition, capabilities))
    _check_places(plan)
    machine.add_identity(plan)
    machine.add_machine(plan)
    firmware.add_firmware(plan)
    machine.add_direct_kernel(plan)
    head, plan.arguments = plan.arguments, []
    machine.add_behaviour(plan)
    devices.add_usb(plan)
    storage.add_storage(plan)
    network.add_networks(plan)
    devices.add_helpers(plan)
    devices.add_agent(plan)
    tpm.add_tpm(plan)
    devices.add_display(plan)
    devices.add_sound(plan)
    devices.add_console(plan)
    monitors.add_monitors(plan)
    tail = plan.arguments
    arguments = [*head, *plan.root_ports(), *tail]
    _check_devices(arguments, capabilities)
    return [capabilities.emulator, *arguments, *definition.qemu_args]


def _check_places(plan: Plan) -> None:
    """Refuse more drives than the machine's IDE or AHCI has places."""
    definition = plan.definition
    used = [disk.bus for disk in definition.disks]
    used += [cdrom.bus or ("ide" if plan.is_classic else "scsi") for cdrom in definition.cdroms]
    count = sum(bus in _MOST_ON_BUS for bus in used)
    most = _MOST_ON_BUS["ide" if plan.is_classic else "sata"]
    if count > most:
        raise DefinitionError(
            [f"{count} drives on ide or sata are more than the machine's {most} places"],
            hint="put some of them on bus scsi",
        )
    if not definition.usb and "usb" in used:
        raise DefinitionError(["a drive is on bus usb, and usb is false"])


def _check_devices(arguments: list[str], capabilities: Capabilities) -> None:
    """Refuse what this QEMU does not have, by name, before it is started."""
    for option, value in zip(arguments, arguments[1:], strict=False):
        if option != "-device":
            continue
        driver = json.loads(value)["driver"]
        if driver not in capabilities.devices:
            raise HostError(
                f"QEMU {capabilities.version_text} has no device '{driver}'",
                hint=f"choose another model, or install a fuller QEMU than {capabilities.emulator}",
            )
