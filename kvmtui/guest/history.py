"""``history.jsonl``: who did what to a guest, and how each of its runs ended.

Six kinds of line, told apart by ``phase``:

    {"time", "phase": "begin", "id", "verb", "user", "pid", "boot_id"}
    {"time", "phase": "end", "id", "verb", "result", "took_s", "message"}
    {"time", "phase": "kill", "pid"}        just before QEMU had to be killed
    {"time", "phase": "run", "run", "started", "ended", "seen", "reason", "boot_id", "events"}
    {"time", "phase": "note", "what", "begins", "text", "value", "limit"}
    {"time", "phase": "install", "id", "step", "text", "user", "pid"}

An end's ``result`` is done, failed or interrupted; ``changed`` is false in it where the end
state already held. Besides it has what its verb found: ``accelerator`` (start), ``changes``
and ``needs_restart`` (set, edit), ``forced`` (shutdown: why the plug was pulled), ``name``
(rename). ``seen`` of a run is its last sign of life, for one whose end nobody saw.
A note is of `watch`: a figure was above its threshold for a while, or is within it again.
A begin without an end whose lock is held is under way; one whose lock is free was
cut off. Lines are appended under the guest's lock.
"""

from __future__ import annotations

import contextlib
import os
import time

from kvmtui import light_json as json
from kvmtui.durable import append_line, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    Line = dict[str, Any]

_TAIL_BYTES = 1 << 20
_LARGEST_BYTES = 1 << 20
_acting_as: list[str] = []


def iso_time(seconds: float | None = None) -> str:
    """A time as ISO 8601 UTC with milliseconds; now when none is given."""
    if seconds is None:
        seconds = time.time()
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03}Z"


def seconds_of(iso: str) -> float:
    """A time of `iso_time` as seconds since 1970; 0 for what is none."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return 0.0


def boot_id() -> str:
    """The kernel's id of this boot (``/proc/sys/kernel/random/boot_id``)."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


@contextlib.contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Have the stories tell of this one, where no person acts: ``host shutdown``.

    It holds for the whole process.
    """
    _acting_as.append(who)
    try:
        yield
    finally:
        _acting_as.pop()


def acting_user() -> str:
    """Who acts: as `acting_as` says, SUDO_USER, the login uid, else the effective user."""
    import pwd

    if _acting_as:
        return _acting_as[-1]

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
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        data = text.encode()
    except UnicodeEncodeError:  # A file's name that is no UTF-8.
        data = json.dumps(record, separators=(",", ":")).encode()
    append_line(path, data)


def make_room(path: Path | str) -> None:
    """Put a long story of the home beside a new one."""
    with contextlib.suppress(FileNotFoundError):
        if os.stat(path).st_size > _LARGEST_BYTES:
            os.replace(path, f"{os.fspath(path)}.1")


def tell_gone(path: Path | str, guest: str) -> None:
    """Tell in the home's own story that a guest was deleted: its story went with it.

    Several may do so at once: a line is one write at the end of the file. A long story
    makes room for a new one, and stays beside it.
    """
    make_room(path)
    line = {"phase": "gone", "verb": "delete", "guest": guest}
    append(path, {**line, "user": acting_user(), "pid": os.getpid()})


def read(path: Path | str, *, tail_bytes: int = _TAIL_BYTES, holding: bytes = b"") -> list[Line]:
    """The newest lines, oldest first; lines that do not parse are left out.

    Args:
        tail_bytes: How much of the file's end is read.
        holding: Only lines with these bytes in them, which spares parsing the others.
    """
    return read_from(path, tail_offset(path, tail_bytes), holding=holding)[0]


def tail_offset(path: Path | str, tail_bytes: int) -> int:
    """Where the last bytes begin; the line that this cuts does not parse."""
    try:
        return max(0, os.stat(path).st_size - tail_bytes)
    except FileNotFoundError:
        return 0


def read_from(path: Path | str, start: int, *, holding: bytes = b"") -> tuple[list[Line], int]:
    """The lines from an offset on that hold these bytes, and the offset behind them all.

    A torn last line is not yet written.
    """
    try:
        with reading(path) as file:
            file.seek(start)
            data = file.read()
    except FileNotFoundError:
        return [], start
    whole, newline, _ = data.rpartition(b"\n")
    lines = [line for line in whole.split(b"\n") if holding in line]
    return list(_parsed(lines)), start + len(whole) + len(newline)


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
