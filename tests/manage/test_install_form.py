"""The form of a new guest: what follows from what is given, and what is said of it."""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from contextlib import contextmanager

import pytest
from media import iso, length_told, put

from kvmtui.guest.library import Library
from kvmtui.manage import browsing, install_draft, install_login, install_plan
from kvmtui.manage.install_checks import Host
from kvmtui.manage.install_fields import SPECS, described, specs
from kvmtui.manage.install_form import look
from kvmtui.manage.recognising import Recogniser
from kvmtui.qemu import image

BOOT = "networks[0].boot_file"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    library = Library(tmp_path / "home")
    library.make()
    return library


@pytest.fixture
def form(home):
    """Looks at the form, given some values."""
    recogniser, number = Recogniser(home), str(uuid.uuid4())

    def look_at(**given):
        given = {key.replace("__", "."): value for key, value in given.items()}
        return look(home, recogniser, {"uuid": number, **given}, Host(61))

    return look_at


def values(form):
    return {field.id: field.value for field in form.fields}


def medium(folder, name="debian.iso", *words, **facts):
    path = folder / name
    path.write_bytes(iso(*words, **facts))
    return str(path)


@contextmanager
def qemu_that_holds(path):
    """A QEMU that has an image open to write."""
    words = ["-M", "none", "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"]
    blockdev = f"driver=qcow2,node-name=a,file.driver=file,file.filename={path}"
    with subprocess.Popen(
        ["qemu-system-x86_64", *words, "-blockdev", blockdev],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            while b"(qemu)" not in process.stdout.read1():
                assert process.poll() is None
            yield process.pid
        finally:
            process.kill()


def test_every_field_is_described_once():
    ids = [spec.id for spec in SPECS]
    assert len(ids) == len(set(ids))
    for spec in specs():
        known = described(spec.id)
        assert spec.help or known is not None or spec.kind in ("fold", "button"), spec.id


def test_an_iso_decides_what_nobody_gave(form, tmp_path):
    path = medium(tmp_path)
    found = values(form(source="iso", iso=path, memory="3G"))
    assert (found["os"], found["name"]) == ("debian12", "debian-12-a")
    assert (found["memory"], found["cpus"]) == ("3G", str(min(2, os.cpu_count() or 1)))
    windows = medium(tmp_path, "w.iso", "CCCOMA_X64FRE_EN-US_DV9", publisher="MICROSOFT")
    found = form(source="iso", iso=windows)
    assert values(found)["os"] == ""
    assert found.said["os"][0] == "problem"
    assert "perhaps Windows 11" in found.said["os"][1]
    assert "choose one" in found.said["os"][1]
    chosen = form(source="iso", iso=windows, os="win11")
    assert values(chosen)["firmware"] == "uefi"
    assert values(chosen)["disks[0].bus"] == "sata"
    assert values(chosen)["answers"] == "made"
    assert chosen.said["os"] == ("fine", "chosen")


@pytest.mark.parametrize(
    ("given", "field", "standing", "words"),
    [
        ({"name": "a b"}, "name", "problem", "cannot be a guest's name"),
        ({"name": "taken"}, "name", "problem", "a guest of this name exists"),
        ({"memory": ""}, "memory", "problem", "is no size"),
        ({"memory": "900T"}, "memory", "problem", "more than the host's"),
        ({"memory": "64M"}, "memory", "warning", "takes 256M or more"),
        ({"cpus": "0"}, "cpus", "problem", "from 1 to 1024"),
        ({"cpus": "900"}, "cpus", "warning", "they would wait for each other"),
        ({"cpus": "1"}, "cpus", "fine", "61 promised"),
        ({"disk": "900T"}, "disk", "warning", "thin; only"),
        ({"disk": "100M"}, "disk", "warning", "takes 1.0G or more"),
        ({"disk": "/nowhere.qcow2"}, "disk", "problem", "no such file"),
        ({"disk": "20"}, "disk", "problem", ""),
        ({"network": "bridge=nobr0"}, "network", "problem", "this host has no nobr0"),
        ({"network": "bridge=lo"}, "network", "problem", "lo is no bridge"),
        ({"network": "none", "forwards": "1:2"}, "forwards", "problem", "type user"),
        ({"forwards": "22"}, "forwards", "problem", ""),
        ({"firmware": "bios", "arch": "aarch64"}, "firmware", "problem", "has no bios"),
        ({"firmware": "uefi", "os": "old-pc"}, "firmware", "problem", "boots by BIOS only"),
        ({"machine": "no-such-board"}, "machine", "problem", "no machine 'no-such-board'"),
        ({"cpu": "host"}, "cpu", "warning", "cannot migrate"),
        ({"qemu_args": "-device virtio-rng-pc"}, "qemu_args", "problem", "virtio-rng-pci?"),
        ({"qemu_args": "'"}, "qemu_args", "problem", "not closed"),
        ({"more_disks": "/nowhere"}, "more_disks", "problem", "does not exist"),
        ({"source": "network", BOOT: "nowhere"}, BOOT, "problem", ""),
        (
            {"source": "network", BOOT: "http://10.0.2.2/a", "network": "none"},
            "network",
            "problem",
            "no card",
        ),
        ({"source": "network"}, BOOT, "warning", "QEMU's NAT names nothing"),
        ({"source": "network", "network": "bridge=br0"}, BOOT, "fine", "PXE"),
        ({"source": "network", "network": "none"}, "network", "problem", "no card to boot from"),
        ({"source": "kernel"}, "kernel", "problem", "choose one: Ctrl-O browses"),
        ({"source": "kernel", "kernel": "/"}, "kernel", "problem", "it is a directory"),
        ({"source": "disk", "file": "/nowhere.qcow2"}, "file", "problem", "no such file"),
        ({"source": "iso", "iso": "/etc/passwd"}, "iso", "problem", "no installation medium"),
        ({"source": "cloud", "ssh_key": "/etc/passwd"}, "ssh_key", "problem", "line 1"),
        ({"source": "cloud", "user": "Root!"}, "user", "problem", "small letters"),
        ({"source": "cloud", "user_data": "/etc/passwd"}, "user_data", "problem", ""),
        ({"source": "cloud"}, "ssh_key", "warning", "nobody could log in"),
    ],
)
def test_each_field_is_checked(form, home, given, field, standing, words):
    (home.guests / "taken").mkdir()
    found = form(**{"source": "empty", **given})
    assert found.said[field][0] == standing, found.said[field]
    assert words in found.said[field][1]


def test_a_taken_port_is_told(form):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = form(source="empty", forwards=f"{port}:22")
        assert found.said["forwards"] == ("problem", f"port {port} is taken")


def test_a_medium_that_does_not_suit_the_guest(form, tmp_path):
    bios = medium(tmp_path, "bios.iso", "Fedora-S-dvd-x86_64-40", platforms=(0,))
    found = form(source="iso", iso=bios, firmware="uefi")
    assert found.said["firmware"] == ("problem", "the ISO boots by BIOS only")
    assert form(source="iso", iso=bios).said["firmware"][0] == "fine"
    arm = medium(tmp_path, "arm.iso", "Debian 12.5.0 arm64 n", platforms=(0xEF,))
    found = form(source="iso", iso=arm, arch="x86_64")
    assert found.said["iso"] == ("problem", "it is for aarch64, the guest is x86_64")
    cut = tmp_path / "cut.iso"
    cut.write_bytes(iso()[:9000])
    assert form(source="iso", iso=str(cut)).said["iso"][0] == "problem"
    data = bytearray(iso())
    put(data, {16: length_told(data, 358 << 10)})
    cut.write_bytes(data[: 40 << 10])
    found = form(source="iso", iso=str(cut), os="linux")
    assert found.said["iso"] == ("problem", "it is cut off: 40K of 358K are there")


@pytest.mark.parametrize("given", [{}, {"os": "linux"}])
def test_a_medium_that_cannot_boot(form, tmp_path, given):
    plain = medium(tmp_path, "data.iso", "HOLIDAYS", platforms=())
    found = form(source="iso", iso=plain, **given)
    assert found.said["iso"] == ("warning", "not recognised, boots by nothing that is known")


def test_a_disk_that_others_use(form, home, tmp_path):
    path = tmp_path / "used.qcow2"
    image.create(path, "qcow2", 3 << 30)
    assert form(source="disk", file=str(path)).said["file"] == ("fine", "3.0G")
    (home.guests / "db").mkdir()
    (home.guests / "db" / "guest.yaml").write_text(f"disks:\n- file: {path}\n")
    told = form(source="disk", file=str(path)).said["file"]
    assert told == ("warning", "in use by db, which is stopped; 3.0G")
    with qemu_that_holds(path) as pid:
        told = form(source="disk", file=str(path)).said["file"]
        assert told[0] == "problem"
        assert told[1].startswith("in use by qemu-system")
        assert told[1].endswith(f"(pid {pid}); 3.0G")


def test_answers_that_are_shown_know_their_medium(home, tmp_path):
    maker = {"publisher": "MICROSOFT CORPORATION"}
    path = medium(tmp_path, "w.iso", "CCCOMA_X64FRE_DE-DE_DV9", **maker)
    given = {"uuid": str(uuid.uuid4()), "source": "iso", "iso": path, "os": "win11"}
    draft = install_draft.draft(home, Recogniser(home), given)
    wished = install_login.wishes(draft, fetches=False)
    made = install_login.answers(draft, install_plan.plan(draft), wished)
    assert b"<UILanguage>de-DE</UILanguage>" in made.files["autounattend.xml"]


@pytest.mark.parametrize(("network", "packages"), [("user", "qemu-guest-agent"), ("none", "")])
def test_without_a_network_no_package_is_proposed(form, network, packages):
    found = form(source="cloud", image="debian-13", network=network)
    assert values(found)["packages"] == packages


def test_what_differs_from_the_profile_is_bold(form):
    found = {field.id: field for field in form(source="empty", video="virtio").fields}
    assert found["video"].strong
    assert not found["sound"].strong
    assert "1 differs from the profile" in found["expert"].note


def test_a_browser_begins_with_the_isos_of_guests_too(home, tmp_path):
    path = medium(tmp_path, "elsewhere.iso")
    (home.guests / "db").mkdir()
    words = f"cdroms: [{{file: {path}}}, {{file: seed.iso}}, {{file: /nowhere/gone.iso}}]\n"
    (home.guests / "db" / "guest.yaml").write_text(words)
    (home.guests / "db" / "seed.iso").write_bytes(iso())
    found = browsing.begin(home).entries
    assert [(one.path, one.name) for one in found if not one.is_folder] == [
        (path, f"elsewhere.iso  in {tmp_path}")
    ]
    assert browsing.place_of(path) == (str(tmp_path), path, "")
    assert browsing.place_of(f"{tmp_path}/el") == (str(tmp_path), "", "el")
    assert browsing.place_of("~/..").folder == str(tmp_path)
    assert form_has_answers(home, "empty") is False
    assert form_has_answers(home, "cloud") is True


def form_has_answers(home, source):
    given = {"uuid": str(uuid.uuid4()), "source": source}
    return look(home, Recogniser(home), given, Host(0)).has_answers
