"""`catalog` and `create --cloud-image`, from a server on loopback."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from http_files import serving
from tiny_catalog import ENTRY, write_catalog


@pytest.fixture
def files():
    with serving() as found:
        yield found


def qcow2(folder: Path, *words: str, size: str = "64M") -> bytes:
    path = folder / f"made-{len(list(folder.iterdir()))}.qcow2"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *words, str(path), size]
    subprocess.run(command, check=True)
    return path.read_bytes()


@pytest.fixture
def image(kvmtui, files, tmp_path):
    """The image ``tiny`` in the catalogue, served."""
    data = qcow2(tmp_path) + os.urandom(2_000_000)
    files.serve("/latest/tiny-amd64.qcow2", data)
    files.serve("/latest/SUMS", f"{hashlib.sha512(data).hexdigest()}  tiny-amd64.qcow2\n".encode())
    write_catalog(kvmtui, files.url)
    return data


def images(kvmtui) -> list[str]:
    return sorted(os.listdir(kvmtui.home / "images"))


def test_an_image_is_pulled_once_and_guests_stand_on_it(kvmtui, files, image, tmp_path):
    told = kvmtui.ok("catalog", "pull", "tiny")
    assert "sha512 right" in told.out and "plain http" in told.err
    digest = hashlib.sha512(image).hexdigest()
    name = f"tiny-x86_64-{digest[:8]}"
    assert images(kvmtui) == [f"{name}.catalog.json", f"{name}.qcow2"]
    path = kvmtui.home / "images" / f"{name}.qcow2"
    assert path.read_bytes() == image and path.stat().st_mode & 0o777 == 0o600
    record = json.loads((kvmtui.home / "images" / f"{name}.catalog.json").read_text())
    assert record["digest"] == f"sha512:{digest}" and record["url"].startswith(files.url)
    told = kvmtui.ok("image", "info", path, "--json").json["cloud_image"]
    assert told.startswith("tiny, sha512 right, 20")
    assert "cloud image" in kvmtui.ok("image", "info", path).out
    asked = len(files.asked)
    assert "here already" in kvmtui.ok("catalog", "pull", "tiny").out
    assert len(files.asked) == asked + 1, "the checksum alone was asked for"
    rows = kvmtui.ok("catalog", "list", "--json").json
    assert [one["here"][0]["arch"] for one in rows if one["id"] == "tiny"] == ["x86_64"]
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    asked = len(files.asked)
    made = kvmtui.ok("create", "web", "--cloud-image", "tiny", "--ssh-key", f"{key}.pub")
    assert len(files.asked) == asked and "log in as debian" in made.err
    shown = kvmtui.ok("show", "web", "--json").json
    assert shown["os"] == "debian12" and shown["definition"]["disks"][0]["file"] == "disk0.qcow2"
    info = kvmtui.ok("image", "info", kvmtui.folder("web") / "disk0.qcow2", "--json").json
    assert info["virtual_size_bytes"] == 20 << 30 and info["backing_file"].endswith(path.name)
    assert "ssh-ed25519" in kvmtui.ok("seed", "show", "web", "user-data").out
    kvmtui.refused("image", "delete", path, "--yes")


def test_an_image_without_its_record_is_taken_if_it_is_right(kvmtui, files, image):
    kvmtui.ok("catalog", "pull", "tiny")
    record, name = images(kvmtui)
    (kvmtui.home / "images" / record).unlink()
    assert "was here, and is right" in kvmtui.ok("catalog", "pull", "tiny").out
    assert images(kvmtui) == [record, name]
    (kvmtui.home / "images" / record).unlink()
    (kvmtui.home / "images" / name).write_bytes(image[:-1])
    assert "nothing says whether" in kvmtui.refused("catalog", "pull", "tiny", status=1)
    (kvmtui.home / "images" / name).unlink()
    stale = kvmtui.home / "images" / record
    stale.write_text("{}")
    os.utime(stale, (1, 1))
    kvmtui.ok("catalog", "pull", "tiny")
    assert images(kvmtui) == [record, name]


def test_create_pulls_what_is_missing_and_checks_first(kvmtui, files, image):
    kvmtui.environment["HOME"] = str(kvmtui.home.parent)
    assert "cannot be smaller" in kvmtui.refused(
        "create", "a", "--cloud-image", "tiny", "--disk", "1M"
    )
    assert "the first disk itself" in kvmtui.refused(
        "create", "a", "--cloud-image", "tiny", "--disk", "/dev/null,format=raw"
    )
    made = kvmtui.ok("create", "a", "--cloud-image", "tiny", "--disk", "1G", "--disk", "2G")
    assert "nobody can log in" in made.err
    asked = len(files.asked)
    assert "exists" in kvmtui.refused("create", "a", "--cloud-image", "tiny")
    assert "no such image" in kvmtui.refused("create", "b", "--cloud-image", "tinny")
    assert "not made for aarch64" in kvmtui.refused(
        "create", "b", "--cloud-image", "tiny", "--arch", "aarch64"
    )
    assert len(files.asked) == asked and kvmtui.ok("list", "--json").json[1:] == []


def test_a_wrong_checksum_leaves_nothing(kvmtui, files, image):
    files.serve("/latest/tiny-amd64.qcow2", image[:-1] + bytes([image[-1] ^ 1]))
    assert "sha512 of what came" in kvmtui.refused("catalog", "pull", "tiny", status=1)
    assert images(kvmtui) == []


@pytest.mark.parametrize(
    ("sums", "told"),
    [
        (b"", "no checksum of tiny-amd64"),
        (b"abc  tiny-amd64.qcow2\n", "no checksum"),
        (b"%064d  other.qcow2\n%064d  another.qcow2\n" % (1, 2), "no checksum"),
        (b"%064d  tiny-amd64.qcow2\n%064d *tiny-amd64.qcow2\n" % (1, 2), "two checksums"),
        (b"MD5 (tiny-amd64.qcow2) = %032d\n" % 1, "no checksum"),
    ],
)
def test_a_checksum_file_that_does_not_tell(kvmtui, files, image, sums, told):
    files.serve("/latest/SUMS", sums)
    assert told in kvmtui.refused("catalog", "pull", "tiny", status=1)
    assert images(kvmtui) == []


def test_an_image_that_refers_to_other_files_is_not_taken(kvmtui, files, image, tmp_path):
    for data in (
        qcow2(tmp_path, "-u", "-b", "/etc/passwd", "-F", "raw"),
        b"no image at all" * 1000,
    ):
        files.serve("/latest/tiny-amd64.qcow2", data)
        sums = f"SHA256 (tiny-amd64.qcow2) = {hashlib.sha256(data).hexdigest()}\n"
        files.serve("/latest/SUMS", sums.encode())
        assert "is not taken" in kvmtui.refused("catalog", "pull", "tiny", status=1)
        assert not [name for name in images(kvmtui) if not name.startswith(".")]


def test_what_is_compressed_is_unpacked(kvmtui, files, tmp_path):
    data = qcow2(tmp_path)
    packed = lzma.compress(data)
    files.serve("/tiny.qcow2.xz", packed)
    files.serve("/tiny.qcow2.xz.sha256", hashlib.sha256(packed).hexdigest().encode())
    entry = ENTRY.replace("/latest/tiny-{{arch}}.qcow2", "/tiny.qcow2.xz").replace(
        "{url}/latest/SUMS", '"{{file}}.sha256"\n    compressed: xz'
    )
    write_catalog(kvmtui, files.url, entry=entry)
    kvmtui.ok("catalog", "pull", "tiny")
    (name,) = [name for name in images(kvmtui) if name.endswith(".qcow2")]
    assert (kvmtui.home / "images" / name).read_bytes() == data
    assert len(images(kvmtui)) == 2


def test_a_host_without_internet_brings_its_own_file(kvmtui, files, image, tmp_path):
    write_catalog(kvmtui, files.url, f"mirrors:\n  {files.url}/: http://127.0.0.1:1/\n")
    brought, sums = tmp_path / "brought.qcow2", tmp_path / "SUMS"
    brought.write_bytes(image)
    assert "could not be fetched" in kvmtui.refused("catalog", "pull", "tiny", "--file", brought)
    wrong = "0" * 64
    assert "damaged" in kvmtui.refused(
        "catalog", "pull", "tiny", "--file", brought, "--checksum", wrong
    )
    assert brought.exists() and images(kvmtui) == []
    sums.write_text(f"{hashlib.sha256(image).hexdigest()}  brought.qcow2\n")
    kvmtui.ok("catalog", "pull", "tiny", "--file", brought, "--checksum", sums)
    assert brought.read_bytes() == image and len(images(kvmtui)) == 2
    assert not files.asked


def test_a_mirror_stands_for_the_makers_place(kvmtui, files, image):
    entry = ENTRY.replace("{url}", "https://images.invalid/pub")
    mirrors = f"mirrors:\n  https://images.invalid/pub/: {files.url}/\n"
    write_catalog(kvmtui, files.url, mirrors, entry)
    kvmtui.ok("catalog", "pull", "tiny")
    assert len(images(kvmtui)) == 2


def test_a_fault_in_the_users_catalogue_hurts_no_other_image(kvmtui, files):
    write_catalog(kvmtui, files.url, entry="images:\n  - id: bad\n    nmae: x\n")
    listed = kvmtui.ok("catalog", "list")
    assert "debian-13" in listed.out and "nmae" in listed.err and "catalog.yaml" in listed.err


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_second_pull_says_who_is_at_it_and_a_killed_one_is_gone_on_with(kvmtui, files, image):
    path = "/latest/tiny-amd64.qcow2"
    files.serve(path, image, "slow")
    first = kvmtui.popen("catalog", "pull", "tiny")
    assert files.waits.wait(30)
    busy = kvmtui.refused("catalog", "pull", "tiny", status=1)
    assert "is busy: image pull" in busy and str(first.pid) in busy
    first.send_signal(signal.SIGKILL)
    first.communicate()
    (left,) = [name for name in images(kvmtui) if name.endswith(".download")]
    half = (kvmtui.home / "images" / left).stat().st_size
    assert 0 < half < len(image)
    (kvmtui.home / "images" / ".tiny-x86_64-00000000.qcow2.download").write_bytes(b"older")
    rows = kvmtui.ok("catalog", "list", "--json").json
    assert rows[-1]["unfinished_bytes"] == half + 5 and rows[-1]["here"] == []
    assert left in kvmtui.ok("image", "orphans").out
    files.serve(path, image)
    kvmtui.ok("catalog", "pull", "tiny")
    assert files.asked[-1][2] == f"bytes={half}-"
    assert not [name for name in images(kvmtui) if name.startswith(".")]


def test_a_pull_is_seen_and_cancelled_from_elsewhere(kvmtui, files, image):
    files.serve("/latest/tiny-amd64.qcow2", image, "slow")
    process = kvmtui.popen("catalog", "pull", "tiny")
    assert files.waits.wait(30)
    records = kvmtui.home / "work"
    wait_for(lambda: list(records.glob("*.json")), "no record of the work")
    (record,) = records.glob("*.json")
    kvmtui.ok("image", "cancel", record.stem)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "cancelled; what came is kept" in err


@pytest.fixture
def gpg():
    """gpg with a key of its own; its keyring and its fingerprint."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is missing")
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:

        def run(*words: object) -> bytes:
            command = ["gpg", "--batch", "--homedir", home, "--passphrase", "", *map(str, words)]
            return subprocess.run(command, check=True, capture_output=True).stdout

        run("--quick-generate-key", "maker@example.org", "ed25519", "sign", "never")
        keyring = Path(home) / "public.gpg"
        keyring.write_bytes(run("--export"))
        listed = run("--with-colons", "--list-keys").decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if "fpr" in line)
        yield run, keyring, fingerprint
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def signed_catalog(kvmtui, files, keyring, fingerprint, url: str) -> None:
    more = f"    signature:\n      of: checksums\n      keyrings: [{keyring}]\n"
    more += f"      fingerprints: [{fingerprint}]\n" + (f"      url: {url}\n" if url else "")
    write_catalog(kvmtui, files.url, more)


@pytest.mark.parametrize("way", ["clear", "detached"])
def test_a_signature_is_checked(kvmtui, files, image, gpg, tmp_path, way):
    run, keyring, fingerprint = gpg
    sums = tmp_path / "SUMS"
    sums.write_bytes(files.content["/latest/SUMS"])
    if way == "clear":
        signed = run("--output", "-", "--clearsign", sums)
        files.serve("/latest/SUMS", b"0" * 128 + b"  tiny-amd64.qcow2\n" + signed)
        signed_catalog(kvmtui, files, keyring, fingerprint, "")
    else:
        signature = run("--output", "-", "--detach-sign", sums)
        url = files.serve("/latest/SUMS.gpg", signature)
        signed_catalog(kvmtui, files, keyring, fingerprint, url)
    assert "sha512 and signature right" in kvmtui.ok("catalog", "pull", "tiny").out
    for name in images(kvmtui):
        os.unlink(kvmtui.home / "images" / name)
    damaged = files.content["/latest/SUMS"].replace(b"tiny-amd64", b"tiny-Amd64")
    files.serve("/latest/SUMS", damaged)
    assert "signature of SUMS is not right" in kvmtui.refused("catalog", "pull", "tiny")
    assert images(kvmtui) == []


def test_a_key_that_is_not_meant_or_not_here(kvmtui, files, image, gpg, tmp_path):
    run, keyring, fingerprint = gpg
    sums = tmp_path / "SUMS"
    sums.write_bytes(files.content["/latest/SUMS"])
    url = files.serve("/latest/SUMS.gpg", run("--output", "-", "--detach-sign", sums))
    signed_catalog(kvmtui, files, keyring, "A" * 40, url)
    assert "is not right" in kvmtui.refused("catalog", "pull", "tiny")
    signed_catalog(kvmtui, files, "/none.gpg", fingerprint, url)
    done = kvmtui.ok("catalog", "pull", "tiny")
    assert "signature was not checked: /none.gpg" in done.err and "signature" not in done.out
