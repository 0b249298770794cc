"""Images that unpack to more than anybody wants: bounded in what comes out and in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import resource
import subprocess
import sys
import tarfile
import zlib

import pytest

from tests.cli.test_images import content, img, leftovers, pair, pair_made_once

__all__ = ["pair", "pair_made_once"]

_GIB = 1 << 30


def many_zeroes(path, opener, size):
    with opener(path, "wb") as file:
        for _ in range(size >> 24):
            file.write(bytes(1 << 24))
    return path


@pytest.mark.parametrize(
    ("name", "opener"), [("a.gz", gzip.open), ("a.xz", lzma.open), ("a.bz2", bz2.open)]
)
def test_a_bomb_is_stopped_at_the_limit(kvmtui, tmp_path, name, opener):
    bomb = many_zeroes(tmp_path / name, opener, 96 << 20)
    assert bomb.stat().st_size < 2 << 20
    told = kvmtui("image", "import", bomb, "--largest", "32M").err
    assert f"a.qcow2 was not made: more than 32M come out of {bomb}" in told
    assert "--largest SIZE" in told
    assert leftovers(kvmtui) == [] and kvmtui.ok("image", "list", "--json").json == []
    kvmtui.ok("image", "import", bomb, "--largest", "96M")


def test_what_wants_more_memory_than_it_gets_is_refused(kvmtui, tmp_path, pair):
    """A stream of xz says itself how much memory its reader must have, up to 4 GiB."""
    greedy = tmp_path / "greedy.xz"
    encoder = lzma.LZMACompressor(filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])
    data = bytearray(encoder.compress((pair / "top.qcow2").read_bytes()) + encoder.flush())
    # The byte of the block's header that states its dictionary: 40 is 4 GiB less one.
    place = data.index(b"\x21\x01", 12) + 2
    data[place] = 40
    header = data[12 : 12 + (data[12] + 1) * 4]
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    data[12 : 12 + len(header)] = header
    greedy.write_bytes(data)
    told = kvmtui.refused("image", "import", greedy, status=1)
    assert "wants more memory than 256M" in told
    assert leftovers(kvmtui) == []


def test_streams_of_xz_behind_each_other_are_one_image(kvmtui, tmp_path, pair):
    img("convert", "-O", "qcow2", pair / "top.qcow2", tmp_path / "whole.qcow2")
    data = (tmp_path / "whole.qcow2").read_bytes()
    half = len(data) // 2
    packed = lzma.compress(data[:half]) + bytes(8) + lzma.compress(data[half:]) + bytes(4)
    (tmp_path / "two.qcow2.xz").write_bytes(packed)
    kvmtui.ok("image", "import", tmp_path / "two.qcow2.xz")
    assert content(kvmtui, pair / "two.qcow2")
    (tmp_path / "torn.xz").write_bytes(packed[:-200])
    assert "is damaged" in kvmtui.refused("image", "import", tmp_path / "torn.xz", status=1)


def test_an_archive_of_endless_names_takes_no_memory(kvmtui, tmp_path):
    """Names and attributes are read whole: here one of 3 GiB, which would be taken at once."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 3 * _GIB
    ova = tmp_path / "a.ova"
    with ova.open("wb") as file:
        file.write(member.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(512 + 3 * _GIB + 10240)
    words = [sys.executable, "-m", "kvmtui", "--home", str(kvmtui.home), "image", "import", ova]
    ran = subprocess.run(
        list(map(str, words)),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_GIB, _GIB)),
    )
    assert ran.returncode == 1 and "is damaged: a name in it is longer than any name" in ran.stderr
    for kind, told in ((tarfile.XHDTYPE, "longer than any name"), (tarfile.GNUTYPE_SPARSE, "spar")):
        member.type = kind
        with ova.open("r+b") as file:
            file.write(member.tobuf(tarfile.GNU_FORMAT))
        assert told in kvmtui.refused("image", "import", ova, status=1)


def test_an_import_from_a_pipe_that_brings_nothing_can_be_ended(kvmtui):
    process = kvmtui.popen("image", "import", "-", "a", stdin=subprocess.PIPE)
    work = kvmtui.home / "work"
    records = []
    while not records and process.poll() is None:
        records = (
            [one for one in work.glob("*.json") if one.stat().st_size] if work.exists() else []
        )
    kvmtui.ok("image", "cancel", records[0].stem)
    assert process.wait(30) == 1 and "it was cancelled" in process.stderr.read()
    process.stdin.close()
    assert leftovers(kvmtui) == []


def test_a_member_of_an_archive_is_bounded_too(kvmtui, tmp_path):
    bomb = many_zeroes(tmp_path / "disk.vmdk.gz", gzip.open, 64 << 20).read_bytes()
    ova = tmp_path / "a.ova"
    with tarfile.open(ova, "w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("disk.vmdk.gz")
        member.size = len(bomb)
        archive.addfile(member, io.BytesIO(bomb))
    told = kvmtui.refused("image", "import", ova, "--largest", "32M", status=1)
    assert "more than 32M come out of" in told
