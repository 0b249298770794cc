"""The machine itself, what guests were promised of it, and the room under the home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kvmtui.guest.units import format_duration, format_size
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.host import HostView
from kvmtui.tui.spans import Line, Span, crop, fit, shorten_middle, width_of
from kvmtui.tui.widgets.bar import bar
from kvmtui.tui.widgets.wrapping import wrap
from kvmtui.tui.words import full_words

if TYPE_CHECKING:
    from kvmtui.manage.machine import Machine, Promised, Pulse, Stand, Storage

_LABEL = 11
_PRESSED_PERCENT = 10.0
_ALMOST_FULL = 0.95
_PROMISED_WIDTH = 34
_MOST_OTHERS = 3


def whole(view: HostView, width: int, glyphs: Glyphs, graphs: Sequence[Line] = ()) -> list[Line]:
    """The column at the left of the checks.

    Args:
        graphs: The last minute, below the load.
    """
    lines: list[Line] = [(Span("Machine", bold=True),)]
    if view.stand is not None:
        lines += _machine(view, view.stand, width)
    lines += [(), (Span("Now", bold=True),), *graphs, *_load(view, glyphs)]
    if view.promised is not None:
        lines += [(), *_promised(view.promised, view.storage, min(width, 60), glyphs)]
    if view.storage is not None:
        lines += [(), _room(view.storage, width, glyphs)]
        full = _full(view)
        lines += [_labelled("", full)] if full else []
        lines += _others(view, width, glyphs)
    return [crop(line, width) for line in lines]


def short(view: HostView, width: int, glyphs: Glyphs, graphs: Sequence[Line] = ()) -> list[Line]:
    """The rows above the checks: the machine in one, then load and promises side by side."""
    lines: list[Line] = [(Span(_in_short(view, glyphs), "muted"),)] if view.stand else []
    lines += graphs
    left = [*_load(view, glyphs)]
    side = width - _PROMISED_WIDTH - 3
    if view.storage is not None:
        left.append(_room(view.storage, side, glyphs))
        full = _full(view)
        left += [_labelled("", full)] if full else []
        left += _others(view, side, glyphs)
    right = []
    if view.promised is not None:
        right = _promised(view.promised, view.storage, _PROMISED_WIDTH, glyphs)
    for number in range(max(len(left), len(right))):
        line: Line = left[number] if number < len(left) else ()
        if number < len(right):
            line = (*fit(line, side), Span("   "), *right[number])
        lines.append(crop(line, width))
    return lines


def _labelled(label: str, value: Line) -> Line:
    return (Span(label.ljust(_LABEL), "muted"), *value)


def _machine(view: HostView, stand: Stand, width: int) -> list[Line]:
    machine, pulse = stand.machine, view.pulse
    system = [machine.system, f"Linux {machine.kernel}" if machine.kernel else ""]
    if pulse is not None and pulse.uptime_s is not None:
        system.append(f"up {format_duration(pulse.uptime_s)}")
    home = [stand.home, _file_system(view)]
    found = (
        ("CPU", ", ".join(filter(None, [machine.processor, *_counts(machine)]))),
        ("Memory", _memory(machine)),
        ("System", ", ".join(filter(None, system))),
        ("QEMU", _emulators(stand)),
        ("Home", ", ".join(filter(None, home))),
    )
    lines = []
    for label, text in found:
        for number, part in enumerate(wrap((Span(text),), width - _LABEL) if text else ()):
            lines.append(_labelled("" if number else label, part))
    return lines


def _counts(machine: Machine) -> list[str]:
    """``16 cores``, ``32 threads``, ``2 sockets``: what is known, and differs."""
    found = []
    for count, word in (
        (machine.cores, "core"),
        (machine.threads if machine.threads != machine.cores else None, "thread"),
        (machine.sockets, "socket"),
    ):
        if count is not None:
            found.append(f"{count} {word}{'' if count == 1 else 's'}")
    return found


def _memory(machine: Machine) -> str:
    if machine.memory_bytes is None:
        return ""
    several = machine.nodes is not None and machine.nodes > 1
    nodes = f", {machine.nodes} NUMA nodes" if several else ""
    return format_size(machine.memory_bytes) + nodes


def _emulators(stand: Stand) -> str:
    """``9.2.1 x86_64 aarch64``, one version after the other."""
    by_version: dict[str, list[str]] = {}
    for one in stand.emulators:
        by_version.setdefault(one.version, []).append(one.arch)
    parts = [" ".join(filter(None, [version, *archs])) for version, archs in by_version.items()]
    return ", ".join(parts) or "none for x86_64, aarch64 or riscv64"


def _file_system(view: HostView) -> str:
    disk = view.report.of("disk") if view.report is not None else None
    kind = disk.measured.get("file_system") if disk is not None else None
    return kind if isinstance(kind, str) else ""


def _in_short(view: HostView, glyphs: Glyphs) -> str:
    assert view.stand is not None
    machine = view.stand.machine
    processor = ", ".join(filter(None, [machine.processor, *_counts(machine)[:1]]))
    kernel = f"Linux {machine.kernel.split('-')[0]}" if machine.kernel else ""
    versions = sorted({one.version for one in view.stand.emulators if one.version})
    qemu = f"QEMU {', '.join(versions)}" if versions else ""
    up = ""
    if view.pulse is not None and view.pulse.uptime_s is not None:
        up = f"up {format_duration(view.pulse.uptime_s)}"
    parts = [processor, _memory(machine).split(",")[0], kernel, qemu, up]
    return f" {glyphs.dot} ".join(filter(None, parts))


def _load(view: HostView, glyphs: Glyphs) -> list[Line]:
    """Load and pressure; what the kernel does not tell is left out."""
    lines = []
    pulse = view.pulse
    if pulse is not None and pulse.load is not None:
        load = "  ".join(f"{figure:.2f}" for figure in pulse.load)
        lines.append(_labelled("Load", (Span(load), Span("  1, 5, 15 min", "muted"))))
    if pulse is not None and (pressure := _pressure(pulse, glyphs)):
        lines.append(_labelled("Pressure", pressure))
    return lines


def _pressure(pulse: Pulse, glyphs: Glyphs) -> Line:
    """Who waits for what; ▲ where it is a tenth of the time."""
    spans: list[Span] = []
    for name, percent in (
        ("cpu", pulse.cpu_percent),
        ("memory", pulse.memory_percent),
        ("io", pulse.io_percent),
    ):
        if percent is None:
            continue
        high = percent >= _PRESSED_PERCENT
        spans += [Span("  ")] if spans else []
        spans += [Span(f"{name} "), Span(f"{percent:.0f}", "warn" if high else "text")]
        spans.append(Span(" %"))
        if high:
            spans += [Span(" "), Span(glyphs.trouble, "warn", glyph=True)]
    return tuple(spans)


def _promised(
    promised: Promised, storage: Storage | None, width: int, glyphs: Glyphs
) -> list[Line]:
    """What guests were promised, now and if all started, against what there is."""
    roomy = width > _PROMISED_WIDTH + 8
    heads = ("Promised", "now", "if all start" if roomy else "all", "there", False)
    rows: list[tuple[str, str, str, str, bool]] = [
        heads,
        (
            "vCPUs",
            str(promised.cpus_now),
            str(promised.cpus_all),
            "" if promised.cpus is None else str(promised.cpus),
            False,
        ),
        (
            "Memory",
            format_size(promised.memory_now_bytes),
            format_size(promised.memory_all_bytes),
            _size(promised.memory_bytes),
            promised.memory_bytes is not None and promised.memory_all_bytes > promised.memory_bytes,
        ),
    ]
    if storage is not None:
        most = storage.disks_all_bytes
        over = most is not None and most > storage.size_bytes
        now, size = _size(storage.disks_used_bytes), format_size(storage.size_bytes)
        rows.append(("Disk", now, _size(most), size, over))
    widths = (9, 15, 10) if roomy else (7, 6, 7)
    lines = []
    for number, (label, now, most_, there, over) in enumerate(rows):
        cells = zip((now, most_, there), widths, strict=True)
        figures = "".join(text.rjust(cell) for text, cell in cells)
        head = number == 0
        line: Line = (
            Span(label.ljust(_LABEL), "text" if head else "muted", bold=head),
            Span(figures, "muted" if head else "text"),
        )
        lines.append((*line, Span(" "), Span(glyphs.trouble, "warn", glyph=True)) if over else line)
    return lines


def _size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else format_size(size_bytes)


def _full(view: HostView) -> Line:
    """When the home is full, or who would know it; empty where it does not fill."""
    if not view.forecasts:
        return ()
    forecast = view.forecasts[0]
    if forecast.bytes_per_day is None:
        told = "kvmtui watch would know when it is full"
        return () if forecast.is_watched else (Span(told, "muted"),)
    return full_words(forecast, f"{format_size(round(forecast.bytes_per_day))} a day: ")


def _others(view: HostView, width: int, glyphs: Glyphs) -> list[Line]:
    """A line for each other file system with guests' disks on it."""
    return [
        _bar(one.mount, one.size_bytes, one.free_bytes, width, glyphs, full_words(one, ", "))
        for one in view.forecasts[1 : 1 + _MOST_OTHERS]
    ]


def _room(storage: Storage, width: int, glyphs: Glyphs) -> Line:
    """The file system under the home: a bar, and what is left."""
    return _bar(storage.mount, storage.size_bytes, storage.free_bytes, width, glyphs)


def _bar(
    mount: str, size_bytes: int, free_bytes: int, width: int, glyphs: Glyphs, until: Line = ()
) -> Line:
    label = shorten_middle(mount, _LABEL - 1).ljust(_LABEL)
    left: Line = (Span(f" {format_size(free_bytes)}"), Span(" left", "muted"), *until)
    share = 1 - free_bytes / size_bytes if size_bytes else None
    cells = max(width - _LABEL - width_of(left), 4)
    return (
        Span(label, "muted"),
        *fit(bar(share, min(cells, 32), glyphs, warn_from=_ALMOST_FULL), min(cells, 32)),
        *left,
    )
