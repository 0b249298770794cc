"""What was so just before a guest crashed: ``reports/`` in its folder, a text a crash.

Figures of the ten minutes before, the last events, the ends of qemu.log and of the console.
Written by `watch`, which alone has the figures; `MOST` are kept.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from typing import TYPE_CHECKING

from kvmtui.durable import give_to_owner_of, make_folder
from kvmtui.guest import history
from kvmtui.guest.folder import REPORTS, GuestFolder
from kvmtui.guest.history import iso_time
from kvmtui.guest.units import format_size
from kvmtui.manage import story
from kvmtui.qemu.events import read_events, tail_offset
from kvmtui.qemu.launch import log_lines
from kvmtui.stats.history import MINUTES, History
from kvmtui.text import visible, visible_lines

if TYPE_CHECKING:
    from typing import Any

    from kvmtui.stats.figure_file import Stamp
    from kvmtui.stats.history import Span

MOST = 10
_EVENTS, _LOG_LINES, _CONSOLE_LINES = 60, 60, 200
_EVENT_BYTES = 256 << 10
_STEP_S = 5
_MOST_MINUTES = 60
_COLUMNS = (
    ("cpu", "CPU%", "whole"),
    ("wait", "WAIT", "whole"),
    ("memory_used", "USED", "size"),
    ("disk_read", "READ", "size"),
    ("disk_write", "WRITE", "size"),
    ("disk_latency", "LAT ms", "whole"),
    ("net_in", "IN", "size"),
    ("net_out", "OUT", "size"),
)


def crash_in_story(folder: GuestFolder, run: str) -> history.Line | None:
    """The line of a run that crashed, where another one has begun since."""
    for line in history.read(folder.history, tail_bytes=256 << 10, holding=run.encode()):
        if line.get("phase") == "run" and line.get("run") == run:
            return line if line.get("reason") in ("crashed", "guest-panic") else None
    return None


def newest_report(folder: GuestFolder) -> str | None:
    """The newest report; None where there is none."""
    names = _names(folder)
    return folder.at(REPORTS, names[-1]) if names else None


def report_of(folder: GuestFolder, run: str) -> str | None:
    """The report of a run; None where there is none."""
    found = [name for name in _names(folder) if name.endswith(f"-{_short(run)}.txt")]
    return folder.at(REPORTS, found[-1]) if found else None


def _short(run: str) -> str:
    return "".join(letter for letter in run[:16] if letter.isalnum())


def _names(folder: GuestFolder) -> list[str]:
    try:
        found = os.listdir(folder.at(REPORTS))
    except OSError:
        return []
    return sorted(name for name in found if name.startswith("crash-") and name.endswith(".txt"))


def write_report(
    folder: GuestFolder,
    record: dict[str, Any],
    figures: History,
    now: Stamp,
    *,
    told: history.Line | None = None,
) -> str | None:
    """Write the report of a crash; one that is there already stays.

    Args:
        record: How the run was started, with its ``run``.
        figures: What was sampled, of the guest of this name.
        told: The run's line in the story, where another one has begun since.

    Returns:
        Its path; None where there was one.

    Raises:
        OSError: It cannot be written; none is left.
    """
    run = str(record["run"])
    if report_of(folder, run) is not None:
        return None
    text = _text(folder, record, figures, now, told).encode("utf-8", "replace")
    make_folder(folder.at(REPORTS))
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    place = os.open(folder.at(REPORTS), flags)
    name = f"crash-{iso_time(now.wall)[:19].replace(':', '')}Z-{_short(run)}.txt"
    try:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(text)
                give_to_owner_of(folder.place, fd)
        except BaseException:
            os.unlink(name, dir_fd=place)
            raise
        for old in _names(folder)[:-MOST]:
            with contextlib.suppress(OSError):
                os.unlink(old, dir_fd=place)
    finally:
        os.close(place)
    return folder.at(REPORTS, name)


def _text(
    folder: GuestFolder,
    record: dict[str, Any],
    figures: History,
    now: Stamp,
    told: history.Line | None,
) -> str:
    heads = [
        f"{folder.name} crashed: seen at {iso_time(now.wall)}",
        f"started {visible(str(record.get('time')), limit=40)}, under "
        f"{visible(str(record.get('accelerator')), limit=20)}, run {_short(str(record['run']))}",
    ]
    if told is not None:
        heads.append("another run has begun since: the ends of the logs may be of that one")
    parts = ["\n".join(heads)]
    parts.append(_part("Events", _events(folder, told)))
    parts.append(_part("qemu.log", log_lines(folder.qemu_log, last=_LOG_LINES)))
    parts.append(_part("Console", _console(folder)))
    parts.append(_part("Figures of the minutes before", _figures(folder.name, figures, now)))
    return "\n\n".join(parts) + "\n"


def _part(title: str, lines: list[str]) -> str:
    return "\n".join([f"== {title}", *(lines or ["(nothing)"])])


def _events(folder: GuestFolder, told: history.Line | None) -> list[str]:
    if told is not None:
        events = [one for one in told.get("events") or [] if isinstance(one, dict)]
        found = [
            story.event_line(
                history.seconds_of(str(one.get("time"))),
                visible(str(one.get("event")), limit=60),
                one["data"] if isinstance(one.get("data"), dict) else {},
            )
            for one in events
        ]
    else:
        start = tail_offset(folder.events, _EVENT_BYTES)
        found = [
            story.event_line(event.time, event.name, event.data)
            for event, _ in read_events(folder.events, start=start)
        ]
    return found[-_EVENTS:]


def _console(folder: GuestFolder) -> list[str]:
    try:
        with open(folder.console_log, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - (64 << 10)))
            return visible_lines(file.read(64 << 10), last=_CONSOLE_LINES)
    except OSError:
        return []


def _figures(name: str, figures: History, now: Stamp) -> list[str]:
    """A line for each five seconds of which anything is known, else for each minute."""
    lines = _lines(name, figures, now, "10min", _STEP_S)
    return lines or _lines(name, figures, now, "24h", 60)[-_MOST_MINUTES:]


def _lines(name: str, figures: History, now: Stamp, span: Span, step_s: int) -> list[str]:
    dump = figures.dump(name)
    if dump is None:
        return []
    width = 600 // _STEP_S if span == "10min" else MINUTES
    series = [figures.series(name, key, span, width) for key, _, _ in _COLUMNS]
    lines = []
    count = len(series[0].values)
    first = dump.second // step_s - count + 1
    for index in range(count):
        values = [one.values[index] for one in series]
        if all(map(math.isnan, values)):
            continue
        ago_s = now.second - (first + index) * step_s
        stamp = time.strftime("%d %H:%M:%S", time.gmtime(now.wall - ago_s))
        cells = [
            _cell(value, kind).rjust(8)
            for value, (_, _, kind) in zip(values, _COLUMNS, strict=True)
        ]
        lines.append(f"{stamp}{''.join(cells)}".rstrip())
    heads = "".join(head.rjust(8) for _, head, _ in _COLUMNS)
    return [f"{'UTC'.ljust(11)}{heads}", *lines] if lines else []


def _cell(value: float, kind: str) -> str:
    if math.isnan(value):
        return ""
    return format_size(round(value)) if kind == "size" else f"{value:.0f}"
