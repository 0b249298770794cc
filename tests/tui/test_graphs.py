"""Graphs of real guests on a real terminal, at their worst."""

from __future__ import annotations

import os
import re
import signal

import pytest
from tui.seen import ENTER, ESC, TAB, row, wait_row

from kvmtui.manage.preferences import load_preferences
from kvmtui.stats.process import read_process

CTRL_B = "\x02"
LONG = "a" + "-b" * 31
"""As long as a name may be: 63 characters."""
WIDE = "漢字 e\u0301 \U0001f600"
SIZES = [(80, 24), (140, 40)]


def with_disks(kvmtui, name, count, *words):
    disks = [word for _ in range(count) for word in ("--disk", "1M")]
    kvmtui.tiny(name, *disks, *words)


def resident_kb(pid):
    figures = read_process(pid)
    assert figures is not None
    return figures.resident_bytes // 1024


def press(terminal, key, text):
    """A key, and what it brings to the screen."""
    terminal.send(key)
    terminal.wait_for(text)


@pytest.mark.parametrize("size", SIZES)
def test_all_graphs_of_a_guest(kvmtui, open_app, size):
    with_disks(kvmtui, LONG, 26, "--description", WIDE)
    kvmtui.ok("start", LONG)
    terminal = open_app(*size)
    terminal.wait_for("running")
    press(terminal, "m", "[Graphs]")
    assert "[1 min]" in terminal.text
    terminal.wait_until(lambda: "of 100 %" in terminal.text, what="its CPU")
    terminal.wait_for("⣀⣀⣀⣀")
    terminal.send("G")
    terminal.wait_for("hd25")
    terminal.send("g")
    terminal.wait_for("CPU")
    press(terminal, "+", "[10 min]")
    press(terminal, "+", "[24 h]")
    press(terminal, "--", "[1 min]")
    press(terminal, " ", "held at")
    terminal.send("\x1b[D\x1b[D\x1b[D")
    terminal.wait_gone("of 100 %")
    terminal.send(ESC)
    terminal.wait_for("of 100 %")
    terminal.send(" ")
    terminal.wait_gone("held at")
    press(terminal, TAB, "[Console")
    terminal.send(ESC)
    terminal.wait_gone("[Console")
    assert len(terminal.lines) == size[1]


@pytest.mark.parametrize("size", SIZES)
def test_a_wall_of_those_that_are_marked(kvmtui, open_app, size):
    for name in ("one", "two", "three"):
        kvmtui.tiny(name)
    kvmtui.ok("start", "one", "two")
    terminal = open_app(*size)
    wait_row(terminal, "two", "running")
    press(terminal, "*", "3 marked")
    press(terminal, "m", "Wall of 3 guests")
    terminal.wait_for("does not run")
    terminal.wait_until(lambda: re.search(r"\d %", terminal.text), what="a CPU's share")
    press(terminal, "o", "by name")
    press(terminal, "f", "memory that the guest uses")
    press(terminal, "ff", "received and sent")
    if size == SIZES[-1]:
        terminal.wait_for("not known")
    press(terminal, "ff", "CPU, share of its vCPUs")
    kvmtui.ok("stop", "--yes", "two")
    terminal.wait_until(lambda: terminal.text.count("does not run") == 2, what="two that stand")
    kvmtui.ok("start", "two")
    terminal.wait_until(lambda: terminal.text.count("does not run") == 1, what="two again")
    kvmtui.ok("delete", "--yes", "three")
    terminal.wait_for("Wall of 2 guests")
    press(terminal, "j", "▌")
    press(terminal, ENTER, "[Graphs]")
    terminal.send(ESC)
    terminal.wait_for("Wall of 2 guests")
    terminal.send(ESC)
    terminal.wait_until(lambda: row(terminal, "one"), what="the list")


def test_a_guest_that_dies_and_comes_again_under_its_graphs(kvmtui, open_app):
    with_disks(kvmtui, "a", 1)
    kvmtui.ok("start", "a")
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "running")
    press(terminal, "m", "hd0")
    terminal.wait_for("halted")
    pid = kvmtui.ok("list", "--json").json[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    terminal.wait_for("does not run: there is nothing to measure")
    for _ in range(2):
        terminal.send("s")
        terminal.wait_for("hd0")
        terminal.wait_until(lambda: "of 100 %" in terminal.text, what="its figures again")
        kvmtui.ok("stop", "--yes", "a")
        terminal.wait_for("does not run: there is nothing to measure")
    kvmtui.ok("delete", "--yes", "a")
    terminal.wait_for("No guests yet")


def test_one_that_does_not_answer_costs_its_own_figures(kvmtui, open_app):
    with_disks(kvmtui, "a", 1)
    with_disks(kvmtui, "b", 1)
    kvmtui.ok("start", "a", "b")
    terminal = open_app(140, 40)
    wait_row(terminal, "b", "running")
    pid = kvmtui.ok("list", "--json").json[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_row(terminal, "a", "no answer")
        terminal.send("G")
        press(terminal, "m", "hd0")
        terminal.wait_until(lambda: "of 100 %" in terminal.text, what="b's CPU")
        terminal.send("K")
        terminal.wait_for("a  ●")
        terminal.wait_for("no answer")
    finally:
        os.kill(pid, signal.SIGCONT)
    terminal.wait_for("hd0")


def test_resized_all_the_time(kvmtui, open_app):
    with_disks(kvmtui, "a", 2)
    kvmtui.ok("start", "a")
    terminal = open_app(140, 40)
    wait_row(terminal, "a", "running")
    press(terminal, "m", "hd1")
    before_kb = resident_kb(terminal.process.pid)
    for number in range(150):
        terminal.resize(40 + 7 * (number % 20), 12 + number % 30)
        terminal.pump(0.02)
        terminal.send("\x1b[D" if number % 5 else "+-")
    terminal.resize(140, 40)
    terminal.wait_for("[Graphs]")
    terminal.wait_for("hd1")
    assert resident_kb(terminal.process.pid) - before_kb < 12_000
    terminal.send(ESC)
    terminal.send("q")


def test_what_is_sent_is_told(kvmtui, open_app):
    terminal = open_app()
    terminal.wait_for("No guests yet")
    press(terminal, CTRL_B, "Connection")
    terminal.wait_for("mean of the last 10 s")
    terminal.wait_for("Budget          none")
    terminal.send(ESC)
    terminal.wait_gone("Connection")


def test_a_budget_is_a_setting(kvmtui, open_app, tmp_path, monkeypatch):
    folder = tmp_path / "config" / "kvmtui"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("budget: 1500\n")
    terminal = open_app(XDG_CONFIG_HOME=str(folder.parent))
    terminal.wait_for("No guests yet")
    press(terminal, CTRL_B, "1.5 kB/s")
    (folder / "config.yaml").write_text("budget: 5\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder.parent))
    assert load_preferences().budget is None
    assert load_preferences().complaints[0].endswith("budget: 100 bytes a second or more")
