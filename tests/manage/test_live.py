"""Rounds over real guests: what moved is seen, what did not costs nothing, nobody waits."""

from __future__ import annotations

import os
import signal

import pytest
from manage.rounds import until

from kvmtui.guest import history
from kvmtui.manage import live as live_module
from kvmtui.manage.live import Watch
from kvmtui.manage.operation import locked, told


@pytest.fixture
def watch(kvmtui):
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    watch = Watch(kvmtui.library)
    yield watch
    watch.close()


def test_rounds_follow_what_others_do(kvmtui, watch):
    assert {name: one.view.state for name, one in watch.round().items()} == {
        "a": "stopped",
        "b": "stopped",
    }
    kvmtui.ok("start", "a")
    found = watch.round()
    assert found["a"].view.state == "running" and found["a"].cpu_percent is None
    assert until(watch, lambda found: found["a"].cpu_percent is not None)
    kvmtui.ok("pause", "a")
    assert watch.round()["a"].view.state == "paused"
    kvmtui.ok("resume", "a")
    assert watch.round()["a"].view.state == "running"
    kvmtui.ok("stop", "a")
    found = watch.round()
    assert found["a"].view.state == "stopped" and found["a"].cpu_percent is None
    kvmtui.ok("delete", "b", "--yes")
    assert set(watch.round()) == {"a"}
    newest = watch.operations()[0]
    assert (newest.guest, newest.verb, newest.result) == ("b", "delete", "done")


def test_a_guest_at_rest_is_not_looked_at_again(kvmtui, watch, monkeypatch):
    kvmtui.ok("start", "a")
    watch.round()
    monkeypatch.setattr(live_module, "Look", None)
    found = watch.round()
    assert found["a"].view.state == "running"


def test_a_killed_guest_is_crashed_in_the_next_round(kvmtui, watch):
    kvmtui.ok("start", "a")
    pid = watch.round()["a"].view.pid
    os.kill(pid, signal.SIGKILL)
    found = until(watch, lambda found: found["a"].view.pid is None)
    assert found["a"].view.state == "crashed"


def test_one_that_does_not_answer_holds_up_nobody(kvmtui, watch):
    kvmtui.ok("start", "a", "b")
    kvmtui.ok("pause", "a")
    pid = watch.round()["a"].view.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        found = until(watch, lambda found: not found["a"].view.answers)
        assert found["a"].view.state == "paused"
        assert found["b"].view.answers and found["b"].view.state == "running"
    finally:
        os.kill(pid, signal.SIGCONT)
    until(watch, lambda found: found["a"].view.answers)


def test_what_is_under_way_is_seen_and_then_told(kvmtui, watch):
    folder = kvmtui.library.folder("a")
    with locked(folder):
        with told(folder, "start"):
            under_way = watch.round()["a"].under_way
            assert under_way is not None and under_way.verb == "start"
            assert under_way.user == history.acting_user() and under_way.pid == os.getpid()
        assert watch.round()["a"].under_way is None
    newest = watch.operations()[0]
    assert (newest.guest, newest.verb, newest.result) == ("a", "start", "done")


def test_one_that_was_cut_off_is_no_longer_under_way(kvmtui, watch):
    folder = kvmtui.library.folder("a")
    line = {"phase": "begin", "id": "x", "verb": "start", "user": "anna", "pid": 1}
    history.append(folder.history, line)
    assert watch.round()["a"].under_way is None
    newest = watch.operations()[0]
    assert newest.result == "interrupted" and newest.message


def test_a_definition_that_turns_invalid_is_one_row(kvmtui, watch):
    watch.round()
    folder = kvmtui.library.folder("a")
    folder.definition.write_text("memory: [")
    found = watch.round()
    assert found["a"].view.state == "invalid" and found["a"].view.error
    assert found["b"].view.state == "stopped"


def test_a_home_that_is_gone_has_no_guests(kvmtui, watch):
    watch.round()
    kvmtui.home.rename(kvmtui.home.with_name("elsewhere"))
    try:
        assert watch.round() == {}
    finally:
        kvmtui.home.with_name("elsewhere").rename(kvmtui.home)
    assert set(watch.round()) == {"a", "b"}
