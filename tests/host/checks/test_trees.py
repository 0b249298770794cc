"""Recorded machines: which checks are not ok there, and what they advise."""

from __future__ import annotations

import re

import pytest
from recorded_hosts import TREES, find_all

from kvmtui.host.checks import all_checks
from kvmtui.host.recorded import RecordedTree

LOADS_AMD = (
    "sudo modprobe kvm_amd && "
    'sudo sh -c \'mkdir -p /etc/modules-load.d && echo "kvm_amd" > /etc/modules-load.d/'
)
LOADS_INTEL = LOADS_AMD.replace("kvm_amd", "kvm_intel")
NOT_TRIED = ("unknown", "not tried", "kvm-perm first")
UNREAD = ("unknown", "", "look at ")

MACHINES = {
    "amd-fine": {},
    "intel-firmware-off": {
        "cpu-flag": ("warn", "neither vmx nor svm", "enable Intel VT-x in the firmware"),
        "bios-lock": ("warn", "VMX (outside TXT) disabled by BIOS", "turn the power off"),
        "kvm-module": ("warn", "no module", "repair cpu-flag first"),
        "kvm-perm": ("warn", "/dev/kvm is missing", "repair cpu-flag first"),
        "kvm-run": NOT_TRIED,
    },
    "no-module": {
        "kvm-module": ("warn", "no module", LOADS_INTEL),
        "kvm-perm": ("warn", "/dev/kvm is missing", LOADS_INTEL),
        "kvm-run": NOT_TRIED,
    },
    "wrong-group": {
        "kvm-perm": ("warn", "mode 0660): not in the group kvm", "sudo usermod -aG kvm anna, then"),
        "kvm-run": NOT_TRIED,
        "logout": ("warn", "anna does not linger", "sudo loginctl enable-linger anna"),
    },
    "old-session": {
        "kvm-perm": ("warn", "session is older", "sg kvm -c kvmtui"),
        "kvm-run": NOT_TRIED,
    },
    "lost-rule": {
        "kvm-perm": ("warn", "mode 0600): it is closed", "> /etc/udev/rules.d/65-kvm.rules"),
        "kvm-run": NOT_TRIED,
    },
    "container": {
        "kvm-perm": ("warn", "/dev/kvm is missing", "docker with --device /dev/kvm"),
        "kvm-run": NOT_TRIED,
        "in-vm": ("warn", "inside a container (docker)", "--device /dev/kvm"),
        "run-as": ("warn", "no system user kvmtui", "useradd --system"),
    },
    "vm-without-nesting": {
        "cpu-flag": ("warn", "virtual machine (VMware", "vhv.enable"),
        "kvm-module": ("warn", "no module", "repair cpu-flag first"),
        "kvm-perm": ("warn", "/dev/kvm is missing", "repair cpu-flag first"),
        "kvm-run": NOT_TRIED,
        "in-vm": ("warn", "without nested virtualization", "vhv.enable"),
        "clock": ("warn", "acpi_pm is a slow", "dmesg"),
    },
    "selinux": {},
    "no-space": {"disk": ("fail", "no room", "make room on /")},
    "little-space": {"disk": ("warn", "little room: 667M", "make room on /")},
    "old-qemu": {"qemu": ("fail", "5.2.0: 7.2 is the oldest", "apt install -t bullseye-backports")},
    "image-based": {
        "qemu": ("fail", "not installed", "rpm-ostree install -y qemu-kvm qemu-img, then restart"),
        "qemu-img": ("warn", "not installed", "rpm-ostree install -y qemu-img"),
        "ovmf": ("warn", "not installed", "rpm-ostree install -y edk2-ovmf"),
        "kvm-module": ("warn", "no module", LOADS_AMD),
        "kvm-perm": ("warn", "/dev/kvm is missing", LOADS_AMD),
        "kvm-run": NOT_TRIED,
    },
    "unknown-distribution": {
        "qemu": ("fail", "not installed", "install QEMU for x86_64 and qemu-img by your"),
        "qemu-img": ("warn", "not installed", "install qemu-img by your distribution's"),
        "ovmf": ("warn", "not installed", "install UEFI firmware (edk2) for x86_64 by your"),
        "clock": ("warn", "nothing keeps the clock right", "install chrony by your"),
    },
    "virtualbox-runs": {
        "kvm-module": ("warn", "vboxdrv is loaded too", "modprobe -r vboxdrv"),
        "kvm-run": ("warn", "KVM_CREATE_VM: another hypervisor", "VirtualBox"),
    },
    "no-vt-but-kvm-pvm": {
        "cpu-flag": ("warn", "kvm_pvm", "kvmtui check --measure"),
        "in-vm": ("warn", "without nested virtualization", "on the outer host"),
    },
    "garbage": {
        "qemu": UNREAD,
        "cpu-flag": ("unknown", "/proc/cpuinfo: not as expected", "look at "),
        "bios-lock": UNREAD,
        "kvm-module": ("unknown", "/sys/module: Input/output error", "look at "),
        "disk": UNREAD,
        "memory": ("unknown", "/proc/meminfo: Permission denied", "look at "),
        "hugepages": UNREAD,
        "ksm": ("unknown", "'-' is no number", "look at "),
        "in-vm": UNREAD,
        "clock": UNREAD,
        "ports": ("unknown", "'many' is no number", "look at "),
    },
}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_what_is_not_ok_there(name: str) -> None:
    found = find_all(RecordedTree(TREES / name))
    trouble = {id: finding for id, finding in found.items() if finding.status != "ok"}
    assert trouble.keys() == MACHINES[name].keys()
    for id, (status, detail, remedy) in MACHINES[name].items():
        finding = trouble[id]
        assert (finding.status, finding.remedy is not None) == (status, True), id
        assert detail in finding.detail, id
        assert remedy in finding.remedy.text, id
    assert all(finding.remedy is None for finding in found.values() if finding.status == "ok")


def test_every_tree_is_told() -> None:
    assert {path.name for path in TREES.iterdir()} == MACHINES.keys()


def test_selinux_is_told_with_what_a_unit_needs() -> None:
    assert "restorecon -Rv /srv/guests" in find_all(RecordedTree(TREES / "selinux"))["lsm"].detail


def test_checks_are_registered_whole() -> None:
    checks = all_checks()
    assert len({one.id for one in checks}) == len(checks)
    for one in checks:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
        assert one.title and one.reads and one.explanation.endswith(".")


def test_nothing_of_a_machine_is_needed(tmp_path) -> None:
    """Not one file, command or device: no check may break, and none may call that fine KVM."""
    facts = {"person": [1000, "anna", [], []], "machine": ["x86_64", "6.1"]}
    facts |= {"kvm": {"step": "open", "error": "ENOENT"}, "clock": [False, 16.0]}
    facts |= {"limits": {"open_files": 1024, "locked_bytes": 0}, "space": [1, 1, None]}
    import json

    (tmp_path / "facts.json").write_text(json.dumps(facts))
    found = find_all(RecordedTree(tmp_path))
    assert found["qemu"].status == "fail"
    for id in ("cpu-flag", "kvm-module", "memory", "clock", "disk"):
        assert found[id].status in ("unknown", "fail"), id
    assert found["kvm-run"].status == "unknown" and found["kvm-perm"].status != "ok"
