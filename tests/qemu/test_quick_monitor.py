"""Sessions for who asks often, and a guest's memory through both kinds: beside each other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from kvmtui.errors import CommandRefused, ConnectionLost, MonitorError, MonitorTimeout
from kvmtui.guest.folder import MONITORS
from kvmtui.qemu.guest_memory import read_words
from kvmtui.qemu.monitor import GivenFile, LibraryMonitor, Monitor, MonitorPlace, command_session
from kvmtui.qemu.picture import grab
from kvmtui.qemu.quick_monitor import QuickMonitor

_BIOS = 0xF0000
KINDS = pytest.mark.parametrize("kind", [LibraryMonitor, QuickMonitor])


@pytest.fixture
def guest(kvmtui):
    kvmtui.tiny("g")
    kvmtui.ok("start", "g")
    return kvmtui


def session(guest, kind=QuickMonitor):
    folder = guest.folder("g")
    place = MonitorPlace(folder / "run", folder, MONITORS[:-1])
    return command_session(place, "a test", patience_s=0, kind=kind)


def run(act):
    """Do something that is awaited, within a limit."""

    async def limited():
        async with asyncio.timeout(60):
            return await act()

    return asyncio.run(limited())


@KINDS
def test_answers_refusals_and_memory(guest, kind):
    guest.ok("pause", "g")  # The firmware would change its memory between two reads.

    async def ask():
        async with session(guest, kind) as monitor:
            both = (monitor.execute("query-status"), monitor.execute("query-name"))
            status, name = await asyncio.gather(*both)
            assert status["status"] == "paused" and name == {"name": "g"}
            with pytest.raises(CommandRefused, match="has not been found"):
                await monitor.execute("no-such-command")
            for size in (1, 7, 4096, 64 << 10):
                read = await monitor.memory.read(_BIOS + 3, size)
                assert read == await read_words(monitor, _BIOS + 3, size) and any(read)

    run(ask)


@KINDS
def test_a_session_hands_over_one_file(guest, kind):
    folder = f"/proc/{guest.pid('g')}/fd"

    def given():
        """The files that QEMU has been handed and holds."""
        found = 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                found += "memfd:kvmtui-shared" in os.readlink(f"{folder}/{name}")
        return found

    async def until_given(count):
        """QEMU sees the end of a session a moment after it."""
        async with asyncio.timeout(20):
            while given() != count:
                await asyncio.sleep(0.01)

    async def look():
        async with session(guest, kind) as monitor:
            for _ in range(3):
                assert (await grab(monitor)).width >= 640
                assert any(await monitor.memory.read(_BIOS, 4096))
            assert given() == 1
        async with session(guest, kind):
            # QEMU itself would keep the file while another session is open.
            await until_given(0)

    run(look)
    # A paused QEMU (7.2) closes nothing that is to be given back.
    guest.ok("pause", "g")

    async def look_longer():
        async with session(guest, kind) as monitor:
            for _ in range(20):
                await grab(monitor)
            assert given() == 1

    run(look_longer)


def test_memory_where_qemu_cannot_open_a_file():
    class Closed(Monitor):
        """A QEMU without /proc."""

        def __init__(self):
            super().__init__("one")
            self.asked = []

        async def give_file(self, fd):
            return GivenFile(3, 99)

        async def execute(self, command, arguments=None, **_):
            self.asked.append(command)
            if command == "pmemsave":
                raise CommandRefused(command, "GenericError", "Could not open file")
            return "00000000: 0x0807060504030201"

    closed = Closed()

    async def read():
        for _ in range(2):
            assert await closed.memory.read(0x10, 8) == bytes(range(1, 9))
        await closed.file.close()

    run(read)
    hmp = "human-monitor-command"
    assert closed.asked == ["pmemsave", hmp, hmp, "remove-fd"]


def test_a_late_answer_is_nobody_elses(guest):
    async def ask():
        async with session(guest) as monitor:
            os.kill(guest.pid("g"), signal.SIGSTOP)
            try:
                with pytest.raises(MonitorTimeout, match="did not answer query-name within"):
                    await monitor.execute("query-name", limit_s=0.1)
            finally:
                os.kill(guest.pid("g"), signal.SIGCONT)
            assert (await monitor.execute("query-status"))["status"] == "running"

    run(ask)


def test_a_qemu_that_ends(guest):
    async def ask():
        async with session(guest) as monitor:
            await monitor.memory.read(_BIOS, 8)
            os.kill(guest.pid("g"), signal.SIGKILL)
            for _ in range(2):
                with pytest.raises(ConnectionLost, match="before it answered"):
                    await monitor.execute("query-status")
            with pytest.raises(MonitorError):
                await monitor.memory.read(_BIOS, 8)

    run(ask)


@pytest.mark.parametrize(
    "says", [b"", b'{"QMP": {}}\n', b"nonsense\n", b"\xff\n", b"[1]\n" * 9], ids=repr
)
def test_who_is_no_qemu_has_no_session(says, monkeypatch):
    from kvmtui.qemu import quick_monitor

    monkeypatch.setattr(quick_monitor, "GREETING_LIMIT_S", 0.2)

    async def meet():
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            theirs.sendall(says)
            assert not await QuickMonitor("one").open(ours)

    run(meet)


def test_answers_without_end_and_of_no_sense():
    async def meet(says):
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        loop = asyncio.get_running_loop()
        greeting = b'{"QMP": {}}\n{"event": "RESUME"}\n{"return": {}, "id": 1}\n'
        await loop.sock_sendall(theirs, greeting)
        monitor = QuickMonitor("one")
        assert await monitor.open(ours)
        sending = loop.create_task(loop.sock_sendall(theirs, says))
        with pytest.raises(ConnectionLost):
            await monitor.execute("query-status")
        sending.cancel()
        theirs.close()
        assert ours.fileno() < 0

    run(lambda: meet(b"x" * (17 << 20)))
    run(lambda: meet(b'{"return"\n'))
    run(lambda: meet(b"17\n"))


def test_what_is_asked_is_one_line(guest):
    async def ask():
        async with session(guest) as monitor:
            with pytest.raises(CommandRefused):
                await monitor.execute('no\n{"execute":"quit"}')
            for path in ('x"\n{}', "a\ud800"):
                with pytest.raises(CommandRefused):
                    await monitor.execute("qom-get", {"path": path, "property": "y"})
            assert json.dumps(await monitor.execute("query-name")) == '{"name": "g"}'

    run(ask)
    assert Path(f"/proc/{guest.pid('g')}").exists()
