"""The registry: ids, keys, refusals; and the user's own keys, checked."""

from __future__ import annotations

import pytest
from tui.views import guest

from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.keymap import changed_keys, checked_keys
from kvmtui.tui.actions.registry import shown_key

KEYS, NO_COMPLAINT = checked_keys({})


def test_the_default_keys_do_not_clash():
    same = {action_id: action.key for action_id, action in ACTIONS.items()}
    assert checked_keys(same)[1] == [] and NO_COMPLAINT == []


def test_every_action_is_told_of():
    for action in ACTIONS.values():
        assert action.help.endswith(".") and action.label and action.title


@pytest.mark.parametrize(
    ("action", "live", "reason"),
    [
        ("guest.start", guest(), ""),
        ("guest.start", guest(state="running"), "web runs already"),
        ("guest.start", guest(state="paused"), "web is paused: resume it instead (p)"),
        (
            "guest.start",
            guest(state="invalid"),
            "web's definition is not valid: mend it first (e)",
        ),
        ("guest.shutdown", guest(), "web does not run: start it first (s)"),
        ("guest.shutdown", guest(state="paused"), "web is paused: resume it first (p)"),
        (
            "guest.shutdown",
            guest(state="running", answers=False),
            "web does not answer: only stop can end it (x)",
        ),
        ("guest.stop", guest(state="running", answers=False), ""),
        ("guest.stop", guest(state="running", doing="shutdown"), ""),
        ("guest.delete", guest(state="running"), "web runs: shut it down first (d)"),
        ("guest.pause", guest(state="paused"), ""),
        ("guest.edit", guest(state="invalid"), ""),
        ("guest.autostart", guest(state="running"), ""),
    ],
)
def test_why_not(action, live, reason):
    assert ACTIONS[action].reason(live, KEYS) == reason


def test_what_is_under_way_is_the_answer():
    reason = ACTIONS["guest.start"].reason(guest(doing="start"), KEYS)
    assert reason.startswith("web is starting (")


def test_keys_can_change_places():
    keys, complaints = checked_keys({"guest.start": "d", "guest.shutdown": "s", "app.quit": "Q"})
    assert complaints == []
    assert (keys.of("guest.start"), keys.of("guest.shutdown"), keys.of("app.quit")) == (
        "d",
        "s",
        "Q",
    )


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"guest.strat": "s"}, "guest.strat: there is no such action, did you mean guest.start"),
        ({"guest.start": "ctrl+nothing"}, "guest.start: 'ctrl+nothing' is no key"),
        ({"guest.start": 5}, "guest.start: a key is expected, such as x or ctrl+x"),
        ({"guest.start": ""}, "guest.start: a key is expected, such as x or ctrl+x"),
        ({"guest.start": "d"}, "guest.start: d is guest.shutdown already"),
        ({"guest.start": "q"}, "guest.start: q is app.quit already"),
        ({"guest.start": "\x1b[31m"}, "guest.start: '\\x1b[31m' is no key"),
    ],
)
def test_a_faulty_wish_keeps_the_default(wish, complaint):
    keys, complaints = checked_keys(wish)
    assert complaints == [f"keys: {complaint}"]
    assert keys.all_of("guest.start") == "s"


def test_panes_may_share_a_key():
    assert checked_keys({"activity.cancel": "s"})[1] == []


@pytest.mark.parametrize(
    ("key", "shown"),
    [("ctrl+l", "Ctrl-L"), ("slash", "/"), ("f1", "F1"), ("s", "s"), ("enter", "Enter")],
)
def test_keys_as_people_write_them(key, shown):
    assert shown_key(key) == shown


def test_textual_is_told_of_changed_keys_only():
    """It goes through all that it is told at each key."""
    assert changed_keys(checked_keys({})[0]) == {}
    found, complaints = checked_keys({"guest.log": "L"})
    assert changed_keys(found) == {"guest.log": "L"} and complaints == []
