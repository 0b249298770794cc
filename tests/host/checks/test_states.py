"""Single states of a host: each what differs from a fine machine, and what a check makes of it."""

from __future__ import annotations

import pytest
from recorded_hosts import find, variant

GIB = 1 << 30
FLAGS = "processor : 0\nvendor_id : GenuineIntel\nmodel name : Xeon\nflags : fpu vmx\n"
ROOT = {"root": True, "person": [0, "root", ["root"], ["root"]]}
MOUNTS = "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n40 27 0:40 / /home rw - {} x rw\n"
FILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables"

STATES = {
    "msr says Intel locked": (
        "bios-lock",
        {"files": {"/proc/cpuinfo": FLAGS}, "msr": {"0x3a": 1}},
        ("warn", "its register says so", "Intel VT-x"),
    ),
    "msr says Intel open": (
        "bios-lock",
        {"files": {"/proc/cpuinfo": FLAGS}, "msr": {"0x3a": 5}},
        ("ok", "is not locked", ""),
    ),
    "msr says AMD disabled": (
        "bios-lock",
        {"msr": {"0xc0010114": 16}},
        ("warn", "has SVM off", "SVM"),
    ),
    "nobody tells of the firmware": (
        "bios-lock",
        {"files": {"/proc/cpuinfo": FLAGS.replace(" vmx", "")}},
        ("unknown", "neither", "sudo modprobe msr"),
    ),
    "nested virtualization": (
        "in-vm",
        {"files": {"/proc/cpuinfo": FLAGS.replace("fpu", "fpu hypervisor")}},
        ("ok", "that passes it on", ""),
    ),
    "blacklisted module": (
        "kvm-module",
        {
            "gone": ["/sys/module/kvm_amd", "/sys/module/kvm"],
            "files": {"/sys/module/ext4/v": "", "/etc/modprobe.d/x.conf": "blacklist kvm_amd\n"},
        },
        ("warn", "no module", "out of /etc/modprobe.d/x.conf"),
    ),
    "other architecture": (
        "cpu-flag",
        {"machine": ["aarch64", "6.1"]},
        ("ok", "no flag tells", ""),
    ),
    "KVM_RUN that hangs": (
        "kvm-run",
        {"kvm": {"step": "KVM_RUN", "error": "ETIME", "api": 12}},
        ("warn", "KVM_RUN did not return", "--measure"),
    ),
    "KVM that refuses a processor": (
        "kvm-run",
        {"kvm": {"step": "KVM_CREATE_VCPU", "error": "EIO", "api": 12}},
        ("warn", "KVM_CREATE_VCPU failed: EIO", "emulation"),
    ),
    "KVM that leaves by another door": (
        "kvm-run",
        {"kvm": {"step": "KVM_RUN", "api": 12, "exit_reason": 17}},
        ("warn", "exit reason 17", "emulation"),
    ),
    "nested off": (
        "nested",
        {"files": {"/sys/module/kvm_amd/parameters/nested": "0\n"}},
        ("warn", "off", "> /etc/modprobe.d/kvmtui-kvm_amd.conf"),
    ),
    "QEMU that does not run": (
        "qemu",
        {"commands": {"/usr/bin/qemu-system-x86_64 --version": [127, "libaio.so.1: not found"]}},
        ("fail", "does not run: libaio.so.1", "sudo apt-get install -y qemu-system-x86"),
    ),
    "packages never listed": (
        "qemu",
        {
            "gone": ["/var/lib/apt/lists"],
            "programs": {"qemu-system-x86_64": None},
        },
        ("fail", "not installed", "sudo apt-get update && sudo apt-get install -y qemu-system-x86"),
    ),
    "only Microsoft's keys": (
        "ovmf",
        {
            "gone": ["/usr/share/qemu/firmware", "/usr/share/OVMF"],
            "files": {"/usr/share/qemu/firmware/1.json": '{"targets": 3}'},
        },
        ("warn", "can only have a BIOS", "sudo apt-get install -y ovmf"),
    ),
    "home of another user": (
        "home",
        {"writable": False},
        ("fail", "anna cannot write", "chown -R anna: /home/anna/kvmtui"),
    ),
    "no home yet": (
        "home",
        {"asked": {"home": "/home/anna/new/home"}},
        ("ok", "made with the first guest", ""),
    ),
    "no inodes": ("disk", {"space": [1 << 40, 1 << 39, 0]}, ("fail", "no inode", "make room")),
    "few inodes": ("disk", {"space": [1 << 40, 1 << 39, 9]}, ("warn", "few inodes", "make room")),
    "in memory": (
        "disk",
        {"files": {"/proc/self/mountinfo": MOUNTS.format("tmpfs")}},
        ("warn", "on /home (tmpfs): in memory", "--home DIR"),
    ),
    "on a network": (
        "disk",
        {"files": {"/proc/self/mountinfo": MOUNTS.format("nfs4")}},
        ("warn", "locks may not hold", "--home DIR"),
    ),
    "on btrfs": (
        "disk",
        {"files": {"/proc/self/mountinfo": MOUNTS.format("btrfs")}},
        ("ok", "chattr +C /home/anna/kvmtui", ""),
    ),
    "strict overcommit": (
        "memory",
        {"files": {"/proc/sys/vm/overcommit_memory": "2\n"}},
        ("warn", "overcommit_memory is 2", "sudo sysctl -w vm.overcommit_memory=0"),
    ),
    "promised too much": (
        "memory",
        {"asked": {"promised_bytes": 200 * GIB}},
        ("warn", "200.0G promised", "kvmtui set NAME memory="),
    ),
    "no memory left": (
        "memory",
        {"files": {"/proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 100000 kB\n"}},
        ("warn", "97M of 3.8G", "ps -eo"),
    ),
    "under pressure": (
        "memory",
        {"files": {"/proc/pressure/memory": "some avg10=42.10 avg60=1 avg300=1 total=1\n"}},
        ("warn", "42 % of the last 10 s", "shut down"),
    ),
    "huge pages nobody uses": (
        "hugepages",
        {"files": {"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "8192\n"}},
        ("warn", "16.0G are reserved", "vm.nr_hugepages=0"),
    ),
    "no transparent ones": (
        "hugepages",
        {"files": {"/sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]\n"}},
        ("warn", "are off", "echo madvise"),
    ),
    "ksm on": (
        "ksm",
        {"files": {"/sys/kernel/mm/ksm/run": "1\n", "/sys/kernel/mm/ksm/pages_sharing": "262144"}},
        ("ok", "on, 1.0G saved", ""),
    ),
    "control groups v1": (
        "cgroup",
        {"gone": ["/sys/fs/cgroup"]},
        ("ok", "a plain user cannot limit", ""),
    ),
    "few files": (
        "limits",
        {"limits": {"open_files": 256, "locked_bytes": 65536}},
        ("warn", "only 256 open files", "/etc/security/limits.d/kvmtui.conf"),
    ),
    "no asynchronous requests": (
        "limits",
        {"files": {"/proc/sys/fs/aio-nr": "65530\n"}},
        ("warn", "65530 of 65536", "fs.aio-max-nr=262144"),
    ),
    "io_uring off": (
        "limits",
        {"files": {"/proc/sys/kernel/io_uring_disabled": "2\n"}},
        ("ok", "io_uring is off", ""),
    ),
    "open vulnerability": (
        "mitigations",
        {"files": {"/sys/devices/system/cpu/vulnerabilities/mds": "Vulnerable; SMT vulnerable\n"}},
        ("warn", "open: mds (Vulnerable; SMT", "amd64-microcode (of non-free-firmware)"),
    ),
    "unkept clock": (
        "clock",
        {"clock": [False, 16.0]},
        ("warn", "nothing keeps", "install -y chrony; sudo systemctl enable --now chrony"),
    ),
    "lowest frequency": (
        "cpufreq",
        {"files": {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n"}},
        ("warn", "governor powersave", "echo schedutil | sudo tee"),
    ),
    "no iommu": (
        "iommu",
        {"gone": ["/sys/kernel/iommu_groups"]},
        ("ok", "only to give a guest a device of the host: add iommu=pt", ""),
    ),
    "vhost-net missing for a bridge": (
        "vhost-net",
        {"devices": {"/dev/vhost-net": "ENOENT"}, "asked": {"bridged": True}},
        ("warn", "slower", "sudo modprobe vhost_net"),
    ),
    "vhost-net missing, no bridge": (
        "vhost-net",
        {"devices": {"/dev/vhost-net": "ENOENT"}},
        ("ok", "only for guests on a bridge", ""),
    ),
    "tun closed": (
        "tun",
        {"devices": {"/dev/net/tun": "EACCES"}, "asked": {"bridged": True}},
        ("warn", "EACCES", "chmod 0666 /dev/net/tun"),
    ),
    "tun missing": (
        "tun",
        {"devices": {"/dev/net/tun": "ENODEV"}, "asked": {"bridged": True}},
        ("warn", "ENODEV", "modprobe tun"),
    ),
    "helper without setuid": (
        "bridge-helper",
        {"asked": {"bridged": True}},
        ("warn", "is not setuid", "dpkg-statoverride --add --update root kvm 4750"),
    ),
    "helper without a bridge": (
        "bridge-helper",
        {
            "asked": {"bridged": True},
            "modes": {"/usr/lib/qemu/qemu-bridge-helper": ["4755", 0, 0]},
        },
        ("warn", "allows no bridge", "echo allow br0 >> /etc/qemu/bridge.conf"),
    ),
    "helper as it should be": (
        "bridge-helper",
        {
            "files": {"/etc/qemu/bridge.conf": "allow br0\n"},
            "modes": {"/usr/lib/qemu/qemu-bridge-helper": ["4755", 0, 0]},
        },
        ("ok", "allows bridges", ""),
    ),
    "docker drops": (
        "bridge-filter",
        {"files": {FILTER: "1", "/sys/class/net/docker0/mtu": "1"}, "asked": {"bridged": True}},
        ("warn", "may have no network", "DOCKER-USER"),
    ),
    "port taken": (
        "ports",
        {"asked": {"ports": (2222, 8080)}},
        ("warn", "taken by others now: 8080", "ss -lntp 'sport = :8080'"),
    ),
    "low port": (
        "ports",
        {"asked": {"ports": (80,)}},
        ("warn", "80: below 1024", "ip_unprivileged_port_start=80"),
    ),
    "outgoing port": (
        "ports",
        {"asked": {"ports": (40000,)}},
        ("warn", "within 32768-60999", "ip_local_reserved_ports=40000"),
    ),
    "root without the user": ("run-as", ROOT, ("warn", "no system user", "useradd --system")),
    "root's home": (
        "run-as",
        {**ROOT, "files": {"/etc/passwd": "root:x:0:0::/:/bin/sh\nkvmtui:x:998:998::/:\n"}},
        ("warn", "belongs to root", "chown -R kvmtui: /home/anna/kvmtui"),
    ),
    "home of the session": (
        "logout",
        {"asked": {"home": "/run/user/1000/kvmtui"}},
        ("warn", "gone after the last logout", "--home DIR"),
    ),
    "session that is killed": (
        "logout",
        {
            "gone": ["/var/lib/systemd"],
            "commands": {
                "busctl get-property org.freedesktop.login1 /org/freedesktop/login1 "
                "org.freedesktop.login1.Manager KillUserProcesses": [0, "b true"]
            },
        },
        ("warn", "stay in the session and end with it", "loginctl enable-linger anna"),
    ),
    "no systemd": (
        "logout",
        {"gone": ["/run/systemd/system"]},
        ("ok", "nothing ends guests", ""),
    ),
    "no UTF-8": (
        "terminal",
        {"environment": {"TERM": "xterm", "LANG": "C"}},
        ("warn", "no UTF-8 (C)", "export LANG=C.UTF-8"),
    ),
    "no terminal": ("terminal", {"environment": {"TERM": "dumb"}}, ("ok", "none that text", "")),
}


@pytest.mark.parametrize("state", STATES)
def test_state(tmp_path, state):
    id, changes, (status, detail, remedy) = STATES[state]
    found = find(variant(tmp_path / "tree", **changes), id)
    assert found.status == status, found
    assert detail in found.detail
    assert remedy in (found.remedy.text if found.remedy else "")
    assert (found.remedy is None) == (status == "ok")


@pytest.mark.parametrize(
    ("name", "detail", "remedy"),
    [
        ("ENOENT", "is missing", "modprobe kvm_amd"),
        ("EACCES", "may not open", "usermod -aG kvm anna"),
        ("EPERM", "closed by a control group", "--device /dev/kvm"),
        ("ENODEV", "no driver behind it (ENODEV)", "modprobe kvm_amd"),
        ("ENXIO", "no driver behind it (ENXIO)", "modprobe kvm_amd"),
        ("EBUSY", "another hypervisor", "VirtualBox"),
        ("EIO", "Input/output error", "ls -l /dev/kvm"),
    ],
)
def test_each_errno_of_the_device_is_its_own(tmp_path, name, detail, remedy):
    person = [1000, "anna", ["anna"], ["anna"]]
    facts = variant(tmp_path / "tree", devices={"/dev/kvm": name}, person=person)
    found = find(facts, "kvm-perm")
    assert found.status == "warn" and found.measured["error"] == name
    assert detail in found.detail and remedy in found.remedy.text


def test_the_user_that_qemu_runs_as_need_not_log_in(tmp_path):
    facts = variant(
        tmp_path / "tree",
        devices={"/dev/kvm": "EACCES"},
        person=[998, "kvmtui", ["kvmtui"], ["kvmtui"]],
        asked={"run_as": "kvmtui"},
        root=True,
    )
    assert find(facts, "kvm-perm").remedy.text == "usermod -aG kvm kvmtui"
