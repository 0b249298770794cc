"""The host of the pictures: made by hand, as the guests are."""

from __future__ import annotations

from kvmtui.host.accelerator import Verdict
from kvmtui.host.checks import all_checks
from kvmtui.manage.checking import Report, Result
from kvmtui.manage.machine import Emulator, Machine, Pulse, Stand, Storage

_G = 1 << 30
WORDS = "KVM serves: it booted a test in 62 ms, 3.1 times faster than emulation"

VERDICT = Verdict("kvm", "host", WORDS, ())
STAND = Stand(
    Machine(
        processor="AMD EPYC 7313P",
        cores=16,
        threads=32,
        sockets=1,
        memory_bytes=64 * _G,
        nodes=2,
        system="Debian GNU/Linux 13 (trixie)",
        kernel="6.12.0-18-amd64",
    ),
    (Emulator("x86_64", "10.0.6"), Emulator("aarch64", "10.0.6"), Emulator("riscv64", "10.0.6")),
    "/srv/kvmtui",
)
PULSE = Pulse((5.31, 6.02, 4.87), 41 * 86400.0, 4.0, 0.0, 12.0)
STORAGE = Storage("/srv", 2000 * _G, 312 * _G, 1600 * _G, 2900 * _G)

_FOUND = {
    "qemu": "10.0.6 (/usr/bin/qemu-system-x86_64)",
    "qemu-img": "/usr/bin/qemu-img",
    "ovmf": "/usr/share/OVMF/OVMF_CODE_4M.fd",
    "helpers": "there: swtpm, passt, virtiofsd",
    "cpu-flag": "AMD EPYC 7313P: svm (AMD-V)",
    "bios-lock": "on in the firmware",
    "kvm-module": "kvm, kvm_amd",
    "kvm-perm": "opens for kvmtui",
    "kvm-run": "KVM API 12 ran it in 1 ms",
    "home": "/srv/kvmtui",
    "disk": "312.0G of 2000.0G free on /srv (xfs)",
    "memory": "23.0G of 64.0G available, 63.1G promised to guests",
    "hugepages": "transparent: madvise",
    "cgroup": "version 2: cpu io memory pids",
    "limits": "1048576 open files a process",
    "in-vm": "no sign of an outer hypervisor",
    "mitigations": "14 known, none open",
    "cpufreq": "governor schedutil; 2 memory nodes",
    "iommu": "43 groups",
    "vhost-net": "/dev/vhost-net opens",
    "tun": "/dev/net/tun opens",
    "bridge-filter": "bridges are not filtered",
    "ports": "2 forwarded by guests that do not run, all free",
    "run-as": "kvmtui",
    "lsm": "apparmor: nothing in the way",
    "terminal": "xterm-256color, en_GB.UTF-8",
}
_TROUBLE = {
    "clock": (
        "warn",
        "tsc; nothing keeps the clock right",
        "apt-get install -y chrony; systemctl enable --now chrony",
    ),
    "nested": (
        "warn",
        "off: guests cannot run guests",
        'sh -c \'mkdir -p /etc/modprobe.d && echo "options kvm_amd nested=1" > '
        "/etc/modprobe.d/kvmtui-kvm_amd.conf', then, with no guest running: "
        "modprobe -r kvm_amd && modprobe kvm_amd",
    ),
}


def report() -> Report:
    """What the checks find on it."""
    explanation = "A test is booted from a disk under emulation and under KVM, and timed."
    reads = "QEMU, which boots a test under each accelerator"
    results = [
        Result(
            "accelerator",
            "Accelerator, booted and timed",
            *("ok", WORDS, None, {}, "cpu_and_kvm", reads, explanation),
        )
    ]
    for one in all_checks():
        status, detail, remedy = _TROUBLE.get(one.id, ("ok", _FOUND.get(one.id, "in order"), None))
        measured = {"file_system": "xfs"} if one.id == "disk" else {}
        meta = (one.subject, one.reads, one.explanation)
        results.append(Result(one.id, one.title, status, detail, remedy, measured, *meta))
    return Report(
        tuple(results),
        "Guests run here under KVM: it booted a test in 62 ms, 3.1 times faster than emulation",
    )
