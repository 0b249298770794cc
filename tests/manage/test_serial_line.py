"""A viewer of a serial console at the ends: the guest's, and where the console changes hands."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import socket
import threading
import time

import pytest

from kvmtui.errors import StateError
from kvmtui.guest.folder import CONSOLE_LOG, RUN, RUN_LOCK, SERIAL, GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage import own_thread
from kvmtui.manage.expect_script import read_script
from kvmtui.manage.expecting import _Run
from kvmtui.manage.own_thread import OwnThread
from kvmtui.manage.screens import mirror_of
from kvmtui.manage.serial_console import SerialSession, SerialState
from kvmtui.manage.serial_line import SerialLine
from kvmtui.qemu.keyboard import stroke_named


class Serial:
    """QEMU's end of a serial console: one client at a time, and a log of all."""

    def __init__(self, place):
        self.folder = GuestFolder(place / "g")
        (place / "g" / RUN).mkdir(parents=True)
        self._lock = open(self.folder.at(RUN_LOCK), "wb")  # noqa: SIM115
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self.folder.at(RUN, SERIAL))
        self._server.listen(1)
        self._client = None
        self._log = open(self.folder.at(CONSOLE_LOG), "ab", buffering=0)  # noqa: SIM115

    def line(self):
        """A viewer of it, open."""
        line = SerialLine(self.folder)
        line.open()
        return line

    def accept(self):
        self.leave()
        self._client = self._server.accept()[0]

    def leave(self):
        if self._client is not None:
            self._client.close()
            self._client = None

    def say(self, data):
        if self._client is not None:
            self._client.sendall(data)
        self._log.write(data)

    def say_while_full(self, data, again):
        """As QEMU does whose socket is full: these bytes are logged a second time."""
        self._client.sendall(data)
        for at, byte in enumerate(data):
            self._log.write(bytes([byte]) * (2 if at in again else 1))

    def end(self):
        self.leave()
        self._server.close()
        self._lock.close()
        self._log.close()


@pytest.fixture
def serial(tmp_path):
    found = Serial(tmp_path / "guests")
    yield found
    found.end()


def test_nothing_is_said_again_at_the_end(serial):
    serial.say(b"before\n")
    line = serial.line()
    serial.accept()
    assert line.tail() == b"before\n"
    serial.say(b"a login\n")
    assert line.read() == b"a login\n"
    serial.say(b"its last words\n")
    serial.end()
    assert line.read() == b"its last words\n"
    assert line.read() == b"" and line.ended
    assert line.read() == line.read_rest() == b""


def test_a_guest_that_ends_at_once_is_read_from_its_log(serial):
    line = serial.line()
    serial.say(b"said to nobody")
    serial.end()
    assert line.read_rest() == b"said to nobody" and line.ended


def test_nothing_is_lost_where_the_console_changes_hands(serial):
    first = serial.line()
    serial.accept()
    second = serial.line()
    assert first.typing and not second.typing
    serial.say(b"1 ")
    assert first.read() == second.read() == b"1 "
    serial.say(b"2 ")
    # Given up with bytes on their way.
    first.let_go()
    assert first.read() == b"2 " and first.read() == b""
    serial.leave()
    serial.say(b"3 ")
    second.step()
    assert second.typing
    serial.say(b"4 ")
    assert second.read() == b"2 3 4 "
    serial.say(b"5 ")
    serial.accept()
    serial.say(b"6 ")
    assert second.read() == b"5 6 "
    serial.say(b"7 ")
    assert second.read() == b"7 " and second.read() == b""
    assert first.read_rest() == b"3 4 5 6 7 "
    # Taken back by who gave it up; the same words twice are no overlap.
    second.let_go()
    serial.leave()
    first.step()
    serial.say(b"8 ")
    assert first.read() == b"8 "
    serial.accept()
    serial.say(b"9 ")
    assert first.read() == b"9 " and first.read() == b""
    assert second.read_rest() == b"8 9 "
    first.close()
    second.close()


def test_what_is_logged_twice_is_not_said_again(serial):
    first = serial.line()
    serial.accept()
    serial.say(b"begun\r\n")
    assert first.read() == b"begun\r\n"
    text = b"".join(b"line %d\r\n" % number for number in range(200))
    serial.say_while_full(text, range(100, 1500, 280))
    assert first.read() == text
    first.let_go()
    assert first.read() == b""
    serial.leave()
    serial.say(b"more")
    assert first.read() == b"more"
    # Nothing of it is taken for what is not yet said.
    first.step()
    serial.accept()
    serial.say(b"again")
    assert first.read() == b"again"
    serial.say_while_full(b"yyyyyyyyyyyyyyyyyyyyyyyyyy", {7})
    assert first.read() == b"y" * 26
    serial.say(b"on its way")
    first.let_go()
    assert first.read_rest().endswith(b"on its way")
    first.close()


def test_a_long_log_is_read_to_its_end(serial):
    first = serial.line()
    second = serial.line()
    said = b"".join(b"%07d\n" % number for number in range(40_000))
    serial.say(said)
    first.let_go()
    second.step()
    assert second.typing and second.read_rest() == said
    serial.end()
    assert first.read_rest() == said and second.read() == b"" and second.ended


def test_who_only_reads_takes_nothing(serial):
    line = serial.line()
    line.reads_only = True
    line.let_go()
    line.step()
    assert not line.typing and line.fileno() == -1
    line.reads_only = False
    line.step()
    assert line.typing
    line.close()


def runs(tmp_path, line):
    """A run of a script on it, to be asked for its steps."""
    state = SerialState("running", True, False)
    script = read_script(b"steps: [{wait: x}]")
    return _Run(Library(tmp_path), "g", script, SerialSession("g", line, state, OwnThread("g")))


@pytest.mark.parametrize("typing", [True, False])
def test_the_last_words_of_a_guest_that_ended_are_waited_for(serial, tmp_path, typing):
    line = serial.line()
    serial.accept()
    if not typing:
        line.reads_only = True
        line.let_go()
        serial.leave()
    run = runs(tmp_path, line)
    # More than is read at once, and no more than the socket holds.
    serial.say(b"word " * 20_000 + b"the last")
    serial.end()
    assert asyncio.run(run._wait(re.compile("the last$"), "serial", 5)) == "the last"


def test_keys_of_a_script_ask_no_port_that_the_machine_lacks(serial, tmp_path):
    asked = []

    class Arm:
        name = "qmp0"

        async def execute(self, command, arguments=None):
            asked.append(command)
            return {"arch": "aarch64", "status": "running"}

    run = runs(tmp_path, serial.line())
    run._mirror = mirror_of(Arm())
    asyncio.run(run._press([stroke_named("a"), stroke_named("b")]))
    assert asked == ["query-status", "query-target", "input-send-event", "input-send-event"]


def test_a_folder_that_hangs_holds_only_its_own_console(serial, monkeypatch):
    """The loop turns on, the console says why it ended, and closing it waits for nothing."""
    line = serial.line()
    serial.accept()
    session = SerialSession("g", line, SerialState("running", True, False), OwnThread("g"))
    monkeypatch.setattr(own_thread, "LIMIT_S", 0.3)
    hangs = threading.Event()
    monkeypatch.setattr(line, "step", hangs.wait)

    async def look():
        turns = 0
        reading = asyncio.ensure_future(session.read())
        while not reading.done():
            await asyncio.sleep(0.01)
            turns += 1
        with pytest.raises(StateError, match="g's folder does not answer"):
            await reading
        session.close()
        assert line.typing, "what hangs still has the console"
        return turns

    assert asyncio.run(look()) > 5
    hangs.set()
    end = time.monotonic() + 10
    while line.typing:
        assert time.monotonic() < end


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root")
def test_a_full_disk_takes_nothing_from_who_types(new_disk):
    """The log has no room: who has the socket loses nothing, who reads the log is told less."""
    small = new_disk(1)
    serial = Serial(small / "guests")
    first = serial.line()
    serial.accept()
    second = serial.line()
    with open(small / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    said = b"".join(b"line %d\n" % number for number in range(2000))
    got = b""
    for at in range(0, len(said), 1000):
        serial._client.sendall(said[at : at + 1000])
        with contextlib.suppress(OSError):
            serial._log.write(said[at : at + 1000])
        got += first.read()
    assert got == said
    assert said.startswith(second.read_rest()) and second.tail() == b""
    # A wish for the console cannot be written: that is an error that is told.
    with pytest.raises(OSError, match="No space left"):
        second.ask_for_it()
        second.ask_for_it()
    first.close()
    second.close()
    serial.end()
