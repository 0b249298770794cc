"""`screen`: what a guest's display shows, as text or as a picture."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from kvmtui.cli.context import Context
from kvmtui.cli.power import report
from kvmtui.durable import write_atomically
from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest.units import parse_duration
from kvmtui.manage import screens, viewing, vnc
from kvmtui.text import visible


def configure_screen(parser: argparse.ArgumentParser) -> None:
    """Arguments of `screen`."""
    parser.add_argument("name", metavar="NAME")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", action="store_true", help="as text, where it is text (default)")
    how.add_argument("--png", metavar="FILE", help="as a picture; - is standard output")
    how.add_argument(
        "--viewer", action="store_true", help="the ssh and viewer lines for the graphical screen"
    )
    how.add_argument(
        "--password",
        action="store_true",
        help="set the password of the VNC server on a TCP port, for this run; asked for, not shown",
    )
    parser.add_argument(
        "--expires",
        type=parse_duration,
        metavar="S",
        help="with --password: lets nobody in by it after that: 10m, 0 at once (default: never)",
    )


def run_screen(arguments: argparse.Namespace, context: Context) -> int:
    """Show the display.

    Raises:
        StateError: It is in a graphics mode, and text was wanted.
    """
    if arguments.expires is not None and not arguments.password:
        raise UsageError("--expires goes with --password")
    if arguments.password:
        doing = vnc.set_password(
            context.library,
            arguments.name,
            _asked_password(arguments.name),
            expires_s=arguments.expires,
        )
        return report(context, "screen", [(arguments.name, asyncio.run(doing))])
    if arguments.viewer:
        return _tell_viewer(arguments.name, context)
    if arguments.png:
        return _save_png(arguments.name, arguments.png, context)
    name = arguments.name
    shown = asyncio.run(screens.screen(context.library, name))
    if context.as_json:
        context.document(_document(name, shown))
        return 0
    if shown.text is None:
        raise StateError(
            f"{name}'s display is in a graphics mode, {shown.width}×{shown.height}",
            hint=f"kvmtui screen {name} --png FILE",
        )
    for line in shown.text.lines():
        context.say(line)
    return 0


def _document(name: str, shown: screens.Screen) -> dict[str, object]:
    document: dict[str, object] = {
        "name": name,
        "mode": "graphics" if shown.text is None else "text",
        "width": shown.width,
        "height": shown.height,
    }
    if shown.text is not None:
        text = shown.text
        cursor = text.cursor
        document |= {
            "columns": text.columns,
            "rows": text.rows,
            "lines": text.lines(),
            "attributes": [text.attributes(row).hex() for row in range(text.rows)],
            "cursor": None if cursor is None else {"column": cursor[0], "row": cursor[1]},
        }
    return document


def _tell_viewer(name: str, context: Context) -> int:
    lines = viewing.viewer(context.library, name)
    listening = asyncio.run(vnc.listening(context.library, name))
    if context.as_json:
        tcp = None if listening is None else listening._asdict()
        context.document({"name": name, **lines._asdict(), "tcp": tcp})
    context.say("on the machine where your VNC viewer is:")
    context.say(f"  {lines.ssh}")
    context.say(f"  {lines.viewer}")
    if lines.bridge:
        context.say("or in a browser, by websockify and noVNC on this host:")
        context.say(f"  {lines.bridge}")
        context.say(f"  {lines.page}")
    if lines.note:
        context.say(lines.note)
    if listening is not None:
        how = "asks for a password" if listening.password else "asks for no password"
        context.say(f"where {listening.address} is reached ({how}):")
        context.say(f"  {listening.viewer}")
        if listening.websocket is not None:
            scheme = "wss" if listening.tls else "ws"
            host = listening.viewer.split()[1].partition("::")[0]
            context.say(f"  {scheme}://{host}:{listening.websocket} for a browser's viewer (noVNC)")
    return 0


def _asked_password(name: str) -> str:
    """From a terminal twice and without echo; else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(1000).removesuffix("\n")
    import getpass

    password = getpass.getpass(f"VNC password of {name}, not shown: ")
    if password and getpass.getpass("again: ") != password:
        raise UsageError("the two are not the same")
    return password


def _save_png(name: str, file: str, context: Context) -> int:
    if file == "-" and sys.stdout.isatty():
        raise UsageError("a picture is not written to a terminal", hint="--png FILE")
    grabbed = asyncio.run(screens.picture(context.library, name))
    data = grabbed.png()
    if file == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    path = Path(os.path.abspath(file))
    if path.exists() and not path.is_file():
        raise UsageError(f"{visible(file)} is no file")
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ImageError(f"{visible(file)} was not written: {error.strerror}") from None
    if context.as_json:
        document = {"name": name, "file": str(path), "size_bytes": len(data)}
        context.document(document | {"width": grabbed.width, "height": grabbed.height})
    context.say(f"{visible(file)}: {grabbed.width}×{grabbed.height}, {len(data)} bytes")
    return 0
