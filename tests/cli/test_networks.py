"""Networks of the host: in a namespace of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


@pytest.fixture
def namespace():
    """A network namespace with a tap device; needs root."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        yield None
        return
    name = f"kvmtui-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    subprocess.run([*inside, "ip", "tuntap", "add", "dev", "kvt0", "mode", "tap"], check=True)
    yield inside
    subprocess.run(["ip", "netns", "delete", name], check=True)


def test_an_existing_tap(kvmtui, namespace):
    if namespace is None:
        return
    kvmtui.ok("create", "a", "--memory", "16M", "--network", "tap=kvt0", "--accelerator", "tcg")
    assert "kvt0" in kvmtui.refused("start", "a", status=1)
    kvmtui.prefix = namespace
    kvmtui.ok("start", "a")
    carrier = subprocess.run(
        [*namespace, "cat", "/sys/class/net/kvt0/operstate"], capture_output=True, text=True
    )
    assert carrier.returncode == 0
    network = kvmtui.ok("show", "a", "--json").json["networks"][0]
    assert network["type"] == "tap" and network["mac"].startswith("52:54:00:")
    kvmtui.ok("stop", "a")


def test_a_bridge_that_cannot_be_used_is_one_line(kvmtui):
    kvmtui.ok("create", "a", "--memory", "16M", "--network", "bridge=kvmtui-none")
    kvmtui.refused("start", "a", status=1)
    assert kvmtui.row("a")["state"] == "stopped"
