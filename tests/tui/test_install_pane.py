"""The Install pane as a person uses it: real keys on a real pty, real guests."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
import shutil
import socket
import subprocess

import linux_installer
import pytest
from bootable_cds import make_iso
from http_files import serving
from media import iso as descriptors
from tiny_catalog import write_catalog
from tui.conftest import KEY
from tui.seen import (
    CLEAR,
    CTRL_E,
    CTRL_N,
    CTRL_S,
    DOWN,
    ENTER,
    ESC,
    LEFT,
    RIGHT,
    TAB,
    UP,
    show_seed_with_password,
    wait_row,
)
from tui.terminal import DEADLINE_S, Terminal

from kvmtui.guest.seed_image import read_seed

CTRL_O, CTRL_R, CTRL_Y = "\x0f", "\x12", "\x19"
END = "\x1b[F"
CLIPBOARD = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")


class Pressed:
    """A terminal whose key presses are counted."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.count = 0

    def __call__(self, key: str, then: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Press one key, and wait for what it shows."""
        self.count += 1
        self.terminal.send(key)
        self.terminal.wait_for(then, deadline_s=deadline_s)


def copied(terminal):
    """The last text that was sent to the clipboard."""
    terminal.wait_until(lambda: CLIPBOARD.search(terminal.received), what="the clipboard")
    return base64.b64decode(CLIPBOARD.findall(terminal.received)[-1]).decode()


def words_of(pid):
    """The command line of a process as ``ps`` knows it."""
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]


def shown_words(line):
    """The words behind ``cd … &&`` of a line as one types it."""
    return shlex.split(line)[shlex.split(line).index("&&") + 1 :]


def wait_running(kvmtui, terminal, name):
    terminal.wait_until(
        lambda: (
            (kvmtui.folder(name) / "run" / "pid").exists()
            and kvmtui.row(name)["state"] == "running"
        ),
        what=f"{name} runs",
    )


def test_a_cloud_image_takes_two_keys_and_its_line_is_what_ps_shows(
    kvmtui, key_home, cloud_image, open_app
):
    terminal = open_app(80, 24)
    terminal.wait_for("measured: ")
    press = Pressed(terminal)
    press("3", "checks passed")
    terminal.wait_for("✓ here already")
    terminal.wait_for("anna@laptop")
    terminal.send(CTRL_Y)
    line = copied(terminal)
    press(CTRL_S, "[5 Activity]" if "[" in terminal.lines[0] else "Started")
    wait_running(kvmtui, terminal, "debian-13-a")
    assert press.count <= 8
    words = words_of(kvmtui.pid("debian-13-a"))
    assert shown_words(line) == words
    assert shown_words(kvmtui.ok("show", "debian-13-a", "--argv").out) == words
    seed = read_seed(kvmtui.folder("debian-13-a") / "seed.iso")
    assert KEY in seed.files["user-data"].decode()
    definition = kvmtui.ok("show", "debian-13-a", "--json").json["definition"]
    assert (definition["os"], definition["memory"]) == ("debian13", "2G")


def test_an_iso_takes_four_keys_and_its_line_is_what_ps_shows(kvmtui, open_app):
    kvmtui.library.make()
    make_iso(kvmtui.home / "images" / "freebsd.iso")
    terminal = open_app(80, 24)
    terminal.wait_for("measured: ")
    press = Pressed(terminal)
    press("3", "New guest")
    press(CTRL_O, "freebsd14.2, amd64")
    press(ENTER, "✓ recognised")
    terminal.wait_for("checks passed")
    terminal.send(CTRL_Y)
    line = copied(terminal)
    # An emulated guest boots first.
    press(CTRL_S, "MEDIUM", deadline_s=4 * DEADLINE_S)
    assert press.count <= 10
    assert "freebsd-14-a" in terminal.lines[0], "its screen, where one installs by hand"
    words = words_of(kvmtui.pid("freebsd-14-a"))
    assert shown_words(line) == words
    assert "it runs from freebsd.iso" in kvmtui.ok("install", "freebsd-14-a").out


def test_an_iso_that_is_installed_without_questions(kvmtui, key_home, linux_guest_files, open_app):
    kvmtui.library.make()
    files = [("install.amd/vmlinuz", linux_guest_files / "vmlinuz")]
    files += [("install.amd/initrd.gz", linux_guest_files / "initrd.img")]
    make_iso(kvmtui.home / "images" / "debian.iso", "Debian 12.5.0 amd64 n", files)
    terminal = open_app(140, 40)
    terminal.wait_for("measured: ")
    press = Pressed(terminal)
    press("3", "New guest")
    press(CTRL_O, "Debian 12, ")
    press(ENTER, "✓ recognised")
    terminal.wait_for("● answer file made for you")
    terminal.wait_for("the installer has its answers")
    terminal.wait_for("anna@laptop")
    terminal.send(CTRL_Y)
    line = copied(terminal)
    press(CTRL_S, "Started")
    wait_running(kvmtui, terminal, "debian-12-a")
    assert press.count <= 10
    words = words_of(kvmtui.pid("debian-12-a"))
    assert shown_words(line) == words
    assert "auto=true" in words[words.index("-append") + 1]
    initrd = words[words.index("-initrd") + 1]
    with open(initrd, "rb") as file:
        assert b"d-i passwd/" in file.read()


def test_an_empty_guest_with_other_figures_is_only_made(kvmtui, open_app):
    terminal = open_app(140, 40)
    terminal.wait_for("No guests yet")
    terminal.send("n")
    terminal.wait_for("Command line")
    terminal.send(UP * 3 + LEFT)
    terminal.wait_for("● Empty")
    terminal.send(DOWN * 2)
    terminal.send(f"{CLEAR}web 1{TAB}{CLEAR}lots")
    terminal.wait_for("✗ 'lots' is no size")
    terminal.wait_for("✗ 2 fields to put right: Name: ")
    terminal.send(CTRL_S)
    terminal.wait_for("▲ 2 fields to put right")
    terminal.send(f"{CLEAR}web")
    terminal.wait_for("✓ free")
    terminal.send(f"{TAB}{CLEAR}96M{TAB}{CLEAR}1")
    terminal.wait_for("▲ Linux of any kind takes 256M or")
    terminal.send(CTRL_E)
    terminal.wait_for("▾ Expert")
    terminal.send("for tests" + TAB * 6 + ENTER)
    terminal.wait_for("▌ scsi")
    terminal.send("v" + ENTER)
    terminal.wait_for("1 differs from the profile")
    terminal.send(CTRL_N)
    wait_row(terminal, "web", "stopped")
    made = kvmtui.ok("show", "web", "--json").json["definition"]
    assert (made["memory"], made["cpus"], made["description"]) == ("96M", 1, "for tests")
    assert made["disks"][0]["bus"] == "virtio"
    terminal.send("3")
    terminal.wait_for("guest-a" if "● Empty" in terminal.text else "New guest")
    assert "for tests" not in terminal.text, "the next one begins anew"


def test_letters_are_text_and_esc_goes_back_with_all_kept(kvmtui, open_app):
    kvmtui.library.make()
    terminal = open_app(80, 24)
    terminal.wait_for("No guests yet")
    terminal.send("2")
    terminal.wait_for("No images")
    terminal.send("3")
    terminal.wait_for("✓ free")
    terminal.send(f"{CLEAR}q12345?:/")
    terminal.wait_for("q12345?:/")
    terminal.send(ESC)
    terminal.wait_for("No images")
    terminal.send("3")
    terminal.wait_for("q12345?:/")
    terminal.send("\x1b4")
    terminal.wait_for("Checks")
    terminal.send("3")
    terminal.wait_for("q12345?:/")
    terminal.wait_until(lambda: "Esc back" in terminal.lines[-1], what="Esc in the key bar")
    terminal.send(CTRL_R)
    terminal.wait_for("Start over?")
    terminal.send(ENTER)
    terminal.wait_gone("Start over?")
    terminal.wait_for("q12345?:/")
    terminal.send(CTRL_R)
    terminal.wait_for("Start over?")
    terminal.send("y")
    terminal.wait_gone("q12345?:/")
    terminal.wait_for("✓ free")
    terminal.send(CTRL_R)
    terminal.wait_for("all is as at first")


def test_the_same_name_twice_at_once(kvmtui, open_app):
    first, second = open_app(80, 24), open_app(80, 24)
    for terminal in (first, second):
        terminal.wait_for("No guests yet")
        terminal.send("3")
        terminal.wait_for("✓ free")
        terminal.send(UP * 3 + LEFT)
        terminal.wait_for("● Empty")
        terminal.send(DOWN * 2 + f"{CLEAR}twin")
        terminal.wait_for("✓ free")
    for terminal in (first, second):
        terminal.send(CTRL_N)
    told = "a guest of this name exists"
    for terminal in (first, second):
        terminal.wait_until(
            lambda terminal=terminal: told in terminal.text or "stopped" in terminal.text,
            what="one or the other",
        )
    texts = [first.text, second.text]
    assert sum(told in text for text in texts) == 1
    loser = first if told in first.text else second
    assert "twin" in loser.text and "New guest" in loser.text, "what was typed stays"
    assert [entry.name for entry in (kvmtui.home / "guests").iterdir()] == ["twin"]
    loser.send(f"{CLEAR}other")
    loser.wait_for("✓ free")
    loser.send(CTRL_S)
    wait_row(loser, "other", "running")
    assert "vCPU" in loser.text, "the list: there is nothing to wait for in Activity"


def test_files_vanish_and_have_hostile_names(kvmtui, open_app):
    kvmtui.library.make()
    images = kvmtui.home / "images"
    medium = make_iso(images / "freebsd.iso")
    (images / "evil\x1b[2J\u202e\nname.iso").write_bytes(descriptors("WHAT IS IT"))
    many = kvmtui.home.parent / "many"
    many.mkdir()
    for number in range(10_000):
        (many / f"file{number:05}.iso").touch()
    (many / "fedora.iso").write_bytes(descriptors("Fedora-S-dvd-x86_64-40", platforms=(0,)))
    kvmtui.ok("image", "add-directory", many)
    terminal = open_app(80, 24)
    terminal.wait_for("No guests yet")
    terminal.send("3")
    terminal.wait_for("✓ free")
    terminal.send(CTRL_O)
    terminal.wait_for("\\x1b[2J")
    terminal.wait_for("\\x0aname.iso")
    terminal.send("fedora")
    terminal.wait_for("Fedora Linux 40, amd64, BIOS")
    terminal.send(ESC)
    terminal.wait_for("10008 entries")
    terminal.send(f"{many}/nothing/")
    terminal.wait_for("Enter goes there")
    terminal.send(ENTER)
    terminal.wait_for("▲ no such folder:")
    terminal.send(ESC + f"{many}/fed")
    terminal.wait_for("Enter goes there")
    terminal.send(ENTER)
    terminal.wait_for("1 of 10001")
    terminal.send(ESC + f"{images / 'evil'}")
    terminal.wait_for("Enter goes there")
    terminal.send(ENTER)
    terminal.wait_for("▌  evil\\x1b[2J")
    terminal.send(ENTER)
    terminal.wait_for("✗ not recognised: choose one")
    terminal.send(CTRL_O + "freebsd")
    terminal.wait_for("▌  freebsd.iso")
    terminal.send(ENTER)
    terminal.wait_for("✓ recognised")
    terminal.wait_for("checks passed")
    medium.unlink()
    terminal.send(CTRL_S)
    terminal.wait_for("▲ 1 field to put right: ISO: ")
    terminal.wait_for("No such file")
    assert not list((kvmtui.home / "guests").iterdir())


def test_the_seed_is_shown_without_a_passwords_hash(kvmtui, key_home, cloud_image, open_app):
    terminal = open_app(140, 40)
    show_seed_with_password(terminal)
    terminal.wait_for("#cloud-config")
    terminal.wait_for("(a password's hash)")
    assert "Esc clears" not in terminal.text, "it is read; nothing is searched yet"
    terminal.send("/hostn")
    terminal.wait_for("Esc clears")
    terminal.send(ENTER + ESC)
    terminal.wait_for("Command line")
    terminal.wait_for("Ctrl-T show seed   Ctrl-S create and start   Esc back")
    terminal.send(CTRL_N)
    wait_row(terminal, "debian-13-a", "stopped")
    seed = read_seed(kvmtui.folder("debian-13-a") / "seed.iso")
    assert b"$6$" in seed.files["user-data"]
    assert b"hunter2" not in b"".join(seed.files.values()) + terminal.received


@pytest.mark.slow
def test_a_guest_that_boots_from_the_network_by_an_ipxe_script(kvmtui, open_app):
    with serving() as files:
        port = files.url.rpartition(":")[2]
        files.serve("/boot.ipxe", b"#!ipxe\necho BOOTED-BY-SCRIPT\nsleep 1000\n")
        terminal = open_app(140, 40)
        terminal.wait_for("measured: ")
        terminal.send("3")
        terminal.wait_for("✓ free")
        terminal.send(UP * 3 + RIGHT * 3)
        terminal.wait_for("● Network")
        terminal.send(f"{DOWN}http://10.0.2.2:{port}/boot.ipxe")
        terminal.wait_for("boots from the network")
        terminal.wait_for("checks passed")
        terminal.send(CTRL_S)
        terminal.wait_for("BOOTED-BY-SCRIPT", deadline_s=90)
        assert ("GET", "/boot.ipxe", "") in files.asked


def test_a_fetch_that_fails_stands_in_the_activity_of_an_empty_home(kvmtui, open_app, key_home):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        write_catalog(kvmtui, f"http://127.0.0.1:{port}")
        terminal = open_app(140, 40)
        terminal.wait_for("measured: ")
        terminal.send("3")
        terminal.wait_for("✓ free")
        terminal.send(UP * 2 + ENTER + END + ENTER)
        terminal.wait_for("it is fetched and verified first")
        terminal.send(CTRL_S)
        # It is there while nothing has come yet, not even the checksum.
        terminal.wait_for("» pull")
        assert "tiny-x86_64" in terminal.text and "has run" not in terminal.text
    terminal.wait_for("✗ pull")
    terminal.wait_for("Esc ×")
    assert "its image is fetched first" not in terminal.text
    terminal.send(ESC)
    terminal.wait_gone("Esc ×")
    assert "http://127.0.0.1" in terminal.text, "it is the row's"
    terminal.send(ENTER)
    terminal.wait_for("Try: try again, what came is kept")


def test_an_image_is_fetched_in_activity_where_it_can_be_cancelled(kvmtui, tmp_path, open_app):
    image = tmp_path / "tiny.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "8M"], check=True)
    data = image.read_bytes() + os.urandom(2_000_000)
    with serving() as files:
        write_catalog(kvmtui, files.url)
        files.serve("/latest/tiny-amd64.qcow2", data, "slow")
        sums = f"{hashlib.sha512(data).hexdigest()}  tiny-amd64.qcow2\n"
        files.serve("/latest/SUMS", sums.encode())
        terminal = open_app(140, 40)
        terminal.wait_for("measured: ")
        terminal.send("3")
        terminal.wait_for("✓ free")
        terminal.send(UP * 2 + ENTER + END + ENTER)
        terminal.wait_for("A tiny one, amd64")
        terminal.wait_for("tiny-a ")
        terminal.wait_for("it is fetched and verified first")
        terminal.send(CTRL_S)
        terminal.wait_for("▲ neither key nor password: nobody could log in; Ctrl-S again")
        assert "SSH key     ▌" in terminal.text
        terminal.send(CTRL_S)
        terminal.wait_for("» pull")
        terminal.wait_until(files.waits.is_set, what="half of it came")
        terminal.send("X")
        terminal.wait_for("Cancel")
        terminal.send("y")
        terminal.wait_gone("» pull")
        assert not list((kvmtui.home / "guests").iterdir()), "nothing is left of the guest"
        files.ended.set()
        files.faults.clear()
        terminal.send("3")
        terminal.wait_for("tiny-a ")
        terminal.wait_for("nobody could log in")
        terminal.send(CTRL_S)
        terminal.wait_for("Ctrl-S again")
        terminal.send(CTRL_S)
        wait_running(kvmtui, terminal, "tiny-a")
        assert files.parts == 1, "it went on where it was cancelled"


@pytest.mark.slow
def test_a_real_installer_ends_in_a_login_from_the_disk(kvmtui, tmp_path, linux, open_app):
    kvmtui.library.make()
    shutil.copy(linux_installer.make_cd(tmp_path, linux), kvmtui.home / "images" / "linux.iso")
    terminal = open_app(80, 24)
    terminal.wait_for("measured: ")
    press = Pressed(terminal)
    press("3", "New guest")
    press(CTRL_O, "linux.iso")
    press(ENTER, "choose one")
    press(TAB, "Profile   ▌")
    press(ENTER, " of ")
    press("l", "▌ Linux of any kind")
    press(ENTER, "checks passed")
    press(CTRL_S, "typing: you")
    assert press.count <= 10
    log = kvmtui.folder("linux-a") / "console.log"
    terminal.wait_until(
        lambda: linux_installer.LOGIN in log.read_text(errors="replace"),
        deadline_s=400,
        what="the login",
    )
    assert kvmtui.ok("show", "linux-a", "--json").json["definition"]["cdroms"] == [{}]
    terminal.send("\x1d" + ENTER)
    terminal.wait_for("Started")
    terminal.send("1")
    wait_row(terminal, "linux-a", "running")
