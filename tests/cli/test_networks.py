"""Networks of the host: in a namespace of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HELPER = Path("/usr/lib/qemu/qemu-bridge-helper")
WITH_RULES = """
mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
rm -rf /etc/qemu
if [ -n "$0" ]; then mkdir /etc/qemu; echo "$0" >/etc/qemu/bridge.conf; fi
mknod -m 666 /mnt/tun c 10 200
mount --bind /mnt/tun /dev/net/tun
exec "$@"
"""
"""The helper's rules, and a tun device as udev has it, in mounts of the call's own."""


@pytest.fixture
def namespace():
    """A network namespace with two tap devices; needs root."""
    if os.geteuid() != 0:
        pytest.skip("a network namespace takes root")
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed")
    name = f"kvmtui-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    for tap in ("kvt0", "kvt1"):
        subprocess.run([*inside, "ip", "tuntap", "add", "dev", tap, "mode", "tap"], check=True)
    yield inside
    subprocess.run(["ip", "netns", "delete", name], check=True)


def test_an_existing_tap(kvmtui, namespace):
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


@pytest.fixture
def bridged(namespace):
    """How to call a program beside a bridge ``kvbr0``, given the rules of QEMU's helper."""
    subprocess.run([*namespace, "ip", "link", "add", "kvbr0", "type", "bridge"], check=True)
    subprocess.run([*namespace, "ip", "link", "set", "kvbr0", "up"], check=True)
    return lambda rules: [*namespace, "unshare", "--mount", "sh", "-ec", WITH_RULES, rules]


def ports(namespace):
    """The interfaces in the bridge."""
    command = [*namespace, "ls", "/sys/class/net/kvbr0/brif"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def remedy(kvmtui, *words):
    """The one line of a failure and the one that says what to do."""
    lines = kvmtui(*words).err.splitlines()
    assert len(lines) == 2 and lines[1].startswith("  try: "), lines
    return lines[0], lines[1]


def test_a_bridge_gets_the_guests_tap(kvmtui, namespace, bridged):
    kvmtui.tiny("a", "--set", "networks=[{type: bridge, bridge: kvbr0}]")
    kvmtui.prefix = bridged("allow kvbr0")
    kvmtui.ok("start", "a")
    (port,) = ports(namespace)
    assert port.startswith("tap") and kvmtui.row("a")["state"] == "running"
    kvmtui.ok("stop", "a")
    assert ports(namespace) == []


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ("", "/etc/qemu/bridge.conf is missing or cannot be read"),
        ("allow other0", "/etc/qemu/bridge.conf does not allow it"),
        ("deny kvbr0", "/etc/qemu/bridge.conf does not allow it"),
    ],
)
def test_a_bridge_that_the_helper_may_not_use_says_how_to_allow_it(kvmtui, bridged, rules, why):
    kvmtui.tiny("a", "--set", "networks=[{type: bridge, bridge: kvbr0}]")
    kvmtui.prefix = bridged(rules)
    told, hint = remedy(kvmtui, "start", "a")
    assert told == f"kvmtui: a did not start: bridge kvbr0: {why}"
    assert "echo allow kvbr0 | sudo tee -a /etc/qemu/bridge.conf" in hint
    assert kvmtui.row("a")["state"] == "stopped"


@pytest.mark.parametrize("setuid", [False, True])
def test_a_plain_user_is_told_of_a_tap_which_works(plain_kvmtui, namespace, bridged, setuid):
    kvmtui = plain_kvmtui
    kvmtui.tiny("a", "--set", "networks=[{type: bridge, bridge: kvbr0}]")
    helper = f"cp -p {HELPER} /mnt/h; chmod 4755 /mnt/h; mount --bind /mnt/h {HELPER}; "
    as_user = ["sh", "-ec", f'{helper if setuid else ""}exec "$@"', "sh", *kvmtui.prefix]
    kvmtui.prefix = [*bridged("allow kvbr0"), *as_user]
    told, hint = remedy(kvmtui, "start", "a")
    assert told.startswith("kvmtui: a did not start: bridge kvbr0 takes root: "), told
    first, second = hint.removeprefix("  try: ").split(", ")[0].split(" && ")
    for command in (first, second):
        subprocess.run([*namespace, *command.removeprefix("sudo ").split()], check=True)
    kvmtui.ok("set", "a", "networks=[{type: tap, tap: tap-a}]")
    kvmtui.ok("start", "a")
    assert ports(namespace) == ["tap-a"]
    kvmtui.ok("stop", "a")
