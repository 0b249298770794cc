"""Machine, CPU, memory, clock and the actions on reboot, shutdown and panic."""

from __future__ import annotations

from kvmtui.qemu.command.plan import Plan

HYPERV = (
    "hv_relaxed",
    "hv_vapic",
    "hv_spinlocks=0x1fff",
    "hv_vpindex",
    "hv_runtime",
    "hv_time",
    "hv_synic",
    "hv_stimer",
    "hv_tlbflush",
    "hv_ipi",
    "hv_frequencies",
    "hv_reset",
)
"""What KVM offers to a guest that knows Hyper-V; QEMU refuses it without KVM."""


def add_identity(plan: Plan) -> None:
    """Names, process and log: the first words of every line."""
    layout = plan.layout
    plan.option("-name", f"guest={layout.name},debug-threads=on")
    plan.option("-uuid", plan.definition.identity(layout.name))
    plan.option("-nodefaults")
    plan.option("-no-user-config")
    plan.option("-display", "none")
    plan.option("-daemonize")
    plan.option("-pidfile", f"{layout.folder}/run/pid")
    # QEMU takes the percent signs of this path for a template, and has no way to write them.
    plan.option("-D", "../qemu.log" if "%" in layout.folder else f"{layout.folder}/qemu.log")
    plan.option("-msg", "timestamp=on,guest-name=on")
    plan.option("-sandbox", "on,obsolete=deny,resourcecontrol=deny")


def add_machine(plan: Plan) -> None:
    """Machine type, accelerator, CPU and memory."""
    definition, layout = plan.definition, plan.layout
    properties = [plan.machine, "memory-backend=ram0"]
    if plan.is_x86:
        properties += ["vmport=off", "hpet=off"]
        if definition.secure_boot:
            properties.append("smm=on")
    if not definition.acpi:
        properties.append("acpi=off")
    if layout.firmware is not None and layout.firmware.variables:
        properties += ["pflash0=fw-code", "pflash1=fw-vars"]
    plan.option("-machine", ",".join(properties))
    plan.option("-accel", layout.accelerator)
    cpu = definition.cpu or layout.cpu
    if definition.hyperv and layout.accelerator == "kvm":
        cpu = ",".join([cpu or "host", *HYPERV])
        plan.option("-global", "kvm-pit.lost_tick_policy=discard")
    if cpu is not None:
        plan.option("-cpu", cpu)
    count = definition.cpus
    plan.option("-smp", f"{count},sockets=1,cores={count},threads=1")
    plan.option("-m", f"size={definition.memory // 1024}k")
    backend = {"qom-type": "memory-backend-memfd", "id": "ram0", "size": definition.memory}
    plan.option("-object", {**backend, "share": True})


def add_behaviour(plan: Plan) -> None:
    """Sleep states, clock, boot and what follows a reboot, shutdown or panic.

    A guest that panics stands still, so that it can be looked at; one that shuts
    down leaves, and the event recorder keeps why.
    """
    definition = plan.definition
    if plan.is_x86 and definition.acpi:
        power = "PIIX4_PM" if plan.is_classic else "ICH9-LPC"
        plan.option("-global", f"{power}.disable_s3=1")
        plan.option("-global", f"{power}.disable_s4=1")
        plan.device("pvpanic" if plan.is_classic else "pvpanic-pci")
        plan.device("vmgenid", guid="auto")
    drift = ",driftfix=slew" if plan.is_x86 else ""
    plan.option("-rtc", f"base={definition.clock}{drift}")
    plan.option("-boot", "strict=on")
    # An installer's restart is its end: the next start is from the disk.
    restart = "shutdown" if plan.layout.installs else "reset"
    plan.option("-action", f"panic=pause,reboot={restart},shutdown=poweroff,watchdog=reset")


def add_direct_kernel(plan: Plan) -> None:
    """A Linux kernel booted without a boot loader."""
    if plan.layout.kernel is None:
        return
    plan.option("-kernel", plan.layout.kernel)
    if plan.layout.initrd is not None:
        plan.option("-initrd", plan.layout.initrd)
    if plan.definition.append is not None:
        plan.option("-append", plan.definition.append)
