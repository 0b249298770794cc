"""`check` and `setup` as a user calls them, on this machine and on ones that lack something."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

KEYS = {"id", "title", "status", "detail", "remedy", "measured"}
HEAVY = {"textual", "qemu.qmp", "asyncio", "psutil", "rich", "ruamel"}
FAKES = (
    *("apt-get", "dnf", "pacman", "zypper", "rpm-ostree", "transactional-update"),
    *("useradd", "usermod", "groupadd", "modprobe", "udevadm", "loginctl", "sh"),
)


@pytest.fixture
def bare(kvmtui, tmp_path):
    """A host without QEMU: what would change it is recorded, and told to fail by a file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in FAKES:
        program = folder / name
        line = f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/ran\n[ ! -e {tmp_path}/broken ]\n'
        program.write_text(line)
        program.chmod(0o755)
    kvmtui.environment["PATH"] = str(folder)
    if any(os.path.exists(f"{place}/qemu-kvm") for place in ("/usr/libexec", "/usr/sbin")):
        pytest.skip("QEMU outside of PATH")
    return kvmtui


def by_id(done):
    return {one["id"]: one for one in done.json}


def test_json_is_as_the_contract_has_it(kvmtui):
    done = kvmtui.ok("check", "--json")
    assert all(one.keys() == KEYS for one in done.json)
    assert {one["status"] for one in done.json} <= {"ok", "warn", "fail", "unknown"}
    assert all((one["remedy"] is None) == (one["status"] == "ok") for one in done.json)
    assert all(isinstance(one["measured"], dict) for one in done.json)
    assert by_id(done)["qemu"]["measured"]["version"]
    assert not kvmtui.home.exists()


def test_trouble_comes_first(kvmtui):
    lines = kvmtui.ok("check").out.splitlines()
    assert lines[0].startswith("Guests ")
    found = [line.split()[0] for line in lines[3:] if line and not line.startswith(" ")]
    order = ["fail", "warn", "unknown", "ok"]
    assert found == sorted(found, key=order.index)
    trouble = [line for line in lines if line.split()[:1] in (["warn"], ["unknown"])]
    assert len(trouble) == sum(line.lstrip().startswith("try: ") for line in lines)


def test_the_measured_verdict_is_kept(kvmtui):
    assert by_id(kvmtui.ok("check", "--json"))["accelerator"]["status"] == "unknown"
    kvmtui.tiny("a")
    new = by_id(kvmtui.ok("check", "--measure", "--json"))["accelerator"]
    assert new["status"] in ("ok", "warn")
    trials = new["measured"]["trials"]
    assert trials[0]["accelerator"] == "tcg" and trials[0]["booted"]
    kept = by_id(kvmtui.ok("check", "--json"))["accelerator"]
    # What the signs say holds figures of their own, found anew by each check.
    for one in (new, kept):
        one["measured"].pop("lied", None)
    assert kept["measured"] == new["measured"] and kept["status"] == new["status"]


def test_without_qemu_all_else_is_told(bare):
    done = bare("check", "--json")
    assert done.status == 1
    found = by_id(done)
    assert found["qemu"]["status"] == "fail" and found["accelerator"]["status"] == "unknown"
    assert found["disk"]["status"] in ("ok", "warn") and found["memory"]["measured"]
    assert len(found) > 25
    told = bare.refused("check", status=1)
    assert told.startswith("kvmtui: no guest can run here: qemu: not installed")


def test_a_home_that_cannot_be_written_fails(plain_kvmtui):
    plain_kvmtui.environment["KVMTUI_HOME"] = "/proc/kvmtui"
    done = plain_kvmtui("check", "--json")
    assert done.status == 1 and by_id(done)["home"]["status"] == "fail"


def test_faulty_settings_are_told(kvmtui, tmp_path):
    kvmtui.environment["XDG_CONFIG_HOME"] = str(tmp_path)
    (tmp_path / "kvmtui").mkdir()
    (tmp_path / "kvmtui" / "config.yaml").write_text("colour: red\n")
    found = by_id(kvmtui.ok("check", "--json"))["settings"]
    assert found["status"] == "warn" and "colour: unknown key" in found["detail"]


def test_quiet_says_nothing_where_guests_run(kvmtui):
    done = kvmtui.ok("check", "--quiet")
    assert done.out == done.err == ""


def test_check_imports_nothing_heavy(kvmtui):
    code = "import sys\nfrom kvmtui.cli.main import run\nrun(['check', '--quiet'])\n"
    code += "print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=kvmtui.environment
    )
    assert done.stdout, done
    assert not HEAVY & set(done.stdout.split())


def test_setup_shows_and_changes_nothing(bare, tmp_path):
    done = bare.ok("setup")
    assert "nothing was done: kvmtui setup --yes" in done.out or "by your distribution" in done.out
    assert not (tmp_path / "ran").exists()
    assert all(one["done"] is False for one in bare.ok("setup", "--json").json)


@pytest.mark.skipif(os.geteuid() != 0, reason="setup changes the system, which takes root")
def test_setup_runs_what_it_prints_and_nothing_else(bare, tmp_path):
    shown = [line.strip() for line in bare.ok("setup").out.splitlines() if line.startswith("  ")]
    assert shown
    done = bare.ok("setup", "--yes")
    printed = [line.partition("running: ")[2] for line in done.err.splitlines()]
    assert [line for line in printed if line] == shown
    ran = (tmp_path / "ran").read_text().splitlines()
    assert len(ran) == len(shown)
    assert {line.split()[0] for line in ran} <= set(FAKES)


@pytest.mark.skipif(os.geteuid() != 0, reason="setup changes the system, which takes root")
def test_a_setup_that_fails_says_so(bare, tmp_path):
    (tmp_path / "broken").touch()
    done = bare("setup", "--yes", "--json")
    assert done.status == 1
    assert "exit status 1" in done.err and "not repaired" in done.err
    assert all(one["done"] is False for one in done.json)
    assert (tmp_path / "ran").read_text().count("useradd") <= 1
    assert "usermod -aG kvm kvmtui" not in (tmp_path / "ran").read_text()


def test_setup_without_root_prints_the_line(plain_kvmtui, tmp_path):
    plain_kvmtui.environment["PATH"] = str(tmp_path)
    plain_kvmtui.prefix = [
        f"/usr/bin/{word}" if word == "setpriv" else word for word in plain_kvmtui.prefix
    ]
    done = plain_kvmtui("setup", "--yes")
    if "by your distribution" in done.out or "nothing that a program" in done.out:
        pytest.skip("a distribution that nobody knows")
    assert done.status == 1 and "it takes root" in done.err
    assert all(line.startswith("sudo ") for line in done.out.splitlines())
