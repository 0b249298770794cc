"""Records what full-screen programs write to a terminal of 80x24, for the tests of the emulator.

Run as root, by hand, when a program is to be added: the recordings are kept in the tests,
which show them to tmux and to the emulator and compare cell by cell. Each program runs in
namespaces of its own, so that nothing of this machine is in them; what it asks of its
terminal is answered by the emulator.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time
from pathlib import Path

from kvmtui.tui.widgets.emulator import Emulator

FOLDER = Path(__file__).parent.parent / "tests" / "tui" / "recordings"
QUIET_S, MOST_S = 0.7, 6.0
_TEXT = 'cd /tmp; for n in $(seq 60); do echo "$n the quick brown fox 漢字 é jumps"; done >t.txt'


def _each(first: str, *items: int, returns: int = 1) -> list[str]:
    """What goes through items of a menu of vttest: each one's number, then its RETURNs."""
    return [first, *(text for item in items for text in (f"{item}\r", *["\r"] * returns))]


_ARROWS = ["<up>", "<down>", "<right>", "<left>", "<tab>"]
SCRIPTS: dict[str, tuple[str, str, list[str]]] = {
    "vi": ("linux", f"{_TEXT}; exec vi t.txt", ["", "ihello ", "\x1b", "10dd", "G", ":q!\r"]),
    "vi-xterm": ("xterm-256color", f"{_TEXT}; exec vi t.txt", ["", "\x06", "ox\ty\x1b", "u"]),
    "less": ("vt220", f"{_TEXT}; exec less t.txt", ["", " ", "/4\r", "b", "q"]),
    "htop": ("xterm-256color", "sleep 99 & exec htop -d 100", ["", "\x1b[B", "\x1bOR", "\x1b"]),
    "dialog": (
        "linux",
        'exec dialog --menu "Choose one" 15 40 5 a First b Second c "Third one"',
        ["", "\x1b[B", "\t"],
    ),
    "nano": ("xterm", f"{_TEXT}; exec nano t.txt", ["", "abc", "\x16", "\x17fox\r"]),
    "mc": ("xterm-256color", "mkdir -p /tmp/m; cd /tmp/m; exec mc -x", ["", "\t", "\x1b[B"]),
    "vttest-cursor": ("xterm", "exec vttest", ["", "1\r", "\r", "\r", "\r", "\r", "\r"]),
    "vttest-screen": ("xterm", "exec vttest", ["", "2\r", *(["\r"] * 14)]),
    "vttest-vt102": ("xterm", "exec vttest", ["", "8\r", *(["\r"] * 12)]),
    "vttest-characters": ("xterm", "exec vttest", ["", "3\r", "8\r", "\r"]),
    "vttest-keys": ("xterm", "exec vttest", ["", "5\r", "1\r", *["\r"] * 7, "4\r", *_ARROWS * 3]),
    "vttest-reports": (
        "xterm",
        "exec vttest",
        ["", "6\r", "1\r", "\r", "\r", "2\r", "<enter>", "<enter>", *_each("\r", 3, 4, 5, 6)],
    ),
    "vttest-vt52": ("xterm", "exec vttest", ["", "7\r", "\r", "\r", "\r"]),
    "vttest-bugs": (
        "xterm",
        "exec vttest",
        [
            *["", "9\r", "1\r", *["\r"] * 12, "2\r", "\r", "3\r", "\r", "4\r", "0\r", "\r"],
            *["5\r", "\r", "6\r", "\r", "\r", "7\r", "\r", "8\r", "\r", "\r"],
        ],
    ),
    "vttest-scroll-regions": ("xterm", "exec vttest", ["", "9\r", "9\r", "\r", "\r"]),
    "vttest-reset": ("xterm", "exec vttest", ["", "10\r", "3\r", "\r", "\r", "1\r", "\r"]),
    "vttest-colours": (
        "xterm",
        "exec vttest",
        ["", "11\r", "6\r", "2\r", *_each("\r", 4, 5, returns=2), "8\r", "\r"],
    ),
    "vttest-later": (
        "xterm",
        "exec vttest",
        [
            *["", "11\r", *_each("5\r", *range(1, 10)), "0\r"],
            *[*_each("7\r", *range(2, 7)), "0\r"],
            *["1\r", "2\r", "3\r", "\r", "4\r", "\r", "\r", "\r", "0\r", "0\r"],
            *["3\r", "3\r", "2\r", "9\r", "\r", *_each("\r", 10, 11, returns=4), "0\r"],
            *["6\r", "8\r", *["\r"] * 3, *_each("\r", 9), "10\r", *["\r"] * 2],
        ],
    ),
}
"""What is typed; ``<up>`` is a key, sent as the emulator sends it."""
_KEYS = {"enter": "\r", "tab": "\t"}


def record(name: str) -> None:
    """Run one program and keep what it wrote, with the places where it was quiet."""
    term, script, typed = SCRIPTS[name]
    child, terminal = pty.fork()
    if child == 0:
        os.environ.clear()
        os.environ |= {"TERM": term, "PATH": "/usr/bin:/bin:/usr/sbin", "LANG": "C.UTF-8"}
        os.environ |= {"HOME": "/tmp", "SHELL": "/bin/sh"}
        inside = f"hostname guest; mount -t tmpfs none /tmp; cd /tmp; {script}"
        os.execvp(
            "unshare", ["unshare", "-mpuf", "--kill-child", "--mount-proc", "sh", "-c", inside]
        )
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    data, quiet, emulator = bytearray(), [], Emulator(80, 24)
    for text in typed:
        key = text[1:-1] if text.startswith("<") else ""
        os.write(terminal, emulator.key(key, _KEYS.get(key)) if key else text.encode())
        end = time.monotonic() + MOST_S
        while time.monotonic() < end and select.select([terminal], [], [], QUIET_S)[0]:
            try:
                found = os.read(terminal, 65536)
            except OSError:
                break
            data += found
            emulator.feed(found)
            os.write(terminal, emulator.take_replies())
        quiet.append(len(data))
    os.close(terminal)
    os.kill(child, 9)
    os.waitpid(child, 0)
    (FOLDER / f"{name}.bin").write_bytes(data)
    (FOLDER / f"{name}.json").write_text(json.dumps(quiet) + "\n")
    print(name, quiet)


if __name__ == "__main__":
    for program in sys.argv[1:] or SCRIPTS:
        record(program)
