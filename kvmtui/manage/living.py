"""Whether a guest lives, and how it ended: from locks and records, without asking QEMU.

The standard library alone: `list` does this for each guest, and `start` before all else.
"""

from __future__ import annotations

from kvmtui.guest import history
from kvmtui.guest.folder import EVENTS, HISTORY, PID, RUN, RUN_LOCK
from kvmtui.qemu.events import last_state_event
from kvmtui.qemu.process import find_process, is_held, search_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmtui.guest.folder import GuestFolder


def live_pid(
    folder: GuestFolder, record: dict[str, Any] | None, defined_uuid: str | None
) -> int | None:
    """The pid of the guest's QEMU, or None.

    The UUID it was started with counts, since the definition may have changed since.
    """
    uuid = (record or {}).get("uuid") or defined_uuid
    pid_file = f"{folder.place}/{RUN}/{PID}"
    if record is None and is_held(f"{folder.place}/{RUN_LOCK}"):
        # A QEMU lives whose run/ was taken away; or one is about to be started.
        return search_process(pid_file, uuid)
    return find_process(pid_file, uuid) if isinstance(uuid, str) else None


def ended_state(folder: GuestFolder, record: dict[str, Any] | None) -> str:
    """The state of a guest without a process: ``stopped`` or ``crashed``."""
    if record is None:
        return "stopped"
    event, came_up = last_state_event(f"{folder.place}/{EVENTS}")
    if event == "SHUTDOWN" or not came_up or record.get("boot_id") != history.boot_id():
        return "stopped"
    return "stopped" if was_killed_on_request(folder, record) else "crashed"


def was_killed_on_request(folder: GuestFolder, record: dict[str, Any]) -> bool:
    """Whether the run that ``record`` tells of had to be killed by one of us.

    The story has a ``kill`` line from just before the signal.
    """
    started = str(record.get("time", ""))
    return any(
        line.get("phase") == "kill" and str(line["time"]) >= started
        for line in history.read(folder.at(HISTORY), tail_bytes=65536, holding=b'"kill"')
    )
