"""Headers of disk images: as qemu-img writes them, and as nobody should."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess

import pytest

from kvmtui.errors import ImageError
from kvmtui.qemu.image_header import read_header
from kvmtui.qemu.iso import read_media
from tests.media import iso

FORMATS = {
    "qcow2": "qcow2",
    "qcow": "qcow",
    "qed": "qed",
    "vmdk": "vmdk",
    "vdi": "vdi",
    "vhdx": "vhdx",
    "vpc": "vpc",
    "raw": "raw",
}


def make(path, image_format, *words, size="64M"):
    command = ["qemu-img", "create", "-q", "-f", image_format, *words, str(path), size]
    subprocess.run(command, check=True)
    return str(path)


def told_size(path, image_format):
    command = ["qemu-img", "info", "--output=json", "-f", image_format, path]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[
        "virtual-size"
    ]


@pytest.mark.parametrize("image_format", FORMATS)
def test_format_and_size_are_what_qemu_img_says(tmp_path, image_format):
    path = make(tmp_path / "image", image_format)
    header = read_header(path)
    assert header.format == image_format
    assert header.virtual_size_bytes == told_size(path, image_format)
    assert not header.fault and header.backing_file is None


@pytest.mark.parametrize(
    ("image_format", "option"),
    [
        ("vmdk", "subformat=monolithicFlat"),
        ("vmdk", "subformat=streamOptimized"),
        ("vmdk", "subformat=twoGbMaxExtentSparse"),
        ("vpc", "subformat=fixed"),
        ("vpc", "subformat=fixed,force_size=on"),
        ("vdi", "static=on"),
        ("vhdx", "subformat=fixed"),
        ("qcow2", "compat=0.10"),
        ("qcow2", "cluster_size=2M,compression_type=zstd"),
    ],
)
def test_other_kinds_of_a_format(tmp_path, image_format, option):
    path = make(tmp_path / "image.x", image_format, "-o", option)
    header = read_header(path)
    assert header.format == image_format
    assert header.virtual_size_bytes == told_size(path, image_format)


def test_a_qcow2_names_what_it_refers_to(tmp_path):
    base = make(tmp_path / "base.qcow2", "qcow2")
    top = make(tmp_path / "top.qcow2", "qcow2", "-b", base, "-F", "qcow2")
    data = tmp_path / "data.raw"
    outside = make(tmp_path / "out.qcow2", "qcow2", "-o", f"data_file={data}")
    assert read_header(top).backing_file == base
    assert read_header(top).backing_format == "qcow2"
    assert read_header(outside).data_files == (str(data),)


def test_a_vmdk_names_its_extents(tmp_path):
    text = b'# Disk DescriptorFile\nversion=1\nRW 2048 FLAT "/etc/passwd" 0\nRW 1 ZERO\n'
    (tmp_path / "a.vmdk").write_bytes(text)
    header = read_header(str(tmp_path / "a.vmdk"))
    assert header.data_files == ("/etc/passwd",) and header.virtual_size_bytes == 2049 * 512


def test_what_is_recorded_as_raw_is_not_looked_into(tmp_path):
    disk = make(tmp_path / "guest.raw", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw")
    for header in (read_header(disk), read_header(disk, "raw")):
        assert header.format == "raw" and header.backing_file is None
        assert header.virtual_size_bytes == os.path.getsize(disk)


def test_another_format_than_recorded_is_a_fault(tmp_path):
    disk = make(tmp_path / "disk", "vdi")
    assert read_header(disk, "qcow2").fault == "is no qcow2: its content is vdi"


def qcow2_header(size=1 << 30, snapshots=0, bits=16, version=3):
    head = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", version, 0, 0, bits, size, 0, 1, 0, 0, 1, snapshots, 0
    )
    return head + struct.pack(">QQQII", 0, 0, 0, 4, 104) + bytes(8)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (qcow2_header(size=1 << 63), "claims 8.0E"),
        (qcow2_header(snapshots=1 << 30), "claims 1073741824 snapshots"),
        (qcow2_header(bits=40), "has a header that makes no sense"),
        (qcow2_header(version=9), "has a header that makes no sense"),
        (b"QFI\xfb", "has a header that makes no sense"),
    ],
)
def test_a_header_that_claims_too_much(tmp_path, header, told):
    (tmp_path / "a.qcow2").write_bytes(header)
    assert read_header(str(tmp_path / "a.qcow2")).fault == told


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.qcow2")
    for path in ("a.qcow2", ".", "missing"):
        with pytest.raises(ImageError):
            read_header(str(tmp_path / path))


def mutated(tmp_path, count):
    """Images of each format with some bytes changed, most of them in the header, or cut off."""
    chance = random.Random(7)
    samples = []
    for one in FORMATS:
        make(tmp_path / f"of-{one}", one, size="8M")
        samples.append((tmp_path / f"of-{one}").read_bytes()[: 1 << 18])
    for _ in range(count):
        data = bytearray(chance.choice(samples))
        for _ in range(chance.randrange(1, 64)):
            place = chance.randrange(min(len(data), 4096 if chance.random() < 0.8 else len(data)))
            data[place] = chance.randrange(256)
        yield data[: chance.randrange(1, len(data))] if chance.random() < 0.3 else data


def test_a_thousand_mutated_images_do_no_harm(tmp_path):
    path = tmp_path / "mutated"
    for data in mutated(tmp_path, 1000):
        path.write_bytes(data)
        header = read_header(str(path))
        assert len(header.backing_file or "") < 1100 and len(header.data_files) <= 256
        read_media(str(path))


@pytest.mark.parametrize(
    ("platforms", "boot"), [((0,), ("bios",)), ((0xEF,), ("uefi",)), ((0, 0xEF), ("bios", "uefi"))]
)
def test_an_iso_tells_its_name_and_how_it_boots(tmp_path, platforms, boot):
    path = tmp_path / "a.iso"
    path.write_bytes(iso(platforms=platforms))
    assert read_header(str(path)).format == "iso"
    media = read_media(str(path))
    assert media is not None and media.volume_id == "Debian 12.5.0 amd64 n"
    assert media.boot == boot


def test_a_hostile_volume_id_is_shown_as_text(tmp_path):
    path = tmp_path / "a.iso"
    path.write_bytes(iso(volume_id=b"\x1b[2Jhello\n"))
    media = read_media(str(path))
    assert media is not None and media.volume_id == "\\x1b[2Jhello\\x0a"
