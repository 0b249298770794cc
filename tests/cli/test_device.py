"""`device`: CDs in and out of real guests, also where the guest holds the tray shut."""

from __future__ import annotations

import os
import pwd

import pytest
from conftest import PLAIN_UID

from kvmtui.qemu.plain import connect_below

ISO_BYTES = 1 << 20


@pytest.fixture
def images(tmp_path):
    """Two images, as a person would name them."""
    found = []
    for name in ("one.iso", "two, with a comma.iso"):
        path = tmp_path / name
        path.write_bytes(name.encode().ljust(ISO_BYTES, b"\0"))
        found.append(path)
    return found


def drive(kvmtui, name="g"):
    return kvmtui.ok("device", "list", name, "--json").json[0]


def test_a_cd_is_changed_and_taken_out(kvmtui, images):
    one, two = images
    kvmtui.tiny("g", "--cdrom", one)
    assert drive(kvmtui)["file"] is None and drive(kvmtui)["defined"] == str(one)
    kvmtui.ok("start", "g")
    assert drive(kvmtui)["file"] == str(one)
    done = kvmtui.ok("device", "insert", "g", two)
    assert "is in cdrom0" in done.out and "--save" in done.err
    assert drive(kvmtui)["file"] == str(two) and drive(kvmtui)["defined"] == str(one)
    assert f"  cdrom       {two}\n" in kvmtui.ok("show", "g").out
    kvmtui.ok("device", "eject", "g")
    assert drive(kvmtui)["file"] is None
    assert "already" in kvmtui.ok("device", "eject", "g").out
    kvmtui.ok("device", "insert", "g", one, "--save")
    kvmtui.ok("device", "insert", "g", two, "--save")
    assert drive(kvmtui)["defined"] == drive(kvmtui)["file"] == str(two)
    assert "one.iso" not in str(kvmtui.ok("qmp", "g", "query-named-block-nodes").json)
    kvmtui.ok("device", "eject", "g", "--save")
    assert drive(kvmtui)["defined"] is None
    assert "  cdrom       empty\n" in kvmtui.ok("show", "g").out
    assert "locked" not in kvmtui.ok("device", "list", "g").out
    kvmtui.ok("stop", "g")
    kvmtui.ok("device", "insert", "g", two, "--save")
    kvmtui.ok("start", "g")
    assert drive(kvmtui)["file"] == str(two)
    verbs = [line for line in kvmtui.ok("events", "g").out.splitlines() if " insert" in line]
    assert verbs


def test_a_tray_that_the_guest_holds_shut(kvmtui, linux_guest_files, images):
    one, two = images
    example = linux_guest_files / "debian-kernel.yaml"
    line = "console=ttyS0 quiet panic=-1"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--append", line)
    kvmtui.ok("set", "g", f'cdroms=[{{file: "{one}"}}]')
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    with connect_below(kvmtui.folder("g") / "run", "serial") as console:
        console.sendall(b"exec 5</dev/sr0; echo 1 > /proc/sys/dev/cdrom/lock; echo o''pen\n")
        kvmtui.ok("wait", "g", "--for", "text=\nopen")
    while not drive(kvmtui)["locked"]:
        pass
    for words in (("insert", "g", two), ("eject", "g")):
        done = kvmtui("device", *words)
        assert done.status == 1 and "holds the tray of cdrom0 shut" in done.err
        assert "--force" in done.err
    kvmtui.ok("device", "insert", "g", two, "--force")
    assert drive(kvmtui)["file"] == str(two)
    kvmtui.ok("device", "eject", "g", "--force")
    assert drive(kvmtui)["file"] is None


def test_what_cannot_be_done_is_told(kvmtui, images, tmp_path):
    kvmtui.tiny("a")
    assert kvmtui.ok("device", "list", "a").out == "a has no CD drive\n"
    assert "add --save" in kvmtui("device", "insert", "a", images[0]).err
    assert "has no CD drive" in kvmtui.refused("device", "insert", "a", images[0], "--save")
    kvmtui.ok("start", "a")
    assert "has no CD drive" in kvmtui.refused("device", "eject", "a", status=1)
    kvmtui.ok("stop", "a")
    kvmtui.ok("set", "a", "cdroms=[{}]")
    kvmtui.ok("start", "a")
    assert "No such file" in kvmtui.refused("device", "insert", "a", tmp_path / "no", status=1)
    assert "is no image" in kvmtui.refused("device", "insert", "a", tmp_path, status=1)
    words = ("device", "insert", "a", images[0], "--drive", "cdrom7")
    assert "choose cdrom0" in kvmtui(*words).err
    kvmtui.refused("device", "a", status=2)
    kvmtui.refused("device", status=2)


def test_the_viewers_lines(kvmtui):
    kvmtui.tiny("a")
    kvmtui.refused("screen", "a", "--viewer", status=1)
    kvmtui.ok("start", "a")
    kvmtui.environment["SSH_CONNECTION"] = "10.0.0.9 5555 192.0.2.7 2222"
    socket = kvmtui.folder("a") / "run" / "vnc"
    done = kvmtui("screen", "a", "--viewer")
    if len(str(socket)) > 107:
        assert "ssh forwards no socket" in done.err
    else:
        assert f"127.0.0.1:5910:{socket} -p 2222 " in done.out and "@192.0.2.7" in done.out
    kvmtui.tiny("b", "--set", "display=none")
    kvmtui.ok("start", "b")
    assert "without a VNC server" in kvmtui.refused("screen", "b", "--viewer", status=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for others")
def test_the_tunnel_is_of_who_reaches_the_socket(plain_kvmtui):
    owner = pwd.getpwuid(PLAIN_UID).pw_name
    plain_kvmtui.tiny("a")
    plain_kvmtui.ok("start", "a")
    assert f" {owner}@" in plain_kvmtui.ok("screen", "a", "--viewer").out
    plain_kvmtui.prefix = []
    plain_kvmtui.environment["SUDO_USER"] = "daemon"
    done = plain_kvmtui.ok("screen", "a", "--viewer").out
    assert f" {owner}@" in done
    assert f"daemon cannot reach a's socket: it takes an ssh key of {owner}" in done
    plain_kvmtui.environment["SUDO_USER"] = owner
    done = plain_kvmtui.ok("screen", "a", "--viewer").out
    assert f" {owner}@" in done and "cannot" not in done


def test_a_console_that_is_not_logged(kvmtui):
    kvmtui.tiny("a", "--set", "console_log=off")
    kvmtui.ok("start", "a")
    assert not (kvmtui.folder("a") / "console.log").exists()
    assert "logfile" not in kvmtui.ok("show", "a", "--argv").out
    assert "is not logged" in kvmtui.refused("wait", "a", "--for", "text=x", status=2)
