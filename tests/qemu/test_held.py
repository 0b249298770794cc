"""Sessions that are held: batches, late answers, foreign clients, answers without end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time

import pytest

from kvmtui.guest.folder import MONITORS
from kvmtui.qemu import held as held_module
from kvmtui.qemu.claims import claim, holders
from kvmtui.qemu.held import SILENT, TAKEN, UNREACHABLE, HeldMonitors

STATUS = ("status", b'{"execute":"query-status"}\n')
NONE = ("none", b'{"execute":"no-such-command"}\n')


class Session:
    """One guest's session, asked in rounds."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.monitors = HeldMonitors("a test")

    @property
    def held(self):
        return self.monitors.hold("g", f"{self.folder}/run", self.folder, MONITORS)

    def ask(self, *questions, limit_s=0.5):
        held = self.held
        self.monitors.send({"g": questions or (STATUS,)})
        self.monitors.wait(limit_s)
        return held

    def until(self, condition, limit_s=20.0):
        deadline = time.monotonic() + limit_s
        while not condition(held := self.ask(limit_s=0.05)):
            assert time.monotonic() < deadline, (held.trouble, held.answers)
        return held


@pytest.fixture
def session(kvmtui):
    kvmtui.tiny("g")
    kvmtui.ok("start", "g")
    session = Session(kvmtui.folder("g"))
    yield session
    session.monitors.close()


def test_a_batch_is_answered_in_one_round_and_again(session):
    for _ in range(3):
        held = session.ask(STATUS, NONE, STATUS, limit_s=10)
        assert held.trouble == "" and held.answers.keys() == {"status", "none"}
        assert b'"running"' in held.answers["status"]
        assert b"CommandNotFound" in held.answers["none"]


def test_events_between_are_no_answers(session, kvmtui):
    session.ask(limit_s=10)
    kvmtui.ok("pause", "g")
    kvmtui.ok("resume", "g")
    assert b'"running"' in session.ask(limit_s=10).answers["status"]


def test_a_command_finds_its_monitor_beside_three_that_are_held(session, kvmtui):
    others = [Session(kvmtui.folder("g")) for _ in range(2)]
    for one in (session, *others):
        assert one.ask(limit_s=10).trouble == ""
    assert kvmtui.ok("qmp", "g", "query-status").json["status"] == "running"
    fourth = Session(kvmtui.folder("g"))
    held = fourth.ask()
    assert held.trouble == TAKEN and held.answers == {}
    told = holders(session.folder, MONITORS[:3])
    assert told == [f"pid {os.getpid()} (a test)"] * 3
    others[0].monitors.leave("g")
    assert fourth.until(lambda held: held.answers).trouble == ""
    for one in (*others, fourth):
        one.monitors.close()


def test_a_stopped_process_is_waited_for_once_and_catches_up(session, kvmtui):
    session.ask(limit_s=10)
    pid = kvmtui.pid("g")
    os.kill(pid, signal.SIGSTOP)
    try:
        held = session.ask(limit_s=0.05)
        assert held.trouble == SILENT and held.answers == {}
        began = time.monotonic()
        session.ask(limit_s=30)
        assert time.monotonic() - began < 10, "one that is late is not waited for"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert session.until(lambda held: held.answers).trouble == ""


def test_one_that_is_gone_is_told_and_costs_nothing(session, kvmtui):
    session.ask(limit_s=10)
    os.kill(kvmtui.pid("g"), signal.SIGKILL)
    held = session.until(lambda held: held.trouble)
    assert held.trouble.startswith(UNREACHABLE) and not held.is_open


def test_a_foreign_client_is_left_for_the_next_monitor(session, monkeypatch):
    monkeypatch.setattr(held_module, "GREETING_S", 0.1)
    monkeypatch.setattr(held_module, "AGAIN_S", 0.0)
    with socket.socket(socket.AF_UNIX) as foreign:
        directory = os.open(f"{session.folder}/run", os.O_RDONLY)
        foreign.connect(f"/proc/self/fd/{directory}/qmp0")
        os.close(directory)
        foreign.recv(1000)
        assert session.ask(limit_s=0.05).trouble == SILENT
        assert session.until(lambda held: held.answers).trouble == ""


def test_leaving_lets_others_in(session, kvmtui):
    session.ask(limit_s=10)
    assert claim(session.folder, "qmp0", "another") is None
    files = len(os.listdir("/proc/self/fd"))
    session.monitors.leave("g")
    assert len(os.listdir("/proc/self/fd")) == files - 2
    lock = claim(session.folder, "qmp0", "another")
    assert lock is not None
    os.close(lock)


@pytest.fixture
def hostile(tmp_path):
    """A monitor that says what a test wants."""
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "run/qmp0"))
        listener.listen()
        session = Session(tmp_path)
        yield session, listener
        session.monitors.close()


def talk(session, listener, data):
    """Ask, let the monitor say something, take it in."""
    session.ask(limit_s=0)
    peer, _ = listener.accept()
    peer.setblocking(False)
    ready = selectors.DefaultSelector()
    ready.register(peer, selectors.EVENT_WRITE)
    deadline = time.monotonic() + 20
    while data and session.held.is_open and time.monotonic() < deadline:
        if ready.select(0.01):
            with contextlib.suppress(OSError):
                data = data[peer.send(data) :]
        session.held.take(time.monotonic())
    session.held.take(time.monotonic())
    return peer


def test_an_answer_without_end_is_cut_off(hostile):
    session, listener = hostile
    talk(session, listener, b"x" * (9 << 20)).close()
    held = session.monitors.held("g")
    assert not held.is_open and held.trouble == UNREACHABLE


def test_nonsense_is_handed_on_as_the_answer_it_is_in_place_of(hostile):
    session, listener = hostile
    greeting = b'{"QMP": {}}\r\n{"return": {}}\r\n'
    peer = talk(session, listener, greeting + b"\x1b[2J nonsense\r\nmore\r\n")
    assert session.held.answers == {"status": b"\x1b[2J nonsense\r"}
    peer.close()


def test_nobody_listens(tmp_path):
    (tmp_path / "run").mkdir()
    session = Session(tmp_path)
    held = session.ask()
    assert held.trouble == f"{UNREACHABLE}: No such file or directory"
    assert not held.is_open and len(holders(str(tmp_path), MONITORS)) == 1
