"""The app in tmux, as it is used on most servers."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time

import pytest

from kvmtui.manage import demo


class Pane:
    """A session of a tmux server of the test's own."""

    def __init__(self, server, name, columns, rows, environment):
        self._tmux = ["tmux", "-L", server, "-f", "/dev/null"]
        self._name = name
        words = [f"-e{key}={value}" for key, value in environment.items()]
        size = ("-x", str(columns), "-y", str(rows))
        command = f"{sys.executable} -m kvmtui; echo status $?; exec cat"
        self("new-session", "-d", "-s", name, *size, *words, command)

    def __call__(self, verb, *words):
        aim = () if verb == "new-session" else ("-t", self._name)
        done = subprocess.run(
            [*self._tmux, verb, *aim, *words], check=True, capture_output=True, text=True
        )
        return done.stdout

    @property
    def lines(self):
        return [line.rstrip() for line in self("capture-pane", "-p").splitlines()]

    def keys(self, *keys):
        self("send-keys", *keys)

    def wait_until(self, condition, deadline_s=30):
        end = time.monotonic() + deadline_s
        while not condition(self.lines):
            assert time.monotonic() < end, "\n".join(self.lines)
            select.select([], [], [], 0.05)

    def wait_for(self, text):
        self.wait_until(lambda lines: text in "\n".join(lines))

    def resize(self, columns, rows):
        self("resize-window", "-x", str(columns), "-y", str(rows))


@pytest.fixture(scope="module")
def tmux_server():
    name = f"kvmtui-test-{os.getpid()}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True)


def row(lines, name):
    return next((line for line in lines if line[5:].startswith(f"{name} ")), "")


@pytest.mark.parametrize(("size", "other"), [((80, 24), (140, 40)), ((140, 40), (80, 24))])
def test_a_guest_by_keys_at_two_sizes(kvmtui, tmux_server, size, other):
    kvmtui.tiny("web", "--tag", "prod")
    # Exported sizes are another terminal's, and are not believed.
    sizes = {"COLUMNS": "77", "LINES": "17"}
    environment = {"KVMTUI_HOME": kvmtui.home, "ESCDELAY": "25", **sizes}
    pane = Pane(tmux_server, f"at-{size[0]}", *size, environment)
    pane.wait_until(lambda lines: "stopped" in row(lines, "web"))
    assert pane("display-message", "-p", "#{alternate_on}").strip() == "1"
    pane.keys("s")
    pane.wait_until(lambda lines: "running" in row(lines, "web"))
    _looks_whole(pane, *size)
    pane.keys("p")
    pane.wait_until(lambda lines: "paused" in row(lines, "web"))
    pane.resize(*other)
    pane.wait_until(lambda lines: len(lines[-1]) > other[0] - 8 and len(lines) == other[1])
    _looks_whole(pane, *other)
    pane.keys("x")
    pane.wait_for("Stop web at once?")
    pane.keys("y")
    pane.wait_until(lambda lines: "stopped" in row(lines, "web"))
    pane.keys("/", "nothing", "Enter")
    pane.wait_until(lambda lines: not row(lines, "web"))
    pane.keys("Escape")
    pane.wait_until(lambda lines: row(lines, "web"))
    pane.keys("q")
    pane.wait_for("status 0")
    assert pane("display-message", "-p", "#{alternate_on}").strip() == "0"


def _looks_whole(pane, columns, rows):
    """What every size shows: panes, list, the detail in its place, keys."""
    pane.wait_until(lambda lines: "? help" in lines[-1] and "1 Guests" in lines[0])
    wide = columns >= 120

    def detail(lines):
        if wide:
            return all("│" in line for line in lines[3 : rows - 3])
        return any(line.startswith("─ web ─") for line in lines)

    pane.wait_until(detail)
    pane.wait_until(lambda lines: not wide or "prod" in "\n".join(lines))


@pytest.mark.parametrize("size", [(140, 40), (80, 24), (40, 12)])
def test_4_shows_the_host(kvmtui, tmux_server, size):
    environment = {"KVMTUI_HOME": kvmtui.home, "ESCDELAY": "25"}
    pane = Pane(tmux_server, f"host-{size[0]}", *size, environment)
    pane.wait_for("1 Guests")
    pane.keys("4")
    pane.wait_for("Status ↑")
    pane.wait_until(lambda lines: any(re.search(r"(ok|warn|fail|unknown)  ", one) for one in lines))
    machine = "Machine" if size[0] > 120 else "Promised" if size[0] >= 80 else "4 Host"
    pane.wait_for(machine)
    pane.keys("Enter")
    pane.wait_for("Esc closes")
    pane.keys("Escape")
    pane.wait_until(lambda lines: "Esc closes" not in "\n".join(lines))
    pane.keys("?")
    pane.wait_for("A host is the machine")
    pane.keys("Escape")
    pane.wait_until(lambda lines: "A host is" not in "\n".join(lines))
    pane.keys("q")
    pane.wait_for("status 0")


@pytest.mark.slow
def test_one_logs_in_runs_vi_and_logs_out_over_the_serial_line(
    kvmtui, linux_guest_files, tmux_server
):
    """A real Linux, with a real getty and login: what a login prompt and vi ask of a terminal."""
    kvmtui.boot_linux(linux_guest_files)
    kvmtui.ok("wait", "g", "--for", "text=guest# ")
    pane = Pane(tmux_server, "login", 80, 24, {"KVMTUI_HOME": kvmtui.home, "ESCDELAY": "25"})
    pane.wait_until(lambda lines: "running" in row(lines, "g"))
    pane.keys("c")
    pane.wait_for("guest#")
    pane.keys("-l", "echo 'root::0:0::/:/bin/sh' >/etc/passwd; exec getty 0 ttyS0 vt220")
    pane.keys("Enter")
    pane.wait_for("Ctrl-] s sends the size")
    pane.keys("Enter")
    pane.wait_for("(none) login:")
    pane.keys("-l", "root")
    pane.keys("Enter")
    pane.wait_until(lambda lines: any(line == "/ #" for line in lines))
    pane.keys("C-]", "s")
    pane.wait_for("typed: stty rows 21 cols 80")
    pane.keys("-l", "vi /tmp/letter")
    pane.keys("Enter")
    pane.wait_for("- /tmp/letter")
    pane.keys("i", "D", "e", "a", "r", "Enter", "y", "o", "u")
    pane.wait_until(lambda lines: "Dear" in lines[1] and "you" in lines[2])
    pane.wait_for("I /tmp/letter")
    pane.keys("Escape")
    pane.wait_for("- /tmp/letter [Modified]")
    pane.keys("-l", ":wq")
    pane.keys("Enter")
    pane.wait_until(lambda lines: any(line == "/ #" for line in lines))
    pane.keys("-l", "tr a-z A-Z < /tmp/letter")
    pane.keys("Enter")
    pane.wait_for("DEAR\nYOU")
    pane.keys("-l", "exit")
    pane.keys("Enter")
    pane.wait_until(lambda lines: not any(line == "/ #" for line in lines[-6:]))
    pane.keys("C-]", "Escape")
    pane.wait_until(lambda lines: "running" in row(lines, "g"))
    pane.keys("q")
    pane.wait_for("status 0")


def test_the_demo_guests_screen_is_read_and_typed_into(kvmtui, tmux_server):
    list(demo.bring_up(kvmtui.library))
    pane = Pane(tmux_server, "demo", 80, 24, {"KVMTUI_HOME": kvmtui.home, "ESCDELAY": "25"})
    pane.wait_until(lambda lines: "running" in row(lines, "demo-wave"))
    pane.keys("G", "v")
    pane.wait_for("kvmtui demo wave: ready")
    pane.wait_for("text 80×25")
    # Between two letters may come a line of the guest's own.
    pane.keys("-l", "q:?")
    pane.wait_until(lambda lines: {"q", ":", "?"} <= set("".join(lines[1:-2])))
    pane.keys("C-]", "Escape")
    pane.wait_until(lambda lines: "running" in row(lines, "demo-wave"))
    pane.keys("q")
    pane.wait_for("status 0")
