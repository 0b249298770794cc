"""Installation media recognised by their descriptors: ordinary, unsure, hostile."""

from __future__ import annotations

import random

import pytest

from kvmtui.guest.profile_files import Profiles
from kvmtui.guest.recognition import recognise
from kvmtui.qemu.iso import Media, read_media
from tests import media

MICROSOFT = "MICROSOFT CORPORATION"
SURE = [
    ("Debian 12.5.0 amd64 n", {}, "debian12", "x86_64"),
    ("Debian 13.0.0 riscv64 1", {}, "debian13", "riscv64"),
    ("d-live 12.10.0 gn amd64", {}, "debian12", "x86_64"),
    ("Debian testing arm64 n", {}, "debiantesting", "aarch64"),
    ("Ubuntu-Server 24.04.2 LTS amd64", {}, "ubuntu24.04", "x86_64"),
    ("Xubuntu 26.04 amd64", {}, "ubuntu26.04", "x86_64"),
    ("Fedora-S-dvd-x86_64-44", {}, "fedora44", "x86_64"),
    ("Fedora-WS-Live-43", {}, "fedora43", None),
    ("Fedora-E-dvd-x86_64-rawh", {}, "fedora-rawhide", "x86_64"),
    ("Fedora-SB-ostree-x86_64-43", {}, "silverblue43", "x86_64"),
    ("RHEL-9-4-0-BaseOS-x86_64", {}, "rhel9.4", "x86_64"),
    ("RHEL-10-1-BaseOS-aarch64", {}, "rhel10.1", "aarch64"),
    ("CentOS-Stream-9-BaseOS-x86_64", {}, "centos-stream9", "x86_64"),
    ("AlmaLinux-9-5-x86_64-dvd", {}, "almalinux9", "x86_64"),
    ("AlmaLinux-Kitten-10-x86_64", {}, "almalinux-kitten10", "x86_64"),
    ("Rocky-10-0-x86_64-dvd", {}, "rocky10", "x86_64"),
    ("Rocky-Workstation-9-0", {}, "rocky9", None),
    ("openSUSE-Leap-15.6-NET-x86_64710", {}, "opensuse15.6", "x86_64"),
    ("Install-Leap-16.0-x86_64", {}, "opensuse16.0", "x86_64"),
    ("openSUSE-Tumbleweed-DVD-x86_6423", {}, "opensusetumbleweed", "x86_64"),
    (
        "SLE-15-SP1-Installer-DVD-x86.001",
        {"application": "SLE-15-SP1-Installer-DVD-x86_64-Build228.2-Media1"},
        "sle15sp1",
        "x86_64",
    ),
    (
        "Install-SUSE-SLE-16-x86_64",
        {"application": "SLES-16.0-Full-x86_64-Build135.5"},
        "sles16.0",
        "x86_64",
    ),
    ("ARCH_202602", {"application": "ARCH LINUX LIVE/RESCUE DVD"}, "archlinux", "x86_64"),
    ("alpine-virt 3.22.0 aarch64", {}, "alpinelinux3.22", "aarch64"),
    ("nixos-minimal-25.11-x86_64", {"application": "NIXOS"}, "nixos-25.11", "x86_64"),
    (
        "14_4_RELEASE_AMD64_DVD",
        {"publisher": "THE FREEBSD PROJECT.  HTTPS://WWW.FREEBSD.ORG/"},
        "freebsd14.4",
        "x86_64",
    ),
    ("OpenBSD/amd64   7.8 Install CD", {}, "openbsd7.8", "x86_64"),
    ("CESE_X64FREE_EN-US_DV5", {"publisher": MICROSOFT}, "win10", "x86_64"),
]
UNSURE = [
    ("CCCOMA_X64FRE_EN-US_DV9", {"publisher": MICROSOFT}, ("win11", "win10")),
    ("SESS_X64FRE_EN-US_DV9", {"publisher": MICROSOFT}, ("win2k19", "win2k16")),
    ("nixos-minimal-26.05-x86_64", {"application": "NIXOS"}, ("nixos-26.05", "nixos-unstable")),
]
UNKNOWN = [
    ("ISOIMAGE", {}),
    ("", {}),
    ("cidata", {}),
    ("CCCOMA_X64FRE_EN-US_DV9", {}),
    ("14_4_RELEASE_AMD64_DVD", {}),
    ("Fedora-IoT-ostree-x86_64-40", {}),
    ("IR5_CPRA_X64FREV_EN-US_DV9", {"publisher": MICROSOFT}),
    ("My Debian 12.5.0 amd64", {}),
]


@pytest.fixture(scope="module")
def rules():
    return Profiles().rules()


@pytest.mark.parametrize(("label", "ids", "os_id", "arch"), SURE, ids=lambda one: str(one)[:40])
def test_a_medium_is_known(tmp_path, rules, label, ids, os_id, arch):
    (tmp_path / "a.iso").write_bytes(media.iso(label, **ids))
    found = recognise(read_media(str(tmp_path / "a.iso")), rules)
    assert (found.os, found.candidates, found.arch) == (os_id, (os_id,), arch)
    assert found.sure


@pytest.mark.parametrize(("label", "ids", "candidates"), UNSURE, ids=lambda one: str(one)[:40])
def test_what_can_be_several_things_is_not_sure(rules, label, ids, candidates):
    found = recognise(Media(label, **ids), rules)
    assert found.os is None and found.candidates == candidates and not found.sure


@pytest.mark.parametrize(("label", "ids"), UNKNOWN, ids=lambda one: str(one)[:40])
def test_what_no_rule_knows_is_nothing(rules, label, ids):
    found = recognise(Media(label, **ids), rules)
    assert found.os is None and found.candidates == ()


@pytest.mark.parametrize(
    ("platforms", "label", "boot"),
    [
        ((0,), "Debian 12.5.0 amd64 n", ("bios",)),
        ((0, 0xEF), "Debian 12.5.0 amd64 n", ("bios", "uefi")),
        ((0xEF,), "Debian 12.5.0 arm64 n", ("uefi",)),
        ((0,), "Debian 12.5.0 s390x n", ()),
        ((), "Debian 12.5.0 amd64 n", ()),
    ],
)
def test_by_what_it_boots_on_its_machine(tmp_path, rules, platforms, label, boot):
    (tmp_path / "a.iso").write_bytes(media.iso(label, platforms=platforms))
    assert recognise(read_media(str(tmp_path / "a.iso")), rules).boot == boot


@pytest.mark.parametrize(
    ("loader", "arch"),
    [
        (b"BOOTX64 EFI", "x86_64"),
        (b"BOOTAA64EFI", "aarch64"),
        (b"BOOTX64 EFI BOOTAA64EFI", None),
        (b"", None),
    ],
)
def test_where_no_id_says_it_the_boot_loader_tells_the_machine(tmp_path, rules, loader, arch):
    (tmp_path / "a.iso").write_bytes(media.iso("Fedora-WS-Live-43", loader=loader))
    assert recognise(read_media(str(tmp_path / "a.iso")), rules).arch == arch


def test_udf_beside_and_instead_of_iso_9660(tmp_path):
    (tmp_path / "a.iso").write_bytes(media.iso("CCCOMA_X64FRE_EN-US_DV9", udf=True))
    (tmp_path / "b.iso").write_bytes(media.udf_only("CCCOMA_X64FRE_EN-US_DV9"))
    (tmp_path / "c.iso").write_bytes(media.udf_only("X", blocks=1 << 20))
    beside = read_media(str(tmp_path / "a.iso"))
    assert beside.udf and beside.boot == ("bios", "uefi")
    alone = read_media(str(tmp_path / "b.iso"))
    assert alone.udf and alone.volume_id == "CCCOMA_X64FRE_EN-US_DV9"
    assert read_media(str(tmp_path / "c.iso")).volume_id == "X"


def test_mutated_media_do_no_harm(tmp_path, rules):
    chance = random.Random(11)
    samples = [media.iso(udf=True, loader=b"BOOTX64 EFI"), media.udf_only("WINDOWS")]
    path = tmp_path / "a.iso"
    for _ in range(400):
        data = bytearray(chance.choice(samples))
        for _ in range(chance.randrange(1, 64)):
            data[chance.randrange(32768, len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        found = read_media(str(path))
        if found is not None:
            recognised = recognise(found, rules)
            assert all(text.isprintable() for text in found[2:6]) and found.volume_id.isprintable()
            assert all(one.isascii() for one in recognised.candidates)
