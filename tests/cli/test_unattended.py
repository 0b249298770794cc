"""`install` without questions: what its medium is, its own kernel, its answers, their end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import answered_installer
import linux_installer
import media
import pytest
from answered_installer import STAYS, debian, fedora, kernel, make_cd

from kvmtui.guest.install_record import read_install
from kvmtui.guest.seed_image import read_seed

LEAST = ("--memory", "64M", "--network", "none", "--accelerator", "tcg", "--disk", "1M")
SECURE = ("--firmware", "uefi", "--set", "secure_boot=true")
LIMIT_S = 40
PASSWORD = "correct-horse-9"
KILLED = """
import os, signal, sys
import kvmtui.manage.starting as module
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
module.start_now = killed
from kvmtui.cli.main import run
run(sys.argv[1:])
"""


@pytest.fixture
def password(tmp_path):
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return file


def definition_of(kvmtui):
    return kvmtui.ok("show", "g", "--json").json["definition"]


def files_with(kvmtui, text):
    """The files of the guest's folder in which a text is."""
    found = [one for one in kvmtui.folder("g").rglob("*") if one.is_file()]
    return {one.name for one in found if text.encode() in one.read_bytes()}


def test_it_is_recognised_answered_and_boots_from_its_disk(kvmtui, tmp_path, password):
    iso = debian(tmp_path / "debian.iso")
    words = ("--user", "ann", "--password-file", password, "--wait", "--timeout", LIMIT_S)
    done = kvmtui.ok("install", "g", "--iso", iso, *LEAST, *words)
    assert "debian.iso is Debian 12 (debian12): its profile is used" in done.err
    assert done.out.splitlines()[:2] == [
        "g is being installed: it runs from its kernel and debian.iso",
        "g is installed and runs from its disk",
    ]
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", LIMIT_S)
    console = (kvmtui.folder("g") / "console.log").read_text(errors="replace")
    assert "auto=true priority=critical console=tty0 console=ttyS0,115200\n" in console
    definition = definition_of(kvmtui)
    assert definition["cdroms"] == [{}, {}] and definition["os"] == "debian12"
    assert not {"kernel", "initrd", "append"} & set(definition)
    left = {one.name for one in kvmtui.folder("g").iterdir()}
    assert not left & {"install.kernel", "install.initrd", "install.json", "seed.iso"}


def test_a_password_is_nowhere_and_its_hash_only_until_it_is_installed(kvmtui, tmp_path, password):
    iso = debian(tmp_path / "debian.iso", STAYS, b"odd")
    kvmtui.ok("install", "g", "--iso", iso, *LEAST, "--user", "ann", "--password-file", password)
    folder = kvmtui.folder("g")
    pid = kvmtui.pid("g")
    line = Path(f"/proc/{pid}/cmdline").read_text()
    assert kvmtui.ok("show", "g", "--json").json["argv"] == line.split("\0")[:-1]
    assert "install.kernel" in line and "auto=true" in line
    initrd = (folder / "install.initrd").read_bytes()
    assert initrd[:10] == b"odd" + bytes(1) + b"070701"
    for name in ("install.kernel", "install.initrd", "seed.iso"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    hashed = next(
        one.rpartition(" ")[2]
        for one in read_seed(str(folder / "seed.iso")).files["preseed.cfg"].decode().splitlines()
        if "user-password-crypted" in one
    )
    assert hashed.startswith("$6$") and hashed not in line and PASSWORD not in line
    assert files_with(kvmtui, hashed) == {"seed.iso", "install.initrd"}
    assert files_with(kvmtui, PASSWORD) == set()
    told = [kvmtui.ok(*one).out for one in (["events", "g"], ["why", "g"], ["logs", "g", "--qemu"])]
    assert PASSWORD not in "".join(told) and hashed not in "".join(told)

    kvmtui.ok("stop", "g")
    kvmtui.ok("install", "g", "--done")
    assert files_with(kvmtui, hashed) == set() and "seed.iso" not in str(definition_of(kvmtui))


@pytest.mark.parametrize("runs", [True, False])
def test_a_guest_that_is_kept_as_it_is_has_no_answers_left(kvmtui, tmp_path, password, runs):
    iso = debian(tmp_path / "debian.iso", STAYS)
    kvmtui.ok("install", "g", "--iso", iso, *LEAST, "--user", "ann", "--password-file", password)
    hashed = read_seed(str(kvmtui.folder("g") / "seed.iso")).files["preseed.cfg"]
    hashed = re.search(rb"\$6\$\S+", hashed)[0].decode()
    assert files_with(kvmtui, hashed) == {"seed.iso", "install.initrd"}
    if not runs:
        kvmtui.ok("stop", "g")
    told = kvmtui.ok("install", "g", "--keep").out
    assert told == (
        "g is left as it is, its medium too; what answered its installer is taken out\n"
    )
    assert kvmtui.row("g")["state"] == ("running" if runs else "stopped")
    assert not kvmtui.row("g")["installing"]
    left = {one.name for one in kvmtui.folder("g").iterdir()}
    assert not left & {"install.kernel", "install.initrd", "install.json", "seed.iso"}
    assert files_with(kvmtui, hashed) == set()
    definition = definition_of(kvmtui)
    assert definition["cdroms"] == [{"file": str(iso)}, {}]
    assert not {"kernel", "initrd", "append"} & set(definition)
    if runs:
        kvmtui.ok("stop", "g")
    kvmtui.ok("start", "g")
    assert not kvmtui.row("g")["installing"]
    assert "is not being installed" in kvmtui.refused("install", "g", "--keep")


def test_a_password_is_on_no_command_line_while_its_hash_is_made(kvmtui, tmp_path, password):
    told, tools = tmp_path / "told", tmp_path / "tools"
    tools.mkdir()
    real = shutil.which("openssl")
    (tools / "openssl").write_text(f'#!/bin/sh\n(echo "$@"; env) > {told}\nexec {real} "$@"\n')
    (tools / "openssl").chmod(0o755)
    kvmtui.environment["PATH"] = f"{tools}:{os.environ['PATH']}"
    iso = debian(tmp_path / "debian.iso", STAYS)
    kvmtui.ok("install", "g", "--iso", iso, *LEAST, "--user", "ann", "--password-file", password)
    assert told.read_text().startswith("passwd -6 -stdin\n") and PASSWORD not in told.read_text()
    # Nor is it in what else the home keeps, such as the story and the cache.
    kept = [one for one in kvmtui.home.rglob("*") if one.is_file()]
    assert kept and not [one for one in kept if PASSWORD.encode() in one.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize("layout", [linux_installer.DEBIAN, linux_installer.FEDORA])
def test_an_installer_that_reads_its_answers_asks_nothing(
    kvmtui, tmp_path, linux, password, layout
):
    iso = linux_installer.make_cd(tmp_path, linux, layout)
    words = ("--memory", "256M", "--disk", "128M", "--accelerator", "tcg", "--network", "none")
    login = ("--user", "ann", "--password-file", password, "--hostname", "made-so")
    kvmtui.ok("install", "g", "--iso", iso, *words, *login, "--wait", "--timeout", 100)
    script = tmp_path / "login.yaml"
    script.write_text(
        "timeout: 120\nsteps:\n- wait: 'made-so login: '\n- type: \"ann\\n\"\n"
        f"- wait: 'Password: '\n- type: \"{PASSWORD}\\n\"\n- wait: '~ # '\n"
    )
    kvmtui.ok("expect", "g", script)
    assert definition_of(kvmtui)["cdroms"] == [{}, {}]


def test_killed_between_its_kernel_and_its_start_it_goes_on(kvmtui, tmp_path):
    iso = debian(tmp_path / "debian.iso")
    words = ["install", "g", "--iso", str(iso), *LEAST, "--user", "ann"]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *words], env=kvmtui.environment, timeout=LIMIT_S
    )
    assert done.returncode == -signal.SIGKILL
    assert (kvmtui.folder("g") / "install.kernel").exists()
    kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
    assert read_install(kvmtui.library.folder("g")) is None
    assert not (kvmtui.folder("g") / "install.kernel").exists()
    # Without a password the seed may stay, out of its drive.
    assert (kvmtui.folder("g") / "seed.iso").exists()
    assert definition_of(kvmtui)["cdroms"] == [{}, {}]


def test_kickstart_finds_medium_and_answers_by_their_labels(kvmtui, tmp_path):
    iso = fedora(tmp_path / "f.iso", STAYS, label="Fedora-S-dvd-x86_64-40")
    kvmtui.environment["HOME"] = str(tmp_path)
    words = ("--unattended", "--append", "inst.xyz")
    done = kvmtui.ok("install", "g", "--iso", iso, *LEAST, *words)
    assert "neither key nor password" in done.err
    definition = definition_of(kvmtui)
    assert definition["os"] == "fedora40"
    assert definition["append"] == (
        "inst.stage2=hd:LABEL=Fedora-S-dvd-x86_64-40 inst.ks=hd:LABEL=OEMDRV:/ks.cfg inst.text"
        " console=tty0 console=ttyS0,115200 inst.xyz"
    )
    assert set(kvmtui.ok("seed", "show", "g", "--json").json["files"]) == {"ks.cfg"}


def test_a_medium_without_the_kernel_boots_as_it_is_where_that_will_do(kvmtui, tmp_path):
    iso = make_cd(
        tmp_path / "f.iso", {"images/pxeboot/vmlinuz": kernel()}, answered_installer.FEDORA
    )
    kvmtui.ok("install", "g", "--iso", iso, *LEAST, "--user", "ann")
    assert "kernel" not in definition_of(kvmtui)
    said = kvmtui.refused("install", "h", "--iso", iso, *LEAST, "--user", "ann", "--os", "debian12")
    assert said == f"kvmtui: h: {iso} has no installer's kernel where it is looked for"
    assert not kvmtui.folder("h").exists()


def test_an_installer_of_ones_own_gets_the_answers_behind_its_initrd(kvmtui, tmp_path):
    (tmp_path / "linux").write_bytes(kernel(STAYS))
    (tmp_path / "initrd.gz").write_bytes(b"initrd")
    words = ("--kernel", tmp_path / "linux", "--initrd", tmp_path / "initrd.gz", "--os", "debian12")
    mirror = ("--mirror", "http://10.0.2.2:8000/debian")
    kvmtui.ok("install", "g", *words, *LEAST, "--user", "ann", *mirror)
    definition = definition_of(kvmtui)
    assert (definition["kernel"], definition["initrd"]) == (
        str(tmp_path / "linux"),
        "install.initrd",
    )
    initrd = (kvmtui.folder("g") / "install.initrd").read_bytes()
    assert initrd.startswith(b"initrd" + bytes(2) + b"070701")
    assert b"mirror/http/hostname string 10.0.2.2:8000\n" in initrd

    kvmtui.ok("stop", "g")
    kvmtui.environment["EDITOR"] = "sed -i s/8000/8111/"
    kvmtui.ok("seed", "edit", "g", "preseed.cfg")
    edited = (kvmtui.folder("g") / "install.initrd").read_bytes()
    assert edited.startswith(initrd) and b"string 10.0.2.2:8111\n" in edited[len(initrd) :]
    assert len(initrd) % 4 == 0 and edited[len(initrd) :].startswith(b"070701")
    # What a person wrote into it may be a password: it goes.
    kvmtui.ok("install", "g", "--keep")
    assert not (kvmtui.folder("g") / "seed.iso").exists()
    assert not {"kernel", "initrd"} & set(definition_of(kvmtui))
    assert (tmp_path / "linux").exists() and (tmp_path / "initrd.gz").exists()


def test_a_file_of_ones_own_stands_in_the_place_of_one_that_would_be_made(kvmtui, tmp_path):
    iso = debian(tmp_path / "debian.iso", STAYS)
    mine = tmp_path / "mine.cfg"
    mine.write_text("d-i passwd/username string eve\n")
    words = ("install", "g", "--iso", iso, *LEAST)
    said = kvmtui.refused(*words, "--seed-file", f"ks.cfg={mine}")
    assert said == "kvmtui: g: the seed has no file ks.cfg to replace"
    assert "is not NAME=FILE" in kvmtui.refused(*words, "--seed-file", "preseed.cfg")
    twice = ("--seed-file", f"preseed.cfg={mine}") * 2
    assert "preseed.cfg is given twice" in kvmtui.refused(*words, *twice)
    shown = kvmtui.ok(*words, "--show-seed", "--user", "ann").out
    assert shown.startswith("--- preseed.cfg\n") and "passwd/username string ann\n" in shown
    assert not kvmtui.folder("g").exists()
    done = kvmtui.ok(*words, "--seed-file", f"preseed.cfg={mine}")
    assert "nobody could log in" not in done.err
    files = kvmtui.ok("seed", "show", "g", "--json").json["files"]
    assert files["preseed.cfg"] == mine.read_text() and set(files) == {"preseed.cfg", "late.sh"}
    initrd = (kvmtui.folder("g") / "install.initrd").read_bytes()
    assert b"string eve\n" in initrd and b"partman" not in initrd
    kvmtui.ok("stop", "g")
    kvmtui.ok("install", "g", "--done")
    assert files_with(kvmtui, "string eve") == set()


def test_what_it_takes_is_as_its_profile_has_it(kvmtui, tmp_path):
    iso = tmp_path / "ubuntu.iso"
    iso.write_bytes(media.iso("Ubuntu-Server 24.04 LTS amd64"))
    words = ("--network", "none", "--accelerator", "tcg", "--set", "protected=true")
    done = kvmtui.ok("install", "g", "--iso", iso, *words, "--memory", "64M")
    assert "ubuntu.iso is Ubuntu 24.04 (ubuntu24.04): its profile is used" in done.err
    definition = definition_of(kvmtui)
    assert definition["disks"][0]["size"] == "25G" and definition["memory"] == "64M"
    kvmtui.ok("stop", "g")

    iso.write_bytes(media.iso("CCCOMA_X64FRE_EN-US_DV9", publisher="MICROSOFT CORPORATION"))
    done = kvmtui("install", "h", "--iso", iso, *LEAST, "--unattended")
    assert done.status == 2 and "--os win11 takes one" in done.err
    done = kvmtui.ok("install", "h", "--iso", iso, *LEAST)
    assert "ubuntu.iso is perhaps " in done.err and "--os win1" in done.err
    assert kvmtui.ok("show", "h", "--json").json["definition"].get("os", "") == ""


@pytest.mark.parametrize(
    ("image", "words", "said"),
    [
        (b"no CD at all", (), "is no installation medium"),
        (b"", ("--os", "debian12"), "is no installation medium"),
        (bytes(1 << 20), ("--os", "debian12"), "is no installation medium"),
        (bytes(510) + b"\x55\xaa", (), "is no installation medium"),
        (media.iso(platforms=(0,)), ("--firmware", "uefi"), "the ISO boots by BIOS only"),
        (media.iso("Debian 12.5.0 arm64 n"), ("--arch", "x86_64"), "it is for aarch64"),
        (media.iso("Debian 12.5.0 s390x n"), (), "it is for s390x"),
        (media.iso(), ("--by-hand", "--user", "ann"), "--by-hand goes with no options"),
        (media.iso(), ("--user", "ann"), "cannot be read as a CD"),
        (media.iso("Arch"), ("--os", "archlinux", "--user", "ann"), "archlinux is installed"),
        (media.iso(), (*SECURE, "--user", "ann"), "with Secure Boot its installer's kernel cannot"),
        (media.iso(), ("--user-data", "x"), "--user-data is for cloud images"),
        (media.iso(), ("--cloud-image", "debian-13"), "a cloud image is installed already"),
        (media.iso(), ("--user", "no user"), "user: 'no user' is none"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(kvmtui, tmp_path, image, words, said):
    iso = tmp_path / "medium.iso"
    iso.write_bytes(image)
    assert said in kvmtui.refused("install", "g", "--iso", iso, *LEAST, *words)
    assert not (kvmtui.home / "guests" / "g").exists()


def test_a_medium_that_is_cut_off_is_told(kvmtui, tmp_path):
    iso = make_cd(tmp_path / "cut.iso", {"install.amd/vmlinuz": bytes(4 << 20)})
    iso.write_bytes(iso.read_bytes()[: 1 << 20])
    said = kvmtui.refused("install", "g", "--iso", iso, *LEAST)
    assert "it is cut off: 1.0M of 4.1M" in said
    assert not (kvmtui.home / "guests" / "g").exists()


def test_a_disk_that_boots_is_a_medium_for_whoever_names_its_system(kvmtui, tmp_path):
    image = tmp_path / "usb.img"
    image.write_bytes(bytes(510) + b"\x55\xaa" + bytes(1 << 20))
    done = kvmtui.ok("install", "g", "--iso", image, "--os", "debian12", *LEAST)
    assert "it runs from usb.img" in done.out
    kvmtui.ok("stop", "g")


def test_what_is_no_cd_is_noted_where_it_is_put_into_a_drive(kvmtui, tmp_path):
    text, cut = tmp_path / "notiso.txt", tmp_path / "cut.iso"
    text.write_text("hello")
    cut.write_bytes(make_cd(cut, {"a": bytes(4 << 20)}).read_bytes()[: 1 << 20])
    doubt = "notiso.txt is no CD image: neither ISO 9660 nor UDF is in it"
    assert doubt in kvmtui.ok("create", "g", "--cdrom", text, *LEAST).err
    assert doubt in kvmtui.ok("device", "insert", "g", text, "--save").err
    assert "cut.iso: it is cut off" in kvmtui.ok("device", "insert", "g", cut, "--save").err
