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
