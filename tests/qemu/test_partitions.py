"""Partition tables and file systems: made by the real tools, and hostile ones."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import time

import pytest

from kvmtui.qemu.file_systems import HEAD_BYTES, find_file_system
from kvmtui.qemu.partitions import MOST_PARTITIONS, read_table

MIB = 1 << 20


def of(data):
    return read_table(lambda offset, length: bytes(data[offset : offset + length]), len(data))


def entry(kind, start, count):
    return struct.pack("<BxxxBxxxII", 0, kind, start, count)


def mbr(*entries):
    return (bytes(446) + b"".join(entries)).ljust(510, b"\0") + b"\x55\xaa"


def tool(*words):
    program = shutil.which(words[0]) or shutil.which(words[0], path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip(f"{words[0]} is not installed")
    subprocess.run([program, *map(str, words[1:])], check=True, capture_output=True)


def sfdisk(path, lines):
    program = shutil.which("sfdisk") or shutil.which("sfdisk", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("sfdisk is not installed")
    subprocess.run([program, path], input=lines.encode(), check=True, capture_output=True)


def test_an_extended_partition():
    disk = bytearray(8 * MIB)
    disk[:512] = mbr(entry(0x83, 2048, 2048), entry(0x05, 4096, 8192))
    disk[4096 * 512 : 4096 * 512 + 512] = mbr(entry(0x82, 63, 100), entry(0x05, 4096, 4096))
    disk[8192 * 512 : 8192 * 512 + 512] = mbr(entry(0x83, 63, 100))
    found = of(disk)
    assert found.kind == "mbr" and not found.trouble
    told = [(one.number, one.start_bytes // 512, one.kind) for one in found.partitions]
    assert told[:2] == [(1, 2048, "Linux"), (2, 4096, "extended")]
    assert told[2:] == [(5, 4159, "Linux swap"), (6, 8255, "Linux")]


def test_a_chain_without_end_and_a_partition_beyond_the_end():
    disk = bytearray(4 * MIB)
    disk[:512] = mbr(entry(0x05, 2048, 4096), entry(0x83, 1 << 31, (1 << 32) - 1))
    disk[2048 * 512 : 2048 * 512 + 512] = mbr(entry(0x83, 1, 1), entry(0x05, 0, 0))
    disk[2048 * 512 + 462 : 2048 * 512 + 478] = entry(0x05, 2049, 10)
    disk[4097 * 512 : 4097 * 512 + 512] = mbr(entry(0x83, 1, 1), entry(0x05, 2049, 10))
    found = of(disk)
    assert "chain" in found.trouble and len(found.partitions) == 4
    assert found.partitions[1].trouble == "beyond the end of the disk"


def test_by_what_a_disk_boots(tmp_path):
    disk = bytearray(4 * MIB)
    disk[:512] = mbr(entry(0x83, 2048, 2048))
    assert of(disk).boot == ()
    disk[:2] = b"\xeb\x63"
    assert of(disk).boot == ("bios",)
    disk[:512] = mbr(entry(0xEF, 2048, 2048))
    assert of(disk).boot == ("uefi",)
    uefi, bios = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "21686148-6449-6E6F-744E-656564454649"
    path = tmp_path / "disk"
    for kinds, boot in ((uefi,), ("uefi",)), ((bios,), ("bios",)), ((bios, uefi), ("bios", "uefi")):
        path.write_bytes(bytes(16 * MIB))
        sfdisk(path, "label: gpt\n" + "".join(f"size=1M, type={kind}\n" for kind in kinds))
        assert of(path.read_bytes()).boot == boot


def test_gpt_by_sfdisk_and_its_copy(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(bytes(16 * MIB))
    sfdisk(path, 'label: gpt\nsize=2M, type=U, name=esp\ntype=L, name="r\u202eoot"\n')
    disk = bytearray(path.read_bytes())
    found = of(disk)
    assert found.kind == "gpt" and not found.trouble
    assert [(one.number, one.start_bytes, one.kind) for one in found.partitions] == [
        (1, MIB, "EFI system"),
        (2, 3 * MIB, "Linux"),
    ]
    assert found.partitions[0].name == "esp" and "\u202e" not in found.partitions[1].name
    disk[512 + 40] ^= 1
    copy = of(disk)
    assert "copy at the end" in copy.trouble and copy.partitions == found.partitions
    disk[-512 + 40] ^= 1
    assert of(disk)[::3] == ("gpt", "its GPT is damaged")


@pytest.mark.parametrize(
    ("words", "kind", "label"),
    [
        (("mkfs.ext4", "-q", "-F", "-L", "data"), "ext4", "data"),
        (("mkfs.ext2", "-q", "-F", "-L", "old"), "ext2", "old"),
        (("mkfs.xfs", "-q", "-L", "data"), "xfs", "data"),
        (("mkfs.btrfs", "-q", "-L", "data"), "btrfs", "data"),
        (("mkfs.vfat", "-n", "EFI"), "vfat", "EFI"),
        (("mkswap", "-L", "data"), "swap", "data"),
        (("mkntfs", "-Q", "-F", "-L", "data"), "ntfs", ""),
    ],
)
def test_file_systems_by_their_own_tools(tmp_path, words, kind, label):
    path = tmp_path / "fs"
    size = (320 if kind in ("xfs", "btrfs") else 8) * MIB
    with open(path, "wb") as file:
        file.truncate(size)
    tool(*words, path)
    with open(path, "rb") as file:
        found = find_file_system(file.read(HEAD_BYTES))
    assert found.kind == kind and found.label == label and found.uuid
    assert found.size_bytes is None or size - 128 * 1024 <= found.size_bytes <= size


def test_luks_lvm_and_raid():
    luks = bytearray(HEAD_BYTES)
    luks[:8], luks[24:28], luks[168:172] = b"LUKS\xba\xbe\0\2", b"home", b"abcd"
    assert find_file_system(luks)[:3] == ("crypto_LUKS", "home", "abcd")
    lvm = bytearray(HEAD_BYTES)
    lvm[512:520], lvm[536:544] = b"LABELONE", b"LVM2 001"
    assert find_file_system(lvm).kind == "LVM2_member"
    raid = bytearray(HEAD_BYTES)
    raid[4096:4100] = b"\xfc\x4e\x2b\xa9"
    assert find_file_system(raid).kind == "linux_raid_member"
    assert find_file_system(b"") is None and find_file_system(bytes(512)) is None


def test_mutated_tables_are_bounded():
    chance = random.Random(7)
    base = bytearray(2 * MIB)
    base[:512] = mbr(entry(0xEE, 1, 4095), entry(0x05, 100, 500), entry(0x83, 600, 100))
    base[512:520] = b"EFI PART"
    began = time.process_time()
    for _ in range(1000):
        disk = bytearray(base)
        for _ in range(chance.randrange(1, 40)):
            disk[chance.choice((446, 512, 1024, 51200)) + chance.randrange(128)] = chance.randrange(
                256
            )
        found = of(disk)
        assert len(found.partitions) <= MOST_PARTITIONS
    assert time.process_time() - began < 20
