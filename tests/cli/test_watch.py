"""`watch` and `exporter` as they are called: one a home, ended in any way, and what is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from kvmtui.manage import recorded, watch_state
from kvmtui.manage.summaries import Summaries
from kvmtui.stats.figure_file import FILE_BYTES
from kvmtui.stats.history import HOST

LIMIT_S = 60.0


def wait_for(condition):
    deadline = time.monotonic() + LIMIT_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def watch(kvmtui, tmp_path):
    """Begins a watch as a process; ended at the end."""
    kvmtui.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    made = []

    def begin(settings="interval: 0.2", *words):
        config = tmp_path / "config" / "kvmtui"
        config.mkdir(parents=True, exist_ok=True)
        (config / "config.yaml").write_text(settings)
        made.append(kvmtui.popen("watch", *words))
        wait_for(lambda: watch_state.read_state(kvmtui.library))
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        process.communicate()


def content(kvmtui, name):
    identity = recorded.identity_of(kvmtui.library, name, Summaries(kvmtui.library))
    return recorded.read(kvmtui.library, name, identity)


def test_one_a_home_and_what_status_says(kvmtui, watch):
    assert "nobody watches this home" in kvmtui.ok("watch", "status").out
    kvmtui.tiny("a")
    process = watch()
    status = kvmtui.ok("watch", "status").out
    assert f"process {process.pid} watches since" in status
    found = kvmtui.ok("watch", "status", "--json").json
    assert found["running"] and found["state"]["pid"] == process.pid and not found["in_place"]
    said = kvmtui.refused("watch", "run", status=1)
    assert said == f"kvmtui: process {process.pid} watches this home already"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=LIMIT_S) == ("", "") and process.returncode == 0
    assert not kvmtui.ok("watch", "status", "--json").json["running"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_was_seen_is_in_the_files_at_the_end(kvmtui, watch, number):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    process = watch()
    # It holds the guest's first monitor once it has looked.
    wait_for(lambda: (kvmtui.folder("a") / ".qmp0.lock").exists())
    time.sleep(1.2)
    process.send_signal(number)
    assert process.wait(LIMIT_S) == (130 if number == signal.SIGINT else 0)
    assert content(kvmtui, "a").dump.tracks["cpu"].seconds[-3:].count(0) < 3
    assert kvmtui.row("a")["state"] == "running"
    past = kvmtui.ok("stats", "--past", "24h", "--json").out.splitlines()
    assert json.loads(past[-1])["step_s"] == 600 and '"cpu_percent": ' in past[-1]
    lines = kvmtui.ok("stats", "a", "--past", "10min").out.splitlines()
    assert lines[0] == "a, a line for 5 s" and len(lines) > 2


def test_killed_at_any_time_it_leaves_files_that_serve(kvmtui, watch):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    sequences = []
    for number in range(4):
        process = watch()
        wait_for(lambda: (kvmtui.folder("a") / ".qmp0.lock").exists())
        time.sleep(0.3 * number)
        process.kill()
        process.wait()
        assert watch_state.read_state(kvmtui.library) is None
        for name in ("a", HOST):
            path = recorded.path_of(kvmtui.library, name)
            if os.path.exists(path):
                assert os.stat(path).st_size == FILE_BYTES
                sequences.append(content(kvmtui, name).sequence)
    process = watch()
    # It looks at the guest for the first time when it takes a monitor.
    held = kvmtui.folder("a") / ".qmp0.lock"
    wait_for(lambda: f'"pid": {process.pid}' in held.read_text())
    process.terminate()
    assert process.wait(LIMIT_S) == 0
    assert content(kvmtui, HOST).sequence >= 1


def test_metrics_of_a_watch(kvmtui, watch):
    kvmtui.tiny("a")
    process = watch("interval: 0.2\nmetrics: 127.0.0.1:0\n")
    state = wait_for(lambda: watch_state.read_state(kvmtui.library))
    assert state.metrics and state.metrics.startswith("127.0.0.1:")

    def scraped():
        with urllib.request.urlopen(f"http://{state.metrics}/metrics", timeout=20) as answer:
            return answer.read().decode()

    found = wait_for_metrics(scraped)
    assert 'kvmtui_guest_up{guest="a"} 0.0' in found
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "metrics"], input=found, text=True, check=True)
    process.terminate()
    assert process.wait(LIMIT_S) == 0


def wait_for_metrics(scraped):
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            return scraped()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_metrics_that_cannot_be_told_do_not_keep_it_from_watching(kvmtui, watch):
    kvmtui.home.mkdir()
    process = watch("metrics: nowhere\n")
    status = kvmtui.ok("watch", "status").out
    assert "trouble: 'nowhere' is no address to listen on" in status
    process.terminate()
    _, err = process.communicate(timeout=LIMIT_S)
    assert err.startswith("kvmtui: 'nowhere' is no address") and process.returncode == 0


def test_the_exporter_alone(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    process = kvmtui.popen("exporter", "--listen", "127.0.0.1:0")
    line = process.stderr.readline()
    assert line.startswith("kvmtui: metrics at http://127.0.0.1:")
    with urllib.request.urlopen(line.split()[-1], timeout=20) as answer:
        assert b'kvmtui_guest_up{guest="a"} 1.0' in answer.read()
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT_S) == 130
    process.communicate()


def test_wrong_calls(kvmtui, tmp_path):
    assert "no address" in kvmtui.refused("exporter", "--listen", "nowhere", status=2)
    assert "invalid choice" in kvmtui.refused("watch", "sometimes", status=2)
    kvmtui.environment["XDG_CONFIG_HOME"] = str(tmp_path)
    (tmp_path / "kvmtui").mkdir()
    (tmp_path / "kvmtui" / "config.yaml").write_text("thresholds: {cpu: 1}")
    assert "cpu: unknown key" in kvmtui.refused("watch", "run", status=1)


def test_setup_offers_it(kvmtui):
    assert "optional: kvmtui watch enable" in kvmtui.ok("setup").out


CRON = """
set -e
"$0" -m kvmtui watch enable
"$0" -m kvmtui watch status
crontab -l
"$0" -m kvmtui watch enable
"$0" -m kvmtui watch disable
"$0" -m kvmtui watch disable
crontab -l 2>&1 || true
"""


@pytest.mark.slow
def test_by_cron_it_runs_at_once_and_ends_with_disable(kvmtui, without_systemd, tmp_path):
    kvmtui.tiny("a")
    done = subprocess.run(
        [*without_systemd, "sh", "-c", CRON, sys.executable],
        capture_output=True,
        text=True,
        env={**kvmtui.environment, "XDG_CONFIG_HOME": str(tmp_path)},
        timeout=120,
        check=True,
    )
    lines = done.stdout.splitlines()
    by = "starts with the host by @reboot in the crontab"
    assert lines[0] == f"a watch of {kvmtui.home} runs, and {by}"
    assert any(" watches since " in line for line in lines[1:5])
    comment = f"# kvmtui watch of {kvmtui.home}, which writes and removes the next line"
    entry = lines[lines.index(comment) + 1]
    assert entry.startswith("@reboot ") and entry.endswith(" --quiet watch run")
    assert f"a watch of {kvmtui.home} is begun anew, and {by}" in lines
    assert "@reboot in the crontab is removed, the watch is ended" in lines
    assert "nobody watches, and nothing starts a watch with the host" in lines
    assert lines[-1].startswith("no crontab for")
    assert not watch_state.is_watched(kvmtui.library)
