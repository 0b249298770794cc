"""QEMU in a scope of its own, on a real systemd with real login sessions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from systemd_host import SystemdHost, booted

pytestmark = pytest.mark.slow

USERS = """
groupadd --force --system kvm
id kvmtui >/dev/null 2>&1 || useradd --system --no-create-home kvmtui
useradd --create-home --shell /bin/sh tester
useradd --create-home --shell /bin/sh lingerer
usermod --append --groups kvm kvmtui
usermod --append --groups kvm lingerer
loginctl enable-linger lingerer
"""
TINY = "--memory 16M --accelerator tcg --network none --set usb=false"
SESSION_PROCESS = "setsid sleep 1000 >/dev/null 2>&1 & echo $! >/tmp/session-of-$(id -un)"
"""Something that logind ends with the session, so that one can wait for that."""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with booted(tmp_path_factory.mktemp("systemd")) as host:
        host.run("sh", "-ec", USERS)
        yield host


def await_end(host: SystemdHost, pid: str) -> None:
    host.run("timeout", 60, "tail", f"--pid={pid}", "-f", "/dev/null")


def await_end_of_session(host: SystemdHost, user: str) -> None:
    await_end(host, host.run("cat", f"/tmp/session-of-{user}").strip())


class Facts:
    """What the kernel says of a guest's QEMU, asked in there."""

    def __init__(self, host: SystemdHost, home: str) -> None:
        self.pid = host.run("cat", f"{home}/guests/a/run/pid").strip()
        self.cgroup = host.run("cat", f"/proc/{self.pid}/cgroup").strip().splitlines()[-1]
        status = host.run("cat", f"/proc/{self.pid}/status").splitlines()
        self.ids = dict(line.split(":", 1) for line in status)
        self.files = host.run("ls", "-l", f"/proc/{self.pid}/fd")
        self.record = json.loads(host.run("cat", f"{home}/guests/a/run/start.json"))


def state(host: SystemdHost, user: str, home: str) -> str:
    said = host.session(user, home, "$kvmtui list --json")
    return json.loads(said)[0]["state"]


def test_root_starts_a_guest_that_outlives_the_session(host):
    home = "/var/lib/kvmtui-test"
    host.session("root", home, f"$kvmtui create a {TINY}")
    said = host.session("root", home, f"{SESSION_PROCESS}; $kvmtui start a")
    assert said == "a runs under tcg\n"
    facts = Facts(host, home)
    scope = facts.record["scope"]
    assert scope.startswith("kvmtui-a-") and scope.endswith(".scope")
    assert facts.cgroup.endswith(f"/system.slice/{scope}")
    wanted = host.run("id", "--groups", "kvmtui").split()
    assert set(facts.ids["Uid"].split()) == {host.run("id", "--user", "kvmtui").strip()}
    assert sorted(facts.ids["Groups"].split()) == sorted(wanted) and len(wanted) == 2
    assert facts.ids["CapEff"].strip() == "0" * 16
    assert "run/events.in" in facts.files and "/.run.lock" in facts.files
    await_end_of_session(host, "root")
    assert state(host, "root", home) == "running"
    assert "runs already" in host.session("root", home, "$kvmtui start a")
    host.session("root", home, "$kvmtui stop a")
    assert state(host, "root", home) == "stopped"


def test_a_user_who_lingers_starts_a_guest_that_outlives_the_session(host):
    home = "/home/lingerer/vms"
    host.session("lingerer", home, f"$kvmtui create a {TINY}")
    said = host.session("lingerer", home, f"{SESSION_PROCESS}; $kvmtui start a")
    assert said == "a runs under tcg\n"
    facts = Facts(host, home)
    assert "/user@" in facts.cgroup and facts.cgroup.endswith(f"/{facts.record['scope']}")
    assert sorted(facts.ids["Groups"].split()) == sorted(host.run("id", "-G", "lingerer").split())
    assert "run/events.in" in facts.files and "/.run.lock" in facts.files
    await_end_of_session(host, "lingerer")
    assert state(host, "lingerer", home) == "running"
    host.session("lingerer", home, "$kvmtui stop a")
    assert state(host, "lingerer", home) == "stopped"


def test_without_lingering_the_session_keeps_it_and_that_is_told(host):
    home = "/home/tester/vms"
    host.session("tester", home, f"$kvmtui create a {TINY}")
    script = f"{SESSION_PROCESS}; $kvmtui start a; read pid <{home}/guests/a/run/pid"
    said = host.session("tester", home, f"{script}; cat /proc/$pid/cgroup; echo pid=$pid")
    assert "loginctl enable-linger" in said
    assert "/session-" in said and "/user@" not in said
    await_end_of_session(host, "tester")
    await_end(host, said.partition("pid=")[2].split()[0])
    assert state(host, "tester", home) == "stopped"


@pytest.mark.parametrize("user", ["root", "lingerer"])
def test_a_start_that_fails_shows_qemus_own_line(host, user):
    home = f"/tmp/{user}-fails"
    arguments = "--set 'qemu_args=[\"-nonsense\"]'"
    host.session(user, home, f"$kvmtui create a {TINY} {arguments}")
    said = host.session(user, home, "$kvmtui start a || true")
    assert said.startswith("kvmtui: a did not start: -nonsense: invalid option\n"), said


def test_where_no_scope_can_be_made_it_starts_without_one_and_says_so(host):
    home = "/var/lib/kvmtui-no-scope"
    host.session("root", home, f"$kvmtui create a {TINY}")
    hidden = " && ".join(
        f"mount --bind /dev/null {path}"
        for path in ("/run/systemd/private", "/run/dbus/system_bus_socket")
    )
    script = f"unshare --mount sh -c '{hidden} && exec $kvmtui start a'"
    said = host.session("root", home, script)
    assert "a runs under tcg" in said
    assert "in no scope of its own; Failed to" in said, said
