"""The command line's entry: global options, the verb, failures told in one line."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys

from kvmtui.cli.context import Context, tell_failure, terminal_fault
from kvmtui.cli.verbs import VERBS
from kvmtui.cli.words import NotPlain, Words
from kvmtui.errors import KvmtuiError, UsageError, told_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, Any

    from kvmtui.cli.context import Interface

_INTERRUPTED = 130
_SETTLING = frozenset(
    {"show", "shutdown", "reboot", "wait", "console", "screen", "type", "expect"}
    | {"stats", "events", "logs", "why", "agent", "reset", "pause", "resume"}
)
"""The verbs before which an installation of the guest goes on; `start` does so itself."""
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


def _dispatch(argv: Sequence[str], interface: Interface | None) -> int:
    before, rest = _split(argv)
    # The names of images are the file system's, which takes any bytes.
    words = before if rest[:1] == ["image"] else argv
    if not all(word.isascii() or _is_utf8(word) for word in words):
        raise UsageError("a word on the command line is not UTF-8")
    if not rest:
        return _open(before, interface)
    arguments = _plain(argv) or _parsed(before, rest)
    context = Context(
        arguments.home,
        as_json=arguments.json,
        quiet=arguments.quiet,
        yes=arguments.yes,
        interface=interface,
    )
    if rest[0] in _SETTLING:
        _settle(arguments, context)
    status: int = arguments.run_verb(arguments, context)
    return status


def _settle(arguments: Any, context: Context) -> None:
    """Let an installation of the guests that are named go on, where one is under way."""
    names = getattr(arguments, "names", None) or [getattr(arguments, "name", None)]
    guests = context.library.at("guests")
    if any(name and os.path.exists(f"{guests}/{name}/install.json") for name in names):
        from kvmtui.cli.installing import settle_named

        settle_named(arguments, context)


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


def _parsed(before: list[str], rest: list[str]) -> Any:
    """The arguments, by argparse.

    Args:
        before: What stands before the verb.
        rest: The verb and what follows.

    Raises:
        UsageError: They are wrong.
    """
    from kvmtui.cli import parsing

    outer = parsing.words_before(before)
    verb, words = rest[0], rest[1:]
    if outer.help and verb in VERBS:
        words = ["--help"]
    if verb not in VERBS:
        raise _no_such_verb(verb)
    return parsing.verb_parser(verb).parse_args(words, outer)


def _open(words: list[str], interface: Interface | None) -> int:
    """Open the text interface: there is no verb.

    Raises:
        UsageError: The words are wrong, or nobody could see it.
    """
    from kvmtui.cli import parsing

    outer = parsing.top_parser().parse_args(words)
    if interface is None:
        raise UsageError("no verb", hint="kvmtui --help")
    _require_terminal()
    return interface(Context(outer.home).library)


def _no_such_verb(verb: str) -> UsageError:
    from kvmtui.cli import parsing
    from kvmtui.text import visible

    if not verb:
        return UsageError("the verb is empty", hint="kvmtui --help")
    close = parsing.closest(verb, VERBS)
    hint = f"kvmtui {close or '--help'}"
    return UsageError(f"{visible(verb, limit=40)}: there is no such verb", hint=hint)


def _is_utf8(word: str) -> bool:
    """Whether a word came as UTF-8; definitions and histories can hold nothing else."""
    return not any(0xDC80 <= ord(character) <= 0xDCFF for character in word)


def _require_terminal() -> None:
    """Refuse to draw where nobody could see it.

    Raises:
        UsageError: Names the verbs that work without a terminal.
    """
    fault = terminal_fault()
    if fault:
        raise UsageError(f"{fault}: {_WITHOUT_TERMINAL} work without one", hint="kvmtui --help")


def _leave_pipe() -> int:
    """The reader has left: nothing more can be told, and no traceback either."""
    _let_go(sys.stdout, sys.stderr)
    return 0


def _open_closed_streams() -> None:
    """Let no file that is opened later take the number of a standard stream that was closed.

    Nothing comes from a closed standard input, and standard output cannot be written.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            flags = os.O_WRONLY if name == "stderr" else os.O_RDONLY
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


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
        closed = error.errno == errno.EBADF and not error.filename
        tell_failure(told_os_error("standard output" if closed else "", error))
        return 1
    except Exception as error:  # noqa: BLE001 - the edge: never a traceback
        from kvmtui.cli.fault import as_failure

        tell_failure(as_failure(error))
        return 1


def run(argv: Sequence[str], interface: Interface | None = None) -> int:
    """Run one command line and return its exit status.

    Args:
        interface: Opens the text interface on a home, for a call without a verb.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
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
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write("kvmtui: interrupted\n")
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        return _INTERRUPTED
