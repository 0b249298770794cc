"""A real guest from definition to power-off, by command."""

from __future__ import annotations

import json
import socket

from kvmtui.guest.folder import MONITORS
from kvmtui.qemu.plain import connect_below
from kvmtui.qemu.process import lock_holder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def history(kvmtui, name):
    lines = (kvmtui.folder(name) / "history.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_linux_guest_lives_its_life(kvmtui, linux_guest_files):
    port = free_port()
    kvmtui.ok(
        "create",
        "--from",
        linux_guest_files / "debian-kernel.yaml",
        "--disk",
        "64M",
        "--forward",
        f"{port}:80",
        "--accelerator",
        "tcg",
    )
    name = "debian-kernel"
    assert kvmtui.ok("start", name).out == f"{name} runs under tcg\n"
    row = kvmtui.row(name)
    assert row["state"] == "running" and row["accelerator"] == "tcg"
    assert row["memory_resident_bytes"] > 0 and row["uptime_s"] >= 0
    assert "runs already" in kvmtui.ok("start", name).out
    kvmtui.ok("wait", name, "--for", "text=KVMTUI-GUEST-READY")
    kvmtui.ok("wait", name, "--for", "port=80")
    assert "forwards no TCP port" in kvmtui.refused("wait", name, "--for", "port=99", status=2)
    kvmtui.refused("wait", name, "--for", "text=NEVER", "--timeout", "0.2", status=1)
    kvmtui.refused("wait", name, "--for", "text=(", status=2)
    kvmtui.ok("pause", name)
    assert kvmtui.row(name)["state"] == "paused"
    assert "paused already" in kvmtui.ok("pause", name).out
    assert "cannot notice" in kvmtui.refused("shutdown", name, status=1)
    kvmtui.ok("resume", name)
    kvmtui.ok("wait", name, "--for", "running")
    assert kvmtui.ok("qmp", name, "query-status").json["status"] == "running"
    assert "CommandNotFound" not in kvmtui.refused("qmp", name, "no-such-command", status=1)
    kvmtui.refused("rename", name, "other", status=1)
    kvmtui.refused("delete", name, "--yes", status=1)
    kvmtui.ok("shutdown", name)
    assert kvmtui.row(name)["state"] == "stopped" and kvmtui.row(name)["pid"] is None
    kvmtui.ok("wait", name, "--for", "stopped")
    stop = kvmtui.ok("show", name, "--json").json["last_stop"]
    assert stop["reason"] == "guest-shutdown" and stop["time"].endswith("Z")
    told = kvmtui.ok("why", name).out
    assert "the guest shut itself down" in told and "shutdown" in told
    begins = [line for line in history(kvmtui, name) if line["phase"] == "begin"]
    assert [line["verb"] for line in begins][:2] == ["create", "start"]
    assert all(line["user"] and line["pid"] and line["boot_id"] for line in begins)
    runs = [line for line in history(kvmtui, name) if line["phase"] == "run"]
    assert [event["event"] for event in runs[0]["events"]][-1] == "SHUTDOWN"
    assert "KVMTUI-GUEST-READY" in kvmtui.ok("logs", name).out
    events = [json.loads(line) for line in kvmtui.ok("events", name, "--json").out.splitlines()]
    assert any(event.get("event") == "STOP" for event in events)


def test_a_guest_that_ignores_the_button_goes_on(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files, "nopower")
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY")
    assert "still runs" in kvmtui.refused("shutdown", "g", "--timeout", "1", status=1)
    assert kvmtui.row("g")["state"] == "running"
    waiting = kvmtui.popen("shutdown", "g", "--timeout", "60")
    kvmtui.ok("wait", "g", "--for", "running")
    kvmtui.ok("stop", "g")
    waiting.communicate(timeout=30)
    kvmtui.ok("start", "g")
    assert "by force" in kvmtui.ok("shutdown", "g", "--timeout", "0", "--force").out
    assert kvmtui.row("g")["state"] == "stopped"
    told = "it was stopped by force, since the power button was not obeyed within 0 s, asked by"
    assert told in kvmtui.ok("why", "g").out
    assert told.partition(", asked")[0] in kvmtui.ok("show", "g").out
    assert kvmtui.ok("show", "g", "--json").json["last_stop"]["reason"] == "host-qmp-quit"
    kvmtui.ok("start", "g")
    kvmtui.ok("pause", "g")
    assert told.partition(", asked")[0] in kvmtui.ok("show", "g").out
    kvmtui.ok("shutdown", "g", "--force")
    why = "since it was paused and could not notice the power button"
    assert why in kvmtui.ok("why", "g").out


def test_a_panic_stands_there_crashed_and_a_reset_revives_it(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files, "crash")
    kvmtui.ok("wait", "g", "--for", "text=Kernel panic")
    events = kvmtui.popen("events", "g", "-f")
    for line in events.stdout:
        if "GUEST_PANICKED" in line:
            break
    events.kill()
    events.communicate()
    row = kvmtui.row("g")
    assert row["state"] == "crashed" and row["pid"] is not None
    told = kvmtui.ok("why", "g").out.splitlines()[0]
    panic = 'panicked: "Kernel panic - not syncing: sysrq triggered crash"'
    assert told == f"g is crashed: the guest's kernel {panic}"
    kvmtui.refused("resume", "g", status=1)
    kvmtui.ok("reset", "g")
    assert kvmtui.row("g")["pid"] == row["pid"]


def test_reboot_is_a_shutdown_and_a_start(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files)
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY")
    before = kvmtui.pid("g")
    kvmtui.ok("set", "g", "memory=300M")
    assert "rebooted" in kvmtui.ok("reboot", "g").out
    assert kvmtui.pid("g") != before
    size = kvmtui.ok("qmp", "g", "query-memory-size-summary").json["base-memory"]
    assert size == 300 << 20


def test_several_at_once(kvmtui):
    for index in range(4):
        kvmtui.tiny(f"g{index}", "--tag", "even" if index % 2 == 0 else "odd")
    kvmtui.ok("start", "--tag", "even")
    states = {row["name"]: row["state"] for row in kvmtui.ok("list", "--json").json}
    assert states == {"g0": "running", "g1": "stopped", "g2": "running", "g3": "stopped"}
    kvmtui.ok("start", "--all")
    assert all(row["pid"] for row in kvmtui.ok("list", "--json").json)
    kvmtui.ok("stop", "--all")
    for index in range(4):
        assert lock_holder(kvmtui.folder(f"g{index}") / "run" / "pid") is None


def test_six_starts_at_one_instant_run_one_qemu(kvmtui):
    kvmtui.tiny("a")
    starts = [kvmtui.popen("start", "a") for _ in range(6)]
    said = [process.communicate(timeout=60) for process in starts]
    assert [process.returncode for process in starts] == [0] * 6, said
    assert sum("runs under" in out for out, _ in said) == 1
    assert kvmtui.row("a")["state"] == "running"


def test_a_deep_home_works(kvmtui, tmp_path):
    deep = tmp_path / ("d" * 120) / ("e" * 60)
    kvmtui.environment["KVMTUI_HOME"] = str(deep)
    kvmtui.home = deep
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    kvmtui.ok("pause", "a")
    assert kvmtui.row("a")["state"] == "paused"
    sockets = [path for path in (kvmtui.folder("a") / "run").iterdir() if path.is_socket()]
    assert {path.name for path in sockets} == {*MONITORS, "serial", "agent", "vnc"}
    assert {path.stat().st_mode & 0o777 for path in sockets} == {0o600}
    kvmtui.ok("stop", "a")


def test_a_home_with_any_signs_in_its_path_works(kvmtui, tmp_path):
    odd = tmp_path / '100% of, it\'s "a" = $HOME' / "%d"
    kvmtui.environment["KVMTUI_HOME"] = str(odd)
    kvmtui.home = odd
    kvmtui.tiny("a", "--disk", "1M")
    kvmtui.ok("start", "a")
    kvmtui.ok("pause", "a")
    assert kvmtui.row("a")["state"] == "paused"
    assert (kvmtui.folder("a") / "qemu.log").exists()
    kvmtui.ok("stop", "a")


def test_an_agent_that_opens_its_channel_is_waited_for(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files)
    kvmtui.ok("wait", "g", "--for", "text=KVMTUI-GUEST-READY")
    kvmtui.refused("wait", "g", "--for", "agent", "--timeout", "0.1", status=1)
    with connect_below(kvmtui.folder("g") / "run", "serial") as console:
        console.sendall(b"sleep 100 < /dev/virtio-ports/org.qemu.guest_agent.0 &\n")
        kvmtui.ok("wait", "g", "--for", "agent")
