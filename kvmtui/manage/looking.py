"""Looking at guests: their states from locks, records and one question where needed.

The standard library alone on this path: it is what `list` does a hundred times.
"""

from __future__ import annotations

import contextlib

from kvmtui.guest.folder import EVENTS, MONITORS, RUN
from kvmtui.guest.install_record import read_install
from kvmtui.manage.living import ended_state, live_pid
from kvmtui.manage.summaries import Summaries
from kvmtui.manage.views import GuestView
from kvmtui.qemu.events import keep_bounds, last_state_event
from kvmtui.stats.process import read_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library

_STATES = {
    "running": "running",
    "paused": "paused",
    "prelaunch": "paused",
    "suspended": "paused",
    "save-vm": "paused",
    "io-error": "io-error",
    "inmigrate": "migrating",
    "postmigrate": "migrating",
    "finish-migrate": "migrating",
    "guest-panicked": "crashed",
    "internal-error": "crashed",
    "watchdog": "crashed",
    "restore-vm": "crashed",
    "shutdown": "stopped",
    "colo": "running",
    "debug": "paused",
}


def state_of(run_state: str) -> str:
    """kvmtui's state for a run state of QEMU's ``query-status``."""
    return _STATES.get(run_state, "paused")


class Look:
    """One guest while it is looked at.

    Attributes:
        state: Empty where only QEMU can tell; `ask_open_ones` settles it.
    """

    def __init__(self, folder: GuestFolder, summary: dict[str, Any]) -> None:
        self.folder = folder
        self.summary = summary
        self.record = folder.start_record()
        self.pid = live_pid(folder, self.record, summary.get("uuid"))
        self.error: str | None = summary.get("error")
        self.answers = True
        self.state = self._state_without_asking()

    def _state_without_asking(self) -> str:
        """The state, or an empty text where only QEMU can tell."""
        if self.pid is None:
            return ended_state(self.folder, self.record)
        path = f"{self.folder.place}/{EVENTS}"
        with contextlib.suppress(OSError):
            keep_bounds(path)
        event, _ = last_state_event(path)
        if event == "RESUME":
            return "running"
        if event is None and self.record is not None and self.record.get("initial") == "running":
            return "running"
        return ""

    def presumed(self) -> Look:
        """Settle the state by the record alone, where QEMU does not answer."""
        event, _ = last_state_event(f"{self.folder.path}/{EVENTS}")
        self.state = "paused" if event == "STOP" else "running"
        self.answers = False
        return self

    def view(self) -> GuestView:
        figures = read_process(self.pid) if self.pid is not None else None
        error = self.error
        install = read_install(self.folder)
        if install is not None and install.trouble and not error:
            from kvmtui.manage.installing import trouble_of

            error = trouble_of(self.folder, install)
        if figures is not None and figures.state in "Tt":
            self.answers = False
            error = error or f"does not answer: its process {self.pid} is stopped by a signal"
        summary = self.summary
        return GuestView(
            name=self.folder.name,
            state="invalid" if summary.get("error") else self.state,
            pid=self.pid,
            os=summary.get("os"),
            arch=summary.get("arch"),
            accelerator=(self.record or {}).get("accelerator") if self.pid else None,
            cpus=summary.get("cpus"),
            memory_bytes=summary.get("memory_bytes"),
            memory_resident_bytes=figures.resident_bytes if figures else None,
            uptime_s=int(figures.uptime_s) if figures else None,
            addresses=(),
            tags=tuple(summary.get("tags", ())),
            description=summary.get("description", ""),
            autostart=bool(summary.get("autostart")),
            error=error,
            installing=install is not None,
            answers=self.answers,
        )


def look(library: Library, names: Iterable[str] | None = None) -> list[GuestView]:
    """What is known of guests now, sorted by name.

    Args:
        names: The guests; None for all.

    Raises:
        KvmtuiError: A named guest does not exist.
    """
    summaries = Summaries(library)
    if names is None:
        folders = [library.place(name) for name in library.names()]
    else:
        folders = [library.folder(name) for name in names]
    looks = [Look(folder, summaries.get(folder)) for folder in folders]
    summaries.keep(whole=names is None)
    ask_open_ones(looks)
    return [one.view() for one in looks]


def ask_open_ones(looks: list[Look], *, patience_s: float | None = None) -> None:
    """Ask those whose record does not settle it, all at once (QMP ``query-status``).

    Args:
        patience_s: Ask on one monitor only and wait so long; who did not answer then
            keeps an empty state. None: all monitors, each for a second.
    """
    open_ones = [one for one in looks if not one.state]
    sockets = MONITORS[-1:] if patience_s is not None else tuple(reversed(MONITORS))
    questions = {one.folder.name: (f"{one.folder.place}/{RUN}", list(sockets)) for one in open_ones}
    if not questions:
        return
    from kvmtui.qemu.plain import query_states

    answers = query_states(questions, limit_s=patience_s or 1.0)
    for one in open_ones:
        answer = answers.get(one.folder.name)
        if answer is not None:
            one.state = state_of(answer)
        elif live_pid(one.folder, one.record, one.summary.get("uuid")) is None:
            one.pid = None
            one.state = ended_state(one.folder, one.record)
        elif patience_s is None:
            one.presumed()
            one.error = one.error or "does not answer on any of its monitors"


def look_at(library: Library, name: str) -> GuestView:
    """What is known of one guest.

    Raises:
        KvmtuiError: It does not exist.
    """
    return look(library, [name])[0]
