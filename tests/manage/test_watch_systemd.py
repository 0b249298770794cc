"""A watch that a real systemd keeps running."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from kvmtui.host.boot_watch import MARK

sys.path.insert(0, str(Path(__file__).parent.parent))
from systemd_host import booted

pytestmark = pytest.mark.slow

AGAIN = """
for i in $(seq 300); do
    now=$(systemctl show --value -p MainPID {unit})
    test "$now" != 0 && test "$now" != {pid} && exit 0
    sleep 0.2
done
exit 1
"""


@pytest.fixture
def host(tmp_path, shared):
    with booted(tmp_path, [shared]) as host:
        host.run("useradd", "--create-home", "--shell", "/bin/sh", "lingerer")
        yield host


def home_of(host, shared, user):
    path = shared / f'vms of {user} 100% "$HOME"'
    path.mkdir()
    host.run("chown", f"{user}:", path)
    return lambda script: host.session(user, str(path), f"set -e; {script}")


def test_roots_watch_runs_is_started_again_and_goes(host, shared):
    kvmtui = home_of(host, shared, "root")
    assert "a watch of" in kvmtui("$kvmtui watch enable")
    found = json.loads(kvmtui("$kvmtui watch status --json"))
    assert found["running"] and found["in_place"] and found["problems"] == []
    unit, file = found["starter"], found["file"]
    host.run("systemd-analyze", "verify", file)
    assert host.run("head", "-n1", file).strip() == MARK
    pid = found["state"]["pid"]
    assert host.run("systemctl", "show", "--value", "-p", "MainPID", unit).strip() == str(pid)
    host.run("kill", "-9", pid)
    host.run("sh", "-c", AGAIN.format(unit=unit, pid=pid))
    assert "is begun anew" in kvmtui("$kvmtui watch enable")
    assert "is removed" in kvmtui("$kvmtui watch disable")
    host.run("sh", "-c", f"! test -e '{file}' && ! systemctl is-active {unit}")
    assert "nobody watches" in kvmtui("$kvmtui watch disable")
    found = json.loads(kvmtui("$kvmtui watch status --json"))
    assert not found["running"] and not found["in_place"]


def test_a_user_and_one_that_was_begun_by_hand(host, shared):
    host.run("loginctl", "enable-linger", "lingerer")
    kvmtui = home_of(host, shared, "lingerer")
    kvmtui("(setsid $kvmtui watch run >/dev/null 2>&1 &) ; sleep 2; $kvmtui watch enable")
    found = json.loads(kvmtui("$kvmtui watch status --json"))
    assert found["running"] and found["in_place"] and found["problems"] == []
    assert found["file"].startswith("/home/lingerer/.config/systemd/user/kvmtui-watch-")
    assert "is removed" in kvmtui("$kvmtui watch disable")
