"""`qmp`, `schema`, `completion`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.cli.power import seconds
from kvmtui.cli.verbs import VERBS
from kvmtui.errors import UsageError


def configure_qmp(parser: argparse.ArgumentParser) -> None:
    """Arguments of `qmp`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("command", metavar="COMMAND", help="such as query-block")
    parser.add_argument("arguments", nargs="?", metavar="JSON", help="the command's arguments")
    parser.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help="default 60")


def run_qmp(arguments: argparse.Namespace, context: Context) -> int:
    """Run one QMP command and print its answer as JSON."""
    import asyncio

    from kvmtui.manage.fleet import Fleet

    given: dict[str, Any] | None = None
    if arguments.arguments is not None:
        try:
            given = json.loads(arguments.arguments)
        except ValueError as error:
            raise UsageError(f"the arguments are not JSON: {error}") from None
        if not isinstance(given, dict):
            raise UsageError("the arguments are no JSON object", hint='\'{"key": "value"}\'')
    fleet = Fleet(context.library)
    answer = asyncio.run(
        fleet.qmp(arguments.name, arguments.command, given, limit_s=arguments.timeout)
    )
    context.document(answer)
    return 0


def configure_schema(parser: argparse.ArgumentParser) -> None:
    """`schema` has no arguments of its own."""


def run_schema(arguments: argparse.Namespace, context: Context) -> int:
    """Print the JSON Schema of a definition."""
    from kvmtui.guest.schema import definition_schema

    context.document(definition_schema())
    return 0


def configure_completion(parser: argparse.ArgumentParser) -> None:
    """Arguments of `completion`."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run_completion(arguments: argparse.Namespace, context: Context) -> int:
    """Print a completion script for a shell."""
    from kvmtui.cli.parsing import verb_parser

    if arguments.shell == "fish":
        sys.stdout.write(_fish())
        return 0
    import shtab

    top = argparse.ArgumentParser(prog="kvmtui")
    verbs = top.add_subparsers()
    for verb, (_, text) in VERBS.items():
        parent = verb_parser(verb)
        verbs.add_parser(verb, help=text, parents=[parent], add_help=False)
    sys.stdout.write(shtab.complete(top, arguments.shell) + "\n")
    return 0


def _fish() -> str:
    """Fish by hand: verbs, and guests by `kvmtui list`."""
    lines = ["complete -c kvmtui -f"]
    for verb, (_, text) in VERBS.items():
        lines.append(f"complete -c kvmtui -n __fish_use_subcommand -a {verb} -d '{text}'")
    guests = "(kvmtui list 2>/dev/null | string match -r '^\\S+' | tail -n +2)"
    lines.append(f"complete -c kvmtui -n 'not __fish_use_subcommand' -a \"{guests}\"")
    return "\n".join(lines) + "\n"
