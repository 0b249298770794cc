"""UEFI: the firmware's code and this guest's variables as two flash devices."""

from __future__ import annotations

from kvmtui.qemu.command.plan import Plan


def add_firmware(plan: Plan) -> None:
    """The block nodes that ``-machine pflash0=…,pflash1=…`` names; none for BIOS.

    U-Boot runs on RISC-V where a kernel does: behind OpenSBI, which QEMU brings.
    """
    place = plan.layout.firmware
    if place is None:
        return
    if not place.variables:
        plan.option("-kernel", place.code)
        return
    if plan.definition.secure_boot and plan.is_x86:
        # Only the firmware itself may write its variables, from system management mode.
        plan.option("-global", "driver=cfi.pflash01,property=secure,value=on")
    code = {"driver": "file", "filename": place.code, "read-only": True}
    plan.option(
        "-blockdev",
        {"driver": place.code_format, "node-name": "fw-code", "read-only": True, "file": code},
    )
    variables = {"driver": "file", "filename": place.variables}
    plan.option(
        "-blockdev",
        {"driver": place.variables_format, "node-name": "fw-vars", "file": variables},
    )
