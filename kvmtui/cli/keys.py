"""`type`: text and keys into a guest's keyboard."""

from __future__ import annotations

import argparse
import asyncio
import sys

from kvmtui.cli.context import Context
from kvmtui.cli.power import report
from kvmtui.errors import UsageError
from kvmtui.manage import typing_keys
from kvmtui.qemu import keyboard

_MOST_CHARACTERS = 100_000


def configure_type(parser: argparse.ArgumentParser) -> None:
    """Arguments of `type`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "text",
        nargs="?",
        metavar="TEXT",
        help="others on this host see it in their list of processes: --stdin for what is secret",
    )
    parser.add_argument(
        "--keys",
        action="append",
        default=[],
        metavar="KEYS",
        help="press keys: ctrl-alt-delete, ctrl-alt-f1, alt-sysrq-b; after the text, repeatable",
    )
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="type what standard input has; on a terminal it is not shown (a password)",
    )
    parser.add_argument("--enter", action="store_true", help="press Enter after the text")
    parser.add_argument(
        "--serial-break",
        action="store_true",
        help="send a BREAK down the serial line, last: Linux takes the letter after it for SysRq",
    )
    parser.add_argument(
        "--layout",
        choices=keyboard.LAYOUTS,
        help="the guest's keyboard layout (default: as its definition says)",
    )


def run_type(arguments: argparse.Namespace, context: Context) -> int:
    """Type text, then press keys.

    Raises:
        UsageError: There is nothing to type, or no key for it.
    """
    if arguments.text is not None and arguments.stdin:
        raise UsageError("a text does not go with --stdin")
    typed = arguments.stdin or arguments.keys or arguments.enter or arguments.text is not None
    if not (typed or arguments.serial_break):
        raise UsageError("type: what", hint=f"kvmtui type {arguments.name} TEXT, or --keys KEYS")
    named = [keyboard.stroke_named(keys) for keys in arguments.keys]
    library, name = context.library, arguments.name
    layout = arguments.layout or typing_keys.layout_of(library, name)
    text = _from_stdin(name) if arguments.stdin else arguments.text or ""
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(f"more than {_MOST_CHARACTERS} characters are not typed")
    text += "\n" if arguments.enter else ""
    strokes = keyboard.strokes_of(text, layout, secret=arguments.stdin) + named
    done = [asyncio.run(typing_keys.type_strokes(library, name, strokes))] if typed else []
    if arguments.serial_break:
        from kvmtui.manage import serial_console

        done.append(asyncio.run(serial_console.send_break(library, name)))
    return report(context, "type", [(name, outcome) for outcome in done])


def _from_stdin(name: str) -> str:
    """A line without echo from a terminal; else all there is, but its last line's end."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(f"to be typed at {name}, not shown: ")
    data = sys.stdin.buffer.read(_MOST_CHARACTERS * 4 + 1)
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8") from None
