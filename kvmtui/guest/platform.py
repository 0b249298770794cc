"""Firmware, Secure Boot, TPM and Hyper-V: which of them a machine can have."""

from __future__ import annotations

from kvmtui.guest.definition import Definition

_CLASSIC = ("pc", "isapc")


def platform_problems(definition: Definition) -> list[str]:
    """What a definition asks for that its machine does not have."""
    problems = []
    arch, machine = definition.arch, definition.machine or ""
    if definition.firmware == "bios" and arch != "x86_64" and not definition.kernel:
        problems.append(f"firmware: {arch} has no bios: uefi, or a kernel to boot")
    if definition.secure_boot:
        problems.extend(_secure_boot_problems(definition))
    if definition.tpm and machine == "isapc":
        problems.append("machine: isapc has no place for a tpm")
    if definition.hyperv and arch != "x86_64":
        problems.append(f"arch: {arch} has no hyperv, only x86_64 has")
    return problems


def _secure_boot_problems(definition: Definition) -> list[str]:
    machine = definition.machine or ""
    if definition.boot_firmware() != "uefi":
        return ["firmware: secure_boot needs uefi"]
    if definition.arch == "riscv64":
        return ["arch: riscv64 has no firmware with secure_boot"]
    if machine in _CLASSIC or machine.startswith("pc-i440fx"):
        return [f"machine: secure_boot needs q35, not {machine}"]
    return []
