"""A guest's pointer: put somewhere on its display, buttons pressed and let go, the wheel turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from kvmtui.errors import StateError
from kvmtui.guest.library import Library
from kvmtui.manage.typing_keys import input_session

Button = Literal["left", "middle", "right", "wheel-up", "wheel-down"]
_MOST = 0x7FFF
_SHORT_DEEDS = 100


class Deed(NamedTuple):
    """One thing that the pointer does."""

    x: float
    """Where, as a part of the display's width, from 0 to 1."""
    y: float
    """As a part of its height."""
    button: Button | None = None
    """None: it is put there only."""
    down: bool = True
    """Whether the button is pressed or let go; a wheel is both."""

    def events(self) -> list[dict[str, Any]]:
        """The events of QMP ``input-send-event``."""
        found: list[dict[str, Any]] = [
            {"type": "abs", "data": {"axis": axis, "value": round(min(max(part, 0), 1) * _MOST)}}
            for axis, part in (("x", self.x), ("y", self.y))
        ]
        if self.button is not None:
            ways = (True, False) if self.button.startswith("wheel") else (self.down,)
            found += [{"type": "btn", "data": {"down": w, "button": self.button}} for w in ways]
        return found


async def point(library: Library, name: str, deeds: Sequence[Deed]) -> None:
    """Have the pointer do something, one after the other.

    Raises:
        StateError: It does not run, is paused, or uses no tablet: its mouse knows no places.
        MonitorError: Its QEMU does not answer.
    """
    short = len(deeds) <= _SHORT_DEEDS
    async with input_session(library, name, "point", "clicks", short=short) as monitor:
        mice = await monitor.execute("query-mice")
        # Where it is not the current one its buttons would be the other mouse's.
        if not any(one.get("current") and one.get("absolute") for one in mice):
            raise StateError(
                f"{name} uses no tablet: a click would be somewhere else",
                hint=f"kvmtui set {name} usb=true, and a system that knows USB tablets",
            )
        for deed in deeds:
            await monitor.execute("input-send-event", {"events": deed.events()})
