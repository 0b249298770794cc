"""The black box: what can be had of a guest that crashed, panicked or met an I/O error.

A report is one JSON file in the guest's ``reports/``, with a picture beside it where the
display was in a graphics mode. One trouble makes one report, whoever notices it first; who
knows more of its last minutes adds them. The newest twenty are kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from kvmtui.durable import make_folder, reading, write_atomically
from kvmtui.errors import BusyError, KvmtuiError
from kvmtui.guest import history
from kvmtui.guest.folder import EVENTS, QEMU_LOG, REPORTS, GuestFolder
from kvmtui.guest.history import iso_time, seconds_of
from kvmtui.guest.library import Library
from kvmtui.manage import last_minutes, story
from kvmtui.manage.last_minutes import LastMinutes
from kvmtui.manage.logs import console_end
from kvmtui.manage.views import GuestView
from kvmtui.qemu.events import event_entry, read_events, tail_offset
from kvmtui.qemu.launch import log_lines
from kvmtui.text import visible

MOST_REPORTS = 20
CRASHES = ("crashed", "broken")
"""Reasons of which a run has one report."""
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-([a-z-]{1,40})-([0-9a-z]{1,40})\.json")
_LARGEST_BYTES = 4 << 20
_EVENT_BYTES = 1 << 20
_PATIENCE_S, _PAUSE_S = 5.0, 0.05
_CONSOLE_LINES = 200
_QEMU_LINES = 60
_MOST_EVENTS = 100
_MOST_ROWS = 200
_TROUBLES = ("GUEST_PANICKED", "BLOCK_IO_ERROR", "WATCHDOG", "MEMORY_FAILURE")


class Report(NamedTuple):
    """A report that was made."""

    path: str
    reason: str
    """``crashed``, ``broken`` (the machine stands there and cannot go on), ``io-error``,
    ``expect``."""
    time: str
    """When it happened, ISO 8601 UTC; where nobody saw that, the last sign of life before."""
    noticed: str
    """When it was noticed, where nobody saw it happen; empty where the time is known."""
    screen: tuple[str, ...]
    """The last text screen, without its blank lines; empty where none could be had."""
    picture: str | None
    """The file of the last screen, where that was no text."""
    known_until: str
    """The last time of which it has figures; empty where it has none."""

    @property
    def words(self) -> str:
        """What it is of, and when that was, as far as it is known."""
        when = f"between {self.time} and {self.noticed}" if self.noticed else f"at {self.time}"
        return f"{self.reason} {when}"


class _Trouble(NamedTuple):
    reason: str
    time: str
    run: str
    record: dict[str, Any]
    events: list[dict[str, Any]]
    until: float
    """Up to when figures are of before it, in seconds since 1970."""
    noticed: str | None = None
    """When it was noticed; None where its own time is known."""
    followed: bool = False
    """Whether another run has begun since."""

    @property
    def stem(self) -> str:
        """The report's name, without its ending."""
        moment = re.sub(r"[^0-9T]", "", self.time.partition(".")[0])
        return f"{moment}Z-{self.reason}-{self.run}"


def trouble_of(view: GuestView) -> str:
    """Why there should be a report: ``crashed``, ``broken``, ``io-error``; empty for none."""
    if view.state == "crashed":
        return "crashed" if view.pid is None else "broken"
    return "io-error" if view.state == "io-error" else ""


def notice(library: Library, view: GuestView, minutes: LastMinutes | None = None) -> Report | None:
    """The report of the trouble that a guest is in now, made where there is none yet.

    None where it is in none, or nothing can be written (a full disk). May wait for another who
    makes it.
    """
    reason = trouble_of(view)
    if not reason:
        return None
    folder = library.folder(view.name)
    alive = view.pid is not None
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return collect(library, folder, reason, alive=alive, minutes=minutes)
        except BusyError:
            # Another makes it: it is there in a moment.
            if time.monotonic() >= deadline:
                return None
            time.sleep(_PAUSE_S)
        except (KvmtuiError, OSError):
            return None


def collect(
    library: Library,
    folder: GuestFolder,
    reason: str,
    *,
    alive: bool,
    when: float | None = None,
    minutes: LastMinutes | None = None,
) -> Report:
    """Make a report, unless this trouble has one.

    Args:
        alive: Whether its QEMU is there and may be asked for the screen.
        when: The trouble's time, in seconds since 1970; None for what the events tell.
        minutes: The figures before it; None for those that a watch has recorded.

    Raises:
        OSError: It cannot be written.
        BusyError: Somebody is at it.
    """
    record = folder.start_record() or {}
    noticed = None
    start = tail_offset(folder.at(EVENTS), _EVENT_BYTES)
    events = [event_entry(event) for event, _ in read_events(folder.at(EVENTS), start=start)]
    if when is not None:
        moment, until = iso_time(when), when
    elif reason == "crashed":
        # Nobody saw the moment; there are no figures behind it.
        newest = str(events[-1]["time"]) if events else ""
        figured = iso_time(minutes.rows[-1][0]) if minutes is not None else ""
        moment, until = max(story.last_sign_of_life(folder, newest), figured), math.inf
        noticed = iso_time()
    else:
        moment = _moment(folder, events)
        until = seconds_of(moment)
    trouble = _Trouble(reason, moment, _run(record), record, events, until, noticed)
    return _keep(library, folder, trouble, alive, minutes)


def collect_followed(
    library: Library, folder: GuestFolder, record: dict[str, Any], minutes: LastMinutes | None
) -> Report | None:
    """Make the report of a run that another one has followed, if it crashed.

    Args:
        record: How that run was started.

    Raises:
        OSError: It cannot be written.
        BusyError: Somebody is at it.
    """
    run = str(record["run"])
    for line in history.read(folder.history, tail_bytes=256 << 10, holding=run.encode()):
        if line.get("phase") != "run" or line.get("run") != run:
            continue
        if line.get("reason") not in ("crashed", "guest-panic"):
            return None
        events = [one for one in line.get("events") or () if isinstance(one, dict)]
        moment = str(line.get("ended") or line.get("seen") or line["time"])
        until = seconds_of(str(line["time"]))
        trouble = _Trouble("crashed", moment, _run(record), record, events, until, followed=True)
        if not line.get("ended"):
            trouble = trouble._replace(noticed=str(line["time"]))
        return _keep(library, folder, trouble, False, minutes)
    return None


def _run(record: dict[str, Any]) -> str:
    return re.sub(r"[^0-9a-z]", "", str(record.get("run", "none")).lower())[:40] or "none"


def _moment(folder: GuestFolder, events: list[dict[str, Any]]) -> str:
    """When the trouble came, as its event says; the record's last change where none does."""
    for event in reversed(events):
        if event["event"] in _TROUBLES:
            return str(event["time"])
    with contextlib.suppress(OSError):
        return iso_time(os.stat(folder.at(EVENTS)).st_mtime)
    return iso_time()


def _keep(
    library: Library,
    folder: GuestFolder,
    trouble: _Trouble,
    alive: bool,
    minutes: LastMinutes | None,
) -> Report:
    """Write the report, or into the one that is there what it lacks."""
    known = _known(folder, trouble)
    if known is not None and minutes is None and known.known_until:
        return known
    if minutes is None:
        with contextlib.suppress(OSError):
            minutes = last_minutes.from_file(library, folder.name, trouble.until)
    figures = minutes and minutes.document(trouble.until)
    if known is not None and (figures is None or figures["times"][-1] <= known.known_until):
        return known
    with _alone(folder) as place:
        known = _known(folder, trouble)
        if known is not None:
            document = {**_document(known.path), "figures": figures}
            return _write(folder, place, os.path.basename(known.path), document)
        screen, picture = _screen(library, folder) if alive else (None, None)
        if picture is not None:
            write_atomically(f"{place}/{trouble.stem}.png", picture)
        document = {
            "guest": folder.name,
            "reason": trouble.reason,
            "time": trouble.time,
            "noticed": trouble.noticed,
            "made": iso_time(),
            "run": trouble.run,
            "started": trouble.record.get("time"),
            "accelerator": trouble.record.get("accelerator"),
            "another_run_since": trouble.followed,
            "screen": screen,
            "picture": None if picture is None else f"{trouble.stem}.png",
            "console": console_end(folder, last=_CONSOLE_LINES),
            "qemu_log": log_lines(folder.at(QEMU_LOG), last=_QEMU_LINES),
            "events": trouble.events[-_MOST_EVENTS:],
            "figures": figures,
        }
        return _write(folder, place, f"{trouble.stem}.json", document)


@contextlib.contextmanager
def _alone(folder: GuestFolder) -> Iterator[str]:
    """The folder of reports, made where there is none, which nobody else writes to meanwhile.

    Raises:
        OSError: It is none: a link is not followed.
        BusyError: Somebody writes to it.
    """
    make_folder(folder.at(REPORTS))
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(folder.at(REPORTS), flags)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield f"/proc/self/fd/{fd}"
    except BlockingIOError:
        hint = f"again in a moment: kvmtui why {folder.name}"
        raise BusyError(f"{folder.name}: a report is being made", hint=hint) from None
    finally:
        os.close(fd)


def _write(folder: GuestFolder, place: str, name: str, document: dict[str, Any]) -> Report:
    data = json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8", "replace")
    write_atomically(f"{place}/{name}", data)
    for old in sorted(one for one in os.listdir(place) if _NAME.fullmatch(one))[:-MOST_REPORTS]:
        for path in (old, old.removesuffix(".json") + ".png"):
            with contextlib.suppress(OSError):
                os.unlink(f"{place}/{path}")
    return _report(folder.at(REPORTS, name), document)


def _screen(library: Library, folder: GuestFolder) -> tuple[list[str] | None, bytes | None]:
    """The screen's lines, or its picture; nothing where QEMU does not give what can be read."""
    import asyncio

    from kvmtui.manage import screens

    async def look() -> tuple[list[str] | None, bytes | None]:
        async with screens.display_session(library, folder.name) as monitor:
            mirror = screens.mirror_of(monitor)
            text = await mirror.frame()
            if text is not None:
                return text.lines(), None
            assert mirror.picture is not None
            return None, mirror.picture.png()

    try:
        return asyncio.run(look())
    except (KvmtuiError, OSError, ValueError):
        return None, None


def _known(folder: GuestFolder, trouble: _Trouble) -> Report | None:
    """The report of a trouble, where there is one: of a run's crash whatever time it bears."""
    if trouble.reason not in CRASHES:
        return _read(folder.at(REPORTS, f"{trouble.stem}.json"))
    for name in _names(folder):
        found = _NAME.fullmatch(name)
        if found and found[2] == trouble.run and found[1] in CRASHES:
            report = _read(folder.at(REPORTS, name))
            # Without a run's record that is all there is to tell one from another.
            if report is not None and (trouble.run != "none" or report.time == trouble.time):
                return report
    return None


def _document(path: str) -> dict[str, Any]:
    """What a report says.

    Raises:
        OSError, ValueError, RecursionError: It cannot be read, or is none.
    """
    with reading(path) as file:
        document = json.loads(file.read(_LARGEST_BYTES))
    if not isinstance(document, dict):
        raise ValueError("no report")
    return document


def _read(path: str) -> Report | None:
    """A report that is there; None where it is none, whatever the file says."""
    try:
        return _report(path, _document(path))
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None


def _report(path: str, document: dict[str, Any]) -> Report:
    lines = document.get("screen") or ()
    picture = os.path.basename(str(document.get("picture") or ""))
    times = (document.get("figures") or {}).get("times") or ("",)
    return Report(
        path=path,
        reason=str(document["reason"]),
        time=str(document["time"]),
        noticed=str(document.get("noticed") or ""),
        screen=tuple(
            visible(str(line), limit=400) for line in lines[:_MOST_ROWS] if str(line).strip()
        ),
        picture=os.path.join(os.path.dirname(path), picture) if picture else None,
        known_until=str(times[-1]),
    )


def _names(folder: GuestFolder) -> list[str]:
    """The names of the reports, newest first."""
    try:
        names = os.listdir(folder.at(REPORTS))
    except OSError:
        return []
    return sorted((name for name in names if _NAME.fullmatch(name)), reverse=True)


def reports(folder: GuestFolder) -> list[Report]:
    """The guest's reports, newest first."""
    found = (_read(folder.at(REPORTS, name)) for name in _names(folder))
    return [report for report in found if report is not None]


def newest(folder: GuestFolder) -> Report | None:
    """The report of the guest's last trouble; None where there is none."""
    return next((one for one in reports(folder) if one.reason != "expect"), None)
