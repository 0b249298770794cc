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
    parser.add_argument("--stop", action="store_true", help="stop and remove the demo guests")


def run_demo(arguments: argparse.Namespace, context: Context) -> int:
    """Run the demo from start to end, or remove what an interrupted one left."""
    library = context.library
    if arguments.stop:
        results: list[tuple[str, Outcome | KvmtuiError]] = [
            (outcome.name, outcome) for outcome in demo.remove(library)
        ]
        return report(context, "demo", results)
    report_lines = []
    try:
        for line in demo.tell(library, format_size):
            context.say(line)
            report_lines.append(line)
    except KeyboardInterrupt:
        context.note("the demo guests go on: kvmtui demo --stop removes them")
        raise
    if context.as_json:
        context.document({"told": report_lines})
    return 0
