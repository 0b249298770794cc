"""The guest under the cursor: beside the list, below it, and on a screen of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.guest.units import format_duration, format_size
from kvmtui.manage.views import LiveGuest
from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.detail_graphs import LABEL as _LABEL
from kvmtui.tui.render.detail_graphs import VALUE, Graphs, below_line, cpu_lines, rate_lines
from kvmtui.tui.render.levels import over
from kvmtui.tui.spans import Line, Role, Span, crop, fit, shorten, shorten_middle, width_of
from kvmtui.tui.widgets.bar import bar
from kvmtui.tui.widgets.wrapping import wrap
from kvmtui.tui.words import clock_time, seconds_since, state_look, state_word

if TYPE_CHECKING:
    from kvmtui.manage.detail import DiskUse, GuestDetail
    from kvmtui.manage.timeline import TimelineEntry

_PROBLEM_LINES = 3


class Scene(NamedTuple):
    """What a drawing needs besides its subject."""

    width: int
    glyphs: Glyphs
    now: float
    """Seconds since 1970."""


def head(live: LiveGuest, scene: Scene) -> Line:
    """``db-01  ● running · kvm · 41d``; what follows a long name gives way, its sign last."""
    name = live.view.name
    whole = standing(live, scene)
    shorter = [whole[:most] for most in range(len(whole), 0, -1)]
    room = scene.width - len(name) - 2
    rest = (Span("  "), *next((one for one in shorter if width_of(one) <= room), whole[:1]))
    return crop((Span(shorten(name, scene.width - width_of(rest)), bold=True), *rest), scene.width)


def standing(live: LiveGuest, scene: Scene) -> Line:
    """State, accelerator and uptime."""
    glyphs, view = scene.glyphs, live.view
    sign, sign_role, role = state_look(live, glyphs)
    words = [state_word(live)]
    if live.under_way is not None:
        words.append(seconds_since(live.under_way.begun, scene.now))
    if view.accelerator is not None:
        words.append(view.accelerator)
    if view.uptime_s is not None:
        words.append(format_duration(view.uptime_s))
    text_role: Role = "muted" if role == "muted" else role
    first: Line = (Span(sign, sign_role, glyph=True), Span(f" {words[0]}", text_role))
    return (*first, *(Span(f" {glyphs.dot} {word}", "muted") for word in words[1:]))


def beside(
    live: LiveGuest,
    detail: GuestDetail | None,
    graphs: Graphs | None,
    scene: Scene,
    height: int,
) -> list[Line]:
    """The column at the right of the list.

    Args:
        detail: None until it has been gathered.
        graphs: Its last minute; None where it does not run.
        height: Rows; the timeline takes what is left.
    """
    lines = [_ended(head(live, scene), "Enter opens", scene.width)]
    if live.view.description:
        text = visible(live.view.description, limit=scene.width)
        lines.append(crop((Span(text, "muted"),), scene.width))
    lines += [(), *facts(live, detail, scene, graphs)]
    if detail is not None and detail.timeline:
        left = height - len(lines) - 2
        if left > 0:
            lines += [(), (Span("Timeline", bold=True),)]
            lines += timeline_lines(detail.timeline[:left], scene)
    return lines[:height]


def whole(live: LiveGuest, detail: GuestDetail | None, scene: Scene) -> list[Line]:
    """All that is known, for the guest's own screen; as long as it takes."""
    narrow = scene._replace(width=min(scene.width, 76))
    lines: list[Line] = []
    if live.view.description:
        lines += [
            crop((Span(visible(live.view.description, limit=400), "muted"),), scene.width),
            (),
        ]
    lines += facts(live, detail, narrow)
    if detail is None:
        return lines
    lines.append(())
    at_start = ", at its start" if live.view.pid is not None else ""
    for number, words in enumerate(detail.cdroms):
        label = "CD" if number == 0 else ""
        lines.append(_labelled(label, (Span(words), Span(at_start, "muted")), scene))
    accelerator = detail.accelerator
    if live.view.accelerator is not None and accelerator == "auto":
        accelerator = f"auto: {live.view.accelerator}, as it was measured"
    lines.append(_labelled("Engine", (Span(accelerator),), scene))
    if detail.protected:
        lines.append(_labelled("Protected", (Span("it refuses to be deleted"),), scene))
    if detail.qemu_args:
        lines.append(_labelled("Arguments", (Span(" ".join(detail.qemu_args)),), scene))
    lines.append(_labelled("Folder", (Span(detail.directory),), scene))
    if detail.timeline:
        lines += [(), (Span("Timeline", bold=True),)]
        lines += timeline_lines(detail.timeline, scene, whole=True)
    return lines


def below(
    live: LiveGuest,
    detail: GuestDetail | None,
    graphs: Graphs | None,
    scene: Scene,
    height: int,
) -> list[Line]:
    """The rows under the list: one of facts, one of figures, the rest timeline."""
    dot = f" {scene.glyphs.dot} "
    view = live.view
    facts_ = [view.os or view.arch or "", *view.addresses, view.accelerator or ""]
    facts_ += [f"pid {view.pid}" if view.pid is not None else "", " ".join(view.tags)]
    lines: list[Line] = [crop((Span(dot.join(filter(None, facts_)), "muted"),), scene.width)]
    if graphs is not None:
        lines.append(below_line(live, graphs, scene.width, scene.glyphs))
    else:
        lines.append(crop(_figures(live, detail), scene.width))
    trouble = problem_lines(live, detail, scene)
    lines += trouble[: max(0, height - 2)]
    if detail is not None:
        lines += timeline_lines(detail.timeline[: max(0, height - len(lines))], scene)
    return lines[:height]


def _figures(live: LiveGuest, detail: GuestDetail | None) -> Line:
    """Of a guest that does not run: its memory and disks."""
    line: list[Span] = [Span("Memory ", "muted"), *_amount(live), Span("   ")]
    for disk in detail.disks[:2] if detail is not None else ():
        line += [Span(f"{disk_name(disk.file)} ", "muted"), *_disk_amount(disk), Span("   ")]
    return tuple(line)


def _amount(live: LiveGuest) -> Line:
    view = live.view
    total = "" if view.memory_bytes is None else format_size(view.memory_bytes)
    if view.memory_resident_bytes is None:
        return (Span(total),)
    return (Span(format_size(view.memory_resident_bytes)), Span(f" of {total}", "muted"))


def _disk_amount(disk: DiskUse) -> Line:
    used = "" if disk.used_bytes is None else format_size(disk.used_bytes)
    size = "" if disk.size_bytes is None else f" of {format_size(disk.size_bytes)}"
    return (Span(used), Span(size, "muted"))


def facts(
    live: LiveGuest, detail: GuestDetail | None, scene: Scene, graphs: Graphs | None = None
) -> list[Line]:
    """Labels and values: system, addresses, figures, disks."""
    view, dot = live.view, f" {scene.glyphs.dot} "
    lines = problem_lines(live, detail, scene)
    machine = detail.machine.removeprefix("pc-") if detail is not None else ""
    pid = f"pid {view.pid}" if view.pid is not None else ""
    system = [view.os or view.arch or "", machine, pid]
    lines.append(_labelled("System", (Span(dot.join(filter(None, system))),), scene))
    if view.addresses:
        lines.append(_labelled("Address", (Span(dot.join(view.addresses)),), scene))
    if detail is not None:
        lines += [
            _labelled("Network" if number == 0 else "", (Span(text),), scene)
            for number, text in enumerate(detail.networks)
        ]
    if view.tags:
        lines.append(_labelled("Tags", (Span("  ".join(view.tags)),), scene))
    if detail is not None and detail.autostart:
        lines.append(_labelled("Autostart", (Span(detail.autostart),), scene))
    lines.append(())
    if graphs is not None:
        lines += [*cpu_lines(live, graphs, scene.width, scene.glyphs), ()]
        lines += _memory(live, scene, _narrow_bar)
        lines += rate_lines(graphs, live, scene.width, scene.glyphs)
        bars = _disk_bars(detail, scene, _narrow_bar)
        lines += [(), *bars] if bars else []
    else:
        lines += _bars(live, detail, scene)
    if view.pid is None and detail is not None and detail.last_stop:
        room = max(scene.width - _LABEL, 10)
        told = wrap((Span(visible(detail.last_stop, limit=300), "muted"),), room)[:_PROBLEM_LINES]
        lines.append(())
        lines += [
            _labelled("Last run" if n == 0 else "", line, scene) for n, line in enumerate(told)
        ]
    return lines


def problem_lines(live: LiveGuest, detail: GuestDetail | None, scene: Scene) -> list[Line]:
    """What is wrong, at most three lines each; none when all is well."""
    if detail is not None and detail.problems:
        found = [visible(text, limit=300) for text in detail.problems]
    elif live.view.error:
        found = [visible(live.view.error, limit=300)]
    else:
        return []
    sign = Span(scene.glyphs.io_error, "err", glyph=True)
    lines: list[Line] = []
    for text in found[:6]:
        first, *more = wrap((Span(text, "err"),), max(scene.width - 2, 1))[:_PROBLEM_LINES]
        lines.append((sign, Span(" "), *first))
        lines += [(Span("  "), *line) for line in more]
    return [*lines, ()]


Barred = Callable[[str, float | None, tuple[str, str], Scene, bool], Line]


def _bars(live: LiveGuest, detail: GuestDetail | None, scene: Scene) -> list[Line]:
    view = live.view
    lines: list[Line] = []
    if live.cpu_percent is not None and view.cpus:
        share = live.cpu_percent / (100 * view.cpus)
        value = (f"{live.cpu_percent:.0f}", f"{100 * view.cpus} %")
        lines.append(_barred("CPU", share, value, scene, over("cpu_share", share)))
    elif view.cpus is not None:
        lines.append(_labelled("vCPUs", (Span(str(view.cpus)),), scene))
    return [*lines, *_memory(live, scene, _barred), *_disk_bars(detail, scene, _barred)]


def _memory(live: LiveGuest, scene: Scene, barred: Barred) -> list[Line]:
    view = live.view
    if view.memory_bytes is None:
        return []
    if view.memory_resident_bytes is None or not view.memory_bytes:
        return [_labelled("Memory", _amount(live), scene)]
    share = view.memory_resident_bytes / view.memory_bytes
    amount = (format_size(view.memory_resident_bytes), format_size(view.memory_bytes))
    return [barred("Memory", share, amount, scene, False)]


def _disk_bars(detail: GuestDetail | None, scene: Scene, barred: Barred) -> list[Line]:
    lines: list[Line] = []
    for disk in detail.disks if detail is not None else ():
        share = None
        if disk.used_bytes is not None and disk.size_bytes:
            share = disk.used_bytes / disk.size_bytes
        used = "" if disk.used_bytes is None else format_size(disk.used_bytes)
        size = "" if disk.size_bytes is None else format_size(disk.size_bytes)
        name = shorten_middle(disk_name(disk.file), _LABEL - 1)
        lines.append(barred(name, share, (used, size), scene, over("storage_share", share)))
    return lines


def disk_name(file: str) -> str:
    """What a disk is called where there is little room: ``disk0`` for ``disk0.qcow2``."""
    name = file.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _labelled(label: str, value: Line, scene: Scene) -> Line:
    return crop((Span(label.ljust(_LABEL), "muted"), *value), scene.width)


def _barred(
    label: str, share: float | None, amount: tuple[str, str], scene: Scene, warned: bool
) -> Line:
    """A bar, and how much of how much: ``5.8G of 8.0G``."""
    width = max(8, scene.width - _LABEL - 14)
    drawn = fit(bar(share, width, scene.glyphs, warn_from=0.0 if warned else 2.0), width)
    used, whole = amount
    value: Line = (Span(used), Span(f" of {whole}" if whole else "", "muted"))
    return crop((Span(label.ljust(_LABEL), "muted"), *drawn, Span(" "), *value), scene.width)


def _narrow_bar(
    label: str, share: float | None, amount: tuple[str, str], scene: Scene, warned: bool
) -> Line:
    """The same where graphs stand above it: ``5.8G /8.0G``."""
    width = max(4, scene.width - _LABEL - VALUE - 1)
    drawn = fit(bar(share, width, scene.glyphs, warn_from=0.0 if warned else 2.0), width)
    used, whole = amount
    value: Line = (Span(used.rjust(4)), Span(f" /{whole.rjust(4)}" if whole else "", "muted"))
    return crop((Span(label.ljust(_LABEL), "muted"), *drawn, Span(" "), *value), scene.width)


def _ended(line: Line, end: str, width: int) -> Line:
    gap = width - width_of(line) - len(end)
    return (*line, Span(" " * gap), Span(end, "muted")) if gap > 1 else crop(line, width)


_KIND_ROLES: dict[str, Role] = {"failed": "err", "crash": "err", "warning": "warn"}


def timeline_lines(
    entries: tuple[TimelineEntry, ...], scene: Scene, *, whole: bool = False
) -> list[Line]:
    """Entries, newest first; a day or time stands only where it changes.

    Args:
        whole: Whether one takes as many lines as it needs, instead of one.
    """
    lines: list[Line] = []
    before = ""
    for entry in entries:
        when = clock_time(entry.time, scene.now)
        shown = "" if when == before and ":" not in when else when
        before = when
        role = _KIND_ROLES.get(entry.kind, "text")
        time_, text = Span(shown.ljust(7), "muted"), Span(visible(entry.text, limit=300), role)
        if whole:
            first, *rest = wrap((Span(" " * 7), text), max(scene.width, 20))
            lines += [(time_, *first[1:]), *rest]
        else:
            lines.append(crop((time_, text), scene.width))
    return lines
