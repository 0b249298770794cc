"""A real guest's serial console inside the app, on a real terminal."""

from __future__ import annotations

import re
from base64 import standard_b64decode
from pathlib import Path

import boot_guests
import pytest
from tui.seen import ESC, wait_row

CHORD = "\x1d"
PROMPT = "guest# "


@pytest.fixture
def linux(kvmtui, linux_guest_files):
    kvmtui.boot_linux(linux_guest_files)
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    return kvmtui


def at_console(open_app, *size):
    terminal = open_app(*size)
    wait_row(terminal, "g", "running")
    terminal.send("c")
    terminal.wait_for("typing: you")
    terminal.wait_for("guest#")
    return terminal


def wait_prompt(terminal):
    """Wait for an empty prompt: what follows an interrupt too closely is flushed with it."""
    terminal.wait_until(lambda: "guest#" in map(str.strip, terminal.lines), what="the prompt")


def test_every_key_is_the_guests_but_one(linux, open_app):
    terminal = at_console(open_app, 100, 30)
    terminal.send("vi /tmp/x\r")
    terminal.wait_for("/tmp/x 1/1 100%")
    terminal.send("ihello th\x7f\x7fthere")
    terminal.wait_for("I /tmp/x [Modified]")
    terminal.send(ESC)
    # busybox's vi itself takes what follows at once for a part of a longer key.
    terminal.wait_for("- /tmp/x [Modified]")
    terminal.send(":wq\r")
    terminal.send("cat /tmp/x | tr a-z A-Z\r")
    terminal.wait_for("HELLO THERE")
    terminal.send("sh -c 'echo in-$((1+1)); sleep 999'\r")
    terminal.wait_for("in-2")
    terminal.send("\x03")
    wait_prompt(terminal)
    terminal.send("echo ended-$?\r")
    terminal.wait_for("ended-130")
    # Tab completes, Ctrl-P is the line before, Ctrl-Q, `q`, `:` and `?` are letters.
    terminal.send("ls /modules.l\t\r")
    terminal.wait_for("/modules.list")
    terminal.send("\x11echo q:?1\r")
    terminal.wait_for("q:?1")
    assert "typing: you" in terminal.text
    # The chord twice is one for the guest, which shows it as ^].
    terminal.send("cat -v\r")
    terminal.send(CHORD + CHORD + "\r")
    terminal.wait_for("^]")
    terminal.send("\x03")
    wait_prompt(terminal)
    terminal.send("echo back-$((1+1))\r")
    terminal.wait_for("back-2")
    # The size is told by the shell's own command.
    terminal.send(CHORD + "s")
    terminal.wait_for("typed: stty rows 27 cols 100")
    terminal.send("stty size\r")
    terminal.wait_for("27 100")
    terminal.send(CHORD + "p")
    terminal.wait_for("Paste into g")
    terminal.send("echo $((40+2))-geheim")
    terminal.wait_for("*********")
    assert "geheim" not in terminal.text
    terminal.send("\r")
    terminal.wait_gone("Paste into g")
    terminal.send("\r")
    terminal.wait_for("42-geheim")
    assert "geheim" not in (linux.folder("g") / "history.jsonl").read_text()
    # The screen's text goes to the clipboard of whoever sits here, and nothing but its text.
    terminal.send(CHORD + "c")
    terminal.wait_for("copied to your terminal's clipboard")
    copied = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.received)
    text = standard_b64decode(copied[-1]).decode()
    assert "42-geheim\nguest#" in text and "\x1b" not in text
    terminal.send(CHORD + "/")
    terminal.wait_for("Esc back")
    terminal.send("hello there")
    terminal.wait_for("of")
    terminal.send("\r" + ESC)
    terminal.wait_for("typing: you")
    # Linux takes the letter after a BREAK for SysRq.
    terminal.send(CHORD + "b")
    terminal.wait_for("a BREAK was sent to g's serial line")
    terminal.send("h")
    terminal.wait_for("sysrq: HELP")
    terminal.send(CHORD + ESC)
    terminal.wait_gone("typing: you")
    wait_row(terminal, "g", "running")
    linux.ok("type", "g", "--serial-break")


def test_nothing_of_the_guest_reaches_the_real_terminal(linux, open_app):
    terminal = at_console(open_app, 80, 24)
    before = len(terminal.received)
    evil = r"\033]2;evil\007\033]52;c;ZXZpbA==\007\033[8;9;9t\033[?1000h\033[6n\033Pq#0\033\\\\"
    terminal.send(f"printf '{evil}'; echo on\r")
    terminal.wait_for("on")
    terminal.send("head -c 60000 /bin/busybox; printf '\\033\\134\\033c'; echo end-$((1+1))\r")
    linux.ok("wait", "g", "--for", "text=end-2", "--timeout", "120")
    # What the terminal answered to chance queries stands at the prompt now.
    terminal.send("\x03")
    terminal.send("yes | head -n 20000; echo all-$((1+1))\r")
    terminal.wait_for("all-2", deadline_s=60)
    got = bytes(terminal.received[before:])
    for word in (b"\x1b]2;evil", b"\x1b]52", b"\x1b[8;9", b"\x1b[?1000h", b"\x1bP"):
        assert word not in got
    assert terminal.text.startswith(" g  serial") or " g  serial" in terminal.text
    terminal.wait_until(lambda: re.search(r"▲ 2\d,\d{3} lines above", terminal.text))
    # All that is kept is searched, not only what a page holds.
    terminal.send(CHORD + "/")
    terminal.wait_for("Esc clears")
    terminal.send("end-2")
    terminal.wait_until(lambda: re.search(r"/end-2\S?   1 of 2\d{4}", terminal.text))
    terminal.wait_for("end-2\n")
    terminal.send("\r")
    # The last lines again, page for page back to where they were found.
    terminal.send("G")
    terminal.wait_for("all-2")
    terminal.send("g")
    terminal.wait_until(lambda: "KVMTUI-GUEST-READY" in terminal.text, what="the first line")
    terminal.send(ESC)
    terminal.wait_for("typing: you")
    terminal.send(CHORD + ESC)
    wait_row(terminal, "g", "running")


def test_of_two_viewers_one_types(linux, open_app):
    first = at_console(open_app, 80, 24)
    second = open_app(140, 40)
    wait_row(second, "g", "running")
    second.send("c")
    second.wait_for("F takes over")
    # Beside 80 columns there is room for what became of it.
    second.wait_for("│ Timeline")
    second.wait_until(lambda: re.search(r"│ \d\d:\d\d +started by ", second.text))
    assert "Timeline" not in first.text
    first.send("echo from-$((2+3))\r")
    second.wait_for("from-5")
    second.send("x")
    second.wait_for("types here: F takes over")
    second.send("F")
    second.wait_for("typing: you")
    first.wait_for("F takes over")
    second.send("echo mine-$((3+3))\r")
    second.wait_for("mine-6")
    first.wait_for("mine-6")


def test_the_guest_pauses_ends_and_comes_again(linux, open_app):
    terminal = at_console(open_app, 80, 24)
    linux.ok("pause", "g")
    terminal.wait_for("paused: it reads nothing until it runs again")
    linux.ok("resume", "g")
    terminal.wait_gone("paused: it reads nothing")
    linux.ok("stop", "g", "--yes")
    terminal.wait_until(lambda: re.search(r"stopped \d\d:\d\d:\d\d; s starts it", terminal.text))
    assert "guest#" in terminal.text, "the last picture stays"
    terminal.send("s")
    terminal.wait_for("typing: you", deadline_s=60)
    terminal.wait_gone("s starts it")
    linux.ok("stop", "g", "--yes")
    linux.ok("delete", "g", "--yes")
    terminal.wait_for("g is gone")


def test_a_new_run_has_a_terminal_of_its_own(linux, open_app):
    terminal = at_console(open_app, 100, 30)
    terminal.send("vi /modules.list\r")
    terminal.wait_for("/modules.list 1/")
    terminal.send(CHORD + "s")
    terminal.wait_for("typed: stty")
    linux.ok("stop", "g", "--yes")
    terminal.wait_for("s starts it")
    assert "/modules/" in terminal.text
    terminal.send("s")
    terminal.wait_for("guest thinks 80×24", deadline_s=60)
    terminal.wait_for("guest#", deadline_s=60)
    assert "/modules/virtio_pci" not in terminal.text


def test_what_has_no_console_says_so_once(kvmtui, open_app):
    kvmtui.tiny("a", "--set", "serial=false", "--set", "video=none")
    kvmtui.ok("start", "a")
    terminal = open_app(100, 30)
    wait_row(terminal, "a", "running")
    for key, words in (("c", "without a serial console"), ("v", "has no display")):
        terminal.send(key)
        terminal.wait_for(words)
        terminal.send(ESC)
        terminal.wait_gone("Esc ×")
        kvmtui.ok("pause", "a")
        terminal.wait_for("paused")
        kvmtui.ok("resume", "a")
        terminal.wait_for("● running")
        terminal.send(CHORD + ESC)
        wait_row(terminal, "a", "running")


def test_a_guest_that_writes_nothing_is_looked_at_by_its_screen(kvmtui, open_app):
    kvmtui.tiny("a", "--disk", "1M", "--set", "disks[0].file=disk0.raw")
    (kvmtui.folder("a") / "disk0.raw").write_bytes(boot_guests.WRITES_WHAT_IS_TYPED)
    kvmtui.ok("start", "a")
    terminal = open_app(80, 24)
    wait_row(terminal, "a", "running")
    terminal.send("c")
    hint = "nothing was ever written here; Ctrl-] v shows the guest's screen"
    terminal.wait_for(hint)
    terminal.send(CHORD + "v")
    terminal.wait_for("Booting from Hard Disk")
    terminal.send(CHORD + ESC)
    wait_row(terminal, "a", "running")
    terminal.send("c")
    terminal.wait_for(hint)
    # With the first byte it is gone, for good.
    kvmtui.ok("type", "a", "x")
    terminal.wait_gone(hint)
    terminal.send(CHORD + ESC)
    wait_row(terminal, "a", "running")
    terminal.send("c")
    terminal.wait_for("80×24")
    assert "nothing was ever" not in terminal.text


def test_under_a_flood_keys_are_answered_and_nothing_gets_out(kvmtui, open_app):
    kvmtui.tiny("a", "--disk", "1M", "--set", "disks[0].file=disk0.raw")
    (kvmtui.folder("a") / "disk0.raw").write_bytes(boot_guests.FLOODS_GARBAGE)
    kvmtui.ok("start", "a")
    terminal = open_app(80, 24)
    wait_row(terminal, "a", "running")
    before = len(terminal.received)
    terminal.send("c")
    log = kvmtui.folder("a") / "console.log"
    terminal.wait_until(lambda: log.stat().st_size > 1 << 16, what="a flood")
    settled = resident_mb(terminal.process.pid)
    seen = log.stat().st_size
    for _ in range(3):
        terminal.send(CHORD)
        terminal.wait_for("Esc leave")
        terminal.send("?")
        terminal.wait_for("Ctrl-] ? is no key")
    terminal.wait_until(lambda: log.stat().st_size > seen + (1 << 16), what="more of it")
    assert resident_mb(terminal.process.pid) < settled + 32
    terminal.send(CHORD + ESC)
    wait_row(terminal, "a", "running")
    got = bytes(terminal.received[before:])
    assert b"\x1b]" in log.read_bytes()
    # What the app itself says so is the shape of the mouse's pointer.
    assert set(re.findall(rb"\x1b[\]P_X^][^\x1b]{0,4}", got)) <= {b"\x1b]22;t", b"\x1b]22;d"}
    kvmtui.ok("stop", "a", "--yes")


def resident_mb(pid):
    """What a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / (1 << 20)
