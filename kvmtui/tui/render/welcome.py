"""What stands in the list while there are no guests."""

from __future__ import annotations

from kvmtui.guest.units import format_size
from kvmtui.manage.fleet import HostFigures
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Span


def first_start(
    verdict: str, home: str, host: HostFigures | None, keys: Keys, glyphs: Glyphs
) -> list[Line]:
    """The host's verdict, and the ways to a first guest.

    Args:
        verdict: Under what guests run here, in words; empty while it is measured.
    """
    measured: Line = (Span(glyphs.good, "ok", glyph=True), Span(f" This host: {verdict}."))
    measuring: Line = (
        Span(glyphs.under_way, "warn", glyph=True),
        Span(" Measuring how guests run here: a few seconds, once."),
    )
    room = ""
    if host is not None and host.disk_free_bytes is not None:
        room = f" {glyphs.dot} {format_size(host.disk_free_bytes)} left"
    return [
        measured if verdict else measuring,
        (),
        (Span("No guests yet.", bold=True),),
        (),
        _way(keys.of("guest.new"), "define one: memory, disk, ISO, network in a form"),
        _way(keys.of("guest.demo"), "try the demo: two tiny guests, nothing to download"),
        _way(keys.of("app.help"), "help"),
        (),
        (Span("Guests go on running when you leave kvmtui or lose the line.", "muted"),),
        (Span(f"home {visible(home)}{room}", "muted"),),
    ]


def _way(key: str, text: str) -> Line:
    return (Span(key.ljust(4), "accent", bold=True), Span(text))
