"""Running all checks: limits, processes that die, this machine as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kvmtui.host.check_run import run_checks
from kvmtui.host.checks import all_checks
from kvmtui.host.facts import Asked
from kvmtui.host.isolated import isolated

FINE = str(Path(__file__).parent / "trees" / "amd-fine")
STATUSES = {"ok", "warn", "fail", "unknown"}


def tree(folder: Path, **facts) -> Path:
    (folder / "facts.json").write_text(json.dumps({"base": FINE, **facts}))
    return folder


def test_this_machine_is_checked_and_not_changed(tmp_path):
    home = tmp_path / "home"
    results = run_checks(Asked(str(home)))
    assert [one.id for one in results] == [one.id for one in all_checks()]
    assert {one.status for one in results} <= STATUSES
    assert all((one.remedy is None) == (one.status == "ok") for one in results)
    assert not home.exists()
    json.dumps([one.measured for one in results])


def test_a_file_that_never_answers_costs_its_check_only(tmp_path):
    hanging = tmp_path / "sys/kernel/mm/ksm/run"
    hanging.parent.mkdir(parents=True)
    os.mkfifo(hanging)
    results = {one.id: one for one in run_checks(Asked("/x"), tree=tree(tmp_path), limit_s=0.3)}
    assert results["ksm"].status == "unknown"
    assert results["ksm"].detail == "no answer within 0.3 s"
    assert results.keys() == {one.id for one in all_checks()}
    assert [one.id for one in results.values() if one.status != "ok"] == ["ksm"]


def test_a_probe_that_dies_costs_its_check_only(tmp_path):
    results = run_checks(Asked("/x"), tree=tree(tmp_path, limits="garbled", clock=None))
    trouble = {one.id: one.detail for one in results if one.status != "ok"}
    assert trouble.keys() == {"limits", "clock"}
    assert trouble["clock"] == "the process that ran it died"


def test_nothing_of_the_folder_one_stands_in_is_imported(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    results = run_checks(Asked("/x"), tree=Path(FINE), only=("ksm",))
    assert [one.status for one in results] == ["ok"]


def children():
    """The processes that this one has, zombies too."""
    found = [one.read_text().split() for one in Path("/proc/self/task").glob("*/children")]
    return {int(pid) for some in found for pid in some}


def test_a_child_that_hangs_is_killed():
    began, before = time.monotonic(), children()
    with pytest.raises(TimeoutError):
        isolated(lambda: {"never": os.read(os.pipe()[0], 1)}, limit_s=0.2)
    assert time.monotonic() - began < 2
    assert children() == before


def test_a_child_that_dies_or_fails_says_so():
    with pytest.raises(OSError, match="process died"):
        isolated(lambda: os._exit(3))
    with pytest.raises(FileNotFoundError):
        isolated(lambda: {"at": os.stat("/nowhere")})
    with pytest.raises(OSError, match="no user"):
        isolated(dict, user="nobody-of-this-name")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_question_is_asked_as_the_other_user():
    told = isolated(lambda: {"uid": os.getuid(), "may": os.access("/", os.W_OK)}, user="nobody")
    assert told == {"uid": 65534, "may": False}


def test_the_kvm_probe_tells_the_step():
    code = "import json; from kvmtui.host.kvm_probe import probe; print(json.dumps(probe()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    if not os.path.exists("/dev/kvm"):
        assert told["step"] == "open"
    elif told["step"] == "":
        assert told["api"] == 12 and told["exit_reason"] in (None, 2) and told["seconds"] < 1.5
    else:
        assert told["error"] or told["exit_reason"] is not None
