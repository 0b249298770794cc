"""Why a guest is as it is: how its last run ended, who asked for it, what was said."""

from __future__ import annotations

import contextlib
import os

from kvmtui.durable import reading
from kvmtui.guest import history
from kvmtui.guest.folder import CONSOLE_LOG, EVENTS, HISTORY, QEMU_LOG
from kvmtui.guest.history import iso_time
from kvmtui.manage.living import was_killed_on_request
from kvmtui.qemu.events import event_entry, read_events
from kvmtui.qemu.launch import log_lines
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library
    from kvmtui.manage.views import GuestView
else:
    from kvmtui.light import NamedTuple

_MOST_FOLDED = 200
_NOISE = frozenset({"RTC_CHANGE", "BALLOON_CHANGE", "NIC_RX_FILTER_CHANGED", "VNC_CONNECTED"})
_PANIC = rb"(?<!end )Kernel panic[^\r\n]*|\bpanic(?:\([^)\r\n]*\))?: [^\r\n]*"
"""The line of Linux, and that of the BSDs."""
_PANIC_WINDOW_BYTES = 1 << 20
_OBEYED = ("start", "pause", "resume", "reset")
_REASONS = {
    "guest-shutdown": "the guest shut itself down",
    "guest-reset": "the guest rebooted, which ended it",
    "guest-panic": "the guest's kernel panicked",
    "host-qmp-quit": "QEMU was told to quit",
    "host-qmp-system-reset": "it was reset",
    "host-signal": "QEMU was ended by a signal",
    "host-ui": "its display was closed",
    "host-error": "QEMU met an error of the host",
    "host-went-down": "the host went down",
    "killed": "it was stopped by force, since QEMU did not answer",
    "crashed": "its process ended without being asked to",
}


class LastStop(NamedTuple):
    """How the last run ended."""

    time: str | None
    """ISO 8601 UTC; None where nobody saw the moment."""
    reason: str
    """QEMU's reason of SHUTDOWN, or host-went-down, killed, crashed."""
    forced: str = ""
    """Why a shutdown pulled the plug; empty where none did."""

    @property
    def words(self) -> str:
        """The reason in words."""
        if self.forced:
            return f"it was stopped by force, since {self.forced}"
        return _REASONS.get(self.reason, self.reason)


class Why(NamedTuple):
    """What `why` tells."""

    name: str
    state: str
    summary: str
    last_stop: LastStop | None
    asked_by: str | None
    """Who asked for the last operation on it, and for what."""
    events: list[str]
    """The last events of the run, oldest first."""
    qemu_log: list[str]
    console: list[str]
    report: str | None = None
    """The newest report of a crash, a panic or an I/O error; None where there is none."""
    report_of: str = ""
    """What that was, and when."""
    screen: tuple[str, ...] = ()
    """The last screen of a guest that is in such trouble now."""
    picture: str | None = None
    """The file with it, where it was no text."""


def last_stop_of_record(folder: GuestFolder) -> LastStop | None:
    """How the run that ``run/start.json`` tells of ended; the caller knows it has."""
    record = folder.start_record()
    if record is None:
        return None
    shutdown = None
    any_event = False
    for event, _ in read_events(folder.at(EVENTS)):
        any_event = True
        if event.name == "SHUTDOWN":
            shutdown = event
    if shutdown is not None:
        return LastStop(iso_time(shutdown.time), str(shutdown.data.get("reason", "")))
    if not any_event and not _came_up(folder):
        return None
    if record.get("boot_id") != history.boot_id():
        return LastStop(None, "host-went-down")
    reason = "killed" if was_killed_on_request(folder, record) else "crashed"
    return LastStop(None, reason)


def _came_up(folder: GuestFolder) -> bool:
    try:
        return os.stat(folder.at(EVENTS)).st_size > 0
    except OSError:
        return False


def last_stop(folder: GuestFolder, *, running: bool) -> LastStop | None:
    """How the guest's newest ended run ended; None when it never ran."""
    lines = history.read(folder.at(HISTORY))
    found = None if running else last_stop_of_record(folder)
    if found is None:
        runs = (line for line in reversed(lines) if line.get("phase") == "run")
        newest = next(runs, None)
        if newest is None:
            return None
        found = LastStop(newest.get("ended"), str(newest.get("reason")))
    return found._replace(forced=_forced(lines, found))


def _forced(lines: list[history.Line], ended: LastStop) -> str:
    """Why the shutdown in whose time the run ended pulled the plug."""
    kills = (line["time"] for line in reversed(lines) if line.get("phase") == "kill")
    moment = ended.time or (next(kills, None) if ended.reason == "killed" else None)
    begun = {line.get("id"): line["time"] for line in lines if line.get("phase") == "begin"}
    for line in reversed(lines):
        began = begun.get(line.get("id"))
        if line.get("forced") and moment and began and began <= moment <= line["time"]:
            return str(line["forced"])
    return ""


def close_run(folder: GuestFolder) -> None:
    """Fold the events of an ended run into the story, once; the caller holds the lock."""
    record = folder.start_record()
    if record is None or "run" not in record:
        return
    ended = last_stop_of_record(folder)
    if ended is None:
        return
    run = record["run"]
    if any(
        line.get("phase") == "run" and line.get("run") == run
        for line in history.read(folder.at(HISTORY), holding=str(run).encode())
    ):
        return
    events = [event_entry(event) for event, _ in read_events(folder.at(EVENTS))]
    newest = events[-1]["time"] if events else ""
    kept = [event for event in events if event["event"] not in _NOISE]
    history.append(
        folder.at(HISTORY),
        {
            "phase": "run",
            "run": run,
            "started": record.get("time"),
            "ended": ended.time,
            "seen": last_sign_of_life(folder, newest),
            "reason": ended.reason,
            "boot_id": record.get("boot_id"),
            "events": kept[-_MOST_FOLDED:],
        },
    )


def last_sign_of_life(folder: GuestFolder, newest_event: str) -> str:
    """When the run was last heard of: an event, a line in a log, a verb that it obeyed.

    Times are as `iso_time` has them and compared so, since a start does without datetime.

    Args:
        newest_event: When it was; empty where there was none.
    """
    obeyed = (
        line["time"]
        for line in history.read(folder.at(HISTORY), tail_bytes=65536, holding=b'"done"')
        if line.get("result") == "done" and line.get("verb") in _OBEYED
    )
    heard = [newest_event, max(obeyed, default="")]
    for log in (CONSOLE_LOG, QEMU_LOG):
        with contextlib.suppress(OSError):
            heard.append(iso_time(os.stat(folder.at(log)).st_mtime))
    return max(heard)


def why(library: Library, name: str) -> Why:
    """Explain a guest's state.

    Raises:
        KvmtuiError: There is no such guest.
    """
    from kvmtui.manage import black_box
    from kvmtui.manage.logs import console_end
    from kvmtui.manage.looking import look_at

    folder = library.folder(name)
    view = look_at(library, name)
    ended = last_stop(folder, running=view.pid is not None)
    lines = history.read(folder.at(HISTORY))
    begin = next((line for line in reversed(lines) if line.get("phase") == "begin"), None)
    asked = None
    if begin is not None:
        asked = f"{begin.get('verb')} by {begin.get('user')} at {begin.get('time')}"
    trouble = black_box.notice(library, view)
    report = trouble or black_box.newest(folder)
    return Why(
        name=name,
        state=view.state,
        summary=_summary(folder, view, ended, _asked_to_stop(lines)),
        last_stop=ended,
        asked_by=asked,
        events=recent_events(folder),
        qemu_log=log_lines(folder.at(QEMU_LOG), last=8),
        console=console_end(folder, last=6, tail_bytes=16384),
        report=report.path if report else None,
        report_of=report.words if report else "",
        screen=trouble.screen if trouble else (),
        picture=trouble.picture if trouble else None,
    )


def _asked_to_stop(lines: list[dict[str, Any]]) -> str:
    begin = history.last_operation(lines, ("start", "shutdown", "stop", "reboot"))
    if begin is None or begin["verb"] == "start":
        return ""
    return f", asked by {begin.get('user')} ({begin['verb']})"


def _summary(folder: GuestFolder, view: GuestView, ended: LastStop | None, asked: str) -> str:
    state, error = view.state, view.error
    if state == "invalid":
        return f"its definition is not valid: {error}"
    if state == "crashed" and view.pid is not None:
        return f"crashed: {_broken(folder)}"
    if state in ("stopped", "saved", "crashed") and ended is not None:
        when = f" at {ended.time}" if ended.time else ""
        panic = _quoted_panic(folder) if ended.reason == "guest-panic" else ""
        return f"{state}{when}: {ended.words}{panic}{asked}"
    if state == "running" and view.installing and not error:
        return _installing(folder)
    if state == "stopped":
        return "stopped: it was never started"
    return f"{state}: {error}" if error else state


def _installing(folder: GuestFolder) -> str:
    from kvmtui.guest.install_record import DISK, read_install
    from kvmtui.manage.install_steps import medium_words

    record = read_install(folder)
    if record is None:
        return "running"
    source = "its disk" if record.stage == DISK else medium_words(record)
    return f"being installed: it runs from {source}"


def _broken(folder: GuestFolder) -> str:
    """Why a machine stands there that cannot go on."""
    panicked = any(event.name == "GUEST_PANICKED" for event, _ in read_events(folder.at(EVENTS)))
    if panicked:
        return f"{_REASONS['guest-panic']}{_quoted_panic(folder)}"
    return "the machine stands broken"


def _quoted_panic(folder: GuestFolder) -> str:
    """The kernel's own line of the panic, from the console's log of this run."""
    import re

    offset = int((folder.start_record() or {}).get("console_offset", 0))
    try:
        with reading(folder.at(CONSOLE_LOG)) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(offset if offset <= size else 0, size - _PANIC_WINDOW_BYTES))
            lines = re.findall(_PANIC, file.read(_PANIC_WINDOW_BYTES))
    except OSError:
        return ""
    return f': "{visible(lines[-1].decode("utf-8", "replace"), limit=200)}"' if lines else ""


def recent_events(folder: GuestFolder, *, most: int = 8) -> list[str]:
    """The last events of the present or last run, one line each."""
    found = [
        event_line(event.time, event.name, event.data)
        for event, _ in read_events(folder.at(EVENTS))
    ]
    return found[-most:]


def event_line(time: float, name: str, data: dict[str, Any]) -> str:
    """One event as a line of plain text."""
    import json

    details = visible(json.dumps(data, ensure_ascii=False)) if data else ""
    return f"{iso_time(time)}  {name}  {details}".rstrip()
