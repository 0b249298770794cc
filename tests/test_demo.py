"""The demo: its images match their sources, its guests live and leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_boot_images_match_their_sources():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_demo.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_tells_what_it_does(kvmtui):
    told = kvmtui.ok("demo").out
    assert told.startswith("This host: ")
    for name in ("demo-wave", "demo-steady"):
        assert f"{name} runs under" in told
        assert told.count(f"{name.ljust(11)}  cpu") == 3
        assert f"{name} said: kvmtui demo" in told
        assert f"{name} shut down in" in told
    assert kvmtui.ok("list", "--json").json == []


def test_an_interrupted_demo_can_be_removed(kvmtui):
    process = kvmtui.popen("demo")
    for line in process.stdout:
        if line.startswith("demo-steady runs"):
            process.terminate()
            break
    process.communicate(timeout=30)
    assert kvmtui.row("demo-wave")["state"] == "running"
    kvmtui.ok("demo", "--stop")
    assert kvmtui.ok("list", "--json").json == []


def test_a_guest_of_ones_own_is_left_alone(kvmtui):
    kvmtui.tiny("demo-wave")
    assert "of your own" in kvmtui.refused("demo", status=1)
    kvmtui.ok("demo", "--stop")
    assert kvmtui.row("demo-wave")["state"] == "stopped"
