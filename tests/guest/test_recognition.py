"""Installation media recognised by their descriptors: ordinary, unsure, hostile."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from kvmtui.guest.pattern_text import beginning
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


WINDOWS = [
    ("CCCOMA_X64FRE_EN-US_DV9", "ni_release", "win11"),
    ("CCCOMA_X64FRE_DE-DE_DV9", "vb_release_svc_prod1", "win10"),
    ("CPBA_A64FRE_EN-US_DV9", "ge_release_svc_refresh", "win11"),
    ("SSS_X64FREE_EN-US_DV9", "rs1_release", "win2k16"),
    ("SSS_X64FREE_EN-US_DV9", "rs5_release", "win2k19"),
    ("SSS_X64FREE_EN-US_DV9", "fe_release_svc_refresh", "win2k22"),
    ("SSS_X64FREE_EN-US_DV9", "ge_release_svc_refresh", "win2k25"),
    ("CCCOMA_X64FRE_EN-US_DV9", "zz_release", None),
    ("CCCOMA_X64FRE_EN-US_DV9", "", None),
]


def test_the_boot_loader_is_found_in_a_real_file_system(tmp_path, rules):
    image, iso = tmp_path / "efi.img", tmp_path / "a.iso"
    (tmp_path / "loader").write_bytes(b"MZ" * 4096)
    for words in (
        f"mformat -i {image} -C -F -T 81920 ::",
        f"mmd -i {image} ::/EFI ::/EFI/BOOT",
        f"mcopy -i {image} {tmp_path}/loader ::/EFI/BOOT/BOOTAA64.EFI",
        f"xorriso -as mkisofs -V Fedora-WS-Live-43 -e efi.img -no-emul-boot -o {iso} {image}",
    ):
        if shutil.which(words.split()[0]) is None:
            pytest.skip(f"{words.split()[0]} is not installed")
        subprocess.run(words.split(), check=True, capture_output=True)
    found = recognise(read_media(str(iso)), rules)
    assert found.os == "fedora43" and found.arch == "aarch64" and found.boot == ("uefi",)


@pytest.mark.parametrize(("label", "build", "os_id"), WINDOWS)
def test_windows_is_told_by_what_it_was_built_from(tmp_path, rules, label, build, os_id):
    (tmp_path / "a.iso").write_bytes(media.windows(label, build))
    found = read_media(str(tmp_path / "a.iso"))
    assert found.build == build and found.boot == ("bios", "uefi")
    assert recognise(found, rules).os == os_id


def test_udf_without_iso_9660(tmp_path):
    path = tmp_path / "a.iso"
    path.write_bytes(media.udf_only("CCCOMA_X64FRE_EN-US_DV9", "ni_release"))
    found = read_media(str(path))
    assert found.volume_id == "CCCOMA_X64FRE_EN-US_DV9" and found.build == "ni_release"
    path.write_bytes(media.udf_only("X\n", descriptors=1 << 20))
    assert read_media(str(path)).volume_id == "X\\x0a"
    path.write_bytes(media.udf_only("X")[: 258 * media.SECTOR])
    found = read_media(str(path))
    assert found.volume_id == "X" and found.build == ""


def test_a_folder_that_holds_itself_is_no_way_without_end(tmp_path):
    parts = media.udf_parts("X", "ni_release")
    parts[media.PARTITION + 2] = parts[media.PARTITION + 1]
    data = bytearray(media.windows("X"))
    media.put(data, parts)
    (tmp_path / "a.iso").write_bytes(data)
    assert read_media(str(tmp_path / "a.iso")).build == ""


def test_mutated_media_do_no_harm(tmp_path, rules):
    chance = random.Random(11)
    samples = [media.iso(loader=b"BOOTX64 EFI"), media.windows("W", "ni_release")]
    path = tmp_path / "a.iso"
    for _ in range(400):
        data = bytearray(chance.choice(samples))
        used = [n for n in range(16, len(data) // 2048) if any(data[n * 2048 : n * 2048 + 2048])]
        for _ in range(chance.randrange(1, 64)):
            place = chance.choice(used) * 2048 + chance.randrange(chance.choice((64, 500, 2048)))
            data[place] = chance.randrange(256)
            kind = place // 2048 * 2048
            tag = data[kind : kind + 16]
            data[kind + 4] = (sum(tag) - tag[4]) % 256 if chance.random() < 0.8 else data[kind + 4]
        path.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        found = read_media(str(path))
        if found is not None:
            recognised = recognise(found, rules)
            assert all(text.isprintable() for text in found[2:7]) and found.volume_id.isprintable()
            assert all(one.isascii() for one in recognised.candidates)


@pytest.mark.parametrize(
    ("pattern", "begins"),
    [
        ("^Fedora 13 x86_64 DVD$", "Fedora 13 x86_64 DVD"),
        (r"RHEL-7\.\d Server", "RHEL-7."),
        ("ab?c", "a"),
        ("ab{2}", "a"),
        ("ab+c", "ab"),
        ("abc|d", ""),
        ("abc(d|e)f", "abc"),
        ("(?i)abc", ""),
        ("(a|b", ""),
        ("^", ""),
        ("", ""),
        ("a\\", "a"),
    ],
)
def test_what_every_match_of_a_pattern_begins_with(pattern, begins):
    assert beginning(pattern) == begins
