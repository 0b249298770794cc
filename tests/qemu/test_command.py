"""The command line: a pure function, compared word by word with what is known to work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from kvmtui.errors import DefinitionError, HostError
from kvmtui.guest.validation import definition_from
from kvmtui.qemu.capabilities import Capabilities
from kvmtui.qemu.command import DiskPlace, FirmwarePlace, Layout, build
from kvmtui.strict_yaml import read_mapping

GOLDEN = Path(__file__).parent / "golden"
DEVICES = [
    "AC97",
    "ES1370",
    "VGA",
    "cirrus-vga",
    "e1000",
    "e1000e",
    "hda-output",
    "ich9-ahci",
    "ich9-intel-hda",
    "ide-cd",
    "ide-hd",
    "nvme",
    "pcie-root-port",
    "piix3-usb-uhci",
    "pvpanic",
    "pvpanic-pci",
    "qemu-xhci",
    "rtl8139",
    "scsi-cd",
    "scsi-hd",
    "tpm-crb",
    "usb-kbd",
    "usb-storage",
    "usb-tablet",
    "virtio-balloon-pci",
    "virtio-blk-pci",
    "virtio-gpu-pci",
    "virtio-net-pci",
    "virtio-rng-pci",
    "virtio-scsi-pci",
    "virtio-serial-pci",
    "virtio-vga",
    "virtserialport",
    "vmgenid",
]
CAPABILITIES = Capabilities(
    emulator="/usr/bin/qemu-system-x86_64",
    version=(7, 2, 22),
    machines={
        "q35": "pc-q35-7.2",
        "pc-q35-7.2": "pc-q35-7.2",
        "pc": "pc-i440fx-7.2",
        "virt": "virt-7.2",
    },
    devices=frozenset(DEVICES),
    io_uring=True,
)
UEFI = FirmwarePlace("/usr/share/OVMF/CODE.fd", "raw", "/home/guests/a,b/efivars.qcow2", "qcow2")

CASES = {
    "least": "memory: 64M\nnetworks: []\n",
    "server": """
uuid: 4f6c9a1e-0000-4000-8000-1234567890ab
cpus: 4
memory: 2G
disks: [{file: disk0.qcow2}, {file: /dev/vg/data, bus: virtio, read_only: true}]
cdroms: [{}, {file: '/iso/a,b.iso', bus: sata}]
networks:
  - {mac: 52:54:00:12:34:56, forwards: [2222:22, '[::1]:53:53/udp']}
  - {type: bridge, bridge: br0, model: e1000}
  - {type: tap, tap: kvt0}
boot: [cdrom, disk, network]
""",
    "old-pc": """
machine: pc
memory: 64M
acpi: false
usb: false
balloon: false
rng: false
agent: false
video: cirrus
sound: es1370
clock: localtime
disks: [{file: disk0.raw, bus: ide, cache: writethrough}]
cdroms: [{}]
networks: [{model: rtl8139}]
""",
    "uefi": "firmware: uefi\nmemory: 1G\nos: win11\nsound: hda\ncdroms: [{}]\n"
    "disks: [{file: a.qcow2, bus: nvme, cache: unsafe}]\n",
    "windows11": "os: win11\nfirmware: uefi\nsecure_boot: true\ntpm: true\nhyperv: true\n"
    "clock: localtime\nmemory: 4G\ncpus: 2\ncdroms: [{file: /w.iso}]\ndisks: [{file: a.qcow2}]\n",
    "encrypted": "memory: 64M\nnetworks: []\ndisks: [{file: a.qcow2, secret: '/s/a,b'}, "
    "{file: b.raw, secret: /s/c, limits: {iops: 5}}]\n",
    "vnc": "memory: 64M\nnetworks: []\n"
    "vnc: {port: 5901, address: '::1', secret: '/s/a,b', tls: /t}\n",
    "vnc-asked": "memory: 64M\nnetworks: []\n"
    "vnc: {port: 5977, websocket: 5777, address: 0.0.0.0, password: true}\n",
    "aarch64": "arch: aarch64\nmemory: 1G\nkernel: /k\ncdroms: [{}]\n",
    "u-boot": "arch: riscv64\nmemory: 1G\nnetworks: []\n",
    "own": "memory: 64M\nnetworks: []\nqemu_args: [-device, 'edu,dma_mask=0xff']\n"
    "kernel: /k\ninitrd: /i\nappend: 'console=ttyS0 a,b'\n",
}


U_BOOT = FirmwarePlace("/usr/lib/u-boot/u-boot.bin", "raw", "", "")


def built(text: str, accelerator: str = "tcg") -> list[str]:
    definition = definition_from(read_mapping(text.encode()))
    firmware = U_BOOT if definition.arch == "riscv64" else UEFI
    layout = Layout(
        name="a",
        folder="/home/guests/a,b",
        accelerator=accelerator,
        cpu="host" if accelerator == "kvm" else "max",
        disks=tuple(
            DiskPlace(
                disk.file if disk.file[0] == "/" else f"/home/guests/a,b/{disk.file}",
                True,
                disk.file.startswith("/dev"),
            )
            for disk in definition.disks
        ),
        cdroms=tuple(drive.file for drive in definition.cdroms),
        kernel=definition.kernel,
        initrd=definition.initrd,
        firmware=firmware if definition.boot_firmware() == "uefi" else None,
    )
    return build(definition, CAPABILITIES, layout)


def as_lines(arguments: list[str]) -> str:
    """One option a line, so that a difference reads in a diff."""
    lines = [arguments[0]]
    for word in arguments[1:]:
        if word.startswith("-"):
            lines.append(word)
        else:
            lines[-1] += " " + shlex.quote(word)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    path = GOLDEN / f"{name}.txt"
    found = as_lines(built(CASES[name]))
    assert found == as_lines(built(CASES[name]))
    assert path.exists(), found
    assert found == path.read_text()


def test_hyper_v_is_offered_under_kvm_alone():
    kvm = as_lines(built(CASES["windows11"], "kvm"))
    assert "-cpu host,hv_relaxed,hv_vapic,hv_spinlocks=0x1fff,hv_vpindex" in kvm
    assert "-global kvm-pit.lost_tick_policy=discard" in kvm
    assert "hv_" not in as_lines(built(CASES["windows11"], "tcg"))


def test_a_device_that_this_qemu_lacks_is_named():
    with pytest.raises(HostError, match="no device 'vmware-svga'"):
        built("video: vmware\n")


def test_too_many_drives_for_the_bus():
    disks = "\n".join(f"- {{file: {index}.raw, bus: ide}}" for index in range(5))
    with pytest.raises(DefinitionError, match="more than the machine's 4"):
        built(f"machine: pc\ndisks:\n{disks}\n")


def test_no_option_value_needs_comma_escaping():
    for word in built(CASES["server"]):
        if "a,b" in word and not word.startswith("/"):
            json.loads(word)
