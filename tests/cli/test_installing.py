"""`install`: real installers of a few bytes, whatever becomes of kvmtui between their steps."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import linux_installer
import pycdlib
import pytest
from tiny_installer import POWER_OFF, RESTART, STAY, make_cd

from kvmtui.guest.install_record import read_install
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.operations import read_operations
from kvmtui.manage.timeline import timeline

LEAST = ("--memory", "32M", "--network", "none", "--accelerator", "tcg", "--disk", "1M")
LIMIT_S = 40


@pytest.fixture
def cd(tmp_path):
    """Makes a CD with an installer that does something at its end."""

    def make(then=RESTART, **options):
        return make_cd(tmp_path / "cd.iso", then, **options)

    return make


def record_of(kvmtui):
    return read_install(kvmtui.library.folder("g"))


def console_of(kvmtui):
    return (kvmtui.folder("g") / "console.log").read_text(errors="replace")


def until(condition):
    """Poll until something is so."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def medium_of(kvmtui):
    return kvmtui.ok("show", "g", "--json").json["definition"]["cdroms"]


def install_operation(kvmtui):
    found = [one for one in read_operations(kvmtui.library.folder("g")) if one.verb == "install"]
    assert len(found) == 1
    return found[0]


def ended(kvmtui):
    """Wait until the guest's QEMU has ended, with nobody there who could settle it."""
    until(lambda: kvmtui.row("g")["pid"] is None)


def test_a_restart_of_the_guest_means_installed(kvmtui, cd):
    done = kvmtui.ok("install", "g", "--iso", cd(), *LEAST, "--wait", "--timeout", LIMIT_S)
    assert done.out.splitlines()[:2] == [
        "g is being installed: it runs from cd.iso",
        "g is installed and runs from its disk",
    ]
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", LIMIT_S)
    assert record_of(kvmtui) is None and medium_of(kvmtui) == [{}]
    row = kvmtui.row("g")
    assert (row["state"], row["installing"]) == ("running", False)
    assert "reboot=reset" in kvmtui.ok("show", "g", "--argv").out
    assert install_operation(kvmtui).result == "done"
    assert kvmtui.ok("install", "g").out.startswith("g is installed, 20")


def test_while_it_is_installed_the_list_says_so(kvmtui, cd):
    kvmtui.ok("install", "g", "--iso", cd(STAY), *LEAST)
    row = kvmtui.row("g")
    assert (row["state"], row["installing"]) == ("running", True)
    assert "installing" in kvmtui.ok("list").out
    assert "reboot=shutdown" in kvmtui.ok("show", "g", "--argv").out
    assert "it runs from cd.iso" in kvmtui.ok("install", "g").out
    assert kvmtui.ok("why", "g").out.startswith("g is being installed: it runs from cd.iso\n")
    assert [one.text for one in timeline(kvmtui.library, "g")][:2] == [
        "created",
        "installation: from cd.iso",
    ]
    assert install_operation(kvmtui).result == "running"
    assert "runs from cd.iso" in kvmtui.refused("install", "g", "--done")
    # It does not stand in the way of what else is done to the guest.
    kvmtui.ok("pause", "g")
    kvmtui.ok("resume", "g")

    kvmtui.ok("stop", "g")
    assert kvmtui.refused("install", "g") == "kvmtui: g is not installed: it was stopped"
    kvmtui.ok("start", "g")
    assert record_of(kvmtui).trouble == "" and kvmtui.row("g")["installing"]
    kvmtui.ok("stop", "g")
    assert "its medium too" in kvmtui.ok("install", "g", "--keep").out
    kvmtui.ok("start", "g")
    assert not kvmtui.row("g")["installing"] and medium_of(kvmtui) != [{}]


def test_of_a_shutdown_a_person_says_what_it_means(kvmtui, cd):
    kvmtui.ok("install", "g", "--iso", cd(POWER_OFF), *LEAST)
    ended(kvmtui)
    question = "kvmtui: g shut itself down while it was being installed: is it installed?"
    assert kvmtui.refused("install", "g") == question
    assert kvmtui.refused("start", "g") == question
    assert "--done" in kvmtui.ok("list").err
    assert install_operation(kvmtui).result == "failed"

    kvmtui.ok("install", "g", "--again")
    ended(kvmtui)
    assert kvmtui.refused("install", "g", "--wait") == question
    kvmtui.ok("install", "g", "--done")
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", LIMIT_S)
    assert medium_of(kvmtui) == [{}] and install_operation(kvmtui).result == "done"


def test_a_crash_is_told_and_started_again(kvmtui, cd):
    kvmtui.ok("install", "g", "--iso", cd(STAY), *LEAST)
    os.kill(kvmtui.pid("g"), signal.SIGKILL)
    ended(kvmtui)
    said = kvmtui.refused("install", "g")
    assert said == "kvmtui: g is not installed: its process ended without being asked to"
    assert kvmtui.row("g")["state"] == "crashed"
    cd(RESTART)
    kvmtui.ok("install", "g", "--again", "--wait", "--timeout", LIMIT_S)
    assert record_of(kvmtui) is None


def test_restarts_that_wrote_nothing_are_no_installation(kvmtui, cd):
    words = ("--wait", "--timeout", LIMIT_S, "--quiet")
    said = kvmtui.refused("install", "g", "--iso", cd(writes=False), *LEAST, *words)
    assert said == "kvmtui: g is not installed: it restarted 3 times and wrote to no disk"
    assert medium_of(kvmtui) != [{}]


def test_a_system_that_restarts_often_keeps_its_medium_until_the_last(kvmtui, cd):
    kvmtui.ok("install", "g", "--iso", cd(restarts=2), *LEAST, "--reboots", "3")
    ended(kvmtui)
    assert kvmtui.ok("install", "g").out == "g is being installed: it runs from its disk\n"
    until(lambda: "DISK" in console_of(kvmtui))
    pid = kvmtui.pid("g")
    assert kvmtui.ok("install", "g").out == "g is installed\n"
    assert kvmtui.pid("g") == pid and medium_of(kvmtui) == [{}]
    drives = [one for one in kvmtui.ok("qmp", "g", "query-block").json if one["removable"]]
    assert drives and not any("inserted" in drive for drive in drives)


def test_the_interface_goes_on_with_it(kvmtui, cd):
    kvmtui.ok("install", "g", "--iso", cd(), *LEAST)

    async def look():
        fleet = Fleet(kvmtui.library)
        try:
            async with asyncio.timeout(LIMIT_S):
                while record_of(kvmtui) is not None:
                    await fleet.refresh()
                    await asyncio.sleep(0.1)
        finally:
            fleet.close()

    asyncio.run(look())
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", LIMIT_S)


KILLED = """
import os, signal, sys
import {module} as module
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
module.{name} = killed
from kvmtui.cli.main import run
run(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("kvmtui.manage.starting", "start_now"),  # defined, not started
        ("kvmtui.qemu.launch", "launch"),  # a run is written down, and nothing runs
        ("kvmtui.manage.install_steps", "started"),  # QEMU runs, and nobody wrote that down
        ("kvmtui.manage.changing", "change"),  # it restarted; the medium is still in
        ("kvmtui.manage.install_steps", "_finish"),  # it runs from its disk, not written down
    ],
)
def test_killed_at_any_step_the_next_goes_on(kvmtui, cd, module, name):
    words = ["install", "g", "--iso", str(cd()), *LEAST, "--wait", "--timeout", str(LIMIT_S)]
    program = KILLED.format(module=module, name=name)
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=kvmtui.environment, timeout=LIMIT_S
    )
    assert done.returncode == -signal.SIGKILL
    assert record_of(kvmtui) is not None
    kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
    kvmtui.ok("wait", "g", "--for", "text=DISK", "--timeout", LIMIT_S)
    assert record_of(kvmtui) is None and medium_of(kvmtui) == [{}]


def test_what_cannot_be_installed_leaves_nothing(kvmtui, cd, tmp_path):
    iso = cd()
    assert "no CD image" not in kvmtui.refused("install", "g", "--iso", tmp_path / "none.iso")
    said = kvmtui.refused("install", "g", "--iso", iso, *LEAST, "--reboots", "0")
    assert said == "kvmtui: g: reboots are from 1 to 20"
    assert kvmtui.refused("install", "g") == "kvmtui: g: there is no such guest"
    assert not kvmtui.folder("g").exists()
    kvmtui.tiny("h")
    assert kvmtui.ok("install", "h").out == "h was not installed by kvmtui\n"
    assert kvmtui.refused("install", "h", "--done") == "kvmtui: h is not being installed"


def test_a_kernel_installs_and_is_then_no_longer_booted(kvmtui, linux):
    words = ("--kernel", linux[0], "--initrd", linux[1], "--memory", "256M", "--disk", "16M")
    line = "console=ttyS0 quiet panic=-1"
    kvmtui.ok("install", "g", *words, "--append", line, "--accelerator", "tcg")
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY", "--timeout", LIMIT_S)
    script = kvmtui.home / "script.yaml"
    steps = ('type: "dd if=/dev/urandom of=/dev/sda count=99\\n"', "wait: records out")
    steps += ('type: "reboot -f\\n"', "wait: Restarting system")
    script.write_text("steps:\n" + "".join(f"- {step}\n" for step in steps))
    kvmtui("expect", "g", script)
    kvmtui.ok("install", "g", "--wait", "--timeout", LIMIT_S)
    definition = kvmtui.ok("show", "g", "--json").json["definition"]
    assert not {"kernel", "initrd", "append"} & definition.keys()
    assert "-kernel" not in kvmtui.ok("show", "g", "--argv").out


@pytest.mark.slow
def test_a_real_installer_runs_to_its_end_and_its_system_boots(kvmtui, tmp_path, linux):
    iso = linux_installer.make_cd(tmp_path, linux)
    words = ("--memory", "256M", "--accelerator", "tcg", "--network", "none", "--disk", "200M")
    kvmtui.ok("install", "g", "--iso", iso, *words, "--wait", "--timeout", "300")
    login = f"text={linux_installer.LOGIN}"
    kvmtui.ok("wait", "g", "--for", login, "--timeout", "120")
    assert medium_of(kvmtui) == [{}] and install_operation(kvmtui).result == "done"


def debian_medium(path, kernel, initrd):
    """A CD that is Debian's by its label, and has kernel and initrd where Debian has them."""
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, vol_ident="Debian 12.5.0 amd64 n", rock_ridge="1.09")
    image.add_directory("/INSTALL", rr_name="install.amd")
    for number, (name, file) in enumerate((("vmlinuz", kernel), ("initrd.gz", initrd))):
        image.add_file(str(file), f"/INSTALL/F{number}.;1", rr_name=name)
    image.write(str(path))
    image.close()
    return path


@pytest.mark.slow
def test_without_questions_the_mediums_own_kernel_gets_the_answers(kvmtui, tmp_path, linux):
    iso = debian_medium(tmp_path / "debian.iso", *linux)
    words = ("--iso", iso, "--accelerator", "tcg", "--memory", "512M", "--network", "user")
    kvmtui.ok("install", "g", *words, "--user", "ann", "--append", "console=ttyS0 quiet panic=-1")
    definition = kvmtui.ok("show", "g", "--json").json["definition"]
    assert definition["os"] == "debian12" and definition["disks"][0]["size"]
    assert "auto=true priority=critical" in definition["append"]
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY", "--timeout", LIMIT_S)
    script = kvmtui.home / "script.yaml"
    script.write_text('steps:\n- type: "grep -c username /preseed.cfg\\n"\n- wait: "\\n[1-9]"\n')
    kvmtui.ok("expect", "g", script)
    kvmtui.ok("stop", "g")
    kvmtui.ok("install", "g", "--done")
    assert not list(kvmtui.folder("g").glob("install.*"))
    definition = kvmtui.ok("show", "g", "--json").json["definition"]
    assert "kernel" not in definition and definition["cdroms"][0] == {}


def test_the_answers_of_an_unknown_medium_are_not_known(kvmtui, cd):
    said = kvmtui.refused("install", "g", "--iso", cd(), *LEAST, "--user", "ann", "--quiet")
    assert said == "kvmtui: g: it is not known how this medium is installed without questions"
    assert not kvmtui.folder("g").exists()
