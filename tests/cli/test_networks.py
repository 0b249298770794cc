"""Networks of the host: in a namespace of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


@pytest.fixture
def namespace():
    """A network namespace with two tap devices; needs root."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        yield None
        return
    name = f"kvmtui-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    for tap in ("kvt0", "kvt1"):
        subprocess.run([*inside, "ip", "tuntap", "add", "dev", tap, "mode", "tap"], check=True)
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


def test_one_mac_on_two_taps_is_told_while_the_other_runs(kvmtui, namespace):
    if namespace is None:
        return
    kvmtui.prefix = namespace
    mac = "52:54:00:12:34:ab"
    for name, network in (("a", "tap=kvt0"), ("b", "tap=kvt1"), ("c", "user")):
        words = ["--memory", "16M", "--accelerator", "tcg", "--network", f"{network},mac={mac}"]
        kvmtui.ok("create", name, *words)
    kvmtui.ok("start", "a")
    note = f"b has the MAC {mac} of a, which runs: kvmtui set b 'networks[0].mac='"
    assert note in kvmtui.ok("start", "b").err
    assert mac not in kvmtui.ok("start", "c").err
    kvmtui.ok("stop", "a", "b")
    assert mac not in kvmtui.ok("start", "b").err


def test_a_bridge_that_cannot_be_used_is_one_line(kvmtui):
    kvmtui.ok("create", "a", "--memory", "16M", "--network", "bridge=kvmtui-none")
    kvmtui.refused("start", "a", status=1)
    assert kvmtui.row("a")["state"] == "stopped"
