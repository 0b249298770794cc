"""`autostart` as it is called; what changes the host is in the slow tests of systemd and cron."""

from __future__ import annotations

import pytest


def test_nothing_starts_with_the_host_at_first(kvmtui):
    assert kvmtui.ok("autostart").out == "no guest starts with the host\n"
    found = kvmtui.ok("autostart", "list", "--json").json
    assert found["guests"] == [] and found["problems"] == [] and not found["in_place"]
    assert kvmtui.ok("autostart", "run").out == "autostart: nothing to do\n"


def test_a_definition_alone_is_told_to_be_not_enough(kvmtui):
    kvmtui.tiny("a")
    done = kvmtui.ok("set", "a", "autostart={order: 2, delay: 10s}")
    assert "nothing starts a with the host yet: kvmtui autostart enable a" in done.err
    assert kvmtui.ok("set", "a", "description=x").err == ""
    assert kvmtui.row("a")["autostart"] is True
    lines = kvmtui.ok("autostart").out.splitlines()
    assert lines[:2] == ["NAME  ORDER  DELAY", "a         2   10 s"]
    missing = next(number for number, line in enumerate(lines) if line.startswith("missing: "))
    assert lines[missing + 1].startswith("  try: ")
    (guest,) = kvmtui.ok("autostart", "--json").json["guests"]
    assert guest == {"name": "a", "order": 2, "delay_s": 10}
    assert "autostart   order 2, after 10 s" in kvmtui.ok("show", "a").out


def test_a_definition_that_cannot_be_read_is_told(kvmtui):
    kvmtui.tiny("a")
    kvmtui.library.place("a").definition.write_text("a: [")
    assert "a: its definition cannot be read, so nobody knows" in kvmtui.ok("autostart").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["enable"], "which guest"),
        (["enable", "a", "--all"], "names do not go with --all"),
        (["run", "a"], "is for all guests"),
        (["stop", "--tag", "x"], "is for all guests"),
        (["disable", "a", "--order", "1"], "--order goes with enable only"),
        (["list", "--timeout", "3"], "--timeout goes with stop only"),
        (["enable", "a", "--delay", "soon"], "--delay"),
        (["enable", "a", "--order", "first"], "--order"),
        (["sometimes"], "invalid choice"),
        (["stop"], "needs a yes"),
    ],
)
def test_wrong_calls(kvmtui, words, said):
    kvmtui.tiny("a")
    assert said in kvmtui.refused("autostart", *words, status=2)


def test_no_such_guest_changes_nothing(kvmtui):
    kvmtui.tiny("a")
    assert "there is no such guest" in kvmtui.refused("autostart", "enable", "none", status=1)
    assert "order" in kvmtui.refused("autostart", "enable", "a", "--order", "10000", status=1)
    assert kvmtui.row("a")["autostart"] is False
    assert not kvmtui.ok("autostart", "--json").json["in_place"]


def test_run_and_stop_take_all_and_fail_for_one(kvmtui):
    kvmtui.tiny("a", "--set", "autostart=true")
    kvmtui.tiny("b", "--set", "autostart=true", "--set", 'qemu_args=["-nonsense"]')
    done = kvmtui("autostart", "run")
    assert done.status == 1 and "a runs under tcg\n" in done.out and "b did not start" in done.err
    kvmtui.tiny("c")
    kvmtui.ok("start", "c")
    done = kvmtui.ok("autostart", "stop", "--yes", "--timeout", "0", "--json")
    assert [one["name"] for one in done.json] == ["c", "a"]
    assert kvmtui.ok("autostart", "stop", "--yes").out == "autostart: nothing to do\n"
