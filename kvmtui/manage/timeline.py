"""A guest's timeline."""

from __future__ import annotations

from typing import Literal, NamedTuple

from kvmtui.guest.folder import GuestFolder
from kvmtui.manage.operations import read_operations


class TimelineEntry(NamedTuple):
    """One entry."""

    time: float
    text: str
    kind: Literal["done", "failed", "under-way", "event", "warning", "crash"]
    who: str
    verb: str


def timeline(folder: GuestFolder, *, most: int = 100) -> list[TimelineEntry]:
    """The newest entries, oldest first."""
    return [
        TimelineEntry(
            one.begun,
            f"{one.verb} by {one.user}" + (f": {one.message}" if one.message else ""),
            "failed" if one.result == "failed" else "done",
            one.user,
            one.verb,
        )
        for one in read_operations(folder)[-most:]
    ]
