"""The unit: its text to the letter, odd paths, and what systemd itself says of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from kvmtui.errors import HostError
from kvmtui.host.boot import check_sayable
from kvmtui.host.boot_unit import BootUnit, passed_mark, take_passed_mark, unit_text
from kvmtui.host.paths import SYSTEM_HOME, autostart_unit

PROGRAM = ("/opt/kvmtui/bin/python", "-P", "-m", "kvmtui")
ODD = "/srv/my \"vms\" 100% $HOME\\x 'q' é;b\\"

SYSTEM = """\
# Written by kvmtui autostart, which also removes it: changes here are lost.
[Unit]
Description=kvmtui guests in "/srv/vms"
Wants=network-online.target
After=network-online.target remote-fs.target
RequiresMountsFor="/srv/vms"

[Service]
Type=exec
RemainAfterExit=yes
Environment="KVMTUI_HOME=/srv/vms"
ExecStart="-:/opt/kvmtui/bin/python" "-P" "-m" "kvmtui" "autostart" "run"
ExecStopPost="-:/opt/kvmtui/bin/python" "-P" "-m" "kvmtui" "autostart" "stop" "--yes" \
"--timeout" "300"
KillMode=process
TimeoutStopSec=360

[Install]
WantedBy=multi-user.target
"""


def test_the_systems_unit_to_the_letter():
    assert unit_text("/srv/vms", PROGRAM, system=True) == SYSTEM


def test_a_users_unit_ends_before_its_manager_is_killed():
    text = unit_text("/home/a/vms", PROGRAM, system=False)
    assert "WantedBy=default.target\n" in text and "network" not in text
    assert '"--timeout" "70"\n' in text and "TimeoutStopSec=115\n" in text


def test_odd_paths_are_escaped():
    text = unit_text(ODD, ("/opt/a b%/py$x", "-m", "kvmtui"), system=True)
    escaped = "/srv/my \\\"vms\\\" 100%% $HOME\\\\x 'q' é;b\\\\"
    assert f'Environment="KVMTUI_HOME={escaped}"\n' in text
    assert f'RequiresMountsFor="{escaped}"\n' in text
    assert 'ExecStart="-:/opt/a b%%/py$x" "-m"' in text


@pytest.mark.parametrize("home", ["/srv/vms", ODD])
@pytest.mark.slow
def test_systemd_finds_no_fault(tmp_path, home):
    python = tmp_path / 'a "b" 100% $x' / "python"
    python.parent.mkdir()
    shutil.copy("/bin/true", python)
    file = tmp_path / "kvmtui-autostart-test.service"
    file.write_text(unit_text(home, (str(python), "-m", "kvmtui"), system=True))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("home", ["/srv/a\nb", "/srv/\x1b[31m", os.fsdecode(b"/srv/\xff")])
def test_what_no_unit_can_say_is_refused(home):
    with pytest.raises(HostError, match="cannot be written into a unit or crontab"):
        check_sayable(home)


def test_each_home_has_a_unit_of_its_own(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert autostart_unit(SYSTEM_HOME) == "kvmtui-autostart.service"
    names = {autostart_unit(home) for home in ("/srv/a", "/srv/b", SYSTEM_HOME)}
    assert len(names) == 3
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/a")
    assert autostart_unit("/home/a/.local/share/kvmtui") == "kvmtui-autostart.service"
    assert autostart_unit(SYSTEM_HOME) != "kvmtui-autostart.service"


def test_the_mark_counts_once(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    open(passed_mark("a.service"), "w").close()
    assert not take_passed_mark("b.service")
    assert take_passed_mark("a.service") and not take_passed_mark("a.service")


def test_nothing_is_in_place_for_a_home_that_nobody_enabled(tmp_path):
    unit = BootUnit(str(tmp_path), (sys.executable, "-m", "kvmtui"))
    assert not unit.is_in_place() and not unit.remove()
    assert [problem.what for problem in unit.problems()] == [f"{unit.name} is not installed"]
