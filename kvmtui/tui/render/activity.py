"""Operations as rows of the Activity pane."""

from __future__ import annotations

from collections.abc import Callable

from kvmtui.guest.units import format_size
from kvmtui.manage.views import OperationView
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Role, Span
from kvmtui.tui.widgets.bar import bar
from kvmtui.tui.words import exact_time, seconds_since


def operation_cells(
    one: OperationView, glyphs: Glyphs, now: float, bar_cells: int = 12
) -> dict[str, Line]:
    """The cells of an operation's row by column.

    Args:
        bar_cells: How wide the bar of work is whose share is known.
    """
    sign, role = _sign(one, glyphs)
    return {
        "started": (Span(exact_time(one.begun, now), "muted"),),
        "what": (Span(sign, role, glyph=True), Span(f" {one.verb} {one.image}".rstrip())),
        "guest": (Span(one.guest),) if one.guest else (Span(glyphs.none, "muted"),),
        "progress": _progress_cell(one, glyphs, now, bar_cells),
        "rate": _rate(one),
        "left": _left(one),
        "by": (Span(one.user or "the guest", "muted"),),
    }


def _sign(one: OperationView, glyphs: Glyphs) -> tuple[str, Role]:
    if one.result == "running":
        return glyphs.under_way, "warn"
    if one.result == "done":
        return glyphs.good, "ok"
    if one.result in ("interrupted", "noted"):
        return glyphs.trouble, "warn"
    return glyphs.crashed, "err"


def _progress_cell(one: OperationView, glyphs: Glyphs, now: float, bar_cells: int) -> Line:
    """A bar where it is known how far it is, else words."""
    if one.result == "running" and one.percent is not None:
        drawn = bar(one.percent / 100, bar_cells, glyphs)
        return (*drawn, Span(f"{one.percent:4.0f} %"))
    return (Span(_progress(one, now), _progress_role(one)),)


def _rate(one: OperationView) -> Line:
    if one.result != "running" or one.rate_bytes_per_s is None:
        return ()
    return (Span(format_size(round(one.rate_bytes_per_s))),)


def _left(one: OperationView) -> Line:
    """How long it will still take; whole minutes where it is long."""
    left = one.left_s
    if one.result != "running" or left is None:
        return ()
    words = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min" if left < 6000 else ""
    return (Span(words or f"{left / 3600:.0f} h"),)


def _progress_role(one: OperationView) -> Role:
    return "err" if one.result in ("failed", "crashed") else "muted"


def _progress(one: OperationView, now: float) -> str:
    if one.result == "running":
        return f"for {seconds_since(one.begun, now)}"
    if one.message:
        return _in_short(one.message, one.guest)
    if one.result == "interrupted":
        return "given up"
    took = (one.ended or one.begun) - one.begun
    return f"done in {took:.1f} s" if took < 100 else f"done in {took / 60:.0f} min"


def _in_short(message: str, guest: str) -> str:
    """A reason without what its row says already: the guest, and where its folder lies."""
    if not guest:
        return message
    folder = f"/guests/{guest}/"
    return " ".join(
        word.rpartition(folder)[2] for word in message.removeprefix(f"{guest}: ").split(" ")
    )


_SORTS: dict[str, Callable[[OperationView], tuple[str, ...]]] = {
    "started": lambda one: (),
    "what": lambda one: (one.verb,),
    "guest": lambda one: (one.guest,),
    "by": lambda one: (one.user,),
}
SORTABLE = tuple(_SORTS)
"""The columns by which operations can be sorted, in the order of the key."""


def arranged(
    operations: list[OperationView], *, text: str, failures: bool, sort: str = "started"
) -> list[OperationView]:
    """What is shown: running first, then by a column, then newest first."""
    words = text.casefold().split()
    found = [
        one
        for one in operations
        if (not failures or one.result in ("failed", "crashed", "interrupted"))
        and all(word in _searched(one) for word in words)
    ]
    order = _SORTS[sort]
    return sorted(found, key=lambda one: (one.result != "running", order(one), -one.begun))


def _searched(one: OperationView) -> str:
    return f"{one.guest} {one.image} {one.verb} {one.user} {one.message}".casefold()
