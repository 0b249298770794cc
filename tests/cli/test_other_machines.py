"""Guests of other architectures: emulated, booted by UEFI or by their kernel."""

from __future__ import annotations

import os

import foreign_guest
import pytest
from conftest import CACHE
from efi_disk import efi_disk

ARCHITECTURES = ("aarch64", "riscv64")
CONSOLES = {"aarch64": "ttyAMA0", "riscv64": "ttyS0"}
EFI_NAMES = {"aarch64": "BOOTAA64.EFI", "riscv64": "BOOTRISCV64.EFI"}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_device_is_taken_by_the_architectures_qemu(kvmtui, arch, tmp_path):
    iso = tmp_path / "cd.iso"
    iso.write_bytes(bytes(1 << 20))
    buses = ("scsi", "virtio", "sata", "nvme", "usb")
    disks = [word for bus in buses for word in ("--disk", f"1M,bus={bus}")]
    kvmtui.ok("create", "g", "--arch", arch, "--memory", "256M", "--cdrom", iso, *disks)
    kvmtui.ok("set", "g", "sound=hda", 'qemu_args=["-S"]')
    kvmtui.ok("start", "g")
    row = kvmtui.row("g")
    assert (row["state"], row["arch"], row["accelerator"]) == ("running", arch, "tcg")
    assert kvmtui.ok("qmp", "g", "query-status").json["status"] == "prelaunch"


def test_an_architecture_without_its_qemu_names_the_package(kvmtui, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("qemu-system-x86_64", "qemu-img"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    kvmtui.environment["PATH"] = os.fspath(tools)
    made = kvmtui.ok("create", "g", "--arch", "riscv64", "--kernel", "/etc/hostname")
    assert "it would not start now: QEMU for riscv64 is not installed: " in made.err
    assert "qemu-system-misc" in made.err
    done = kvmtui("start", "g")
    assert done.status == 1
    assert done.err.startswith("kvmtui: g: QEMU for riscv64 is not installed"), done.err
    assert "qemu-system-misc" in done.err.splitlines()[1]


def test_what_an_architecture_does_not_have_is_refused(kvmtui):
    said = kvmtui.refused("create", "g", "--arch", "aarch64", "--firmware", "bios")
    assert "firmware: aarch64 has no bios" in said


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_real_linux_boots_by_its_kernel_and_answers(kvmtui, arch):
    kernel, initrd = foreign_guest.build(CACHE, arch)
    line = f"console={CONSOLES[arch]} quiet panic=-1"
    words = ("--arch", arch, "--memory", "512M", "--kernel", kernel, "--initrd", initrd)
    kvmtui.ok("create", "g", *words, "--append", line, "--disk", "16M")
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY", "--timeout", "120")
    script = kvmtui.home / "script.yaml"
    script.write_text(
        f'timeout: 60\nsteps:\n- type: "uname -m; ls /sys/block\\n"\n- wait: "{arch}[^$]*sda"\n'
    )
    kvmtui.ok("expect", "g", script)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_uefi_boots_what_lies_on_a_disk(kvmtui, arch, tmp_path):
    kernel, _ = foreign_guest.build(CACHE, arch)
    disk = tmp_path / "esp.raw"
    efi_disk(disk, kernel, EFI_NAMES[arch])
    words = ("--arch", arch, "--memory", "512M", "--disk", f"{disk},bus=virtio")
    kvmtui.ok("create", "g", *words)
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=EFI stub: Booting Linux", "--timeout", "120")
