"""What every verb gets: the home, and how to speak."""

from __future__ import annotations

import os
import sys

from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from kvmtui.guest.library import Library

    Interface = Callable[[Library], int]
    """Opens the text interface on a home; returns the exit status."""


class Context:
    """One call of the command line.

    Args:
        home: The chosen home, None for the default.
        as_json: Whether ``--json`` was given.
        quiet: Whether only failures are told.
        yes: Whether destroying needs no question.
        interface: What opens the text interface; None where there is none.
    """

    def __init__(
        self,
        home: str | None,
        *,
        as_json: bool = False,
        quiet: bool = False,
        yes: bool = False,
        interface: Interface | None = None,
    ) -> None:
        self._home = home
        self.as_json = as_json
        self.quiet = quiet
        self.yes = yes
        self.interface = interface

    @property
    def library(self) -> Library:
        """The library of guests in the home."""
        from kvmtui.guest.library import Library
        from kvmtui.host.paths import absolute, default_home

        if self._home == "":
            # What an unset variable leaves must not reach the guests of the usual home.
            raise UsageError("--home is empty", hint="name a folder, or leave --home out")
        return Library(absolute(self._home) if self._home else default_home())

    def say(self, text: str) -> None:
        """A line on standard output, unless quiet or JSON was asked for."""
        if not self.quiet and not self.as_json:
            sys.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """A line on standard error that is no failure."""
        if text and not self.quiet:
            sys.stderr.write(f"kvmtui: {text}\n")

    def document(self, value: Any) -> None:
        """One JSON document on standard output."""
        from kvmtui.cli.json_text import json_text

        sys.stdout.write(json_text(value, indent=2) + "\n")

    def confirm(self, question: str, consequence: str) -> None:
        """Ask before something is destroyed.

        Raises:
            UsageError: There is no terminal to ask on, and ``--yes`` was not given.
            KvmtuiError: The answer was no.
        """
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise UsageError(f"{question} needs a yes: {consequence}", hint="add --yes")
        sys.stderr.write(f"{consequence}\n{question}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise KvmtuiError("nothing was done")


def terminal_fault() -> str:
    """Why the text interface could not be seen here; empty when it can.

    It draws on standard error.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if any(stream is None or not stream.isatty() for stream in streams):
        return "no terminal here"
    if os.environ.get("TERM", "") in ("", "dumb"):
        return "this terminal (TERM=dumb) cannot place text"
    return ""


def tell_failure(error: KvmtuiError) -> None:
    """A failure as the contract has it: one line, then the remedy where there is one."""
    sys.stderr.write(f"kvmtui: {visible(error.message, limit=2000)}\n")
    if error.hint:
        sys.stderr.write(f"  try: {visible(error.hint, limit=500)}\n")


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()
) -> str:
    """Columns two cells apart; those in ``right`` are right-aligned."""
    lines = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    out = []
    for line in lines:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)
