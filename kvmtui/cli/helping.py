"""`help`: the verbs, one verb, and the first steps."""

from __future__ import annotations

import sys

from kvmtui.cli.context import Context
from kvmtui.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

FIRST_STEPS = "first-steps"
_WIDTH = 78


def configure_help(parser: argparse.ArgumentParser) -> None:
    """Arguments of `help`."""
    parser.epilog = (
        f"kvmtui help {FIRST_STEPS} is for who is new to virtual machines, or comes from a book: "
        "what host, guest, KVM and QEMU are, what this machine can do, and what QEMU's own "
        "commands are called here."
    )
    parser.add_argument(
        "topic", nargs="?", metavar="TOPIC", help=f"a verb, or {FIRST_STEPS}; none: all verbs"
    )


def run_help(arguments: argparse.Namespace, context: Context) -> int:
    """Print a topic.

    Raises:
        UsageError: There is no such topic.
    """
    from kvmtui.cli import parsing
    from kvmtui.cli.verbs import VERBS
    from kvmtui.text import visible

    topic = arguments.topic
    if topic == FIRST_STEPS:
        _first_steps(context)
    elif topic is None or topic in VERBS:
        text = (parsing.verb_parser(topic) if topic else parsing.top_parser()).format_help()
        if context.as_json:
            context.document({"topic": topic, "text": text})
        else:
            sys.stdout.write(text)
    else:
        hint = f"kvmtui help {parsing.closest(topic, [*VERBS, FIRST_STEPS])}".rstrip()
        raise UsageError(f"help: {visible(topic, limit=40)}: there is no such topic", hint=hint)
    return 0


def _first_steps(context: Context) -> None:
    """All pages one after the other, the one on this machine by its checks."""
    from kvmtui.manage.checking import check_host
    from kvmtui.manage.first_steps import in_lines, pages

    found = pages(check_host(context.library))
    if context.as_json:
        context.document([{"title": page.title, "text": page.text.strip()} for page in found])
    for number, page in enumerate(found):
        for line in [*([""] if number else []), page.title, "=" * len(page.title), ""]:
            context.say(line)
        for line in in_lines(page, _WIDTH):
            context.say(line)
