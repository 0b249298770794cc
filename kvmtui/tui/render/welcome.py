"""What stands in the list while there are no guests."""

from __future__ import annotations

from kvmtui.guest.units import format_size
from kvmtui.manage.fleet import HostFigures
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.host import HostView, hanging, verdict
from kvmtui.tui.spans import Line, Span


def first_start(
    view: HostView, home: str, host: HostFigures | None, keys: Keys, glyphs: Glyphs, width: int
) -> list[Line]:
    """The host's verdict, and the ways to a first guest.

    Args:
        width: In cells; the verdict is wrapped to it.
    """
    room = ""
    if host is not None and host.disk_free_bytes is not None:
        room = f" {glyphs.dot} {format_size(host.disk_free_bytes)} left"
    return [
        *hanging(verdict(view, glyphs), width),
        (),
        (Span("No guests yet.", bold=True),),
        (),
        _way(keys.of("guest.new"), "install one: cloud image, ISO, disk, network …"),
        _way(keys.of("guest.demo"), "try the demo: two tiny guests, nothing to download"),
        _way(keys.of("pane.host"), "what this machine can do, and what it lacks"),
        _way(keys.of("app.first_steps"), "first steps: what host, guest, KVM and QEMU are"),
        _way(keys.of("app.help"), "help"),
        (),
        (Span("Guests go on running when you leave kvmtui or lose the line.", "muted"),),
        (Span(f"home {visible(home)}{room}", "muted"),),
    ]


def _way(key: str, text: str) -> Line:
    return (Span(key.ljust(4), "accent", bold=True), Span(text))
