"""What differs between two definitions, in words."""

from kvmtui.guest.differences import differences, needs_restart
from kvmtui.guest.validation import definition_from


def between(old, new):
    return differences(definition_from(old), definition_from(new))


def test_each_value_that_differs_is_told():
    assert between(
        {"memory": "4G", "balloon": True, "cpu": "max", "disks": [{"file": "a.raw"}]},
        {
            "memory": "8G",
            "balloon": False,
            "tags": ["x", "y"],
            "disks": [{"file": "a.raw", "cache": "none"}, {"file": "b.raw"}],
            "networks": [],
        },
    ) == [
        "tags nothing → x, y",
        "cpu max → default",
        "memory 4.0G → 8.0G",
        "disks[0].cache auto → none",
        "disks[1] added",
        "networks[0] removed",
        "balloon on → off",
    ]
    assert between({"memory": "1G"}, {"memory": "1024M"}) == []


def test_hostile_and_long_values_are_shown_bounded():
    (_, text) = between({}, {"append": "\x1b[31m" + "x" * 4000, "kernel": "/k"})
    assert "\x1b" not in text and len(text) < 100


def test_what_needs_a_restart():
    plain = {"memory": "1G"}
    assert needs_restart(definition_from(plain), definition_from({"memory": "2G"}))
    about = {"memory": "1G", "description": "x", "tags": ["y"], "protected": True}
    assert not needs_restart(definition_from(plain), definition_from(about))


def test_a_start_with_the_host_is_told_and_needs_no_restart():
    off, on = {"autostart": False}, {"autostart": True}
    placed = {"autostart": {"order": 2, "delay": "10s"}}
    assert between(off, on) == ["autostart off → on"]
    assert between(on, placed) == ["autostart on → order 2, after 10 s"]
    assert between(placed, {"autostart": {"delay": "1m"}}) == [
        "autostart.order 2 → default",
        "autostart.delay 10s → 60s",
    ]
    assert not needs_restart(definition_from(off), definition_from(placed))
