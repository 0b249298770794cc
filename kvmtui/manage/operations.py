"""What is and was done to guests, by whom, read from their stories.

Every kvmtui writes a line when it begins an operation and one when it ends, so all see
the same, whoever did it, and also after a restart.
"""

from __future__ import annotations

from typing import Any, Literal

from kvmtui.guest import history
from kvmtui.guest.folder import LOCK, GuestFolder
from kvmtui.guest.history import seconds_of
from kvmtui.guest.library import Library
from kvmtui.manage.views import OperationView
from kvmtui.qemu.process import is_held
from kvmtui.text import visible

_TAIL_BYTES = 64 << 10
_LONGEST_TITLE = 30
"""What is above its threshold is told beside the operations, as their verbs are."""
_MOST = 50
INSTALLS = "install"
"""The verb of an installation: it goes on with no kvmtui at work, and hinders nothing."""
_OF_INSTALL: dict[str, Literal["done", "failed", "interrupted"]] = {
    "installed": "done",
    "trouble": "failed",
    "kept": "interrupted",
}
CUT_OFF = "it was cut off: the kvmtui that did it is gone"


def read_operations(folder: GuestFolder) -> list[OperationView]:
    """The guest's newest operations, oldest first."""
    lines = history.read(folder.history, tail_bytes=_TAIL_BYTES)
    ends = {line.get("id"): line for line in lines if line.get("phase") == "end"}
    found: list[OperationView] = []
    for line in lines:
        phase = line.get("phase")
        if phase == "begin":
            end = ends.get(line.get("id"))
            running = end is None and is_held(f"{folder.path}/{LOCK}")
            found.append(operation_of(line, end, running=running, guest=folder.name))
        elif phase == "install" and line.get("step") == "begun":
            steps = [one for one in lines if one.get("id") == line.get("id")]
            found.append(_installation(folder.name, line, steps[-1]))
        elif phase == "run" and line.get("reason") == "crashed":
            found.append(_crash(folder, line))
        elif phase == "note" and line.get("begins"):
            found.append(_note(folder.name, line))
    return found[-_MOST:]


def read_home_story(library: Library) -> list[OperationView]:
    """The guests that were deleted and what was noted of the storage, newest last."""
    lines = history.read(library.history, tail_bytes=_TAIL_BYTES)
    noted = [
        _note("", line) for line in lines if line.get("phase") == "note" and line.get("begins")
    ]
    deleted = _deletions([line for line in lines if line.get("phase") == "gone"])
    return sorted(deleted + noted, key=lambda one: one.begun)[-_MOST:]


def _deletions(lines: list[history.Line]) -> list[OperationView]:
    found = []
    for number, line in enumerate(lines):
        when, pid = seconds_of(str(line.get("time"))), line.get("pid")
        found.append(
            OperationView(
                id=f"gone-{number}-{when}",
                guest=visible(str(line.get("guest")), limit=64),
                verb="delete",
                result="done",
                user=visible(str(line.get("user")), limit=40),
                pid=pid if isinstance(pid, int) else None,
                begun=when,
                ended=when,
                message="it is gone with its files",
            )
        )
    return found


def operation_of(
    begin: dict[str, Any],
    end: dict[str, Any] | None,
    *,
    running: bool,
    guest: str = "",
    image: str = "",
    percent: float | None = None,
) -> OperationView:
    """One operation by the two lines that its kvmtui wrote.

    Args:
        end: None while it goes on, or where it was cut off.
        running: Whether who began it is still at work.
        percent: How far it is, where that is known.
    """
    result: Literal["running", "done", "failed", "interrupted"]
    ended: float | None = None
    if end is not None:
        told = end.get("result")
        result = "done" if told == "done" else "failed" if told == "failed" else "interrupted"
        message, ended = str(end.get("message", "")), seconds_of(str(end.get("time")))
    elif running:
        result, message = "running", ""
    else:
        result, message = "interrupted", CUT_OFF
    pid = begin.get("pid")
    return OperationView(
        id=str(begin.get("id")),
        guest=guest,
        verb=visible(str(begin.get("verb")), limit=20),
        result=result,
        user=visible(str(begin.get("user")), limit=40),
        pid=pid if isinstance(pid, int) else None,
        begun=seconds_of(str(begin.get("time"))),
        ended=ended,
        message=visible(message),
        image=image,
        percent=percent,
    )


def _crash(folder: GuestFolder, line: dict[str, Any]) -> OperationView:
    when = seconds_of(str(line.get("ended") or line.get("time")))
    return OperationView(
        id=f"run-{line.get('run')}",
        guest=folder.name,
        verb="crashed",
        result="crashed",
        user="",
        pid=None,
        begun=when,
        ended=when,
        message="its process ended without being asked to",
    )


def _installation(guest: str, begun: dict[str, Any], last: dict[str, Any]) -> OperationView:
    """An installation, by its first and its newest line."""
    result = _OF_INSTALL.get(str(last.get("step")))
    pid = begun.get("pid")
    return OperationView(
        id=str(begun.get("id")),
        guest=guest,
        verb=INSTALLS,
        result=result or "running",
        user=visible(str(begun.get("user")), limit=40),
        pid=pid if isinstance(pid, int) else None,
        begun=seconds_of(str(begun.get("time"))),
        ended=None if result is None else seconds_of(str(last.get("time"))),
        message=visible(str(last.get("text")), limit=200) if result != "done" else "",
    )


def _note(guest: str, line: dict[str, Any]) -> OperationView:
    """A figure above its threshold, as a watch has noted it; of no guest: the storage."""
    when = seconds_of(str(line.get("time")))
    what = visible(str(line.get("what")), limit=20)
    text = visible(str(line.get("text")), limit=200)
    title, above, rest = text.partition(" above ")
    told = above and len(title) <= _LONGEST_TITLE
    return OperationView(
        id=f"note-{what}-{when}",
        guest=guest,
        verb=title if told else "threshold",
        result="noted",
        user="watch",
        pid=None,
        begun=when,
        ended=when,
        message=f"above {rest}" if told else text,
    )
