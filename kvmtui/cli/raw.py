"""`qmp`, `schema`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.cli.power import seconds
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

    given = object_given(arguments.arguments)
    fleet = Fleet(context.library)
    answer = asyncio.run(
        fleet.qmp(arguments.name, arguments.command, given, limit_s=arguments.timeout)
    )
    context.document(answer)
    return 0


def configure_schema(parser: argparse.ArgumentParser) -> None:
    """Arguments of `schema`."""
    parser.add_argument("--profile", action="store_true", help="of a file of profiles instead")


def run_schema(arguments: argparse.Namespace, context: Context) -> int:
    """Print the JSON Schema of a definition, or of a file of profiles."""
    if arguments.profile:
        from kvmtui.guest.profile_schema import profile_schema

        context.document(profile_schema())
        return 0
    from kvmtui.guest.schema import definition_schema

    context.document(definition_schema())
    return 0


def object_given(text: str | None) -> dict[str, Any] | None:
    """A JSON object of the command line; None where none was given.

    Raises:
        UsageError: It is no JSON, or no object.
    """
    if text is None:
        return None
    try:
        given = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the arguments are not JSON: {error}") from None
    if not isinstance(given, dict):
        raise UsageError("the arguments are no JSON object", hint='\'{"key": "value"}\'')
    return given
