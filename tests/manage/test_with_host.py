"""Starting with the host in order, and ending before it in the reverse of that."""

from __future__ import annotations

import asyncio

import pytest

from kvmtui.errors import KvmtuiError
from kvmtui.guest import history
from kvmtui.manage import with_host
from kvmtui.manage.autostart import Planned, planned
from kvmtui.manage.demo import boot_image


@pytest.fixture
def obedient(kvmtui, tmp_path):
    """Makes a guest that obeys its power button."""

    def make(name, autostart="false"):
        image = tmp_path / f"{name}.raw"
        image.write_bytes(boot_image("wave.bin"))
        kvmtui.tiny(name, "--disk", image, "--set", f"autostart={autostart}")

    return make


def story(kvmtui, name, verb):
    """The begin and end line of the newest operation of this verb."""
    lines = history.read(kvmtui.library.place(name).history)
    return [line for line in lines if line.get("verb") == verb][-2:]


def test_the_order_is_by_number_then_by_name_and_faults_are_told(kvmtui):
    wishes = {"a": "true", "b": "{order: 7, delay: 2m}", "c": "{order: 0}", "d": "{order: 7}"}
    for name, wish in wishes.items():
        kvmtui.tiny(name, "--set", f"autostart={wish}")
    kvmtui.tiny("off")
    kvmtui.tiny("faulty")
    kvmtui.tiny("torn")
    faulty = kvmtui.library.place("faulty").definition
    faulty.write_text("autostart: true\nmemroy: 1G\n")
    kvmtui.library.place("torn").definition.write_text("a: [")
    guests, unread = planned(kvmtui.library)
    assert guests == [
        Planned("c", 0, 0),
        Planned("b", 7, 120),
        Planned("d", 7, 0),
        Planned("a", None, 0),
        Planned("faulty", None, 0),
    ]
    assert unread == ["torn"]


def test_the_end_is_the_reverse_and_who_was_started_by_hand_goes_first():
    guests = [Planned("c", 0, 0), Planned("b", 7, 0), Planned("d", 7, 0), Planned("a", None, 0)]
    running = ["a", "b", "c", "d", "x", "y"]
    assert with_host.places(guests, running) == [["x", "y"], ["a"], ["b", "d"], ["c"]]
    assert with_host.places(guests, ["c", "b"]) == [["b"], ["c"]]
    assert with_host.places(guests, []) == []


def test_guests_are_started_in_order_with_their_delays_and_a_failure_is_its_own(kvmtui, obedient):
    obedient("one", "{order: 1, delay: 30s}")
    obedient("two", "{order: 2, delay: 5m}")
    obedient("up", "{order: 3, delay: 10m}")
    kvmtui.tiny("broken", "--set", "autostart={order: 1}", "--set", 'qemu_args=["-nonsense"]')
    kvmtui.ok("start", "up")
    waited = []
    results = list(with_host.run(kvmtui.library, sleep=waited.append))
    assert [name for name, _ in results] == ["broken", "one", "two", "up"]
    assert waited == [30, 300]
    assert isinstance(results[0][1], KvmtuiError)
    assert [outcome.changed for _, outcome in results[1:]] == [True, True, False]
    assert story(kvmtui, "broken", "start")[1]["result"] == "failed"
    begins = [story(kvmtui, name, "start")[0] for name in ("broken", "one", "two")]
    assert [line["user"] for line in begins] == ["autostart"] * 3
    assert sorted(begins, key=lambda line: line["time"]) == begins


class Clock:
    """Shows one time after the other."""

    def __init__(self, *times):
        self.times = list(times)

    def __call__(self):
        return self.times.pop(0)


def test_guests_are_shut_down_in_reverse_order_each_place_with_its_share(kvmtui, obedient):
    obedient("one", "{order: 1}")
    obedient("two", "{order: 2}")
    obedient("hand")
    kvmtui.tiny("deaf", "--set", "autostart={order: 9}")
    kvmtui.ok("start", "--all")
    for name in ("one", "two", "hand"):
        kvmtui.ok("wait", name, "--for", "text=ready")
    # When deaf's turn comes there is one second left, for it and two more places.
    clock = Clock(0, 0, 297.1, 260, 260)
    with history.acting_as(with_host.ENDER):
        results = asyncio.run(with_host.stop(kvmtui.library, limit_s=300, clock=clock))
    assert [name for name, _ in results] == ["hand", "deaf", "two", "one"]
    ends = {name: story(kvmtui, name, "shutdown") for name, _ in results}
    assert "was not obeyed within 1 s" in ends["deaf"][1]["forced"]
    assert all("forced" not in ends[name][1] for name in ("hand", "two", "one"))
    assert {begin["user"] for begin, _ in ends.values()} == {"host shutdown"}
    moments = [ends[name][1]["time"] for name in ("hand", "deaf", "two", "one")]
    assert moments == sorted(moments)
    assert {view["state"] for view in kvmtui.ok("list", "--json").json} == {"stopped"}
