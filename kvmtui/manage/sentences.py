"""The words of a timeline: operations, events and ends of runs as plain sentences."""

from __future__ import annotations

from typing import Any

from kvmtui.manage.operation import DOING
from kvmtui.qemu.events import AGENT_PORT

Told = tuple[str, str]
"""A sentence and its kind."""

_MOST_CHANGES = 3
_PAST = {
    "stop": "stopped",
    "reset": "reset",
    "pause": "paused",
    "resume": "resumed",
    "reboot": "rebooted",
    "edit": "edited",
    "insert": "CD put in",
    "password": "VNC password set",
    "eject": "CD taken out",
}
_RUN_ENDS = {
    "host-went-down": ("host went down", "warning"),
    "crashed": ("crashed: its process ended without being asked to", "crash"),
}
_SHUTDOWNS = {
    "guest-shutdown": ("the guest shut itself down", "event"),
    "guest-reset": ("the guest rebooted, which ended it", "event"),
    "guest-panic": ("crashed: the guest's kernel panicked", "crash"),
    "host-qmp-quit": ("QEMU was told to quit", "event"),
    "host-signal": ("QEMU was ended by a signal", "warning"),
    "host-error": ("QEMU met an error of the host", "warning"),
}
_PLAIN = {
    "POWERDOWN": ("power button pressed", "event"),
    "RESUME": ("resumed", "event"),
    "STOP": ("paused", "event"),
    "GUEST_PANICKED": ("crashed: the guest's kernel panicked", "crash"),
    "BLOCK_JOB_ERROR": ("a job on a disk failed", "warning"),
    "MEM_UNPLUG_ERROR": ("the guest kept memory that was to be taken", "warning"),
}


def seconds_shown(duration_s: float) -> str:
    """A duration in a sentence: ``1.8 s``, ``6 s``, ``34 s``."""
    if duration_s >= 10:
        return f"{duration_s:.0f} s"
    return f"{duration_s:.1f}".removesuffix(".0") + " s"


def _by(words: str, who: str) -> str:
    return f"{words} by {who}" if who else words


def _took(end: dict[str, Any]) -> float | None:
    took_s = end.get("took_s")
    return float(took_s) if isinstance(took_s, (int, float)) else None


def finished_sentence(end: dict[str, Any], who: str, *, killed: bool = False) -> str:
    """What an operation did.

    Args:
        end: Its end line in the history.
        killed: Whether QEMU had to be killed for it.
    """
    verb = str(end.get("verb"))
    if verb == "start":
        return _started(end, who)
    if verb == "shutdown":
        return _shut_down(end)
    if verb == "create":
        return "created"
    if verb == "rename":
        return f"renamed to {end.get('name')}" if end.get("name") else "renamed"
    if verb in ("set", "edit"):
        return _changed(end, who)
    words = _by(_PAST.get(verb, f"{verb} done"), who)
    return f"{words}, QEMU had to be killed" if killed else words


def _started(end: dict[str, Any], who: str) -> str:
    took_s = _took(end)
    words = [_by("started", who), str(end.get("accelerator") or "")]
    words.append("" if took_s is None else f"ready in {seconds_shown(took_s)}")
    return ", ".join(word for word in words if word)


def _shut_down(end: dict[str, Any]) -> str:
    if end.get("ended"):
        return f"off: {end['ended']}"
    if end.get("forced"):
        return f"stopped by force: {end['forced']}"
    took_s = _took(end)
    return "shut down" if took_s is None else f"shut down in {seconds_shown(took_s)}"


def _changed(end: dict[str, Any], who: str) -> str:
    found = end.get("changes") or end.get("set")
    changes = [str(change) for change in found] if isinstance(found, list) else []
    if not changes:
        return _by("edited" if end.get("verb") == "edit" else "changed", who)
    words = changes[:_MOST_CHANGES]
    if len(changes) > _MOST_CHANGES:
        words.append(f"and {len(changes) - _MOST_CHANGES} more")
    if end.get("needs_restart"):
        words.append("needs restart")
    return ", ".join(words)


def failed_sentence(end: dict[str, Any], name: str, who: str) -> str:
    """What an operation did not do, and why."""
    verb = str(end.get("verb"))
    if end.get("result") == "interrupted":
        return _by(f"{verb} interrupted", who)
    message = str(end.get("message") or "")
    reason = message.removeprefix(f"{name}: ")
    if reason.startswith(f"{name} did not "):
        return reason.removeprefix(f"{name} ")
    return f"{verb} failed: {reason}" if reason else f"{verb} failed"


def under_way_sentence(verb: str, who: str) -> str:
    """What is being done now."""
    return _by(DOING.get(verb, f"{verb} under way"), who)


def run_sentence(reason: str) -> Told:
    """How a run ended that no event tells the end of."""
    return _RUN_ENDS.get(reason, (f"ended: {reason}", "event"))


def event_sentence(name: str, data: dict[str, Any]) -> Told | None:
    """What an event of QEMU means; None for one that means nothing to a person."""
    if name == "SHUTDOWN":
        reason = str(data.get("reason"))
        return _SHUTDOWNS.get(reason, (f"ended: {reason}", "event"))
    if name == "RESET":
        return ("the guest rebooted" if data.get("guest") else "reset over QMP", "event")
    if name == "BLOCK_IO_ERROR":
        return _disk_error(data)
    if name == "WATCHDOG":
        return f"the watchdog fired: {data.get('action')}", "warning"
    if name == "VSERPORT_CHANGE" and data.get("open") and data.get("id") == AGENT_PORT:
        return "the guest agent is there", "event"
    return _PLAIN.get(name)


def _disk_error(data: dict[str, Any]) -> Told:
    disk = data.get("node-name") or data.get("device") or "a disk"
    if data.get("nospace"):
        return f"no room for {disk} on the host: the guest waits", "warning"
    return f"{disk}: a {data.get('operation') or 'request'} failed", "warning"
