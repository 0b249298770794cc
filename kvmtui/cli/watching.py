"""`wait`, `events`, `why`, `logs`."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from kvmtui.cli.context import Context
from kvmtui.cli.json_text import json_text
from kvmtui.cli.power import attempt, report, seconds
from kvmtui.durable import reading
from kvmtui.errors import KvmtuiError
from kvmtui.guest.folder import GuestFolder
from kvmtui.manage import story
from kvmtui.manage.following import Entry, Follower
from kvmtui.qemu.events import data_from
from kvmtui.text import visible

_PAUSE_S = 0.2
_PIECE_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 1 << 16


def configure_wait(parser: argparse.ArgumentParser) -> None:
    """Arguments of `wait`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--for",
        dest="condition",
        required=True,
        metavar="running|stopped|agent|text=REGEX|port=N",
    )
    parser.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help="default 60")


def run_wait(arguments: argparse.Namespace, context: Context) -> int:
    """Wait for a condition."""
    import asyncio

    from kvmtui.manage.fleet import Fleet

    name = arguments.name
    waiting = Fleet(context.library).wait(name, arguments.condition, timeout_s=arguments.timeout)
    return report(context, "wait", [attempt(name, lambda: asyncio.run(waiting))])


def configure_why(parser: argparse.ArgumentParser) -> None:
    """Arguments of `why`."""
    parser.add_argument("name", metavar="NAME")


def run_why(arguments: argparse.Namespace, context: Context) -> int:
    """Explain a guest's state."""
    told = story.why(context.library, arguments.name)
    if context.as_json:
        document = told._asdict()
        stop = told.last_stop
        document["last_stop"] = {"time": stop.time, "reason": stop.reason} if stop else None
        context.document(document)
        return 0
    context.say(f"{told.name} is {visible(told.summary, limit=1000)}")
    if told.asked_by:
        context.say(f"  last asked: {visible(told.asked_by)}")
    for title, lines in (
        ("last events", told.events),
        ("qemu.log", told.qemu_log),
        ("console", told.console),
        ("its last screen", told.screen),
    ):
        if lines:
            context.say(f"  {title}:")
            for line in lines:
                context.say(f"    {line}")
    if told.picture:
        context.say(f"  its last screen: {visible(told.picture, limit=4200)}")
    if told.report:
        what = visible(told.report_of, limit=100)
        context.say(f"  report ({what}): {visible(told.report, limit=4200)}")
    return 0


def configure_events(parser: argparse.ArgumentParser) -> None:
    """Arguments of `events`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as they come")


def run_events(arguments: argparse.Namespace, context: Context) -> int:
    """Print the story and the events of the runs, by time; with --json an object a line."""
    folder = context.library.folder(arguments.name)
    follower = Follower(folder)
    while True:
        for entry in follower.read(settle=arguments.follow):
            if context.as_json:
                _object(entry)
            else:
                context.say(visible(_told(entry), limit=2000))
        if not arguments.follow:
            return 0
        _pause(folder)


def _pause(folder: GuestFolder) -> None:
    """Wait a moment for more.

    Raises:
        KvmtuiError: The guest was renamed or deleted.
    """
    sys.stdout.flush()
    time.sleep(_PAUSE_S)
    if not folder.path.is_dir():
        raise KvmtuiError(f"{folder.name}: there is no such guest any more", hint="kvmtui list")


def _told(entry: Entry) -> str:
    """One entry as a line: its time, then what happened."""
    if "event" in entry:
        words = [entry["event"], json.dumps(entry["data"]) if entry.get("data") else ""]
    elif entry.get("phase") == "run":
        words = ["run ended:", story.LastStop(None, str(entry.get("reason"))).words]
    else:
        who = f"by {entry['user']} (pid {entry.get('pid')})" if "user" in entry else ""
        phase = entry.get("phase") if entry.get("phase") in ("kill", "install") else ""
        words = [phase, entry.get("verb"), entry.get("result"), who]
        told = entry.get("phase") in ("note", "install")
        words += [entry.get("text") if told else None]
        words += [entry.get("message"), *(entry.get("changes") or ())]
    return f"{entry['time']}  {' '.join(str(word) for word in words if word)}"


def _object(value: object) -> None:
    sys.stdout.write(json_text(value) + "\n")


def configure_logs(parser: argparse.ArgumentParser) -> None:
    """Arguments of `logs`."""
    parser.add_argument("name", metavar="NAME")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--console", action="store_true", help="the serial console (default)")
    which.add_argument("--qemu", action="store_true", help="QEMU's own messages")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as it grows")


def run_logs(arguments: argparse.Namespace, context: Context) -> int:
    """Print a log; on a terminal control characters are made visible.

    Followed, it is printed as it comes, unfinished lines (a login prompt) included;
    with --json an object for each whole line.
    """
    folder = context.library.folder(arguments.name)
    path = folder.qemu_log if arguments.qemu else folder.console_log
    write, finish = _log_writer(context)
    offset = 0
    while True:
        for piece in _grown(path, offset):
            offset = piece.end
            write(piece.data)
        if not arguments.follow:
            finish()
            return 0
        _pause(folder)


class _Piece(NamedTuple):
    """Bytes of a log, and the offset behind them."""

    data: bytes
    end: int


def _grown(path: Path, offset: int) -> Iterator[_Piece]:
    """What a log holds beyond an offset; all of it when it was begun anew."""
    with contextlib.suppress(FileNotFoundError), reading(path) as file:
        if os.fstat(file.fileno()).st_size < offset:
            offset = 0
        # Its head may have been cut off by a hole.
        offset = data_from(file.fileno(), offset)
        file.seek(offset)
        while data := file.read(_PIECE_BYTES):
            offset += len(data)
            yield _Piece(data, offset)


def _log_writer(context: Context) -> tuple[Callable[[bytes], object], Callable[[], object]]:
    """Functions that print a piece of a log, and what is left at its end."""
    if context.as_json:
        lines = _JsonLines()
        return lines.write, lines.finish
    if sys.stdout.isatty():
        shown = _VisibleLines()
        return shown.write, shown.finish
    sys.stdout.flush()
    return sys.stdout.buffer.write, sys.stdout.buffer.flush


class _JsonLines:
    """Prints an object for each whole line."""

    def __init__(self) -> None:
        self._rest = b""

    def write(self, data: bytes) -> None:
        """Take a piece of the log."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            _object({"line": line.decode("utf-8", "replace").rstrip("\r")})

    def finish(self) -> None:
        """Print the last line, though it has no end."""
        if self._rest:
            self.write(b"\n")


class _VisibleLines:
    """Prints text as it comes, cut where it may: not within a character or a line's end."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._open = False

    def write(self, data: bytes) -> None:
        """Take a piece of the log."""
        text = (self._held + self._decoder.decode(data)).replace("\r\n", "\n")
        self._held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r")
        sys.stdout.write("\n".join(visible(part, limit=4000) for part in text.split("\n")))
        if text:
            self._open = not text.endswith("\n")

    def finish(self) -> None:
        """End the last line, though the log does not."""
        if self._open:
            sys.stdout.write("\n")
