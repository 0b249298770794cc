"""`device`: CD drives of a guest."""

from __future__ import annotations

import argparse
import asyncio
import os

from kvmtui.cli.context import Context, table
from kvmtui.cli.power import report
from kvmtui.errors import UsageError
from kvmtui.manage import media
from kvmtui.text import visible

_VERBS = {
    "list": "the CD drives and what is in them",
    "insert": "put a CD image into a drive, in place of what is in it",
    "eject": "take the CD out of a drive",
}


def configure_device(parser: argparse.ArgumentParser) -> None:
    """Arguments of `device`: those of each of its verbs."""
    from kvmtui.cli.parsing import add_verbs

    verbs = add_verbs(parser, "verbs of device", _VERBS, dest="device_verb", metavar="VERB")
    for verb, own in verbs:
        own.add_argument("name", metavar="NAME")
        if verb == "insert":
            own.add_argument("file", metavar="FILE")
        if verb != "list":
            own.add_argument("--drive", default="cdrom0", metavar="DRIVE", help="default cdrom0")
            own.add_argument(
                "--force", action="store_true", help="open a tray that the guest holds shut"
            )
            own.add_argument(
                "--save", action="store_true", help="change the definition too (else this run only)"
            )


def run_device(arguments: argparse.Namespace, context: Context) -> int:
    """Do what one verb of `device` does.

    Raises:
        UsageError: None is named.
    """
    verb, library = arguments.device_verb, context.library
    if verb is None:
        raise UsageError(f"device: which of {', '.join(_VERBS)}", hint="kvmtui device -h")
    name = arguments.name
    if verb == "list":
        return _list(name, context)
    options = {"drive": arguments.drive, "force": arguments.force, "save": arguments.save}
    if verb == "insert":
        doing = media.insert(library, name, os.path.abspath(arguments.file), **options)
    else:
        doing = media.eject(library, name, **options)
    return report(context, f"device {verb}", [(name, asyncio.run(doing))])


def _list(name: str, context: Context) -> int:
    drives = asyncio.run(media.drives(context.library, name))
    if context.as_json:
        context.document([drive._asdict() for drive in drives])
        return 0
    if not drives:
        context.say(f"{name} has no CD drive")
        return 0
    rows = [
        (
            drive.name,
            visible(drive.file or "–"),
            visible(drive.defined or "–"),
            "open" if drive.open else "locked by the guest" if drive.locked else "shut",
        )
        for drive in drives
    ]
    context.say(table(("DRIVE", "NOW", "DEFINED", "TRAY"), rows))
    return 0
