"""`demo`: two guests that need no download, in the text interface or told as text."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context, terminal_fault
from kvmtui.cli.power import report
from kvmtui.errors import KvmtuiError
from kvmtui.guest.units import format_size
from kvmtui.manage import demo
from kvmtui.manage.views import Outcome


def configure_demo(parser: argparse.ArgumentParser) -> None:
    """Arguments of `demo`."""
    parser.add_argument(
        "--text", action="store_true", help="tell it as text, also where there is a terminal"
    )
    parser.add_argument("--stop", action="store_true", help="stop and remove the demo guests")


def run_demo(arguments: argparse.Namespace, context: Context) -> int:
    """Bring the demo guests up and show them; without a terminal tell all of it as text."""
    library = context.library
    if arguments.stop:
        results: list[tuple[str, Outcome | KvmtuiError]] = [
            (outcome.name, outcome) for outcome in demo.remove(library)
        ]
        return report(context, "demo", results)
    told_only = arguments.text or context.as_json or bool(terminal_fault())
    if context.interface is not None and not told_only:
        for line in demo.bring_up(library):
            context.say(line)
        return context.interface(library)
    return _tell(context)


def _tell(context: Context) -> int:
    """Run the demo from start to end, a line for each thing done or seen."""
    library = context.library
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
