"""A guest's story as it grows: the lines of its history and the events of its runs, merged by time.

QEMU writes the present run's events to ``events.jsonl``; once a run has ended they are
folded into ``history.jsonl`` and the record is emptied for the next. Who follows both
sees each event once, also over a restart.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from kvmtui.guest import history
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.history import iso_time
from kvmtui.qemu.events import event_entry, read_events, tail_offset

Entry = dict[str, Any]
"""An event (``time``, ``event``, ``data``), or a line of the history as it stands."""

_HISTORY_BYTES = 4 << 20
_REMEMBERED = 1000
SETTLE_S = 0.1
_RANKS = {"begin": 0, "end": 2, "run": 3}


class Follower:
    """Reads what is new at each call.

    Args:
        history_bytes: How much of the history's end the first call reads.
        record_bytes: How much of the present run's record it reads; None for all.
    """

    def __init__(
        self,
        folder: GuestFolder,
        *,
        history_bytes: int = _HISTORY_BYTES,
        record_bytes: int | None = None,
    ) -> None:
        self._folder = folder
        self._line_offset = history.tail_offset(folder.history, history_bytes)
        self._event_offset = 0
        if record_bytes is not None:
            self._event_offset = tail_offset(folder.events, record_bytes)
        self._run: str | None = None
        self._looked = False
        self._kept: list[Entry] = []
        self._told: dict[tuple[str, str, str], None] = {}
        self.folded: set[str] = set()
        """Runs whose events came with the history."""

    def read(self, *, settle: bool = False) -> list[Entry]:
        """What happened since the last call, oldest first.

        Args:
            settle: Keep what is newer than `SETTLE_S` for the next call, since a line of
                the other file may still come before it.

        Of a run's line in the history come the events that were not told before, and the
        line itself, without them, where no event tells how the run ended.
        """
        now = time.time()
        lines, self._line_offset = history.read_from(self._folder.history, self._line_offset)
        found, self._kept = self._kept, []
        for line in lines:
            found.extend(self._of_run(line) if line.get("phase") == "run" else [line])
        found.extend(self._of_record())
        found.sort(key=_order)
        if settle:
            since, until = iso_time(now - SETTLE_S), iso_time(now + SETTLE_S)
            self._kept = [entry for entry in found if since <= entry["time"] <= until]
            found = [entry for entry in found if not since <= entry["time"] <= until]
        return found

    def _of_run(self, line: history.Line) -> list[Entry]:
        self.folded.add(str(line.get("run")))
        events = [event for event in line.get("events", []) if isinstance(event.get("time"), str)]
        found: list[Entry] = [event for event in events if self._is_new(event)]
        if line.get("ended") is None:
            last_event = events[-1]["time"] if events else None
            when = line.get("seen") or last_event or line.get("started") or line["time"]
            rest = {key: value for key, value in line.items() if key != "events"}
            found.append({**rest, "time": when})
        return found

    def _of_record(self) -> list[Entry]:
        """New events of the run that ``run/start.json`` tells of."""
        start = self._folder.start_record()
        run = start.get("run") if start else self._run
        record = self._folder.events
        if run is not None and run in self.folded and not self._looked:
            self._event_offset = tail_offset(record, 0)
        elif (run != self._run and self._looked) or tail_offset(record, 0) < self._event_offset:
            self._event_offset = 0
        self._run, self._looked = run, True
        found = []
        for event, end in read_events(record, start=self._event_offset):
            self._event_offset = end
            entry = event_entry(event)
            if self._is_new(entry):
                found.append(entry)
        return found

    def _is_new(self, event: Entry) -> bool:
        """Whether an event was not told yet, from the record or from the history."""
        key = (event["time"], str(event.get("event")), str(event.get("data")))
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > _REMEMBERED:
            for old in list(itertools.islice(self._told, _REMEMBERED // 2)):
                del self._told[old]
        return True


def _order(entry: Entry) -> tuple[str, int]:
    """By time; in one millisecond an operation begins before its events and ends after them."""
    return str(entry["time"]), _RANKS.get(str(entry.get("phase")), 1)
