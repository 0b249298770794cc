"""Checks of the processor and of KVM: flag, firmware, module, device, one page of code."""

from __future__ import annotations

import errno
import re

from kvmtui.host.checks import Finding, check, ok, unknown, warn
from kvmtui.host.checks.kvm_device import advise_on_device
from kvmtui.host.facts import Facts, is_there, names_or_none, read_or
from kvmtui.host.processor import (
    container,
    is_x86,
    nesting_hint,
    outer_machine,
    read_processor,
)
from kvmtui.host.remedies import Remedy, load_module, set_module_option, system_of

_DEVICE = "/dev/kvm"
_LOCK_MSR, _AMD_MSR = 0x3A, 0xC0010114
_LOCKED, _OUTSIDE_SMX, _SVM_DISABLED = 1 << 0, 1 << 2, 1 << 4
_LOCKED_WORDS = re.compile(r"disabled by bios|VMX not enabled|SVM disabled", re.IGNORECASE)
_RIVALS = ("vboxdrv", "vmmon")


def _firmware_hint(facts: Facts) -> str:
    extension = read_processor(facts).extension
    return (
        f"enable {extension} in the firmware's setup (under CPU, Security or Advanced), "
        "then turn the power off and on: a restart may not be enough"
    )


@check("cpu-flag", "Hardware virtualization", reads="/proc/cpuinfo")
def cpu_flag(facts: Facts) -> Finding:
    """KVM runs a guest's code on the processor itself and needs the processor's help for
    it: VT-x on Intel (flag vmx), AMD-V on AMD (flag svm). Since Linux 5.6 the kernel takes
    the flag away when the firmware has locked the feature, so a missing flag means one of
    three: a processor without it, a firmware that has it off, or a virtual machine that
    was not given it. Without it guests run in emulation, several times slower."""
    if not is_x86(facts):
        return ok(f"{facts.machine()[0]}: no flag tells; /dev/kvm does")
    processor = read_processor(facts)
    measured = {"model": processor.model, "vendor": processor.vendor, "cpus": processor.cpus}
    if processor.virtualization:
        return ok(f"{processor.virtualization} on {processor.model}", **measured)
    if "kvm_pvm" in names_or_none(facts, "/sys/module"):
        detail = "neither vmx nor svm; the module kvm_pvm does without, often slower than emulation"
        return warn(detail, "measure it: kvmtui check --measure", **measured)
    outer = outer_machine(facts)
    if outer:
        detail = f"neither vmx nor svm: this is a virtual machine ({outer}) that was not given it"
        return warn(detail, nesting_hint(outer), **measured)
    return warn("neither vmx nor svm in the flags", _firmware_hint(facts), **measured)


@check("bios-lock", "Virtualization in the firmware", reads="/dev/cpu/0/msr, dmesg")
def bios_lock(facts: Facts) -> Finding:
    """The firmware can switch VT-x or AMD-V off and lock it until the next power-on; most
    vendors deliver machines that way. Only root can read the registers that tell
    (0x3a on Intel, 0xc0010114 on AMD); else the kernel's messages of the boot are looked
    through for its complaint."""
    if not is_x86(facts):
        return ok("does not apply to this architecture")
    processor = read_processor(facts)
    if outer_machine(facts):
        return ok("a virtual machine: its outer host decides")
    locked = _locked_by_register(facts, processor.module == "kvm_amd")
    where = "its register says so"
    if locked is None:
        locked, where = _locked_by_messages(facts)
    if locked:
        return warn(f"the firmware has {processor.extension} off: {where}", _firmware_hint(facts))
    if processor.virtualization or locked is False:
        return ok(f"{processor.extension} is not locked")
    sudo = system_of(facts).sudo
    hint = f"{sudo}modprobe msr && {sudo}kvmtui check; else: {_firmware_hint(facts)}"
    return unknown("neither /dev/cpu/0/msr nor dmesg can be read", hint)


def _locked_by_register(facts: Facts, amd: bool) -> bool | None:
    try:
        value = facts.msr(_AMD_MSR if amd else _LOCK_MSR)
    except OSError:
        return None
    if amd:
        return bool(value & _SVM_DISABLED)
    return bool(value & _LOCKED) and not value & _OUTSIDE_SMX


def _locked_by_messages(facts: Facts) -> tuple[bool | None, str]:
    try:
        told = facts.run("dmesg")
    except OSError:
        return None, ""
    if told.status != 0:
        return None, ""
    line = next((line for line in told.text.splitlines() if _LOCKED_WORDS.search(line)), None)
    # Silence may mean that the messages of the boot are no longer there.
    return (True, line.partition("] ")[2] or line) if line else (None, "")


@check("kvm-module", "KVM's kernel module", reads="/sys/module, /proc/modules, /etc/modprobe.d")
def kvm_module(facts: Facts) -> Finding:
    """KVM is two modules of the kernel: kvm, and one for the processor (kvm_intel or
    kvm_amd), which udev loads at boot where the processor has the flag. Some kernels for
    clouds are built without. VirtualBox and VMware bring modules of their own, and the
    processor serves one hypervisor at a time."""
    loaded = [name for name in facts.names("/sys/module") if name.split("_")[0] == "kvm"]
    rivals = [
        name for name in _RIVALS if re.search(f"^{name} ", read_or(facts, "/proc/modules"), re.M)
    ]
    if rivals:
        detail = f"{', '.join(rivals)} is loaded too: the processor serves one at a time"
        return warn(detail, f"{system_of(facts).sudo}modprobe -r {rivals[0]}", loaded=loaded)
    if len(loaded) > 1 or (loaded and not is_x86(facts)):
        return ok(", ".join(loaded), loaded=loaded)
    if not is_x86(facts):
        return warn("this kernel has no KVM", "boot a kernel that is built with KVM", loaded=loaded)
    return warn("no module drives KVM here", _module_remedy(facts), loaded=loaded)


def _module_remedy(facts: Facts) -> Remedy:
    engine = container(facts)
    if engine:
        return Remedy(f"load it on the host that {engine} runs on: modprobe kvm_intel or kvm_amd")
    processor = read_processor(facts)
    if not processor.virtualization:
        return Remedy("repair cpu-flag first: without it the module does not load")
    for name in names_or_none(facts, "/etc/modprobe.d"):
        text = read_or(facts, f"/etc/modprobe.d/{name}")
        if re.search(r"^\s*blacklist\s+kvm", text, re.M):
            return Remedy(f"take the line 'blacklist kvm…' out of /etc/modprobe.d/{name}")
    return load_module(system_of(facts), processor.module)


@check("kvm-perm", "Access to /dev/kvm", reads="/dev/kvm, groups, /etc/group")
def kvm_perm(facts: Facts) -> Finding:
    """QEMU opens /dev/kvm for reading and writing. Debian and openSUSE give it to the group
    kvm, Fedora and Arch to everybody. A session from before one was put into the group does
    not have it yet, and neither has a tmux or screen server started there. At the console
    udev lets the logged-in user in (uaccess): that works there and fails over SSH."""
    code = facts.open(_DEVICE)
    person = facts.person()
    name = errno.errorcode.get(code) if code else None
    measured = {"error": name, "user": person.name, "groups": list(person.groups)}
    if code == 0:
        return ok(f"opens for {person.name}", **measured)
    detail, remedy = advise_on_device(facts, code, person)
    return warn(detail, remedy, **measured)


@check("kvm-run", "A page of code under KVM", reads="/dev/kvm (KVM_CREATE_VM, KVM_RUN)")
def kvm_run(facts: Facts) -> Finding:
    """A device that opens proves little. This makes a virtual machine with one page of
    memory, puts three instructions there and runs them. It shows that KVM executes code,
    not how fast: that is what kvmtui check --measure boots and times."""
    found = facts.run_kvm()
    code = errno.errorcode.get(found.error, str(found.error))
    measured = {"api": found.api, "seconds_s": found.seconds, "exit_reason": found.exit_reason}
    if not found.step:
        seconds = f" in {found.seconds * 1000:.0f} ms" if found.seconds is not None else ""
        return ok(f"KVM API {found.api} ran it{seconds}", **measured)
    if found.step == "open":
        return unknown(f"not tried: {_DEVICE} does not open ({code})", "repair kvm-perm first")
    if found.error == errno.EBUSY:
        detail = f"{found.step}: another hypervisor holds the processor"
        return warn(detail, "end it: VirtualBox, VMware or another", **measured)
    if found.error == errno.ETIME:
        told = f"{found.step} did not return: guests under KVM would hang"
    elif found.error:
        told = f"{found.step} failed: {code}"
    else:
        told = f"the code left KVM by exit reason {found.exit_reason}, not by its write to a port"
    remedy = "guests run in emulation; kvmtui check --measure tells whether KVM serves QEMU"
    return warn(told, remedy, **measured)


@check("nested", "Guests inside guests", reads="/sys/module/kvm_intel|kvm_amd/parameters/nested")
def nested(facts: Facts) -> Finding:
    """A guest that is to run guests of its own needs vmx or svm itself, which KVM passes on
    when its module has the parameter nested. Nothing else needs it."""
    for module in ("kvm_intel", "kvm_amd"):
        path = f"/sys/module/{module}/parameters/nested"
        if not is_there(facts, path):
            continue
        if facts.read(path) in ("Y", "1"):
            return ok(f"on ({module})", nested=True)
        remedy = set_module_option(system_of(facts), module, "nested=1")
        return warn("off: a guest cannot run guests under KVM", remedy, nested=False)
    return ok("does not apply: neither kvm_intel nor kvm_amd is loaded")
