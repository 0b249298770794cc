"""Metrics: what they say, that Prometheus takes them, and that nobody holds them up."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kvmtui.errors import HostError, UsageError
from kvmtui.manage import metrics, metrics_server
from kvmtui.manage.forecast import Forecast
from kvmtui.manage.metrics_server import MOST_AT_ONCE, MetricsServer, parse_address
from kvmtui.manage.scrapes import OnDemand, Snapshot
from kvmtui.manage.views import GuestView, LiveGuest
from kvmtui.stats.answers import DiskCounters
from kvmtui.stats.counters import Counters

RUNNING = GuestView(
    "web", "running", 7, "debian12", "x86_64", "kvm", 2, 1 << 30, 5000, 60, (), (), "", False, None
)
STOPPED = RUNNING._replace(
    name="old", state="stopped", pid=None, accelerator=None, memory_resident_bytes=None,
    uptime_s=None, os=None,
)  # fmt: skip
ODD = 'a"b\\c\nd\x1b[31m\udcff'


def disk(name):
    return DiskCounters(name, 1, 2, 3, 4, 5, 6_000_000_000, 7, 8, (), ())


def snapshot(**options):
    counters = Counters(12.5, 60.0, (disk("hd0"), disk(ODD)), ((ODD, (1, 2, 3, 4, 5)),))
    found = Snapshot(
        1000.0,
        {"web": LiveGuest(RUNNING), "old": LiveGuest(STOPPED)},
        {"web": counters, "old": None},
        (
            Forecast("/srv", 100, 40, 1.0, 7.0, 2000.0),
            Forecast("/fast", 50, 4, None, None, None),
        ),
    )
    return found._replace(**options)


def values(text):
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={sample.labels[key]}" for key in sorted(sample.labels))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_names_and_values():
    found = values(metrics.told(snapshot()))
    assert found["kvmtui_guest_up{guest=web}"] == 1 and found["kvmtui_guest_up{guest=old}"] == 0
    assert found["kvmtui_guest_state{guest=old,state=stopped}"] == 1
    assert found["kvmtui_guest_cpu_seconds_total{guest=web}"] == 12.5
    assert found["kvmtui_guest_disk_io_time_seconds_total{disk=hd0,guest=web}"] == 6
    assert found["kvmtui_guest_start_time_seconds{guest=web}"] == 940
    assert found["kvmtui_storage_full_time_seconds{mountpoint=/srv}"] == 2000
    assert found["kvmtui_storage_free_bytes{mountpoint=/fast}"] == 4
    assert "kvmtui_storage_full_time_seconds{mountpoint=/fast}" not in found
    info = "kvmtui_guest_info{accelerator=kvm,arch=x86_64,guest=web,os=debian12}"
    assert found[info] == 1


def test_what_is_not_known_is_absent():
    found = values(metrics.told(snapshot()))
    for key in found:
        if "guest=old" in key:
            name = key.partition("{")[0].removeprefix("kvmtui_guest_")
            assert name in ("up", "state", "info", "vcpus", "memory_bytes"), key
    assert not any("memory_used" in key for key in found)
    nothing = snapshot(storages=(), counters={}, guests={})
    assert list(values(metrics.told(nothing))) == [f"kvmtui_info{{version={metrics.__version__}}}"]
    still = snapshot(storages=(Forecast("/", 1, 1, None, None, None),))
    assert not any("full_time" in key for key in values(metrics.told(still)))


def test_a_guest_that_does_not_answer_is_not_up():
    silent = {"web": LiveGuest(RUNNING._replace(answers=False))}
    assert values(metrics.told(snapshot(guests=silent)))["kvmtui_guest_up{guest=web}"] == 0


def test_hostile_names_are_text_and_do_not_void_the_scrape():
    text = metrics.told(snapshot())
    assert b"\x1b" not in text and text.decode()
    shown = 'a"b\\c\\x0ad\\x1b[31m\\u{dcff}'
    assert values(text)[f"kvmtui_guest_disk_errors_total{{disk={shown},guest=web}}"] == 8


@pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus' promtool is not installed")
def test_prometheus_own_linter_has_no_complaint():
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=metrics.told(snapshot()),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:19177", ("127.0.0.1", 19177)),
        ("[::1]:9", ("::1", 9)),
        (":9", ("127.0.0.1", 9)),
        ("9", ("127.0.0.1", 9)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("0.0.0.0:9", ("0.0.0.0", 9)),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "x:9", "127.0.0.1", "127.0.0.1:x", "1.2.3.4:70000", "h:²"])
def test_what_is_no_address(text):
    with pytest.raises(UsageError):
        parse_address(text)


@pytest.fixture
def serve():
    """Begins a server on a free port of this machine."""
    made = []

    def begin(source, address="127.0.0.1:0"):
        made.append(MetricsServer(address, source))
        return made[-1]

    yield begin
    for server in made:
        server.close()


def get(server, path="/metrics"):
    with urllib.request.urlopen(f"http://{server.address}{path}", timeout=20) as answer:
        return answer.status, answer.read()


def test_pages(serve):
    server = serve(snapshot)
    assert server.warning == ""
    assert get(server)[1] == metrics.told(snapshot())
    assert b"/metrics" in get(server, "/")[1]
    for path in ("/other", "/metrics/../../etc/passwd"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(server, path)


def test_a_home_that_cannot_be_read_is_a_503(serve):
    def refuse():
        raise HostError("the home is closed\x1b")

    with pytest.raises(urllib.error.HTTPError, match="503") as told:
        get(serve(refuse))
    assert told.value.read() == b"the home is closed\\x1b\n"
    with pytest.raises(urllib.error.HTTPError, match="503"):
        get(serve(lambda: None))


def test_other_addresses_are_warned_of_and_taken_ones_refused(serve):
    server = serve(snapshot, "0.0.0.0:0")
    assert "neither a password nor encryption" in server.warning
    with pytest.raises(HostError, match="nobody can listen"):
        MetricsServer(f"127.0.0.1:{server.address.rpartition(':')[2]}", snapshot)


def connect(server):
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_slow_and_many_clients_hold_up_nobody(serve, monkeypatch):
    monkeypatch.setattr(metrics_server, "LIMIT_S", 1.0)
    server = serve(snapshot)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(server)) for _ in range(MOST_AT_ONCE)]
        for one in slow:
            one.sendall(b"GET /metrics HT")
        deadline = time.monotonic() + 20
        while threading.active_count() < MOST_AT_ONCE:
            assert time.monotonic() < deadline
        turned_away = stack.enter_context(connect(server))
        assert turned_away.recv(100).startswith(b"HTTP/1.0 503")
        # The slow ones are ended by the limit, whatever they drip.
        for one in slow:
            with contextlib.suppress(OSError):
                while one.recv(100):
                    pass
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(urllib.error.HTTPError, OSError):
            assert get(server)[0] == 200
            break
        assert time.monotonic() < deadline


def test_nonsense_ends_a_connection_only(serve):
    server = serve(snapshot)
    for data in (b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"A" * 70_000 + b"\r\n\r\n"):
        with connect(server) as connection, contextlib.suppress(OSError):
            connection.sendall(data)
            connection.recv(1000)
    assert get(server)[0] == 200


def test_who_comes_at_once_shares_one_look(serve):
    looks = []

    def source():
        if not looks or time.monotonic() - looks[-1] > 60:
            looks.append(time.monotonic())
        return snapshot(time=looks[-1])

    server = serve(source)
    found = []
    threads = [threading.Thread(target=lambda: found.append(get(server)[1])) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 5 and len(set(found)) == 1 and len(looks) == 1


def test_a_real_guest_is_looked_at_when_somebody_scrapes_and_let_go_again(
    kvmtui, tmp_path, monkeypatch
):
    kvmtui.tiny("a", "--disk", f"{tmp_path}/a.qcow2,size=8M")
    kvmtui.tiny("b")
    kvmtui.ok("start", "a")
    source = OnDemand(kvmtui.library)
    held = kvmtui.folder("a") / ".qmp0.lock"
    assert not held.exists()
    found = values(metrics.told(source.snapshot()))
    assert found["kvmtui_guest_up{guest=a}"] == 1 and found["kvmtui_guest_up{guest=b}"] == 0
    assert found["kvmtui_guest_disk_errors_total{disk=hd0,guest=a}"] == 0
    assert found["kvmtui_guest_cpu_seconds_total{guest=a}"] > 0
    assert source.snapshot() is source.snapshot()
    assert claimed(held)
    monkeypatch.setattr("kvmtui.manage.scrapes.IDLE_S", 0.0)
    source.rest()
    assert not claimed(held)
    source.close()


def claimed(lock):
    import fcntl
    import os

    fd = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def test_without_the_library_it_is_one_line(kvmtui):
    code = (
        "import sys\nsys.modules['prometheus_client'] = None\n"
        "from kvmtui.cli.main import run\nsys.exit(run(['exporter']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=kvmtui.environment
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "kvmtui: metrics take the Python package prometheus-client, which is not installed",
        "  try: pip install 'kvmtui[metrics]', or pipx inject kvmtui prometheus-client",
    ]
