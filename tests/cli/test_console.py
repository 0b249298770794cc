"""`console` on a real terminal with a real guest: typing, leaving, every bad end."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import termios

import pytest
from tui.terminal import Terminal

from kvmtui.cli.terminal_filter import TerminalFilter
from kvmtui.qemu.plain import connect_below

LEAVE = b"\x1d"


@pytest.fixture
def console(kvmtui):
    """Opens `console` of a guest on terminals of its own; closes them."""
    opened = []

    def open_console(name, *words, under_shell=False):
        command = [sys.executable, "-m", "kvmtui", "console", name, *words]
        if under_shell:
            command = ["sh", "-c", '"$@"; echo "ended with $?"; exec cat', "sh", *command]
        terminal = Terminal(command, environment=kvmtui.environment)
        opened.append(terminal)
        return terminal

    yield open_console
    for terminal in opened:
        terminal.close()


def settings(terminal):
    return termios.tcgetattr(terminal.fd)


def is_raw(terminal):
    return not settings(terminal)[3] & termios.ICANON


def demo(kvmtui):
    """The demo guests' wave, which answers what is typed."""
    from kvmtui.manage import demo as demo_guests

    list(demo_guests.bring_up(kvmtui.library))
    kvmtui.ok("wait", "demo-wave", "--for", "text=ready")
    return "demo-wave"


def test_one_logs_in_types_and_leaves(kvmtui, linux_guest_files, console):
    kvmtui.boot_linux(linux_guest_files)
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    terminal = console("g", under_shell=True)
    terminal.wait_for("Ctrl-] leaves")
    terminal.wait_for("guest#")
    before = settings(terminal)
    terminal.wait_until(lambda: is_raw(terminal))
    terminal.send("echo $((40+2))\r")
    terminal.wait_for("\n42\n")
    terminal.send("vi /tmp/x\r")
    terminal.wait_for("~\n~\n")
    terminal.send("ihello")
    terminal.wait_for("I /tmp/x")
    terminal.send("\x1b")
    terminal.wait_for("- /tmp/x")
    terminal.send(":wq\r")
    terminal.wait_for("guest#")
    terminal.send("echo beg''un; cat\r")
    terminal.wait_for("\nbegun")
    terminal.send("abc\r")
    terminal.wait_for("\nabc\nabc")
    terminal.send("\x03")
    terminal.wait_for("^C\nguest#")
    terminal.send("cat /tmp/x\r")
    terminal.wait_for("\nhello\n")
    # A flood does not keep one from leaving.
    terminal.send("yes\r")
    terminal.wait_for("y\ny\ny\ny\ny\ny\ny\ny\ny\ny\n")
    terminal.send(LEAVE)
    terminal.wait_for("ended with 0")
    assert not is_raw(terminal) and settings(terminal)[3] & termios.ECHO
    assert "g goes on" in terminal.text and kvmtui.row("g")["state"] == "running"
    assert settings(terminal)[:4] == before[:4] or not is_raw(terminal)
    # What the guest says when nobody looks is in the log, and shown to the next.
    again = console("g")
    again.wait_for("y\ny\ny\n")
    again.wait_until(lambda: is_raw(again))
    again.send("\x03")
    again.wait_for("^C\nguest#")
    # The guest ends amid a program that has the whole screen.
    again.send("vi /tmp/x\r")
    again.wait_for("- /tmp/x")
    kvmtui.ok("stop", "g", "--yes")
    assert again.wait_end() == 0
    assert not is_raw(again) and not again.alternate
    undone = bytes(again.received).rpartition(b"/tmp/x")[2]
    assert (b"\x1b[?25h" in undone and b"\x1b[?1049l" in undone) or not again.screen.cursor.hidden
    assert "QEMU was told to quit" in again.text


def test_a_poweroff_ends_it(kvmtui, linux_guest_files, console):
    kvmtui.boot_linux(linux_guest_files, "poweroff")
    terminal = console("g")
    assert terminal.wait_end(deadline_s=90) == 0
    assert "the guest shut itself down" in terminal.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_puts_the_terminal_back(kvmtui, console, number):
    name = demo(kvmtui)
    terminal = console(name)
    terminal.wait_for("ready")
    terminal.wait_until(lambda: is_raw(terminal))
    terminal.process.send_signal(number)
    assert terminal.wait_end() == -number
    assert not is_raw(terminal)
    assert kvmtui.row(name)["state"] == "running"


def test_a_lost_line_ends_it_and_frees_the_console(kvmtui, console):
    name = demo(kvmtui)
    terminal = console(name)
    terminal.wait_until(lambda: is_raw(terminal))
    terminal.hang_up()
    assert terminal.process.wait(30) == -signal.SIGHUP
    other = console(name)
    other.wait_until(lambda: is_raw(other))
    assert "types" not in other.text
    other.send("x")
    other.wait_for("x")
    other.send(LEAVE)
    assert other.wait_end() == 0


def test_a_stopped_one_gives_terminal_and_console_up(kvmtui, console):
    name = demo(kvmtui)
    terminal = console(name)
    terminal.wait_until(lambda: is_raw(terminal))
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.wait_until(lambda: not is_raw(terminal))
    other = console(name)
    other.wait_until(lambda: is_raw(other))
    other.send(LEAVE)
    assert other.wait_end() == 0
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wait_until(lambda: is_raw(terminal))
    terminal.send(LEAVE)
    assert terminal.wait_end() == 0


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_guests_end_puts_the_terminal_back(kvmtui, console, end):
    name = demo(kvmtui)
    terminal = console(name)
    terminal.wait_until(lambda: is_raw(terminal))
    if end == "kill":
        os.kill(kvmtui.pid(name), signal.SIGKILL)
        assert terminal.wait_end() == 1
        assert "ended without being asked to" in terminal.text
    else:
        kvmtui.ok("stop", name)
        assert terminal.wait_end() == 0
        assert "QEMU was told to quit" in terminal.text
    assert not is_raw(terminal)


def test_an_exception_puts_the_terminal_back(kvmtui, console):
    name = demo(kvmtui)
    kvmtui.environment["PYTHONPATH"] = str(kvmtui.home / "broken")
    (kvmtui.home / "broken").mkdir()
    (kvmtui.home / "broken" / "sitecustomize.py").write_text(
        "from kvmtui.manage.serial_line import SerialLine\n"
        "def read(self):\n    raise RuntimeError('broken on purpose')\n"
        "SerialLine.read = read\n"
    )
    terminal = console(name)
    terminal.wait_for("broken on purpose")
    assert terminal.wait_end() == 1
    assert not is_raw(terminal)


def test_of_two_viewers_one_types(kvmtui, console):
    name = demo(kvmtui)
    first = console(name)
    first.wait_until(lambda: is_raw(first))
    second = console(name)
    second.wait_for(f"pid {first.process.pid} (console of ")
    second.send("x")
    second.wait_for("read-only")
    first.send("hello\r")
    second.wait_for("hello")
    third = console(name, "--take-over")
    third.wait_until(lambda: is_raw(third))
    first.wait_for(f"pid {third.process.pid} (console of ")
    third.send("taken\r")
    first.wait_for("taken")
    third.send(LEAVE)
    assert third.wait_end() == 0
    terminals = [first, second]

    def somebody_types():
        for one in terminals:
            one.pump()
        return any("you type now" in one.text for one in terminals)

    first.wait_until(somebody_types)
    kvmtui.ok("stop", name)
    assert [one.wait_end() for one in terminals] == [0, 0]


def test_one_that_does_not_let_go_is_named(kvmtui, console):
    name = demo(kvmtui)
    first = console(name)
    first.wait_until(lambda: is_raw(first))
    first.process.send_signal(signal.SIGSTOP)
    second = console(name, "--take-over")
    assert second.wait_end() == 1
    assert f"not given up by pid {first.process.pid}" in second.text
    assert not is_raw(second)
    first.process.send_signal(signal.SIGCONT)


def test_paused_and_foreign_are_told(kvmtui, console):
    name = demo(kvmtui)
    kvmtui.ok("pause", name)
    terminal = console(name)
    terminal.wait_for("it is paused")
    terminal.send("x" * 40)
    terminal.send(LEAVE)
    assert terminal.wait_end() == 0
    kvmtui.ok("resume", name)
    with connect_below(kvmtui.folder(name) / "run", "serial"):
        terminal = console(name)
        terminal.wait_for("another program has the serial socket")
        terminal.send(LEAVE)
        assert terminal.wait_end() == 0


def test_a_guest_that_reads_nothing_does_not_hold_one_fast(kvmtui, console):
    name = demo(kvmtui)
    kvmtui.ok("pause", name)
    terminal = console(name)
    terminal.wait_until(lambda: is_raw(terminal))
    for _ in range(300):
        terminal.send("x" * 1000)
        terminal.pump(0)
    terminal.send(LEAVE)
    assert terminal.wait_end() == 0
    assert not is_raw(terminal)


def test_no_terminal_no_console(kvmtui):
    kvmtui.tiny("a", "--set", "serial=false")
    assert "takes a terminal" in kvmtui.refused("console", "a", status=2)


def test_what_has_none_is_told(kvmtui, console):
    kvmtui.tiny("a", "--set", "serial=false")
    terminal = console("a")
    assert terminal.wait_end() == 1
    assert "a does not run" in terminal.text
    kvmtui.ok("start", "a")
    terminal = console("a")
    assert terminal.wait_end() == 1
    assert "without a serial console" in terminal.text


HOSTILE = {
    b"\x1b]0;title\x07text": b"text",
    b"\x1b]52;c;aGk=\x1b\\text": b"text",
    b"\x1bP$qm\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\": b"abc",
    b"\xc2\x9d0;title\xc2\x9ctext \xc3\xa9": b"text \xc3\xa9",
    b"\x1b[8;50;200t\x1b[21t\x1b[5i\x05ok": b"ok",
    b"\x1b[31mred\x1b[0m \x1b[2J\x1b[?1049h": b"\x1b[31mred\x1b[0m \x1b[2J\x1b[?1049h",
    b"\x1b[6n\x1b[c": b"\x1b[6n\x1b[c",
    b"\x1b]0;" + b"x" * 60000: b"",
    b"\x1b[" + b"1;" * 500 + b"mtext": None,
    "größe ☃ \U0001f600".encode(): "größe ☃ \U0001f600".encode(),
    b"\x1b\x1b]0;evil\x07a": b"a",
    b"\x1b\n]52;c;aGk=\x07a": b"a",
    b"\x1b\x00[8;9;9ta": b"a",
    b"\x1b\x7f]0;a\x07a": b"a",
    b"\x1b\x05]0;a\x1b\\a": b"a",
    b"\x1b\xc2\x9d0;a\x07a": b"a",
    b"\x1b(\x1b]0;a\x07a": b"a",
    b"\x1b%@a\x1b%Gb\x1b%/Gc": b"abc",
    b"\x9b8;9;9t \x9d0;a\x07": b"8;9;9t 0;a\x07",
    b"\xc2\x05\x9d0;a": b"\xc20;a",
    b"\xe0\x82\x9d0;a \xe9": None,
    b"\xc2\x9b31mred": b"\x1b[31mred",
    b"\x1b(0q\x1b(B\x1b#8\x1b7\x1b8\x1bM": b"\x1b(0q\x1b(B\x1b#8\x1b7\x1b8\x1bM",
    b"\x1b\x18]0;a": b"\x18]0;a",
    b"\x1b" + b"(" * 500 + b"Aa": b"a",
}


@pytest.mark.parametrize("size", [1, 3, 100_000])
@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_what_reaches_beyond_the_console_does_not_pass(said, size):
    terminal_filter = TerminalFilter()
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    passed = b"".join(terminal_filter.feed(piece) for piece in pieces)
    if HOSTILE[said] is not None:
        assert passed == HOSTILE[said]
    assert b"\x1b]" not in passed and len(passed) <= len(said)


def reaches_out(data):
    """What a terminal would do with it beyond the console (a VT500's parser)."""
    found, state, so_far = [], "ground", ""
    # A byte that is no UTF-8 may be a control of eight bits.
    text = data.decode("utf-8", "surrogateescape")
    for number in (ord(one) - 0xDC00 if 0xDC80 <= ord(one) <= 0xDCFF else ord(one) for one in text):
        one = chr(number)
        if number == 0x1B:
            state, so_far = "escape", ""
        elif number in (0x18, 0x1A):
            state = "ground"
        elif 0x80 <= number < 0xA0:
            state, so_far = ("csi" if number == 0x9B else "ground"), ""
            if number in (0x90, 0x98, 0x9D, 0x9E, 0x9F):
                found.append(hex(number))
        elif number == 5:
            found.append("answerback")
        elif number < 0x20 or number == 0x7F or state == "ground":
            continue
        elif state == "escape":
            if number < 0x30:
                so_far += one
            elif not so_far and one == "[":
                state = "csi"
            else:
                state = "ground"
                if so_far[:1] == "%" or (not so_far and one in "P]X^_"):
                    found.append(f"ESC {so_far}{one}")
        elif number < 0x40:
            so_far += one
        else:
            state = "ground"
            if one in "ti" and not set(so_far) & set(" !\"#$%&'()*+,-./"):
                found.append(f"CSI {so_far}{one}")
    return found


EVIL = (
    *(b"\x1b", b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1b\\"),
    *(b"\xc2", b"\x9b", b"\x9d", b"\x90", b"\x9c", b"\xc2\x9b", b"\xc2\x9d", b"\xe0", b"\xf0"),
    *(b"\x00", b"\n", b"\x05", b"\x07", b"\x18", b"\x1a", b"\x7f", b"\x82", b"\xa9", b"\xc3\xa9"),
    *(b"]", b"[", b"P", b"t", b"i", b"c", b"m", b"%", b"@", b"(", b" ", b"?", b"8;9;9", b"0;a"),
    *(b"8;9;9t", b"[8;9;9t", b"[5i", b"]0;a\x07", b"%G", b"\x1b[31m", b"x" * 300, b"1;" * 200),
)


def test_nothing_reaches_out_however_it_is_put_together():
    assert reaches_out(b"\x1b\n]0;a \x9d \xc2\x9d \x1b[\x008t \x1b%G \x05 \x1b\x1bP")
    assert not reaches_out("\x1b[31mé \x1b(0 \x1b[1 t".encode())
    draw = random.Random(8)
    for _ in range(4000):
        said = b"".join(draw.choices(EVIL, k=draw.randint(2, 24)))
        terminal_filter, passed, place = TerminalFilter(), b"", 0
        while place < len(said):
            size = draw.choice((1, 1, 2, 3, 7, 50, 1000))
            passed += terminal_filter.feed(said[place : place + size])
            place += size
        assert not reaches_out(passed), (said, passed)
        assert TerminalFilter().feed(said) == passed, said


def test_modes_are_undone():
    terminal_filter = TerminalFilter()
    terminal_filter.feed(b"\x1b[?1049h\x1b[?1000;1006h\x1b[?25l\x1b[?2004h\x1b[?2004l\x1b[5;9r")
    undone = terminal_filter.undo()
    assert undone.startswith(b"\x1b[?1049l")
    for mode in (b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b[?25h", b"\x1b7\x1b[r\x1b8", b"\x1b[0m"):
        assert mode in undone
    assert b"2004h" not in undone


def test_unfiltered_lets_all_pass_and_still_undoes():
    terminal_filter = TerminalFilter(unfiltered=True)
    said = b"\x1b]0;title\x07\x1b[?1049h\x1b["
    assert terminal_filter.feed(said) == said
    assert b"\x1b[?1049l" in terminal_filter.undo()


def test_the_interfaces_viewer(kvmtui):
    import asyncio

    from kvmtui.manage.fleet import Fleet

    name = demo(kvmtui)

    async def watch():
        fleet = Fleet(kvmtui.library)
        first = await fleet.console.open_serial(name)
        second = await fleet.console.open_serial(name)
        assert first.typing and not second.typing and json.dumps(second.holder)
        assert b"ready" in first.tail
        first.write(b"hello\r")
        seen = [b"", b""]
        async with asyncio.timeout(30):
            while not all(b"hello" in part for part in seen):
                seen[0] += await first.read()
                seen[1] += await second.read()
            async with asyncio.TaskGroup() as group:
                group.create_task(second.take_over())
                while first.typing:
                    await first.read()
            assert second.typing
        first.close()
        # Who waits for words only does not take what it gave up.
        await second.let_go()
        await second.read()
        await second.read()
        assert not second.typing
        second.close()
        fleet.close()

    asyncio.run(watch())
