"""Faults: what is killed, full, stopped, stale or taken; the next command tells the truth."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kvmtui.guest.folder import MONITORS
from kvmtui.qemu.plain import connect_below

CRASH = """
import os, sys
from kvmtui import durable
from kvmtui.guest import history, library
from kvmtui.qemu import events, launch
from kvmtui.manage import changing, creating, definitions, needs, starting, story
step = count = 0
def dies(function):
    def wrapped(*arguments, **options):
        global count
        if count == step:
            os.kill(os.getpid(), 9)
        count += 1
        return function(*arguments, **options)
    return wrapped
for module, names in [
    (durable, ["write_atomically", "append_line", "make_folder"]),
    (history, ["append"]),
    (creating, ["write_atomically", "_make_images", "_completed"]),
    (starting, ["write_atomically", "make_folder", "_prepare_run", "_write_record"]),
    (needs, ["check_host", "check_files"]),
    (events, ["prepare"]), (launch, ["launch", "_run"]),
    (story, ["close_run"]),
    (changing, ["_keep_disks", "save_change"]),
    (definitions, ["write_atomically"]),
    (library, ["sync_folder", "try_lock"]), (library, ["remove_tree"]),
    (library.Library, ["move", "discard", "sweep"]),
]:
    for name in names:
        setattr(module, name, dies(getattr(module, name)))
from kvmtui.cli.main import run
for line in sys.stdin:
    step = int(line)
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        sys.exit(run(sys.argv[1:]))
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""Runs a verb that kills itself at its step-th write, in a process of its own for each step."""


def each_step(kvmtui, *words, prepare, check):
    """Kill the verb at each of its steps in turn, until it comes through."""
    command = [sys.executable, "-c", CRASH, *words]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    said = kvmtui.home.parent / "said"
    with (
        open(said, "w") as errors,
        subprocess.Popen(
            command, env=kvmtui.environment, stderr=errors, text=True, **pipes
        ) as crashing,
    ):
        for step in range(60):
            prepare()
            print(step, file=crashing.stdin, flush=True)
            status = int(crashing.stdout.readline())
            assert "Traceback" not in said.read_text(), said.read_text()
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            check(killed)
            if not killed:
                assert step > 3, "the steps were not reached"
                return
    raise AssertionError("the verb has no end")


TINY = ["--memory", "16M", "--accelerator", "tcg", "--network", "none", "--disk", "1M"]


def test_create_killed_at_any_step(kvmtui):
    def check(killed):
        names = [row["name"] for row in kvmtui.ok("list", "--json").json]
        assert names in ([], ["a"]) and (killed or names == ["a"])
        if names:
            assert kvmtui.row("a")["state"] == "stopped"
            kvmtui.ok("delete", "a", "--yes")
        kvmtui.ok("create", "b", *TINY)
        kvmtui.ok("delete", "b", "--yes")
        assert os.listdir(kvmtui.home / "guests") == []

    each_step(kvmtui, "create", "a", *TINY, prepare=lambda: None, check=check)


def test_start_killed_at_any_step(kvmtui):
    kvmtui.ok("create", "a", *TINY)

    def check(killed):
        assert kvmtui.row("a")["state"] in ("stopped", "running")
        kvmtui.ok("start", "a")
        assert kvmtui.row("a")["state"] == "running"
        kvmtui.ok("stop", "a")
        assert kvmtui.row("a")["state"] == "stopped"

    each_step(kvmtui, "start", "a", prepare=lambda: None, check=check)


def test_stop_killed_at_any_step(kvmtui):
    kvmtui.ok("create", "a", *TINY)

    def check(killed):
        assert kvmtui.row("a")["state"] in ("stopped", "running")
        kvmtui.ok("stop", "a")
        assert kvmtui.row("a")["state"] == "stopped"
        assert kvmtui.ok("show", "a", "--json").json["last_stop"]["reason"] == "host-qmp-quit"

    each_step(kvmtui, "stop", "a", prepare=lambda: kvmtui.ok("start", "a"), check=check)


def test_rename_killed_at_any_step(kvmtui):
    kvmtui.ok("create", "a", *TINY)

    def check(killed):
        (name,) = [row["name"] for row in kvmtui.ok("list", "--json").json]
        assert name in ("a", "b") and (killed or name == "b")
        if name == "b":
            kvmtui.ok("rename", "b", "a")
        kvmtui.ok("set", "a", "memory=16M")

    each_step(kvmtui, "rename", "a", "b", prepare=lambda: None, check=check)


def test_delete_killed_at_any_step(kvmtui):
    def prepare():
        if not kvmtui.folder("a").exists():
            kvmtui.ok("create", "a", *TINY)

    def check(killed):
        names = [row["name"] for row in kvmtui.ok("list", "--json").json]
        assert names in ([], ["a"]) and (killed or names == [])
        kept = list((kvmtui.home / "images").glob("a-disk0*.qcow2"))
        assert kept or names == ["a"], "the disk is lost"
        if names:
            kvmtui.ok("delete", "a", "--yes", "--keep-disks")
        for path in (kvmtui.home / "images").iterdir():
            path.unlink()

    each_step(kvmtui, "delete", "a", "--yes", "--keep-disks", prepare=prepare, check=check)


def test_a_killed_qemu_is_crashed_and_starts_again(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), signal.SIGKILL)
    kvmtui.ok("wait", "a", "--for", "stopped")
    assert kvmtui.row("a")["state"] == "crashed" and kvmtui.row("a")["pid"] is None
    assert "ended without being asked" in kvmtui.ok("why", "a").out
    kvmtui.ok("start", "a")
    assert kvmtui.row("a")["state"] == "running"


def test_a_terminated_qemu_says_so(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), signal.SIGTERM)
    kvmtui.ok("wait", "a", "--for", "stopped")
    assert kvmtui.row("a")["state"] == "stopped"
    assert kvmtui.ok("show", "a", "--json").json["last_stop"]["reason"] == "host-signal"


def test_a_stopped_process_hangs_nobody(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    pid = kvmtui.pid("a")
    os.kill(pid, signal.SIGSTOP)
    try:
        assert "stopped by a signal" in kvmtui.row("a")["error"]
        for words in (["pause", "a"], ["screen", "a"], ["qmp", "a", "query-status"]):
            done = kvmtui(*words)
            assert done.status == 1 and f"try: kill -CONT {pid}" in done.err, done
            assert done.err.startswith("kvmtui: a does not answer")
        kvmtui.ok("stop", "a")
    finally:
        if kvmtui.row("a")["pid"] == pid:
            os.kill(pid, signal.SIGCONT)
    assert kvmtui.row("a")["state"] == "stopped"


def test_a_stale_pid_file_and_a_reused_pid(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    kvmtui.ok("stop", "a")
    pid_file = kvmtui.folder("a") / "run" / "pid"
    pid_file.write_text(f"{os.getpid()}\n")
    assert kvmtui.row("a")["pid"] is None
    assert "does not run" in kvmtui.ok("stop", "a").out
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys\n"
            f"f = open({str(pid_file)!r}, 'r+')\nfcntl.lockf(f, fcntl.LOCK_EX)\n"
            "print(flush=True)\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        other.stdout.readline()
        assert kvmtui.row("a")["pid"] is None
        assert "does not run" in kvmtui.ok("stop", "a").out
        assert other.poll() is None
        other.stdin.close()
    kvmtui.ok("start", "a")


def test_a_copied_folder_is_another_guest(kvmtui):
    kvmtui.tiny("a", "--disk", "1M")
    kvmtui.ok("start", "a")
    subprocess.run(["cp", "-a", kvmtui.folder("a"), kvmtui.folder("b")], check=True)
    assert kvmtui.row("b")["pid"] is None
    kvmtui.ok("start", "b")
    assert kvmtui.pid("a") != kvmtui.pid("b")
    kvmtui.ok("stop", "b")
    assert kvmtui.row("a")["state"] == "running"


def test_a_disk_in_use_names_who_uses_it(kvmtui, tmp_path):
    image = tmp_path / "shared.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "1M"], check=True)
    kvmtui.tiny("a", "--disk", image)
    kvmtui.tiny("b", "--disk", image)
    kvmtui.ok("start", "a")
    line = kvmtui.refused("start", "b", status=1)
    assert f"in use by a (pid {kvmtui.pid('a')})" in line
    assert kvmtui.row("b")["state"] == "stopped" and kvmtui.row("b")["pid"] is None


def test_a_taken_port(kvmtui):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        kvmtui.ok("create", "a", "--memory", "16M", "--forward", f"{port}:22")
        assert f"port {port}" in kvmtui.refused("start", "a", status=1)
    assert kvmtui.row("a")["state"] == "stopped"


def test_all_monitors_taken_by_foreign_clients(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    run = kvmtui.folder("a") / "run"
    clients = [connect_below(run, name) for name in MONITORS]
    for client in clients:
        client.recv(4096)
    assert kvmtui.row("a")["state"] == "running"
    kvmtui.refused("pause", "a", status=1)
    clients.pop().close()
    kvmtui.ok("pause", "a")
    assert kvmtui.row("a")["state"] == "paused"
    for client in clients:
        client.close()


def test_monitors_held_by_kvmtui_are_named(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    from kvmtui.durable import try_lock

    locks = []
    for name in MONITORS:
        path = kvmtui.folder("a") / f".{name}.lock"
        locks.append(try_lock(path))
        path.write_text(json.dumps({"pid": os.getpid(), "purpose": "a test"}))
    assert f"pid {os.getpid()} (a test)" in kvmtui.refused("pause", "a", status=1)
    for lock in locks:
        os.close(lock)


def test_a_host_that_went_down_is_no_crash(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    record = kvmtui.folder("a") / "run" / "start.json"
    os.kill(kvmtui.pid("a"), signal.SIGKILL)
    kvmtui.ok("wait", "a", "--for", "stopped")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "boot_id": "another"}))
    assert kvmtui.row("a")["state"] == "stopped"
    assert "host went down" in kvmtui.ok("why", "a").out
    kvmtui.ok("start", "a")


def test_a_stop_that_had_to_kill_stays_a_stop(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), signal.SIGSTOP)
    kvmtui.ok("stop", "a")
    assert kvmtui.row("a")["state"] == "stopped"
    assert kvmtui.ok("show", "a", "--json").json["last_stop"]["reason"] == "killed"


def test_a_read_only_home_is_listed_and_says_why_not(plain_kvmtui):
    plain_kvmtui.tiny("a")
    (plain_kvmtui.home / "cache.json").unlink(missing_ok=True)
    for path in [plain_kvmtui.home, *plain_kvmtui.home.rglob("*")]:
        os.chmod(path, path.stat().st_mode & ~0o222)
    assert plain_kvmtui.row("a")["state"] == "stopped"
    assert "Permission denied" in plain_kvmtui.refused("start", "a", status=1)
    for path in [plain_kvmtui.home, *plain_kvmtui.home.rglob("*")]:
        os.chmod(path, path.stat().st_mode | 0o200)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MiB of its own; needs root."""
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
        try:
            while True:
                file.write(b"x")
        except OSError:
            pass
    return filler


def test_a_full_disk_while_guests_pause_and_resume(kvmtui, small_disk):
    kvmtui.environment["KVMTUI_HOME"] = str(small_disk / "home")
    kvmtui.home = small_disk / "home"
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    filler = fill(small_disk)
    for _ in range(20):
        kvmtui.ok("pause", "a")
        assert kvmtui.row("a")["state"] == "paused"
        kvmtui.ok("resume", "a")
        assert kvmtui.row("a")["state"] == "running"
    kvmtui.refused("create", "b", "--memory", "16M", status=1)
    kvmtui.ok("stop", "a")
    assert kvmtui.row("a")["state"] == "stopped"
    assert "No space left" in kvmtui.refused("start", "a", status=1)
    assert kvmtui.row("a")["state"] == "stopped"
    filler.unlink()
    kvmtui.ok("start", "a")
    kvmtui.ok("stop", "a")


def test_a_closed_terminal_in_the_middle_of_a_verb(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files, "nopower")
    waiting = kvmtui.popen("shutdown", "g", start_new_session=True)
    kvmtui.ok("wait", "g", "--for", "running")
    os.killpg(waiting.pid, signal.SIGHUP)
    waiting.communicate(timeout=30)
    assert kvmtui.row("g")["state"] == "running"
    kvmtui.ok("stop", "g")


def heed_interrupts():
    """A shell without job control starts what it puts aside with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_is_130(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files, "nopower")
    waiting = kvmtui.popen("wait", "g", "--for", "text=NEVER", preexec_fn=heed_interrupts)
    log = kvmtui.popen("logs", "g", "-f")
    log.stdout.readline()
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=30)
    log.kill()
    log.communicate()
    assert waiting.returncode == 130 and "Traceback" not in err


def test_xdg_runtime_dir_may_vanish(kvmtui, tmp_path):
    kvmtui.environment["XDG_RUNTIME_DIR"] = str(tmp_path / "runtime")
    (tmp_path / "runtime").mkdir()
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    shutil.rmtree(tmp_path / "runtime")
    kvmtui.ok("pause", "a")
    kvmtui.ok("stop", "a")


def tool_path(tmp_path, scripts=()):
    """A PATH of its own with Python and the given programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in scripts:
        path = folder / name
        path.write_text(text)
        path.chmod(0o755)
    return str(folder)


def test_qemu_is_missing(kvmtui, tmp_path):
    kvmtui.tiny("a")
    kvmtui.environment["PATH"] = tool_path(tmp_path)
    done = kvmtui("start", "a")
    assert done.status == 1 and "QEMU for x86_64 is not installed" in done.err
    assert "try: sudo apt install qemu-system-x86" in done.err or "try: " in done.err
    assert kvmtui.row("a")["state"] == "stopped"
    assert "qemu-img is not installed" in kvmtui.refused("create", "b", "--disk", "1G")


OLD_QEMU = """#!/bin/sh
echo '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 6}}, "capabilities": []}}'
read line
echo '{"return": {}}'
read line
"""


def test_qemu_is_too_old(kvmtui, tmp_path):
    """The one stand-in: no old QEMU can be installed beside the real one."""
    kvmtui.tiny("a")
    path = tool_path(tmp_path, [("qemu-system-x86_64", OLD_QEMU)])
    kvmtui.environment["PATH"] = f"{path}:{os.environ['PATH']}"
    assert "QEMU 6.2.0: 7.2 is the oldest" in kvmtui.refused("start", "a", status=1)


def test_a_run_folder_that_vanished(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    pid = kvmtui.pid("a")
    shutil.rmtree(kvmtui.folder("a") / "run")
    row = kvmtui.row("a")
    assert row["pid"] == pid and row["state"] == "running"
    assert "runs already" in kvmtui.ok("start", "a").out
    kvmtui.refused("pause", "a", status=1)
    kvmtui.ok("stop", "a")
    assert kvmtui.row("a")["state"] == "stopped"
    kvmtui.ok("start", "a")


def test_a_fifo_for_a_definition_holds_nobody_up(kvmtui):
    kvmtui.tiny("a")
    odd = kvmtui.folder("odd")
    odd.mkdir()
    os.mkfifo(odd / "guest.yaml")
    assert kvmtui.row("odd")["state"] == "invalid"
    assert kvmtui.row("a")["state"] == "stopped"
    kvmtui.refused("start", "odd", status=1)


READERS = {
    "console.log": ["why", "logs", "start"],
    "qemu.log": ["logs --qemu", "start"],
    "history.jsonl": ["why", "start"],
    "events.jsonl": ["events", "start"],
    "run/pid": ["show"],
    "run/start.json": ["why"],
    "install.json": ["show"],
    "seed.iso": ["seed show"],
}


def test_a_fifo_in_a_guests_folder_holds_nobody_up(kvmtui):
    places = {place.translate(str.maketrans("/.", "--")): place for place in READERS}
    for name, place in places.items():
        fifo = kvmtui.folder(name) / place
        fifo.parent.mkdir(parents=True)
        (kvmtui.folder(name) / "guest.yaml").write_text("memory: 16M\n")
        os.mkfifo(fifo)
    assert {row["state"] for row in kvmtui.ok("list", "--json").json} == {"stopped"}
    for name, place in places.items():
        for verb in READERS[place]:
            done = kvmtui(*verb.split(), name)
            assert done.status == 0 or "is no file" in done.err, (place, verb, done)
            # QEMU itself would wait for whoever reads its logs.
            assert verb != "start" or done.status == 1, (place, done)


def test_a_forced_shutdown_that_had_to_kill_is_no_crash(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), signal.SIGSTOP)
    kvmtui.ok("shutdown", "a", "--force", "--timeout", "1")
    assert kvmtui.row("a")["state"] == "stopped"
    kvmtui.ok("start", "a")
    os.kill(kvmtui.pid("a"), signal.SIGKILL)
    kvmtui.ok("wait", "a", "--for", "stopped")
    assert kvmtui.row("a")["state"] == "crashed"


def test_disks_that_the_definition_no_longer_lists_are_kept(kvmtui):
    kvmtui.tiny("a", "--disk", "1M")
    kvmtui.ok("set", "a", "disks=")
    kvmtui.ok("delete", "a", "--yes", "--keep-disks")
    assert (kvmtui.home / "images" / "a-disk0.qcow2").exists()
