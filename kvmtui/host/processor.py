"""The processor and what stands around it: firmware, an outer hypervisor, a container."""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.host.facts import Facts, is_there, read_or

_AMD = ("AuthenticAMD", "HygonGenuine")
_VIRTUALIZATION = {"vmx": "VT-x", "svm": "AMD-V"}
_X86 = ("x86_64", "i686", "i386")
_NESTING = {
    "VMware": 'on the outer host: vhv.enable = "TRUE" in this machine\'s .vmx file',
    "Microsoft": "on the outer host, this machine off: "
    "Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true",
    "innotek": "on the outer host, this machine off: VBoxManage modifyvm NAME --nested-hw-virt on",
    "Amazon": "use an instance type with nested virtualization, or a bare-metal one",
    "Google": "make the instance anew with --enable-nested-virtualization",
}
_NESTING_ELSEWHERE = (
    "on the outer host: QEMU -cpu host, Proxmox VE qm set ID --cpu host, "
    "libvirt <cpu mode='host-passthrough'/>; and nested=1 of its kvm_intel or kvm_amd"
)


class Processor(NamedTuple):
    """The first processor of /proc/cpuinfo."""

    vendor: str
    model: str
    flags: frozenset[str]
    cpus: int

    @property
    def virtualization(self) -> str | None:
        """VT-x or AMD-V where the flag is there."""
        return next((name for flag, name in _VIRTUALIZATION.items() if flag in self.flags), None)

    @property
    def module(self) -> str:
        """The module that drives KVM on it."""
        return "kvm_amd" if self.vendor in _AMD else "kvm_intel"

    @property
    def extension(self) -> str:
        """The name that its firmware's setup has for virtualization."""
        return "SVM" if self.vendor in _AMD else "Intel VT-x"


def is_x86(facts: Facts) -> bool:
    """Whether it is a processor with vmx or svm."""
    return facts.machine()[0] in _X86


def read_processor(facts: Facts) -> Processor:
    """The processor (/proc/cpuinfo).

    Raises:
        OSError: It cannot be read.
        ValueError: It has no line of flags.
    """
    values: dict[str, str] = {}
    count = 0
    for line in facts.read("/proc/cpuinfo").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key.strip(), value.strip())
            count += key.strip() == "processor"
    flags = values.get("flags", values.get("Features"))
    if flags is None:
        raise ValueError("no line of flags")
    vendor = values.get("vendor_id", "")
    return Processor(vendor, values.get("model name", ""), frozenset(flags.split()), count)


def outer_machine(facts: Facts) -> str | None:
    """The outer hypervisor's name where this is a virtual machine (flag hypervisor, DMI)."""
    product = read_or(facts, "/sys/class/dmi/id/product_name")
    maker = read_or(facts, "/sys/class/dmi/id/sys_vendor")
    name = " ".join(part for part in (maker, product) if part)
    if "hypervisor" in read_processor(facts).flags:
        return name or read_or(facts, "/sys/hypervisor/type") or "an unnamed hypervisor"
    return None


def nesting_hint(outer: str) -> str:
    """What the outer host must be told so that this machine may run KVM."""
    return next((text for name, text in _NESTING.items() if name in outer), _NESTING_ELSEWHERE)


def container(facts: Facts) -> str | None:
    """The container engine's name where this is a container."""
    told = read_or(facts, "/run/systemd/container")
    if told:
        return told.split()[0]
    if is_there(facts, "/.dockerenv"):
        return "docker"
    if is_there(facts, "/run/.containerenv"):
        return "podman"
    groups = read_or(facts, "/proc/1/cgroup")
    return next((name for name in ("docker", "kubepods", "lxc") if name in groups), None)
