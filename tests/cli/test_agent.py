"""`agent`: a real agent in a real guest, and whatever else may sit at its channel."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import guest_agent
import pytest

from kvmtui.errors import BusyError, CommandRefused, KvmtuiError, MonitorTimeout
from kvmtui.manage import agents
from kvmtui.manage.live import Watch
from kvmtui.qemu import agent as agent_module
from kvmtui.qemu.agent import AgentSilent, agent_session
from kvmtui.qemu.claims import claim
from kvmtui.qemu.plain import connect_below


@pytest.fixture
def with_agent(kvmtui, linux, linux_guest_files):
    """The Linux guest, with its agent at work."""
    (linux_guest_files / "initrd.img").unlink()
    guest_agent.add_to(linux[1], linux_guest_files / "initrd.img")
    kvmtui.boot_linux(linux_guest_files, "nopower")
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    with connect_below(kvmtui.folder("g") / "run", "serial") as console:
        console.sendall(guest_agent.AGENT_LINE.encode())
        kvmtui.ok("wait", "g", "--for", "agent")
    while kvmtui("agent", "g", "ping").status:
        pass
    return kvmtui


def seen_by_who_looks(kvmtui, name):
    """The addresses that the interface has once somebody looks at the guest's figures."""
    watch = Watch(kvmtui.library)
    try:
        assert watch.round()[name].view.addresses == ()
        watch.wanted.want("test", {name}, "columns")
        deadline = time.monotonic() + 60
        while not (found := watch.round()[name].view.addresses):
            assert time.monotonic() < deadline
            os.sched_yield()
        return found
    finally:
        watch.close()


def test_a_real_agent(with_agent):
    kvmtui = with_agent
    assert "g's agent answers" in kvmtui.ok("agent", "g", "ping").out
    info = kvmtui.ok("agent", "g", "info", "--json").json
    assert info["version"].startswith("7.") and "guest-exec" in info["commands"]
    assert "10.0.2.15" in info["addresses"]
    assert "10.0.2.15" in kvmtui.ok("agent", "g", "addresses").out.splitlines()
    assert "10.0.2.15" in kvmtui.ok("agent", "g", "info").out
    assert "10.0.2.15" in kvmtui.row("g")["addresses"]
    assert "10.0.2.15" in kvmtui.ok("list").out and "10.0.2.15" in kvmtui.ok("show", "g").out
    assert "10.0.2.15" in seen_by_who_looks(kvmtui, "g")
    assert kvmtui.ok("--json", "agent", "g", "ping").json["answers"] is True
    done = kvmtui.ok("agent", "g", "exec", "/bin/sh", "-c", "echo out; echo err >&2")
    assert (done.out, done.err) == ("out\n", "err\n")
    done = kvmtui("agent", "g", "exec", "--json", "--", "/bin/sh", "-c", "exit 3")
    assert done.status == 1 and done.json["exit_status"] == 3
    assert "ended with status 3" in done.err
    assert "ended with signal 9" in kvmtui("agent", "g", "exec", "/bin/sh", "-c", "kill -9 $$").err
    kvmtui.refused("agent", "g", "exec", "/no/such/program", status=1)
    slow = kvmtui.refused("agent", "g", "exec", "--timeout", "0.3", "/bin/sleep", "60", status=1)
    assert "goes on after 0.3 s, as pid " in slow
    given = kvmtui.home / "given"
    given.write_bytes(b"a\x00b\xff")
    with open(given, "rb") as file:
        document = kvmtui.ok("agent", "g", "exec", "--stdin", "/bin/wc", "-c", stdin=file)
    assert document.out == "4\n"
    assert kvmtui.ok("agent", "g", "call", "guest-get-host-name").json["host-name"]
    kvmtui.refused("agent", "g", "call", "guest-no-such-thing", status=1)
    kvmtui.refused("agent", "g", "call", "guest-ping", "[1]", status=2)
    kvmtui.refused("agent", "g", status=2)
    # This guest ignores its power button, and its agent has no `shutdown` to call.
    assert "still runs" in kvmtui.refused("shutdown", "g", "--timeout", "6", status=1)


def test_input_is_not_read_beyond_what_goes(kvmtui):
    kvmtui.tiny("a")
    asks = kvmtui.popen("agent", "a", "exec", "--stdin", "cat", stdin=subprocess.PIPE)
    asks.stdin.buffer.write(bytes((16 << 20) + 1))
    asks.stdin.flush()
    # There would be more.
    try:
        assert asks.wait(60) == 1
        assert "standard input has more than 16777216 bytes" in asks.stderr.read()
    finally:
        asks.kill()
        asks.stdin.close()


def test_who_has_none(kvmtui):
    kvmtui.tiny("a")
    assert "does not run" in kvmtui.refused("agent", "a", "ping", status=1)
    kvmtui.ok("start", "a")
    done = kvmtui("agent", "a", "ping")
    assert done.status == 1 and "no guest agent answers" in done.err
    assert "qemu-guest-agent" in done.err
    kvmtui.ok("stop", "a")
    kvmtui.ok("set", "a", "agent=false")
    kvmtui.ok("start", "a")
    assert "has no agent's channel" in kvmtui.refused("agent", "a", "info", status=1)


@pytest.fixture
def channel(tmp_path, monkeypatch):
    """A channel at which a thread says what a test wants."""
    monkeypatch.setattr(agent_module, "SYNC_LIMIT_S", 0.5)
    monkeypatch.setattr(agent_module, "_TAKEN_LIMIT_S", 0.1)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "agent"))
    listener.listen()

    def serve(answers):
        def run():
            peer, _ = listener.accept()
            with peer, contextlib.suppress(BrokenPipeError):
                file = peer.makefile("rb")
                for answer in answers:
                    line = file.readline()
                    if not line:
                        return
                    question = json.loads(line.lstrip(b"\xff"))
                    number = question.get("arguments", {}).get("id")
                    peer.sendall(answer.replace(b"ID", str(number).encode()))
                file.readline()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

    yield str(tmp_path), serve
    listener.close()


SYNC = b'\xff{"return": ID}\n'


def ask(folder, limit_s=1.0):
    async def one():
        async with agent_session(folder, folder, "agent", "a test") as agent:
            return await agent.execute("guest-ping", limit_s=limit_s)

    return asyncio.run(one())


def test_what_was_meant_for_others_is_skipped(channel):
    folder, serve = channel
    serve([b'{"return": 1}\n{torn\xff{"return": 7}\n' + SYNC, b'junk\n[]\n{"return": {"a": 1}}\n'])
    assert ask(folder) == {"a": 1}
    assert claim(folder, "agent", "another") is not None


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ([b""], AgentSilent),
        ([b'{"return": 5}\n'], AgentSilent),
        ([SYNC, b'{"error": {"class": "X", "desc": "no\\u001b[2J"}}\n'], CommandRefused),
        ([SYNC, b'{"error": "odd"}\n'], MonitorTimeout),
        ([SYNC, b""], MonitorTimeout),
        ([SYNC, b"[" * 100_000 + b"\n"], MonitorTimeout),
    ],
)
def test_bad_answers(channel, answers, failure):
    folder, serve = channel
    serve(answers)
    with pytest.raises(failure) as raised:
        ask(folder, limit_s=0.3)
    assert raised.value.message.isprintable()


def test_one_without_end_is_left(channel, monkeypatch):
    monkeypatch.setattr(agent_module, "_LONGEST_ANSWER", 1 << 16)
    folder, serve = channel
    serve([SYNC, b"x" * (1 << 18)])
    with pytest.raises(KvmtuiError, match="no end"):
        ask(folder)


def test_one_that_is_taken_is_named(channel):
    folder, _ = channel
    lock = claim(folder, "agent", "kvmtui other")
    assert lock is not None
    with pytest.raises(BusyError, match="kvmtui other"):
        ask(folder)


@pytest.mark.parametrize(
    ("cards", "found"),
    [
        (None, ()),
        ([1, {}, {"ip-addresses": 3}, {"ip-addresses": [4, {"ip-address": "\x1b[2J"}]}], ()),
        ([{"ip-addresses": [{"ip-address": "127.0.0.1"}, {"ip-address": "fe80::1"}]}], ()),
        ([{"ip-addresses": [{"ip-address": "10.0.0.1"}] * 9}], ("10.0.0.1",)),
        ([{"ip-addresses": [{"ip-address": "2001:DB8::1"}]}], ("2001:db8::1",)),
    ],
)
def test_addresses_in_an_answer(cards, found):
    assert agents.read_addresses(cards) == found
