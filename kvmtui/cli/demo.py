"""`demo`: two guests that need no download, told as text."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context
from kvmtui.cli.power import report
from kvmtui.errors import KvmtuiError
from kvmtui.guest.units import format_size
from kvmtui.manage import demo
from kvmtui.manage.views import Outcome


def configure_demo(parser: argparse.ArgumentParser) -> None:
    """Arguments of `demo`."""
    parser.add_argument(
        "--keep", action="store_true", help="start the demo guests and leave them running"
    )
    parser.add_argument("--stop", action="store_true", help="stop and remove the demo guests")


def run_demo(arguments: argparse.Namespace, context: Context) -> int:
    """Run the demo from start to end, only begin it, or remove what was left of one."""
    library = context.library
    if arguments.stop:
        results: list[tuple[str, Outcome | KvmtuiError]] = [
            (outcome.name, outcome) for outcome in demo.remove(library)
        ]
        return report(context, "demo", results)
    report_lines = []
    try:
        lines = demo.begin(library) if arguments.keep else demo.tell(library, format_size)
        for line in lines:
            context.say(line)
            report_lines.append(line)
    except KeyboardInterrupt:
        context.note("the demo guests go on: kvmtui demo --stop removes them")
        raise
    if arguments.keep:
        context.note("the demo guests go on: kvmtui demo --stop removes them")
    if context.as_json:
        context.document({"told": report_lines})
    return 0
