"""`stats`: figures against independent readings, and what a script may rely on."""

from __future__ import annotations

import datetime
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from kvmtui.qemu.plain import connect_below
from kvmtui.stats.answers import BALLOON_INTERVAL_S

FIELDS = [
    "name",
    "time",
    "cpu_percent",
    "vcpus",
    "memory_resident_bytes",
    "memory_guest_used_bytes",
    "disk_read_bytes_per_s",
    "disk_write_bytes_per_s",
    "disk_read_ops_per_s",
    "disk_write_ops_per_s",
    "net_receive_bytes_per_s",
    "net_transmit_bytes_per_s",
]
FAST = ("--interval", "0.2")


def samples(done):
    return [json.loads(line) for line in done.out.splitlines()]


def test_json_has_the_promised_fields(kvmtui):
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    kvmtui.ok("start", "a")
    found = samples(kvmtui.ok("stats", "--json", "--count", "2", *FAST))
    assert [one["name"] for one in found] == ["a", "a"]
    for one in found:
        assert set(FIELDS) <= one.keys()
        assert one["cpu_percent"] >= 0 and len(one["vcpus"]) == 1
        assert one["memory_resident_bytes"] > 1 << 20
        assert one["disk_read_bytes_per_s"] is None and one["net_receive_bytes_per_s"] is None
        assert one["disks"] == one["networks"] == []
    assert found[0]["time"] < found[1]["time"]


def test_the_table(kvmtui):
    kvmtui.tiny("a")
    kvmtui.tiny("b", "--set", "tags=[web]")
    kvmtui.ok("start", "a")
    done = kvmtui.ok("stats", "--count", "2", *FAST)
    head, *lines = done.out.splitlines()
    assert head.split()[:4] == ["TIME", "NAME", "CPU%", "WAIT"]
    assert [line.split()[1] for line in lines] == ["a", "a"]
    done = kvmtui.ok("stats", "--all", "--count", "1", *FAST)
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["a", "b"]
    assert done.err == "" and done.out.splitlines()[2].split()[2:] == ["stopped"]
    done = kvmtui.ok("stats", "b", "--count", "2", *FAST)
    assert (done.out, done.err) == ("", "kvmtui: b does not run: it is stopped\n")
    done = kvmtui.ok("stats", "--all", "--json", "--count", "1", *FAST)
    assert json.loads(done.out.splitlines()[1])["cpu_percent"] is None
    assert done.err == "kvmtui: b does not run: it is stopped\n"
    done = kvmtui.ok("stats", "--tag", "web", "--count", "2", *FAST)
    assert done.out == "" and done.err == "kvmtui: no guest runs\n"
    assert kvmtui.ok("--quiet", "stats", "--count", "1", *FAST).out == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--interval", "0.1"], "0.1 is not between 0.2 and 60 seconds"),
        (["--interval", "61"], "61 is not between 0.2 and 60 seconds"),
        (["--interval", "nan"], "nan is not between 0.2 and 60 seconds"),
        (["--interval", "x\x1b[2J"], "is not between 0.2 and 60 seconds"),
        (["--count", "0"], "0 is not a number above 0"),
        (["--count", "-1"], "-1 is not a number above 0"),
        (["a", "--all"], "names do not go with --all or --tag"),
    ],
)
def test_wrong_words(kvmtui, words, told):
    kvmtui.tiny("a")
    line = kvmtui.refused("stats", *words, status=2)
    assert told in line and "\x1b" not in line


def test_guests_that_are_not_there(kvmtui):
    assert "there is no such guest" in kvmtui.refused("stats", "none", status=1)
    kvmtui.tiny("a")
    following = kvmtui.popen("stats", "a", "--json", *FAST)
    assert json.loads(following.stdout.readline())["state"] == "stopped"
    kvmtui.ok("delete", "a", "--yes")
    _, err = following.communicate(timeout=30)
    assert following.returncode == 1 and "a: there is no such guest any more" in err


def test_it_ends_by_interrupt_and_with_its_reader(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    for end in ("interrupt", "pipe"):
        process = kvmtui.popen("stats", *FAST)
        process.stdout.readline()
        if end == "interrupt":
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 130
            assert process.stderr.read() == "kvmtui: interrupted\n"
        else:
            process.stdout.close()
            assert process.wait(timeout=30) == 0
            assert process.stderr.read() == ""
        process.stderr.close()
    assert samples(kvmtui.ok("stats", "--json", "--count", "1", *FAST))


def test_on_a_terminal_the_head_comes_again(kvmtui):
    for name in ("a", "b"):
        kvmtui.tiny(name)
    kvmtui.ok("start", "a", "b")
    ours, theirs = pty.openpty()
    process = kvmtui.popen("stats", "--count", "2", *FAST, stdout=theirs)
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            said += os.read(ours, 65536)
        except OSError:
            break
    process.communicate(timeout=30)
    os.close(ours)
    assert said.count(b"NAME") == 2 and b"\x1b" not in said


class Linux:
    """The real Linux guest, with a shell on its console."""

    def __init__(self, kvmtui):
        self.console = connect_below(kvmtui.folder("g") / "run", "serial")
        self.console.settimeout(60)

    def run(self, command):
        """Run a command and wait until it has ended; returns what it printed."""
        self.console.sendall(f"{command}; echo END''ED\n".encode())
        said = b""
        while b"ENDED" not in said:
            data = self.console.recv(65536)
            assert data, said
            said += data
        return said


def boot(kvmtui, files, *words):
    line = "console=ttyS0 quiet panic=-1"
    example = files / "debian-kernel.yaml"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--append", line, *words)
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    return Linux(kvmtui)


def follow(kvmtui, act, enough, interval="0.5"):
    """Samples from before something is done until it is enough."""
    process = kvmtui.popen("stats", "g", "--json", "--interval", interval)
    found = [json.loads(process.stdout.readline())]
    act()
    while not enough(found):
        found.append(json.loads(process.stdout.readline()))
        assert len(found) < 200, found[-1]
    process.kill()
    process.communicate()
    return found


def total(found, key):
    """What the rates of samples amount to, each over the time since the one before."""
    times = [datetime.datetime.fromisoformat(one["time"]) for one in found]
    pairs = zip(times, times[1:], found[1:], strict=False)
    return sum((after - before).total_seconds() * (one[key] or 0) for before, after, one in pairs)


def is_over(found, key):
    """Whether something was seen, and nothing more in the last two samples."""
    values = [one[key] or 0 for one in found]
    return max(values) > 0 and values[-2:] == [0, 0]


def test_disks_agree_with_what_dd_wrote_and_read(kvmtui, linux_guest_files, tmp_path):
    guest = boot(kvmtui, linux_guest_files, "--disk", f"{tmp_path}/d.raw,size=256M")
    size = 64 << 20
    found = follow(
        kvmtui,
        lambda: guest.run("dd if=/dev/zero of=/dev/sda bs=1M count=64 conv=fsync"),
        lambda found: is_over(found, "disk_write_bytes_per_s"),
    )
    assert total(found, "disk_write_bytes_per_s") == pytest.approx(size, rel=0.02)
    assert total(found, "disk_read_bytes_per_s") < size * 0.02
    busy = max(found, key=lambda one: one["disk_write_bytes_per_s"] or 0)
    assert busy["disk_write_ops_per_s"] > 0 and busy["disk_latency_s"] > 0
    assert busy["disks"][0]["latency_s"] == busy["disk_latency_s"]
    assert busy["disks"][0]["name"] == "hd0" and busy["disks"][0]["errors"] == 0
    guest.run("echo 3 >/proc/sys/vm/drop_caches")
    found = follow(
        kvmtui,
        lambda: guest.run("dd if=/dev/sda of=/dev/null bs=1M count=64"),
        lambda found: is_over(found, "disk_read_bytes_per_s"),
    )
    assert total(found, "disk_read_bytes_per_s") == pytest.approx(size, rel=0.02)
    busy = max(found, key=lambda one: one["disk_read_bytes_per_s"] or 0)
    assert 0 < busy["disk_p99_s"] <= 10, "QEMU keeps its histogram since the first look"


def test_memory_is_what_the_guest_says(kvmtui, linux_guest_files):
    guest = boot(kvmtui, linux_guest_files)
    written: list[datetime.datetime] = []

    def write():
        guest.run("dd if=/dev/zero of=/tmp/ballast bs=1M count=60")
        written.append(datetime.datetime.now(datetime.UTC))

    def is_told(found):
        """Only what the guest told after the last byte: it tells every few seconds."""
        told_after = datetime.timedelta(seconds=2 * BALLOON_INTERVAL_S)
        late = datetime.datetime.fromisoformat(found[-1]["time"]) - written[0] > told_after
        return late and (found[-1]["memory_guest_used_bytes"] or 0) > 60 << 20

    said = follow(kvmtui, write, is_told)[-1]["memory_guest_used_bytes"]
    text = guest.run("cat /proc/meminfo").decode()
    words = {line.split(":")[0]: line.split() for line in text.splitlines() if ":" in line}
    used = (int(words["MemTotal"][1]) - int(words["MemAvailable"][1])) * 1024
    assert said == pytest.approx(used, rel=0.02)


class Ticks(threading.Thread):
    """Reads again and again what a process has used, by the kernel's ticks."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.ended, self.read = pid, threading.Event(), []

    def run(self):
        while not self.ended.wait(0.01):
            with open(f"/proc/{self.pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            self.read.append((time.time(), used))

    def until(self, moment, *, inside):
        """What was used until a moment: as read last before it, or first after it."""
        if inside:
            return max(used for when, used in self.read if when <= moment)
        return min(used for when, used in self.read if when >= moment)


def test_cpu_and_processors_agree_with_the_kernel(kvmtui, linux_guest_files):
    guest = boot(kvmtui, linux_guest_files, "--cpus", "2")
    guest.console.sendall(b"while :; do :; done\n")
    ticks = Ticks(kvmtui.pid("g"))
    ticks.start()
    found = samples(kvmtui.ok("stats", "g", "--json", "--count", "12", "--interval", "0.5"))
    ticks.ended.set()
    ticks.join()
    first, last = (datetime.datetime.fromisoformat(found[at]["time"]) for at in (0, -1))
    # Each sample is told a moment after it was taken.
    told_s = 0.1
    most = ticks.until(last.timestamp(), inside=False) - ticks.until(
        first.timestamp() - told_s, inside=True
    )
    least = ticks.until(last.timestamp() - told_s, inside=True) - ticks.until(
        first.timestamp(), inside=False
    )
    assert least * 0.98 <= total(found, "cpu_percent") / 100 <= most * 1.02
    busy = [max(one["vcpus"]) for one in found]
    rest = [min(one["vcpus"]) for one in found]
    assert min(busy) > max(rest)
    all_of_it = sum(one["cpu_percent"] for one in found)
    # The rest is QEMU's other threads, which take their share where all wait for cores.
    assert 0.8 * all_of_it < sum(busy) + sum(rest) < 1.1 * all_of_it
    # One of two always had something to do: on a core, or waiting for one.
    kept = sum(one["wait_percent"] for one in found) + sum(busy)
    assert kept / len(found) == pytest.approx(100, abs=10)
    halted = sum(one["halted_percent"] for one in found) / len(found)
    assert 100 - halted == pytest.approx((kept + sum(rest)) / len(found) / 2, abs=1)


IN_A_NAMESPACE = """
import socket, sys
connection = socket.create_connection(("10.0.2.15", 7), timeout=60)
data, back = bytes(1 << 20), 0
connection.setblocking(False)
import select
rest = memoryview(data * 4)
while back < 4 << 20:
    ready, free, _ = select.select([connection], [connection] if rest else [], [], 60)
    if free: rest = rest[connection.send(rest[:65536]):]
    if ready: back += len(connection.recv(1 << 20))
print(back)
"""


@pytest.fixture
def tap():
    """A network namespace with a tap that has the guest's gateway address; needs root."""
    if os.geteuid() != 0:
        pytest.skip("a network namespace takes root")
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed")
    name = f"kvmtui-stats-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    for words in (
        "ip tuntap add dev kvs0 mode tap",
        "ip addr add 10.0.2.2/24 dev kvs0",
        "ip link set kvs0 up",
    ):
        subprocess.run([*inside, *words.split()], check=True)
    yield inside
    subprocess.run(["ip", "netns", "delete", name], check=True)


def test_networks_agree_with_what_was_transferred(kvmtui, linux_guest_files, tap):
    kvmtui.prefix = tap
    boot(kvmtui, linux_guest_files, "--network", "tap=kvs0")
    # The figures are the namespace's own, also from outside of it.
    kvmtui.prefix = []

    def counted(side):
        path = f"/sys/class/net/kvs0/statistics/{side}_bytes"
        done = subprocess.run([*tap, "cat", path], capture_output=True, text=True, check=True)
        return int(done.stdout)

    def transfer():
        before.extend(map(counted, ("tx", "rx")))
        command = [*tap, sys.executable, "-c", IN_A_NAMESPACE]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert int(done.stdout) == 4 << 20

    before = []
    found = follow(
        kvmtui,
        transfer,
        lambda found: (
            max(one["net_receive_bytes_per_s"] or 0 for one in found) > 1e5
            and all((one["net_receive_bytes_per_s"] or 0) < 1e4 for one in found[-2:])
        ),
        # A sample is told some milliseconds after it was taken: that is little of so long.
        interval="2",
    )
    for key, side, begun in zip(
        ("net_receive_bytes_per_s", "net_transmit_bytes_per_s"), ("tx", "rx"), before, strict=True
    ):
        passed = counted(side) - begun
        assert passed > 4 << 20, "the data, and headers"
        assert total(found, key) == pytest.approx(passed, rel=0.02), key
    (network,) = max(found, key=lambda one: one["net_receive_bytes_per_s"] or 0)["networks"]
    assert network["name"] == "kvs0" and network["receive_packets_per_s"] > 0
    assert samples(kvmtui.ok("stats", "--json", "--count", "1"))[0]["name"] == "g"


AGENT = r"""cat >/agent <<'EOF'
#!/bin/sh
exec 3<>/dev/virtio-ports/org.qemu.guest_agent.0
cd /sys/class/net/eth0
while :; do
  # With nobody at the other end a port is at its end.
  read -r line <&3 || { usleep 50000; continue; }
  case "$line" in
  *guest-sync*)
    id=${line##*:}
    printf '\377{"return": %s}\n' "${id%%\}*}" >&3 ;;
  *guest-network*)
    printf '{"return": [{"name": "lo", "hardware-address": "00:00:00:00:00:00"},' >&3
    printf '{"name": "eth0", "hardware-address": "%s", "statistics":' $(cat address) >&3
    printf '{"rx-bytes": %s, "tx-bytes": %s, "rx-errs": 0}}]}\n' $(
      cat statistics/rx_bytes statistics/tx_bytes) >&3 ;;
  esac
done
EOF
chmod 755 /agent; /agent 2>/tmp/agent.log & true"""
"""What QEMU's agent does for this one command, by the shell."""


@pytest.mark.slow
def test_an_agent_tells_what_a_user_network_does_not(kvmtui, linux_guest_files):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    guest = boot(kvmtui, linux_guest_files, "--forward", f"127.0.0.1:{port}:7")
    guest.run(AGENT)
    size = 4 << 20

    def counted():
        text = guest.run("cat /sys/class/net/eth0/statistics/rx_bytes").decode()
        return next(int(line) for line in text.splitlines() if line.strip().isdecimal())

    def transfer():
        before.append(counted())
        with socket.create_connection(("127.0.0.1", port), timeout=60) as echo:
            back = 0
            for _ in range(size >> 16):
                echo.sendall(bytes(1 << 16))
                while back < 1 << 16:
                    back += len(echo.recv(1 << 20))
                back -= 1 << 16

    before = []
    process = kvmtui.popen("stats", "g", "--json", "--interval", "0.5")
    found = []
    while not found or found[-1]["net_receive_bytes_per_s"] is None:
        found.append(json.loads(process.stdout.readline()))
    transfer()
    passed = counted() - before[0]
    # One rate holds for 5 s: what the changed ones amount to, over the time between questions.
    while max(one["net_receive_bytes_per_s"] for one in found[-1:]) < 1e5:
        found.append(json.loads(process.stdout.readline()))
    while found[-1]["net_receive_bytes_per_s"] > 1e4:
        found.append(json.loads(process.stdout.readline()))
        assert len(found) < 200, found[-1]
    process.kill()
    process.communicate()
    assert passed > size
    assert total(found, "net_receive_bytes_per_s") == pytest.approx(passed, rel=0.15)
    (card,) = found[-1]["networks"]
    assert card["name"].startswith("52:54:00:")


def test_a_user_network_has_no_bytes(kvmtui):
    kvmtui.ok("create", "a", "--memory", "16M", "--accelerator", "tcg")
    kvmtui.ok("start", "a")
    for one in samples(kvmtui.ok("stats", "--json", "--count", "2", *FAST)):
        assert one["net_receive_bytes_per_s"] is None and one["networks"] == []


def test_a_foreign_client_is_told(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    held = []
    for index in range(3):
        connection = connect_below(kvmtui.folder("a") / "run", f"qmp{index}")
        connection.recv(100)
        held.append(connection)
    done = kvmtui.ok("stats", "a", "--count", "8", "--interval", "0.5")
    assert "kvmtui: a does not answer" in done.err.splitlines()
    assert len(done.out.splitlines()) == 9
    for connection in held:
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()


def test_packets_of_a_user_network_are_those_the_guest_counts(kvmtui, linux_guest_files):
    guest = boot(kvmtui, linux_guest_files, "--network", "user")

    def counted():
        said = guest.run("cat /sys/class/net/eth0/statistics/[rt]x_packets | tr '\\n' ' '")
        return [int(word) for word in said.split() if word.isdigit()]

    def act():
        before.extend(counted())
        guest.run("ping -c 300 -A -q 10.0.2.2")
        after.extend(counted())

    def packets(one, side):
        return (one["networks"] or [{}])[0].get(f"{side}_packets_per_s")

    def is_told(found):
        rates = [packets(one, "receive") for one in found]
        return any(rates) and rates[-2:] == [0, 0]

    before, after = [], []
    found = follow(kvmtui, act, is_told, interval="1")
    for index, side in enumerate(("receive", "transmit")):
        told = total([{**one, "packets": packets(one, side)} for one in found], "packets")
        assert after[index] - before[index] >= 300
        assert told == pytest.approx(after[index] - before[index], rel=0.02), side
    for one in found:
        assert one["net_receive_bytes_per_s"] is None, "QEMU counts no bytes"
