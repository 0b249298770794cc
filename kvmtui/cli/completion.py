"""`completion`: scripts for shells, which ask kvmtui itself for names, ids and media."""

from __future__ import annotations

import sys

from kvmtui.cli.context import Context
from kvmtui.cli.images import SUBVERBS
from kvmtui.cli.verbs import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_SHELLS = ("bash", "zsh", "fish")
_GUESTS, _PROFILES, _IMAGES, _MEDIA = "guests", "profiles", "catalog", "media"
_ASKED = (_GUESTS, _PROFILES, _IMAGES, _MEDIA)
"""What the scripts ask for, by a word that is none for people."""
_NEW_NAMES = ("create",)
"""Verbs whose NAME is no guest yet."""
_FILES = "files"
_OPTIONS = {
    "--os": _PROFILES,
    "--cloud-image": _IMAGES,
    "--iso": _MEDIA,
    "--cdrom": _MEDIA,
    "--ssh-key": _FILES,
}
_OTHERS = {
    ("profile", "show", "ID"): _PROFILES,
    ("catalog", "pull", "ID"): _IMAGES,
    ("device", "insert", "FILE"): _MEDIA,
}
_OWN_FILES = ("seed",)
"""Verbs whose FILE is none of this host."""

_BASH = """
_kvmtui_words() {
  local index home=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    if [[ ${COMP_WORDS[index]} == --home ]]; then
      [[ ${COMP_WORDS[index + 1]} == "=" ]] && ((index++))
      home=(--home "${COMP_WORDS[index + 1]}")
    fi
  done
  local IFS=$'\\n'
  compgen -W "$(kvmtui "${home[@]}" completion "$1" 2>/dev/null)" -- "$2"
}
_kvmtui_guests() { _kvmtui_words guests "$1"; }
_kvmtui_profiles() { _kvmtui_words profiles "$1"; }
_kvmtui_catalog() { _kvmtui_words catalog "$1"; }
_kvmtui_media() {
  _kvmtui_words media "$1"
  _shtab_compgen_files "$1"
}
"""
_ZSH = """
_kvmtui_words() {
  local -a home offered
  local index=${words[(i)--home]}
  ((index < CURRENT)) && home=(--home "${words[index + 1]}")
  offered=(${(f)"$(kvmtui $home completion $1 2>/dev/null)"})
  compadd -a offered
}
_kvmtui_guests() { _kvmtui_words guests }
_kvmtui_profiles() { _kvmtui_words profiles }
_kvmtui_catalog() { _kvmtui_words catalog }
_kvmtui_media() { _kvmtui_words media; _files }
"""


def configure_completion(parser: argparse.ArgumentParser) -> None:
    """Arguments of `completion`."""
    # What the scripts themselves ask for is no word for people: left out of the help.
    parser.add_argument("shell", choices=(*_SHELLS, *_ASKED), metavar="{bash,zsh,fish}")


def run_completion(arguments: argparse.Namespace, context: Context) -> int:
    """Print a completion script for a shell."""
    if arguments.shell in _ASKED:
        sys.stdout.write("".join(f"{name}\n" for name in _offered(arguments.shell, context)))
        return 0
    script = _fish() if arguments.shell == "fish" else _by_shtab(arguments.shell)
    if context.as_json:
        context.document({"shell": arguments.shell, "script": script})
    else:
        sys.stdout.write(script)
    return 0


def _offered(what: str, context: Context) -> list[str]:
    if what == _GUESTS:
        return context.library.names()
    from kvmtui.manage import offering

    if what == _MEDIA:
        return offering.media(context.library)
    return offering.profile_ids() if what == _PROFILES else offering.image_ids()


def _by_shtab(shell: str) -> str:
    import shtab

    from kvmtui.cli.parsing import top_parser, verb_parser

    top = top_parser()
    verbs = top.add_subparsers()
    for verb, (_, text) in VERBS.items():
        parser = verb_parser(verb)
        for _, action, offers in _offering(verb, parser):
            function = f"_kvmtui_{offers}"
            # shtab's own way to be told of a completer.
            vars(action)["complete"] = (
                shtab.FILE if offers == _FILES else {"bash": function, "zsh": function}
            )
        if verb == "completion":
            parser._actions[-1].choices = _SHELLS
        verbs.add_parser(verb, help=text, parents=[parser], add_help=False)
    script: str = shtab.complete(top, shell, preamble=_BASH if shell == "bash" else _ZSH)
    return script + "\n"


def _offering(
    verb: str, parser: argparse.ArgumentParser, own: str = ""
) -> Iterator[tuple[str, argparse.Action, str]]:
    """The arguments for which something is offered, with their verb's own verb, and what."""
    for action in parser._actions:
        if action.metavar == "VERB" and action.choices:
            for word, inner in dict(action.choices).items():
                yield from _offering(verb, inner, word)
        offers = next((_OPTIONS[one] for one in action.option_strings if one in _OPTIONS), "")
        if not offers and not action.option_strings:
            if action.metavar == "NAME" and verb not in _NEW_NAMES:
                offers = _GUESTS
            else:
                offers = _OTHERS.get((verb, own, str(action.metavar)), "")
        if not offers and action.metavar in ("IMAGE", "FILE") and verb not in _OWN_FILES:
            offers = _FILES
        if offers:
            yield own, action, offers


def _fish() -> str:
    """Fish by hand: verbs, and what is offered where a verb takes it."""
    from kvmtui.cli.parsing import verb_parser

    lines = ["complete -c kvmtui -f"]
    taking: dict[str, None] = {}
    for verb, (_, text) in VERBS.items():
        told = text.replace("'", "\\'")
        lines.append(f"complete -c kvmtui -n __fish_use_subcommand -a {verb} -d '{told}'")
        for own, action, offers in _offering(verb, verb_parser(verb)):
            words = "-F" if offers == _FILES else f"-a '{_ask(offers)}'"
            words += " -F" if offers == _MEDIA else ""
            if action.option_strings:
                long = action.option_strings[-1].removeprefix("--")
                seen = f"'__fish_seen_subcommand_from {verb}'"
                lines.append(f"complete -c kvmtui -n {seen} -l {long} -r {words}")
            elif offers == _GUESTS:
                taking[verb] = None
            elif verb != "image":
                seen = (
                    f"'__fish_seen_subcommand_from {verb}; and __fish_seen_subcommand_from {own}'"
                )
                lines.append(f"complete -c kvmtui -n {seen} {words}")
    in_image = "'__fish_seen_subcommand_from image'"
    lines.append(f"complete -c kvmtui -n {in_image} -F -a '{' '.join(SUBVERBS)}'")
    seen = f"__fish_seen_subcommand_from {' '.join(taking)}"
    others = "and not __fish_seen_subcommand_from profile catalog image"
    lines.append(f"complete -c kvmtui -n '{seen}; {others}' -a '{_ask(_GUESTS)}'")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _ask(offers: str) -> str:
    return f"(kvmtui completion {offers} 2>/dev/null)"
