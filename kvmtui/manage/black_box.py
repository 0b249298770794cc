"""The black box: what can be had of a guest that crashed, panicked or met an I/O error.

A report is one JSON file in the guest's ``reports/``, with a picture beside it where the
display was in a graphics mode. One trouble makes one report, whoever notices it first; the
newest twenty are kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any, NamedTuple

from kvmtui.durable import make_folder, write_atomically
from kvmtui.errors import BusyError, KvmtuiError
from kvmtui.guest.folder import CONSOLE_LOG, EVENTS, QEMU_LOG, GuestFolder
from kvmtui.guest.history import iso_time
from kvmtui.guest.library import Library
from kvmtui.manage.views import GuestView
from kvmtui.qemu.events import event_entry, read_events
from kvmtui.qemu.launch import log_lines
from kvmtui.text import visible_lines

REPORTS = "reports"
MOST_REPORTS = 20
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[a-z-]{1,40}-[0-9a-z]{1,40}\.json")
_CONSOLE_BYTES = 64 << 10
_CONSOLE_LINES = 200
_QEMU_LINES = 50
_MOST_EVENTS = 100
_TROUBLES = ("GUEST_PANICKED", "BLOCK_IO_ERROR", "WATCHDOG", "MEMORY_FAILURE")


class Report(NamedTuple):
    """A report that was made."""

    path: str
    reason: str
    time: str
    """When it happened, ISO 8601 UTC."""
    screen: tuple[str, ...]
    """The last text screen, without its blank lines; empty where none could be had."""
    picture: str | None
    """The file of the last screen, where that was no text."""


def trouble_of(view: GuestView) -> str:
    """Why there should be a report: ``crashed``, ``broken``, ``io-error``; empty for none."""
    if view.state == "crashed":
        return "crashed" if view.pid is None else "broken"
    return "io-error" if view.state == "io-error" else ""


def notice(library: Library, view: GuestView) -> Report | None:
    """The report of the trouble that a guest is in now, made where there is none yet.

    None where it is in none, or nothing can be written (a full disk).
    """
    reason = trouble_of(view)
    if not reason:
        return None
    folder = library.folder(view.name)
    try:
        return collect(library, folder, reason, alive=view.pid is not None)
    except (KvmtuiError, OSError):
        return None


def collect(
    library: Library, folder: GuestFolder, reason: str, *, alive: bool, when: float | None = None
) -> Report:
    """Make a report, unless this trouble has one.

    Args:
        alive: Whether its QEMU is there and may be asked for the screen.
        when: The trouble's time, in seconds since 1970; None for what the events tell.

    Raises:
        OSError: It cannot be written.
    """
    events = [event_entry(event) for event, _ in read_events(folder.at(EVENTS))]
    moment = iso_time(when) if when is not None else _moment(folder, events)
    run = str((folder.start_record() or {}).get("run", "none"))[:40].lower()
    stem = f"{re.sub(r'[^0-9TZ]', '', moment.partition('.')[0])}Z-{reason}-{run}"
    stem = stem.replace("ZZ-", "Z-")
    path = folder.at(REPORTS, f"{stem}.json")
    known = _read(path)
    if known is not None:
        return known
    make_folder(folder.at(REPORTS))
    screen, picture = _screen(library, folder, stem) if alive else (None, None)
    document = {
        "guest": folder.name,
        "reason": reason,
        "time": moment,
        "made": iso_time(),
        "run": run,
        "screen": screen,
        "picture": picture,
        "console": _console(folder),
        "qemu_log": log_lines(folder.at(QEMU_LOG), last=_QEMU_LINES),
        "events": events[-_MOST_EVENTS:],
    }
    data = json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8", "replace")
    write_atomically(path, data)
    _prune(folder)
    return _report(path, document)


def _moment(folder: GuestFolder, events: list[dict[str, Any]]) -> str:
    """When the trouble came, as its event says; the record's last change where none does."""
    for event in reversed(events):
        if event["event"] in _TROUBLES:
            return str(event["time"])
    with contextlib.suppress(OSError):
        return iso_time(os.stat(folder.at(EVENTS)).st_mtime)
    return iso_time()


def _screen(
    library: Library, folder: GuestFolder, stem: str
) -> tuple[list[str] | None, str | None]:
    """The screen's lines, or the name of its picture; nothing where QEMU does not answer."""
    import asyncio

    from kvmtui.errors import MonitorError, StateError
    from kvmtui.manage import screens

    async def look() -> tuple[list[str] | None, str | None]:
        async with screens.display_session(library, folder.name) as monitor:
            mirror = screens.TextMirror(monitor)
            text = await mirror.frame()
            if text is not None:
                return text.lines(), None
            assert mirror.picture is not None
            name = f"{stem}.png"
            write_atomically(folder.at(REPORTS, name), mirror.picture.png())
            return None, name

    try:
        return asyncio.run(look())
    except (MonitorError, StateError, BusyError, OSError):
        return None, None


def _console(folder: GuestFolder) -> list[str]:
    with contextlib.suppress(OSError), open(folder.at(CONSOLE_LOG), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _CONSOLE_BYTES))
        return visible_lines(file.read(_CONSOLE_BYTES), last=_CONSOLE_LINES)
    return []


def _read(path: str) -> Report | None:
    """A report that is there; None where it is none, whatever the file says."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(4 << 20))
        return _report(path, document)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _report(path: str, document: dict[str, Any]) -> Report:
    lines = document.get("screen") or ()
    picture = document.get("picture")
    return Report(
        path=path,
        reason=str(document["reason"]),
        time=str(document["time"]),
        screen=tuple(str(line) for line in lines if str(line).strip()),
        picture=os.path.join(os.path.dirname(path), str(picture)) if picture else None,
    )


def reports(folder: GuestFolder) -> list[Report]:
    """The guest's reports, newest first."""
    try:
        names = [name for name in os.listdir(folder.at(REPORTS)) if _NAME.fullmatch(name)]
    except OSError:
        return []
    found = (_read(folder.at(REPORTS, name)) for name in sorted(names, reverse=True))
    return [report for report in found if report is not None]


def _prune(folder: GuestFolder) -> None:
    """Keep the newest ones, with their pictures."""
    names = [name for name in os.listdir(folder.at(REPORTS)) if _NAME.fullmatch(name)]
    for name in sorted(names)[:-MOST_REPORTS]:
        for path in (name, name.removesuffix(".json") + ".png"):
            with contextlib.suppress(OSError):
                os.unlink(folder.at(REPORTS, path))
