"""`expect`: a console script."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from kvmtui.cli.context import Context
from kvmtui.cli.power import report
from kvmtui.errors import DefinitionError, UsageError
from kvmtui.manage import expecting, starting
from kvmtui.manage.expect_script import Script, read_script
from kvmtui.manage.expecting import StepDone
from kvmtui.strict_yaml import LARGEST_BYTES
from kvmtui.text import visible


def configure_expect(parser: argparse.ArgumentParser) -> None:
    """Arguments of `expect`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("script", metavar="SCRIPT", help="a YAML file of steps")
    parser.add_argument("--start", action="store_true", help="start the guest first")
    parser.add_argument("--take-over", action="store_true", help="type in place of who does")


def run_expect(arguments: argparse.Namespace, context: Context) -> int:
    """Run a console script; each step is told as it comes through."""
    script = _script(arguments.script)
    library, name = context.library, arguments.name
    if arguments.start:
        starting.start(library, name)

    def tell(done: StepDone) -> None:
        found = f": {visible(done.found, limit=100)}" if done.found else ""
        context.say(f"{done.number:3}  {done.words}{found}  {done.took_s:.1f} s")

    running = expecting.expect(library, name, script, tell, take_over=arguments.take_over)
    return report(context, "expect", [(name, asyncio.run(running))])


def _script(file: str) -> Script:
    """The script of a file.

    Raises:
        UsageError: There is no such file.
        DefinitionError: What is wrong in it, named with the file.
    """
    try:
        with open(Path(file), "rb") as opened:
            data = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{visible(file)}: {error.strerror}") from None
    try:
        return read_script(data)
    except DefinitionError as error:
        problems = [f"{visible(file)}: {problem}" for problem in error.problems]
        raise DefinitionError(problems, hint=error.hint) from None
