"""`completion`: scripts for shells, which ask `kvmtui completion guests` for names."""

from __future__ import annotations

import sys

from kvmtui.cli.context import Context
from kvmtui.cli.images import SUBVERBS
from kvmtui.cli.verbs import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_SHELLS = ("bash", "zsh", "fish")
_GUESTS = "guests"
_NEW_NAMES = ("create",)
"""Verbs whose NAME is no guest yet."""

_BASH = """
_kvmtui_guests() {
  local index home=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    if [[ ${COMP_WORDS[index]} == --home ]]; then
      [[ ${COMP_WORDS[index + 1]} == "=" ]] && ((index++))
      home=(--home "${COMP_WORDS[index + 1]}")
    fi
  done
  compgen -W "$(kvmtui "${home[@]}" completion guests 2>/dev/null)" -- "$1"
}
"""
_ZSH = """
_kvmtui_guests() {
  local -a home guests
  local index=${words[(i)--home]}
  ((index < CURRENT)) && home=(--home "${words[index + 1]}")
  guests=(${(f)"$(kvmtui $home completion guests 2>/dev/null)"})
  compadd -a guests
}
"""


def configure_completion(parser: argparse.ArgumentParser) -> None:
    """Arguments of `completion`."""
    # What the scripts themselves ask for is no word for people: left out of the help.
    parser.add_argument("shell", choices=(*_SHELLS, _GUESTS), metavar="{bash,zsh,fish}")


def run_completion(arguments: argparse.Namespace, context: Context) -> int:
    """Print a completion script for a shell."""
    if arguments.shell == _GUESTS:
        sys.stdout.write("".join(f"{name}\n" for name in context.library.names()))
        return 0
    script = _fish() if arguments.shell == "fish" else _by_shtab(arguments.shell)
    if context.as_json:
        context.document({"shell": arguments.shell, "script": script})
    else:
        sys.stdout.write(script)
    return 0


def _by_shtab(shell: str) -> str:
    import shtab

    from kvmtui.cli.parsing import top_parser, verb_parser

    top = top_parser()
    verbs = top.add_subparsers()
    for verb, (_, text) in VERBS.items():
        parser = verb_parser(verb)
        for action in _guest_arguments(verb, parser):
            # shtab's own way to be told of a completer.
            vars(action)["complete"] = {"bash": "_kvmtui_guests", "zsh": "_kvmtui_guests"}
        for action in _file_arguments(parser):
            vars(action)["complete"] = shtab.FILE
        if verb == "completion":
            parser._actions[-1].choices = _SHELLS
        verbs.add_parser(verb, help=text, parents=[parser], add_help=False)
    script: str = shtab.complete(top, shell, preamble=_BASH if shell == "bash" else _ZSH)
    return script + "\n"


def _guest_arguments(verb: str, parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of a verb that name guests which are there."""
    if verb in _NEW_NAMES:
        return []
    return [action for action in parser._actions if action.metavar == "NAME"]


def _file_arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments that name images, of a verb and of its own verbs."""
    found = [action for action in parser._actions if action.metavar in ("IMAGE", "FILE")]
    for action in parser._actions:
        if action.metavar == "VERB" and action.choices:
            for own in dict(action.choices).values():
                found += _file_arguments(own)
    return found


def _fish() -> str:
    """Fish by hand: verbs, and guests where a verb takes them."""
    from kvmtui.cli.parsing import verb_parser

    lines = ["complete -c kvmtui -f"]
    taking = []
    for verb, (_, text) in VERBS.items():
        told = text.replace("'", "\\'")
        lines.append(f"complete -c kvmtui -n __fish_use_subcommand -a {verb} -d '{told}'")
        if _guest_arguments(verb, verb_parser(verb)):
            taking.append(verb)
    in_image = "'__fish_seen_subcommand_from image'"
    lines.append(f"complete -c kvmtui -n {in_image} -F -a '{' '.join(SUBVERBS)}'")
    seen = f"'__fish_seen_subcommand_from {' '.join(taking)}'"
    guests = "'(kvmtui completion guests 2>/dev/null)'"
    lines.append(f"complete -c kvmtui -n {seen} -a {guests}")
    return "\n".join(lines) + "\n"
