"""The command line's entry: global options, the verb, failures told in one line."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys

from kvmtui import __version__
from kvmtui.cli.context import Context, tell_failure
from kvmtui.cli.verbs import VERBS
from kvmtui.errors import KvmtuiError, UsageError, told_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO, NoReturn

    from _typeshed import SupportsWrite

    from kvmtui.guest.library import Library

    Interface = Callable[[Library], int]

_INTERRUPTED = 130
_WITHOUT_TERMINAL = "list, show, start, shutdown, stop, create, why, demo and others"


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, as every other failure."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog.removeprefix('kvmtui ')}: {message}", hint=f"{self.prog} -h")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """As argparse, which would not tell that a help could not be written."""
        (file or sys.stdout).write(message)


def _global_options(*, suppress: bool) -> argparse.ArgumentParser:
    """The options that stand before or after the verb.

    Args:
        suppress: Leave out what is not given, so that a later parser does not undo an
            earlier one.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    default = argparse.SUPPRESS if suppress else False
    group = parser.add_argument_group("global options")
    group.add_argument(
        "--home",
        metavar="DIR",
        default=argparse.SUPPRESS if suppress else None,
        help="where guests are kept (also KVMTUI_HOME)",
    )
    group.add_argument("--json", action="store_true", default=default, help="one JSON document")
    group.add_argument("--quiet", action="store_true", default=default, help="tell failures only")
    group.add_argument("--yes", action="store_true", default=default, help="destroy without asking")
    group.add_argument("--version", action="version", version=f"kvmtui {__version__}")
    return parser


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the words before the verb from the verb and what follows."""
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--home":
            index += 2
            continue
        if not word.startswith("-"):
            break
        index += 1
    return list(argv[:index]), list(argv[index:])


def _help_text() -> str:
    width = max(len(verb) for verb in VERBS)
    lines = [f"  {verb.ljust(width)}  {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(["verbs:", *lines, "", "kvmtui VERB --help tells more."])


def top_parser() -> argparse.ArgumentParser:
    """The parser of what stands before a verb."""
    return _Parser(
        prog="kvmtui",
        usage="kvmtui [--home DIR] [--json] [--quiet] [--yes] VERB …",
        description="Run virtual machines on a headless server.",
        epilog=_help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_global_options(suppress=False)],
        allow_abbrev=False,
    )


def verb_parser(verb: str) -> argparse.ArgumentParser:
    """The parser of one verb, its module imported."""
    module_name, text = VERBS[verb]
    module = importlib.import_module(f"kvmtui.cli.{module_name}")
    parser = _Parser(
        prog=f"kvmtui {verb}",
        description=text[0].upper() + text[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_global_options(suppress=True)],
        allow_abbrev=False,
    )
    getattr(module, f"configure_{verb}")(parser)
    parser.set_defaults(run_verb=getattr(module, f"run_{verb}"))
    return parser


def _dispatch(argv: Sequence[str], interface: Interface | None) -> int:
    if not all(word.isascii() or _is_utf8(word) for word in argv):
        raise UsageError("a word on the command line is not UTF-8")
    before, rest = _split(argv)
    if not rest:
        outer = top_parser().parse_args(before)
        if interface is None:
            raise UsageError("no verb", hint="kvmtui --help")
        _require_terminal()
        return interface(Context(outer.home).library)
    first = _global_options(suppress=False)
    first.prog = "kvmtui"
    first.add_argument("-h", "--help", action="store_true", help=argparse.SUPPRESS)
    outer = first.parse_args(before)
    verb, words = rest[0], rest[1:]
    if outer.help and verb in VERBS:
        words = ["--help"]
    if verb not in VERBS:
        import difflib

        from kvmtui.text import visible

        close = difflib.get_close_matches(verb, VERBS, n=1, cutoff=0.7)
        hint = f"kvmtui {close[0]}" if close else "kvmtui --help"
        raise UsageError(f"{visible(verb, limit=40)}: there is no such verb", hint=hint)
    arguments = verb_parser(verb).parse_args(words, outer)
    context = Context(
        arguments.home, as_json=arguments.json, quiet=arguments.quiet, yes=arguments.yes
    )
    status: int = arguments.run_verb(arguments, context)
    return status


def _is_utf8(word: str) -> bool:
    """Whether a word came as UTF-8; definitions and histories can hold nothing else."""
    return not any(0xDC80 <= ord(character) <= 0xDCFF for character in word)


def _require_terminal() -> None:
    """Refuse to draw where nobody could see it; the interface draws on standard error.

    Raises:
        UsageError: Standard input, output or error is no terminal, or it is a dumb one.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if any(stream is None or not stream.isatty() for stream in streams):
        raise UsageError(
            f"no terminal here: {_WITHOUT_TERMINAL} work without one", hint="kvmtui --help"
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError(
            f"this terminal (TERM=dumb) cannot place text: {_WITHOUT_TERMINAL} work here",
            hint="kvmtui --help",
        )


def _leave_pipe() -> int:
    """The reader has left: nothing more can be told, and no traceback either."""
    _let_go(sys.stdout, sys.stderr)
    return 0


def _let_go(*streams: IO[str]) -> None:
    """Turn streams away from where they cannot be written, so that the exit is quiet."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(devnull, stream.fileno())


def _told(argv: Sequence[str], interface: Interface | None) -> int:
    """Run it and tell its failure.

    Raises:
        OSError: Not even the failure could be told.
    """
    try:
        try:
            status = _dispatch(argv, interface)
        except SystemExit as leave:
            status = leave.code if isinstance(leave.code, int) else 2
        sys.stdout.flush()
        return status
    except KvmtuiError as error:
        tell_failure(error)
        sys.stdout.flush()
        return error.exit_status
    except BrokenPipeError:
        raise
    except OSError as error:
        _let_go(sys.stdout)
        tell_failure(told_os_error("", error))
        return 1


def run(argv: Sequence[str], interface: Interface | None = None) -> int:
    """Run one command line and return its exit status.

    Args:
        interface: Opens the text interface on a home, for a call without a verb.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            return 1
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _told(argv, interface)
    except BrokenPipeError:
        return _leave_pipe()
    except OSError:
        _let_go(sys.stdout, sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write("kvmtui: interrupted\n")
        return _INTERRUPTED
