"""The command line's entry: global options, the verb, failures told in one line."""

from __future__ import annotations

import io
import os
import sys

from kvmtui.cli.context import Context, tell_failure
from kvmtui.cli.verbs import VERBS
from kvmtui.cli.words import NotPlain, Words
from kvmtui.errors import KvmtuiError, UsageError, told_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_INTERRUPTED = 130
_WITHOUT_TERMINAL = "list, show, start, shutdown, stop, create, why, demo and others"


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


def _dispatch(argv: Sequence[str]) -> int:
    if not all(word.isascii() or _is_utf8(word) for word in argv):
        raise UsageError("a word on the command line is not UTF-8")
    arguments = _plain(argv) or _parsed(argv)
    context = Context(
        arguments.home, as_json=arguments.json, quiet=arguments.quiet, yes=arguments.yes
    )
    status: int = arguments.run_verb(arguments, context)
    return status


def _plain(argv: Sequence[str]) -> Any:
    """The arguments of a verb with plain words behind it; None where it takes argparse."""
    if not argv or argv[0] not in VERBS:
        return None
    verb = argv[0]
    name = f"kvmtui.cli.{VERBS[verb][0]}"
    __import__(name)
    module = sys.modules[name]
    words = Words()
    try:
        getattr(module, f"configure_{verb}")(words)
        arguments = words.read(argv[1:])
    except NotPlain:
        return None
    arguments.run_verb = getattr(module, f"run_{verb}")
    return arguments


def _parsed(argv: Sequence[str]) -> Any:
    """The arguments, by argparse.

    Raises:
        UsageError: They are wrong.
    """
    from kvmtui.cli import parsing

    before, rest = _split(argv)
    if not rest:
        parsing.top_parser().parse_args(before)
        raise _no_verb()
    outer = parsing.words_before(before)
    verb, words = rest[0], rest[1:]
    if outer.help and verb in VERBS:
        words = ["--help"]
    if verb not in VERBS:
        raise _no_such_verb(verb)
    return parsing.verb_parser(verb).parse_args(words, outer)


def _no_such_verb(verb: str) -> UsageError:
    import difflib

    from kvmtui.text import visible

    close = difflib.get_close_matches(verb, VERBS, n=1, cutoff=0.7)
    hint = f"kvmtui {close[0]}" if close else "kvmtui --help"
    return UsageError(f"{visible(verb, limit=40)}: there is no such verb", hint=hint)


def _is_utf8(word: str) -> bool:
    """Whether a word came as UTF-8; definitions and histories can hold nothing else."""
    return not any(0xDC80 <= ord(character) <= 0xDCFF for character in word)


def _no_verb() -> KvmtuiError:
    return UsageError(f"no verb: {_WITHOUT_TERMINAL} work without a terminal", hint="kvmtui --help")


def _leave_pipe() -> int:
    """The reader has left: nothing more can be told, and no traceback either."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(devnull, stream.fileno())
        except (OSError, ValueError):
            continue
    return 0


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            return 1
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _flushed(_status(argv))
    except BrokenPipeError:
        return _leave_pipe()
    except KeyboardInterrupt:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write("kvmtui: interrupted\n")
        return _flushed(_INTERRUPTED)


def _status(argv: Sequence[str]) -> int:
    try:
        return _dispatch(argv)
    except KvmtuiError as error:
        tell_failure(error)
        return error.exit_status
    except BrokenPipeError:
        raise
    except OSError as error:
        tell_failure(told_os_error("", error))
        return 1
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 2


def _flushed(status: int) -> int:
    """The exit status, once all that was said is out."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        tell_failure(told_os_error("", error))
        return 1
    return status
