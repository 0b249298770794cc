"""A guest's timeline: what was done to it and what became of it, a plain sentence each.

Made from the ends of its story and of the present run's record, so it costs little however
old the guest is. Events that an operation explains are told by the operation alone; those
that mean nothing to a person are left out (`kvmtui events` has all).
"""

from __future__ import annotations

import collections
from pathlib import Path
from typing import NamedTuple

from kvmtui.guest import history
from kvmtui.guest.folder import LOCK, GuestFolder
from kvmtui.guest.history import seconds_of
from kvmtui.guest.library import Library
from kvmtui.manage import story
from kvmtui.manage.following import Entry, Follower
from kvmtui.manage.living import live_pid, was_killed_on_request
from kvmtui.manage.sentences import (
    event_sentence,
    failed_sentence,
    finished_sentence,
    run_sentence,
    under_way_sentence,
)
from kvmtui.qemu.events import last_state_event
from kvmtui.qemu.process import is_held
from kvmtui.text import visible

_TAIL_BYTES = 256 << 10
_LONGEST = 300
_REPEATED_S = 10.0
_INSTALL_KINDS = {"installed": "done", "trouble": "warning"}
_LONGEST_OPEN_S = 120.0
_MOST_AT_ONCE = 8
_EXPLAINED_BY = {
    "SHUTDOWN": ("shutdown", "stop"),
    "POWERDOWN": ("shutdown",),
    "STOP": ("pause",),
    "RESUME": ("resume", "reset", "start"),
    "RESET": ("reset",),
}
"""Operations in whose time an event of this name is theirs."""
_STOPPED_BY = ("GUEST_PANICKED", "BLOCK_IO_ERROR", "WATCHDOG")
"""Events after which a STOP tells nothing new."""


class TimelineEntry(NamedTuple):
    """One line of a timeline."""

    time: float
    """Seconds since 1970; of what nobody saw, when it was last known to be otherwise."""
    text: str
    """One plain sentence, safe to show."""
    kind: str
    """done, failed, under-way, event, warning or crash."""
    who: str
    """The user who asked for it; empty for what the guest or the host did."""
    verb: str
    """The operation; empty where there was none."""


class _Span(NamedTuple):
    """An operation and its time; an open one has no end."""

    begin: history.Line
    end: history.Line | None

    def holds(self, moment: str, verbs: tuple[str, ...]) -> bool:
        """Whether it is one of these and the moment is in its time."""
        if self.begin.get("verb") not in verbs or moment < self.begin["time"]:
            return False
        if self.end is None:
            return seconds_of(moment) - seconds_of(self.begin["time"]) < _LONGEST_OPEN_S
        return bool(moment <= self.end["time"])


def timeline(library: Library, name: str, *, most: int = 50) -> list[TimelineEntry]:
    """The last entries, newest last.

    Raises:
        KvmtuiError: There is no such guest.
    """
    folder = library.folder(name)
    follower = Follower(folder, history_bytes=_TAIL_BYTES, record_bytes=_TAIL_BYTES)
    entries = follower.read()
    found = _Teller(folder, entries).tell()
    ending = _unseen_ending(folder, entries, follower.folded)
    if ending is not None:
        found = sorted([*found, ending], key=lambda entry: entry.time)
    return found[-most:]


def _unseen_ending(
    folder: GuestFolder, entries: list[Entry], folded: set[str]
) -> TimelineEntry | None:
    """The end of a run that no event tells of and that is not in the history yet."""
    record = folder.start_record()
    if record is None or record.get("run") in folded:
        return None
    event, came_up = last_state_event(str(folder.events))
    if event == "SHUTDOWN" or not came_up or live_pid(folder, record, None) is not None:
        return None
    reason = "crashed"
    if record.get("boot_id") != history.boot_id():
        reason = "host-went-down"
    elif was_killed_on_request(folder, record):
        return None
    newest = max((str(entry["time"]) for entry in entries if "event" in entry), default="")
    text, kind = run_sentence(reason)
    heard = seconds_of(story.last_sign_of_life(folder, newest))
    return TimelineEntry(heard, text, kind, "", "")


class _Teller:
    """Puts entries into sentences, with what came before in mind."""

    def __init__(self, folder: GuestFolder, entries: list[Entry]) -> None:
        self._folder = folder
        self._entries = entries
        ends = {entry.get("id"): entry for entry in entries if entry.get("phase") == "end"}
        begins = [entry for entry in entries if entry.get("phase") == "begin"]
        self._spans = {begin.get("id"): _Span(begin, ends.get(begin.get("id"))) for begin in begins}
        self._kills = [entry["time"] for entry in entries if entry.get("phase") == "kill"]
        self._recent: collections.deque[_Span] = collections.deque(maxlen=_MOST_AT_ONCE)
        self._previous = ("", "")
        self._last_reset = ""
        self._paused = False
        self._begun: Entry | None = None
        """The beginning of an installation, written while its guest was being created."""
        self._found: list[TimelineEntry] = []

    def tell(self) -> list[TimelineEntry]:
        """All that is worth a sentence, in the order of the entries."""
        for entry in self._entries:
            if "event" in entry:
                self._event(entry)
            elif entry.get("phase") == "begin":
                self._begin(entry)
            elif entry.get("phase") == "end":
                self._end(entry)
            elif entry.get("phase") == "note" and entry.get("what") != "io-error":
                # Of an I/O error QEMU's own event tells more.
                kind = "warning" if entry.get("begins") else "event"
                self._put(entry, str(entry.get("text")), kind)
            elif entry.get("phase") == "install":
                if self._is_within_creation(entry):
                    self._begun = entry
                else:
                    self._installation(entry)
            elif entry.get("phase") == "run" and entry.get("reason") != "killed":
                self._put(entry, *run_sentence(str(entry.get("reason"))))
        return self._found

    def _put(self, entry: Entry, text: str, kind: str, who: str = "", verb: str = "") -> None:
        moment, shown = seconds_of(entry["time"]), visible(text, limit=_LONGEST)
        before = self._found[-1] if self._found else None
        again = before is not None and before.text == shown and moment - before.time < _REPEATED_S
        if not (again and "event" in entry):
            self._found.append(TimelineEntry(moment, shown, kind, visible(who, limit=64), verb))

    def _begin(self, begin: Entry) -> None:
        """Of an operation that has ended the end is told; this is one that has not."""
        span = self._spans[begin.get("id")]
        self._recent.append(span)
        if span.end is not None:
            return
        who, verb = str(begin.get("user") or ""), str(begin.get("verb"))
        alive = Path(f"/proc/{begin.get('pid')}").exists() and is_held(
            str(self._folder.path / LOCK)
        )
        if alive and begin.get("boot_id") == history.boot_id():
            self._put(begin, under_way_sentence(verb, who), "under-way", who, verb)
        else:
            self._put(begin, f"{verb} by {who} was cut off", "failed", who, verb)

    def _end(self, end: Entry) -> None:
        span = self._spans.get(end.get("id"))
        who = str(span.begin.get("user") or "") if span else ""
        verb = str(end.get("verb"))
        if end.get("result") != "done":
            self._put(end, failed_sentence(end, self._folder.name, who), "failed", who, verb)
        elif end.get("changed") is not False:
            killed = span is not None and any(span.holds(kill, ("stop",)) for kill in self._kills)
            self._put(end, finished_sentence(end, who, killed=killed), "done", who, verb)
        if verb == "create" and self._begun is not None:
            self._installation({**self._begun, "time": end["time"]})
            self._begun = None

    def _installation(self, entry: Entry) -> None:
        kind = _INSTALL_KINDS.get(str(entry.get("step")), "event")
        self._put(entry, f"installation: {entry.get('text')}", kind)

    def _is_within_creation(self, entry: Entry) -> bool:
        return any(
            span.begin.get("verb") == "create" and span.end and entry["time"] <= span.end["time"]
            for span in self._recent
        )

    def _event(self, entry: Entry) -> None:
        name, data = str(entry["event"]), entry.get("data")
        told = event_sentence(name, data if isinstance(data, dict) else {})
        idle = name == "RESUME" and not self._paused
        if name in ("STOP", "RESUME", "SHUTDOWN"):
            self._paused = name == "STOP"
        if told is not None and not idle and not self._is_explained(name, entry["time"]):
            self._put(entry, *told)
        self._previous = (name, entry["time"])
        if name == "RESET":
            self._last_reset = entry["time"]

    def _is_explained(self, name: str, moment: str) -> bool:
        verbs = _EXPLAINED_BY.get(name, ())
        if any(span.holds(moment, verbs) for span in self._recent):
            return True
        if name == "RESET" and seconds_of(moment) - seconds_of(self._last_reset) < _REPEATED_S:
            return True
        before, when = self._previous
        follows = before in _STOPPED_BY and seconds_of(moment) - seconds_of(when) < 1.0
        return follows and name in ("STOP", "SHUTDOWN")
