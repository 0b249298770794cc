"""`wait`, `events`, `why`, `logs`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kvmtui.cli.context import Context
from kvmtui.cli.power import report, seconds
from kvmtui.guest import history
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.history import iso_time
from kvmtui.manage import story
from kvmtui.qemu.events import read_events
from kvmtui.text import visible

_PAUSE_S = 0.2
_LINE_BYTES = 1 << 16


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

    waiting = Fleet(context.library).wait(
        arguments.name, arguments.condition, timeout_s=arguments.timeout
    )
    return report(context, "wait", [(arguments.name, asyncio.run(waiting))])


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
    ):
        if lines:
            context.say(f"  {title}:")
            for line in lines:
                context.say(f"    {line}")
    return 0


def configure_events(parser: argparse.ArgumentParser) -> None:
    """Arguments of `events`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as they come")


def run_events(arguments: argparse.Namespace, context: Context) -> int:
    """Print the story and the events of the present run; with --json an object a line."""
    folder = context.library.folder(arguments.name)
    for line in history.read(folder.history, tail_bytes=4 << 20):
        _print_history(context, line)
    offset = _print_events(context, folder, _unfolded_from(folder))
    while arguments.follow:
        sys.stdout.flush()
        time.sleep(_PAUSE_S)
        offset = _print_events(context, folder, _restarted(folder, offset))
    return 0


def _unfolded_from(folder: GuestFolder) -> int:
    """Where the record begins to tell what the story does not hold yet."""
    record = folder.start_record()
    if record is None:
        return _size(folder.events)
    for line in history.read(folder.history):
        if line.get("phase") == "run" and line.get("run") == record.get("run"):
            return _size(folder.events)
    return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _restarted(folder: GuestFolder, offset: int) -> int:
    return 0 if _size(folder.events) < offset else offset


def _print_events(context: Context, folder: GuestFolder, offset: int) -> int:
    for event, end in read_events(folder.events, start=offset):
        offset = end
        if context.as_json:
            _object({"time": iso_time(event.time), "event": event.name, "data": event.data})
        else:
            context.say(story.event_line(event.time, event.name, event.data))
    return offset


def _print_history(context: Context, line: history.Line) -> None:
    if line.get("phase") == "run":
        for event in line.get("events", []):
            if context.as_json:
                _object(event)
            else:
                details = json.dumps(event.get("data")) if event.get("data") else ""
                told = f"{event.get('time')}  {event.get('event')}  {details}"
                context.say(visible(told.rstrip()))
        return
    if context.as_json:
        _object(line)
        return
    who = f"by {line['user']} (pid {line.get('pid')})" if "user" in line else ""
    words = [line.get("verb"), line.get("result"), who, line.get("message")]
    told = " ".join(str(word) for word in words if word)
    context.say(visible(f"{line['time']}  {told}"))


def _object(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def configure_logs(parser: argparse.ArgumentParser) -> None:
    """Arguments of `logs`."""
    parser.add_argument("name", metavar="NAME")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--console", action="store_true", help="the serial console (default)")
    which.add_argument("--qemu", action="store_true", help="QEMU's own messages")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as it grows")


def run_logs(arguments: argparse.Namespace, context: Context) -> int:
    """Print a log; on a terminal control characters are made visible."""
    folder = context.library.folder(arguments.name)
    path = folder.qemu_log if arguments.qemu else folder.console_log
    for line in _lines(path, arguments.follow):
        if context.as_json:
            _object({"line": line.decode("utf-8", "replace").rstrip("\r\n")})
        elif sys.stdout.isatty():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            sys.stdout.write(visible(text, limit=4000) + "\n")
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(line)
    return 0


def _lines(path: Path, follow: bool) -> Iterator[bytes]:
    offset = 0
    while True:
        size = _size(path)
        if size < offset:
            offset = 0
        if size > offset:
            with open(path, "rb") as file:
                file.seek(offset)
                while line := file.readline(_LINE_BYTES):
                    if follow and not line.endswith(b"\n") and len(line) < _LINE_BYTES:
                        break
                    offset += len(line)
                    yield line
        if not follow:
            return
        sys.stdout.flush()
        time.sleep(_PAUSE_S)
