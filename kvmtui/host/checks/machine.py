"""Checks of the machine itself: what it stands on, its mitigations, clock and frequency."""

from __future__ import annotations

import errno

from kvmtui.host.checks import Finding, check, ok, warn
from kvmtui.host.facts import Facts, is_there, names_or_none, read_or
from kvmtui.host.packages import package_of
from kvmtui.host.processor import (
    container,
    is_x86,
    nesting_hint,
    outer_machine,
    read_processor,
)
from kvmtui.host.remedies import Remedy, boot_arguments, install, system_of

_VULNERABILITIES = "/sys/devices/system/cpu/vulnerabilities"
_CLOCK_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_SLOW_SOURCES = ("hpet", "acpi_pm", "jiffies", "refined-jiffies")
_FREQUENCY = "/sys/devices/system/cpu/cpu0/cpufreq"


@check("in-vm", "What this machine is", reads="/proc/cpuinfo, /sys/class/dmi/id, /run")
def in_vm(facts: Facts) -> Finding:
    """A machine of iron, a virtual machine, or a container. In a virtual machine KVM works
    only where the outer host passes its virtualization on, and slower than on iron. In a
    container devices are there only where it was given them, and guests end with it."""
    engine = container(facts)
    outer = outer_machine(facts) if is_x86(facts) else None
    measured = {"container": engine, "outer": outer}
    if engine:
        remedy = f"run kvmtui on the host, or start {engine} with --device /dev/kvm"
        return warn(f"inside a container ({engine}): guests end with it", remedy, **measured)
    if outer is None:
        return ok("no sign of an outer hypervisor", **measured)
    if read_processor(facts).virtualization:
        return ok(f"inside a virtual machine ({outer}) that passes it on", **measured)
    told = f"inside a virtual machine ({outer}) without nested virtualization"
    return warn(told, nesting_hint(outer), **measured)


@check("mitigations", "Processor vulnerabilities", reads=_VULNERABILITIES)
def mitigations(facts: Facts) -> Finding:
    """Several processors let one guest read what another computed, unless kernel and
    microcode mitigate it. The kernel tells its state of each; 'Vulnerable' means it is open,
    often for want of new microcode."""
    states = {name: facts.read(f"{_VULNERABILITIES}/{name}") for name in _known(facts)}
    vulnerable = [name for name, state in states.items() if state.startswith("Vulnerable")]
    if not states:
        return ok("this kernel tells of none", vulnerable=[])
    if not vulnerable:
        return ok(f"{len(states)} known, none open", vulnerable=[])
    told = f"open: {', '.join(vulnerable)} ({states[vulnerable[0]]})"
    return warn(told, _microcode(facts), vulnerable=vulnerable)


def _known(facts: Facts) -> list[str]:
    return names_or_none(facts, _VULNERABILITIES)


def _microcode(facts: Facts) -> Remedy:
    """New microcode by its package; text only, since it may not be enough."""
    if is_x86(facts) and outer_machine(facts):
        return Remedy("new microcode and kernel on the outer host")
    system = system_of(facts)
    amd = read_processor(facts).module == "kvm_amd" if is_x86(facts) else False
    thing = "microcode-amd" if amd else "microcode-intel"
    if not is_x86(facts) or system.family is None:
        return Remedy("install the newest kernel and microcode, then restart the host")
    text = install(system, thing).text
    if system.family == "debian":
        text += " (of non-free-firmware)" if package_of(thing, "debian") in text else ""
    return Remedy(f"{text}, then restart the host with its newest kernel")


@check("clock", "Clock", reads=f"{_CLOCK_SOURCE}, adjtimex")
def clock(facts: Facts) -> Finding:
    """Guests take the host's time. A slow clock source (hpet, acpi_pm) costs each reading of
    the time a trip to a device; a clock that nothing keeps right drifts, and guests and
    certificates with it."""
    source = facts.read(_CLOCK_SOURCE)
    state = facts.clock()
    measured = {
        "source": source,
        "synchronised": state.synchronised,
        "most_error_s": state.most_error_s,
    }
    if source in _SLOW_SOURCES:
        why = "dmesg | grep -i tsc tells why the kernel left tsc; update the firmware"
        return warn(f"{source} is a slow clock source", why, **measured)
    if not state.synchronised:
        return warn(f"{source}; nothing keeps the clock right", _time_keeper(facts), **measured)
    return ok(f"{source}, synchronised to {state.most_error_s * 1000:.0f} ms", **measured)


def _time_keeper(facts: Facts) -> Remedy:
    """chrony, started; in a container or on a host without systemd only its package."""
    engine = container(facts)
    if engine:
        return Remedy(f"keep the clock of the host that {engine} runs on")
    system = system_of(facts)
    found = install(system, "chrony")
    if system.image == "nixos" or not is_there(facts, "/run/systemd/system"):
        return found
    unit = "chrony" if system.family == "debian" else "chronyd"
    return Remedy(f"{found.text}; {system.sudo}systemctl enable --now {unit}", found.steps)


@check("cpufreq", "Frequency and nodes", reads=f"{_FREQUENCY}, /sys/devices/system/node")
def cpufreq(facts: Facts) -> Finding:
    """The governor powersave of the driver acpi-cpufreq holds the processor at its lowest
    frequency (with intel_pstate and amd-pstate it does not, in spite of its name). A machine
    of several memory nodes runs a guest faster within one."""
    governor = read_or(facts, f"{_FREQUENCY}/scaling_governor") or None
    driver = read_or(facts, f"{_FREQUENCY}/scaling_driver") or None
    nodes = names_or_none(facts, "/sys/devices/system/node")
    count = sum(name.startswith("node") and name[4:].isdecimal() for name in nodes)
    measured = {"governor": governor, "driver": driver, "nodes": count}
    if governor == "powersave" and driver == "acpi-cpufreq":
        path = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        remedy = f"echo schedutil | {system_of(facts).sudo}tee {path}"
        return warn("governor powersave: the lowest frequency always", remedy, **measured)
    kept = f"governor {governor}" if governor else "the frequency is not this machine's to set"
    return ok(f"{kept}; {count or 1} memory node{'s' if count > 1 else ''}", **measured)


@check("iommu", "Passing on devices", reads="/sys/kernel/iommu_groups, /dev/vfio/vfio")
def iommu(facts: Facts) -> Finding:
    """A device of the host can be given to a guest whole (VFIO) where the IOMMU keeps it to
    that guest's memory. Only guests that are given such a device need it."""
    groups = len(names_or_none(facts, "/sys/kernel/iommu_groups"))
    code = facts.open("/dev/vfio/vfio")
    measured = {"groups": groups, "vfio": errno.errorcode.get(code) if code else None}
    if groups:
        return ok(f"{groups} groups", **measured)
    amd = is_x86(facts) and read_processor(facts).module == "kvm_amd"
    words = "iommu=pt" if amd else "intel_iommu=on iommu=pt"
    how = boot_arguments(system_of(facts), words) if is_x86(facts) else "see the firmware's setup"
    return ok(f"off; only to give a guest a device of the host: {how}", **measured)
