"""The parsers of the command line: global options, and one for each verb."""

from __future__ import annotations

import argparse
import importlib
import sys

from kvmtui import __version__
from kvmtui.cli.verbs import VERBS
from kvmtui.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import NoReturn

    from _typeshed import SupportsWrite


_UNKNOWN = "unrecognized arguments: "
_OF_QEMU = {
    "-boot": "--set 'boot=[cdrom, disk]'",
    "-drive": "--disk",
    "-enable-kvm": "--accelerator kvm",
    "-m": "--memory",
    "-net": "--network",
    "-netdev": "--network",
    "-nic": "--network",
    "-smp": "--cpus",
}
"""Options that people know from QEMU's own command line."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, as every other failure."""

    def error(self, message: str) -> NoReturn:
        if message.startswith(_UNKNOWN):
            message += self._meant(message.removeprefix(_UNKNOWN).split(maxsplit=1)[0])
        _, _, verb = self.prog.partition(" ")
        raise UsageError(f"{verb}: {message}" if verb else message, hint=f"{self.prog} -h")

    def _meant(self, option: str) -> str:
        """Which option of this verb somebody may have meant."""
        known = self._option_string_actions
        meant = _OF_QEMU.get(option, f"-{option}")
        if meant.partition(" ")[0] not in known:
            meant = closest(option.partition("=")[0], (one for one in known if one[:2] == "--"))
        return f": did you mean {meant}?" if meant and option[:1] == "-" else ""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """As argparse, which would not tell that a help could not be written."""
        (file or sys.stdout).write(message)


def global_options(*, suppress: bool) -> Parser:
    """The options that stand before or after the verb.

    Args:
        suppress: Leave out what is not given, so that a later parser does not undo an
            earlier one.
    """
    parser = Parser(add_help=False, allow_abbrev=False)
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


def _help_text() -> str:
    width = max(len(verb) for verb in VERBS)
    lines = [f"  {verb.ljust(width)}  {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(["verbs:", *lines, "", "kvmtui VERB --help tells more."])


def top_parser() -> argparse.ArgumentParser:
    """The parser of what stands before a verb."""
    return Parser(
        prog="kvmtui",
        usage="kvmtui [--home DIR] [--json] [--quiet] [--yes] VERB …",
        description="Run virtual machines on a headless server.",
        epilog=_help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[global_options(suppress=False)],
        allow_abbrev=False,
    )


def verb_parser(verb: str) -> argparse.ArgumentParser:
    """The parser of one verb, its module imported."""
    module_name, text = VERBS[verb]
    module = importlib.import_module(f"kvmtui.cli.{module_name}")
    parser = Parser(
        prog=f"kvmtui {verb}",
        description=text[0].upper() + text[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[global_options(suppress=True)],
        allow_abbrev=False,
    )
    getattr(module, f"configure_{verb}")(parser)
    parser.set_defaults(run_verb=getattr(module, f"run_{verb}"))
    return parser


def add_verbs(
    parser: argparse.ArgumentParser, of: str, verbs: Mapping[str, str], *, dest: str, metavar: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Give a verb verbs of its own, which know the global options too.

    Args:
        of: How they are called in the help, such as ``verbs of image``.
        verbs: Each with what it does.
        dest: Where the one that was given is kept.

    Yields:
        Each with its parser, for its own arguments.
    """
    inner = parser.add_subparsers(dest=dest, metavar=metavar, parser_class=Parser, title=of)
    for verb, text in verbs.items():
        yield (
            verb,
            inner.add_parser(
                verb,
                help=text,
                description=text[0].upper() + text[1:] + ".",
                parents=[global_options(suppress=True)],
                allow_abbrev=False,
            ),
        )


def words_before(words: list[str]) -> argparse.Namespace:
    """What stands before the verb: global options, and ``help``."""
    parser = global_options(suppress=False)
    parser.prog = "kvmtui"
    parser.add_argument("-h", "--help", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def closest(word: str, words: Iterable[str]) -> str:
    """What somebody may have meant; empty where nothing is close."""
    import difflib

    close = difflib.get_close_matches(word, list(words), n=3, cutoff=0.7)
    # Exchanged letters before others: "strat" is start rather than stats.
    close.sort(key=lambda one: sorted(one) != sorted(word))
    return close[0] if close else ""
