"""The host: verdict, machine, what was promised, checks; views to lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.spans import Line, Role, Span, crop, width_of
from kvmtui.tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from kvmtui.manage.checking import Report, Result
    from kvmtui.manage.fleet import HostFigures
    from kvmtui.manage.forecast import Forecast
    from kvmtui.manage.hosting import Progress
    from kvmtui.manage.machine import Promised, Pulse, Stand, Storage

FOLD = "+ok"
"""The key of the row that stands for the checks that are ok; no check is called so."""
COLUMNS = ("status", "check", "found")
_AFTER = ", then"
"""What parts the commands of a remedy from what is to be done after them."""
_ORDER = ("fail", "warn", "unknown", "ok")


class HostView(NamedTuple):
    """All that is known of the host; None where it is not known yet."""

    report: Report | None = None
    stand: Stand | None = None
    pulse: Pulse | None = None
    promised: Promised | None = None
    storage: Storage | None = None
    forecasts: tuple[Forecast, ...] = ()
    """When file systems are full: the home's, then others with guests' disks."""
    progress: Progress | None = None
    """What is being measured now."""
    fault: str = ""
    """Why the checks could not be run."""
    figures: HostFigures | None = None
    """As of the last round."""


# The verdict.


def status_look(status: str, glyphs: Glyphs) -> tuple[str, Role]:
    """The sign of a check's status, and its role."""
    looks: dict[str, tuple[str, Role]] = {
        "ok": (glyphs.good, "ok"),
        "warn": (glyphs.trouble, "warn"),
        "fail": (glyphs.crashed, "err"),
    }
    return looks.get(status, (glyphs.invalid, "muted"))


def badge(view: HostView, glyphs: Glyphs) -> Line:
    """The sign behind the pane's name: it is measured, or something is wrong."""
    if view.progress is not None:
        return (Span(glyphs.under_way, "warn", glyph=True),)
    if view.report is None or view.report.worst == "ok":
        return ()
    sign, role = status_look(view.report.worst, glyphs)
    return (Span(sign, role, glyph=True),)


def verdict(view: HostView, glyphs: Glyphs, cancel_key: str = "") -> Line:
    """Whether guests run here, and how, in one sentence; or what is being measured.

    Args:
        cancel_key: The key that gives a measurement up here; empty for none.
    """
    if view.progress is not None:
        return _under_way(progress_words(view.progress), glyphs, cancel_key)
    if view.fault:
        return _said("fail", view.fault, glyphs)
    if view.report is None:
        return _under_way("looking at this machine …", glyphs)
    return _said(standing_of(view.report), view.report.words, glyphs)


def hanging(line: Line, width: int, most: int = 9) -> list[Line]:
    """A verdict in lines, the later ones below the words of the first; the last may be cut."""
    sign, *words = line
    first, *rest = wrap((Span("  "), *_unblanked(tuple(words))), max(width, 4))
    lines = [(sign, Span(" "), *first[1:]), *rest]
    return _cut(lines, most, width)


def _unblanked(line: Line) -> Line:
    """A line without the blank that parts it from its sign."""
    return tuple(
        span._replace(text=span.text.removeprefix(" ")) if number == 0 else span
        for number, span in enumerate(line)
    )


def standing_of(report: Report) -> str:
    """How well guests run: fail, warn (in emulation), unknown (not measured), ok."""
    if not report.serves:
        return "fail"
    measured = report.of("accelerator")
    return measured.status if measured is not None else "unknown"


def _said(status: str, words: str, glyphs: Glyphs) -> Line:
    sign, role = status_look(status, glyphs)
    word_role: Role = "err" if status == "fail" else "text"
    text = visible(words, limit=600)
    return (Span(sign, role, glyph=True), Span(f" {text}", word_role, bold=True))


def _under_way(words: str, glyphs: Glyphs, cancel_key: str = "") -> Line:
    line: Line = (Span(glyphs.under_way, "warn", glyph=True), Span(f" {words}"))
    if cancel_key:
        line = (*line, Span("   "), Span(cancel_key, "accent", bold=True))
        line = (*line, Span(" gives it up", "muted"))
    return line


def progress_words(progress: Progress) -> str:
    """``measuring: kvm with -cpu host … 2 of 4, at most 5 s``."""
    what = visible(progress.candidate, limit=60)
    count = f"{progress.number} of {progress.of}"
    return f"measuring: {what} … {count}, at most {progress.limit_s:.0f} s"


def host_trouble(view: HostView, glyphs: Glyphs, width: int, key: str, *, low: bool) -> Line:
    """Row 1 where no guest is in trouble: what is wrong with the host; empty when nothing is.

    Args:
        key: Of the Host pane.
        low: Whether the row is taken from the list: only for what keeps guests from running.
    """
    report = view.report
    if report is None or (report.serves and (low or standing_of(report) != "warn")):
        return ()
    go: Line = (Span("   "), Span(key, "accent", bold=True), Span(" shows how to help", "muted"))
    line = _said(standing_of(report), report.words, glyphs)
    return (Span(" "), *crop(line, width - 2 - width_of(go)), *go)


# The checks.


def counts_line(report: Report | None, width: int, glyphs: Glyphs) -> Line:
    """``Checks   22 ok   3 ▲   1 ✗   1 unknown``."""
    title = Span(" Checks", bold=True)
    if report is None:
        return (title,)
    told: list[Span] = []
    for status in ("ok", "warn", "fail", "unknown"):
        count = report.count(status)
        sign, role = status_look(status, glyphs)
        if count and status in ("ok", "unknown"):
            told += [Span("   "), Span(f"{count} {status}", "muted")]
        elif count:
            told += [Span("   "), Span(f"{count} "), Span(sign, role, glyph=True)]
    gap = max(width - 1 - width_of((title,)) - width_of(told), 1)
    return (title, Span(" " * gap), *told)


def _by_status(one: Result) -> int:
    return _ORDER.index(one.status) if one.status in _ORDER else len(_ORDER)


_SORTS: dict[str, Callable[[Result], Any]] = {
    "status": _by_status,
    "check": lambda one: one.title.casefold(),
}
SORTABLE = tuple(_SORTS)
"""The columns by which checks can be sorted, in the order of the key."""


class Arranged(NamedTuple):
    """The checks that are shown, and how many are folded."""

    shown: tuple[Result, ...]
    folded: int


def arranged(
    report: Report | None, *, text: str = "", sort: str = "status", unfolded: bool = False
) -> Arranged:
    """Filtered by a text, sorted by a column, trouble first.

    Args:
        unfolded: Whether those that are ok are shown too; what a filter finds always is.
    """
    words = text.casefold().split()
    found = [
        one
        for one in (report.results if report is not None else ())
        if all(word in _searched(one) for word in words)
    ]
    kept = [one for one in found if unfolded or words or one.status != "ok"]
    kept.sort(key=lambda one: (_SORTS[sort](one), _by_status(one)))
    return Arranged(tuple(kept), len(found) - len(kept))


def _searched(one: Result) -> str:
    return f"{one.id} {one.title} {one.status} {one.detail} {one.remedy or ''}".casefold()


def check_cells(one: Result, glyphs: Glyphs) -> dict[str, Line]:
    """The cells of a check's row by column."""
    sign, role = status_look(one.status, glyphs)
    quiet = one.status == "ok"
    word: Role = "muted" if quiet else role
    return {
        "status": (Span(sign, role, glyph=True), Span(f" {one.status}", word)),
        "check": (Span(visible(one.title, limit=60), "muted" if quiet else "text"),),
        "found": (Span(visible(one.detail, limit=300), "muted" if quiet else "text"),),
    }


def fold_cells(folded: int, glyphs: Glyphs) -> dict[str, Line]:
    """The cells of the row that stands for the checks that are ok."""
    return {
        "status": (Span(f"{glyphs.folded} ", "muted"), Span("ok", "muted")),
        "check": (Span(f"{folded} more that are ok", "muted"),),
        "found": (),
    }


def remedy_of(one: Result | None) -> str:
    """What to do, as one line of plain text; empty where nothing is to do."""
    return visible(one.remedy, limit=2000) if one is not None and one.remedy else ""


def command_of(one: Result | None) -> tuple[str, str]:
    """What `y` copies, and what is to be done by hand after it.

    A remedy with steps begins with their commands, ready for a shell; one without is copied
    as it is.
    """
    remedy = remedy_of(one)
    if one is None or not one.steps:
        return remedy, ""
    command, _, after = remedy.partition(_AFTER)
    return command, after.lstrip(", ")


def check_lines(one: Result, width: int, copy_key: str, room: int) -> list[Line]:
    """What a check found, what to do, and what it is about: as much as there is room for.

    Args:
        room: In lines. What was found gives way to the remedy.
    """
    found = list(wrap((Span(visible(one.detail, limit=600)),), width))
    remedy = remedy_of(one)
    told = _hanging("Try", (Span(remedy, bold=True),), width) if remedy else []
    most = room - min(len(told), max(room // 2, 1))
    lines = _cut(found, most, width)
    lines += _cut(told, room - len(lines), width)
    if remedy and len(lines) < room:
        copies: Line = (Span(copy_key, "accent", bold=True), Span(" copies it", "muted"))
        lines.append((Span(" " * max(width - width_of(copies), 0)), *copies))
    explained = wrap((Span(visible(one.explanation, limit=2000), "muted"),), width)
    if one.explanation and len(lines) + 1 + len(explained) <= room:
        lines += [(), *explained]
    return lines


def _cut(lines: list[Line], most: int, width: int) -> list[Line]:
    """The first lines; the last of them says where there are more."""
    if len(lines) <= most or most < 1:
        return lines[: max(most, 0)]
    return [*lines[: most - 1], crop((*lines[most - 1], Span(" " * width)), width)]


def check_page(one: Result, width: int, glyphs: Glyphs) -> list[Line]:
    """All of a check, for a box of its own: found, remedy, what it is about, what it reads."""
    sign, role = status_look(one.status, glyphs)
    head: Line = (Span(sign, role, glyph=True), Span(f" {one.status}", role, bold=True))
    lines = [(*head, Span(f"   {visible(one.id, limit=40)}", "muted")), ()]
    lines += _hanging("Found", (Span(visible(one.detail, limit=600)),), width)
    if remedy_of(one):
        lines += [(), *_hanging("Try", (Span(remedy_of(one), bold=True),), width)]
    if one.explanation:
        lines += [(), *wrap((Span(visible(one.explanation, limit=2000)),), width)]
    if one.reads:
        lines += [(), *_hanging("Reads", (Span(visible(one.reads, limit=300), "muted"),), width)]
    return lines


def _hanging(label: str, value: Line, width: int) -> list[Line]:
    """A label, and its value in lines below each other."""
    first, *rest = wrap(value, max(width - 7, 1))
    return [
        (Span(label.ljust(7), "muted"), *first),
        *((Span(" " * 7), *line) for line in rest),
    ]
