"""The kernel and initrd on an installation medium: by every kind of names, on hostile media."""

from __future__ import annotations

import os
import struct

import media
import pytest
from answered_installer import make_cd

from kvmtui.errors import ImageError
from kvmtui.guest import boot_files
from kvmtui.guest.boot_files import BootFiles, copy, extract, find

KERNEL, INITRD = b"K" * 5000, b"I" * 4099


def debian(path, **options):
    files = {"install.amd/vmlinuz": KERNEL, "install.amd/initrd.gz": INITRD, "README": b"x"}
    return str(make_cd(path, files, "TEST", **options))


@pytest.mark.parametrize("names", [("rock_ridge",), ("joliet",), ("rock_ridge", "joliet")])
def test_they_are_found_by_every_kind_of_name(tmp_path, names):
    iso = debian(tmp_path / "cd.iso", names=names)
    found = find(iso, "preseed", "x86_64")
    assert found == BootFiles("/install.amd/vmlinuz", "/install.amd/initrd.gz")
    extract(iso, found.kernel, str(tmp_path / "kernel"))
    extract(iso, found.initrd, str(tmp_path / "initrd"), behind=b"0707")
    assert (tmp_path / "kernel").read_bytes() == KERNEL
    assert (tmp_path / "initrd").read_bytes() == INITRD + b"\0" + b"0707"
    assert (tmp_path / "initrd").stat().st_mode & 0o777 == 0o600
    assert find(iso, "preseed", "aarch64") is None
    assert find(iso, "kickstart", "x86_64") is None
    assert find(iso, "alpine", "x86_64") is None


@pytest.mark.parametrize(
    ("kind", "arch", "files"),
    [
        ("preseed", "x86_64", ("install/vmlinuz", "install/initrd.gz")),
        ("preseed", "x86_64", ("linux", "initrd.gz")),
        ("preseed", "aarch64", ("install.a64/vmlinuz", "install.a64/initrd.gz")),
        ("autoinstall", "x86_64", ("casper/vmlinuz", "casper/initrd")),
        ("kickstart", "aarch64", ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")),
        ("autoyast", "x86_64", ("boot/x86_64/loader/linux", "boot/x86_64/loader/initrd")),
        ("autoyast", "aarch64", ("boot/aarch64/linux", "boot/aarch64/initrd")),
        ("agama", "aarch64", ("boot/aarch64/loader/linux", "boot/aarch64/loader/initrd")),
    ],
)
def test_they_are_where_each_system_has_them(tmp_path, kind, arch, files):
    more = ["images/install.img"] if kind == "kickstart" else []
    iso = make_cd(tmp_path / "cd.iso", dict.fromkeys((*files, *more), b"x"))
    found = find(str(iso), kind, arch)
    assert found[:2] == tuple(f"/{file}" for file in files)


def test_names_in_capitals_alone_will_do(tmp_path):
    files = {"casper/vmlinuz": KERNEL, "casper/initrd": INITRD}
    iso = str(make_cd(tmp_path / "cd.iso", files, names=()))
    found = find(iso, "autoinstall", "x86_64")
    extract(iso, found.initrd, str(tmp_path / "initrd"))
    assert (tmp_path / "initrd").read_bytes() == INITRD


def refused(act):
    with pytest.raises(ImageError) as caught:
        act()
    return caught.value.message


def test_hostile_media_are_refused_in_one_line(tmp_path, monkeypatch):
    iso = debian(tmp_path / "cd.iso")
    whole = (tmp_path / "cd.iso").read_bytes()
    bad = tmp_path / "bad.iso"

    def told(data):
        bad.write_bytes(data)
        message = refused(lambda: find(str(bad), "preseed", "x86_64"))
        assert message.startswith(f"{bad}") and "\n" not in message
        return message

    assert "cannot be read as a CD" in told(b"nothing")
    assert "cannot be read as a CD" in told(media.iso())
    told(whole[: 20 * 2048])
    for place in range(16 * 2048, 30 * 2048, 997):
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) * 40 + whole[place + 40 :])
        try:
            find(str(bad), "preseed", "x86_64")
        except ImageError as error:
            assert error.message.startswith(f"{bad}")
    monkeypatch.setattr(boot_files, "_MOST_DIRECTORY_BYTES", 4096)
    assert refused(lambda: find(iso, "preseed", "x86_64")) == (
        f"{iso}: it has more directories than any installation medium"
    )
    assert refused(lambda: find(str(tmp_path / "none"), "preseed", "x86_64")) == (
        f"{tmp_path / 'none'}: No such file or directory"
    )


def test_a_file_that_is_too_large_is_not_there(tmp_path, monkeypatch):
    iso = debian(tmp_path / "cd.iso")
    data = (tmp_path / "cd.iso").read_bytes()
    length = struct.pack("<I", len(KERNEL)) + struct.pack(">I", len(KERNEL))
    assert data.count(length) == 1
    long = 0x3000_0000
    claimed = struct.pack("<I", long) + struct.pack(">I", long)
    (tmp_path / "cd.iso").write_bytes(data.replace(length, claimed))
    os.truncate(iso, long * 2)
    assert find(iso, "preseed", "x86_64") is None
    monkeypatch.setattr(boot_files, "LARGEST_BYTES", 100)
    (tmp_path / "initrd").write_bytes(INITRD)
    said = refused(lambda: copy(str(tmp_path / "initrd"), str(tmp_path / "new")))
    assert said == f"{tmp_path / 'initrd'} is too large to be booted"


def test_a_full_disk_is_told(tmp_path):
    iso = debian(tmp_path / "cd.iso")
    said = refused(lambda: extract(iso, "/install.amd/vmlinuz", "/dev/full"))
    assert said == "full was not written: No space left on device"
