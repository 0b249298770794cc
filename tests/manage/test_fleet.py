"""The Fleet tells its subscribers what changed, and nothing when nothing did."""

from __future__ import annotations

import asyncio

from kvmtui.errors import KvmtuiError
from kvmtui.manage.fleet import Fleet


def test_subscribers_hear_what_is_new_other_and_gone(kvmtui):
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    fleet = Fleet(kvmtui.library)
    heard = []
    unsubscribe = fleet.subscribe(heard.append)

    async def story():
        await fleet.refresh()
        await fleet.refresh()
        await fleet.start("a")
        await fleet.pause("a")
        await fleet.refresh()
        await fleet.stop("a")
        await fleet.delete("b")
        await fleet.refresh()
        unsubscribe()
        await fleet.delete("a")
        await fleet.refresh()

    asyncio.run(story())
    states = [
        {name: live.view.state if live else None for name, live in change.items()}
        for change in heard
    ]
    assert states == [
        {"a": "stopped", "b": "stopped"},
        {"a": "paused"},
        {"a": "stopped", "b": None},
    ]


def test_each_failure_is_its_own(kvmtui):
    kvmtui.tiny("a")
    fleet = Fleet(kvmtui.library)
    results = dict(asyncio.run(fleet.each(["a", "none"], fleet.stop)))
    assert results["a"].changed is False
    assert isinstance(results["none"], KvmtuiError)


def test_figures_are_there_for_who_wants_them_and_are_kept(kvmtui, tmp_path):
    kvmtui.tiny("a", "--disk", f"{tmp_path}/a.qcow2,size=64M")
    kvmtui.ok("start", "a")
    fleet = Fleet(kvmtui.library)

    async def look():
        await fleet.refresh()
        assert fleet.guests["a"].figures is None
        fleet.want_figures("a test", None, "columns")
        async with asyncio.timeout(30):
            while not known("disk_read") or not known("cpu"):
                await fleet.refresh()
        figures = fleet.guests["a"].figures
        assert figures is not None and figures.missing == ""
        fleet.let_go()
        await fleet.stop("a")
        await fleet.refresh()
        assert fleet.guests["a"].figures is None and not known("cpu")
        assert known("memory_used", None)

    def known(key, name="a"):
        return any(value == value for value in fleet.series(name, key, "1min", 60).values)

    asyncio.run(look())
    fleet.close()
