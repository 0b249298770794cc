"""``history.jsonl``: who did what to a guest, and how each of its runs ended.

Four kinds of line, told apart by ``phase``:

    {"time", "phase": "begin", "id", "verb", "user", "pid", "boot_id"}
    {"time", "phase": "end", "id", "verb", "result", "message"}      result: done, failed
    {"time", "phase": "kill", "pid"}        just before QEMU had to be killed
    {"time", "phase": "run", "run", "started", "reason", "boot_id", "events": [...]}

A begin without an end whose lock is held is under way; one whose lock is free was
cut off. Lines are appended under the guest's lock.
"""

from __future__ import annotations

import json
import os
import time

from kvmtui.durable import append_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    Line = dict[str, Any]

_TAIL_BYTES = 1 << 20


def iso_time(seconds: float | None = None) -> str:
    """A time as ISO 8601 UTC with milliseconds; now when none is given."""
    if seconds is None:
        seconds = time.time()
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03}Z"


def boot_id() -> str:
    """The kernel's id of this boot (``/proc/sys/kernel/random/boot_id``)."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def acting_user() -> str:
    """Who is at the keyboard: SUDO_USER, the login uid, else the effective user."""
    import pwd

    sudo_user = os.environ.get("SUDO_USER")
    if sudo_user and os.geteuid() == 0:
        return sudo_user[:64]
    uid = os.getuid()
    try:
        with open("/proc/self/loginuid") as file:
            login_uid = int(file.read())
        if login_uid != 0xFFFFFFFF:
            uid = login_uid
    except (OSError, ValueError):
        pass
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def append(path: Path | str, line: Line) -> None:
    """Append one line; the caller holds the guest's lock."""
    record = {"time": iso_time(), **line}
    append_line(path, json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())


def read(path: Path | str, *, tail_bytes: int = _TAIL_BYTES, holding: bytes = b"") -> list[Line]:
    """The newest lines, oldest first; lines that do not parse are left out.

    Args:
        tail_bytes: How much of the file's end is read.
        holding: Only lines with these bytes in them, which spares parsing the others.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = max(0, size - tail_bytes)
            file.seek(start)
            data = file.read(tail_bytes)
    except FileNotFoundError:
        return []
    lines = data.split(b"\n")
    if start:
        del lines[0]
    return list(_parsed([line for line in lines if holding in line]))


def _parsed(lines: list[bytes]) -> Iterator[Line]:
    for line in lines:
        if not line:
            continue
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and isinstance(value.get("time"), str):
            yield value


def last_begin(lines: list[Line]) -> Line | None:
    """The newest begin that has no end: under way, or cut off."""
    ended = {line.get("id") for line in lines if line.get("phase") == "end"}
    for line in reversed(lines):
        if line.get("phase") == "begin":
            return None if line.get("id") in ended else line
    return None


def last_operation(lines: list[Line], verbs: tuple[str, ...]) -> Line | None:
    """The newest begin of one of these verbs."""
    for line in reversed(lines):
        if line.get("phase") == "begin" and line.get("verb") in verbs:
            return line
    return None
