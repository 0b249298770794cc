"""`install`: a guest from installation media, and where that stands."""

from __future__ import annotations

import argparse
import time
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.cli.creating import completed, configure_create, file_named, read_source
from kvmtui.cli.first_login import first_login_of, is_asked_for, own_files
from kvmtui.cli.power import attempt, report, seconds
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.first_login import FirstLogin
from kvmtui.manage import installing
from kvmtui.manage.views import Outcome

_PAUSE_S = 0.5
_ANSWERS = {"done": installing.done, "again": installing.again, "keep": installing.keep}


def configure_install(parser: argparse.ArgumentParser) -> None:
    """Arguments of `install`."""
    configure_create(parser)
    parser.add_argument(
        "--iso", action="append", default=[], metavar="FILE", help="what it is installed from"
    )
    parser.add_argument(
        "--reboots",
        type=int,
        metavar="N",
        help="how often it restarts itself until it is installed; as its --os has it, else 1",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--unattended",
        action="store_true",
        help="an answer file is made; so it is with any option for the first login",
    )
    way.add_argument("--by-hand", action="store_true", help="you answer; the usual")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--done", action="store_true", help="it is installed: start from its disk")
    answer.add_argument("--again", action="store_true", help="start anew from the medium")
    answer.add_argument("--keep", action="store_true", help="leave the guest as it is")
    parser.add_argument("--wait", action="store_true", help="wait until it is installed")
    parser.add_argument(
        "--timeout", type=seconds, default=7200.0, metavar="S", help="for --wait; default 7200"
    )


def run_install(arguments: argparse.Namespace, context: Context) -> int:
    """Begin an installation, answer its question, or tell where it stands."""
    name = arguments.name
    if not isinstance(name, str):
        raise UsageError("install: which name", hint="kvmtui install NAME --iso FILE")
    if arguments.show_seed:
        return _show_seed(arguments, context)
    _, result = attempt(name, lambda: _act(arguments, context))
    if arguments.wait and isinstance(result, Outcome):
        context.say(result.message)
        for note in result.note.splitlines():
            context.note(note)
        _, result = attempt(name, lambda: _waited(context, name, arguments.timeout))
    return report(context, "install", [(name, result)])


def _act(arguments: argparse.Namespace, context: Context) -> Outcome:
    name, library = arguments.name, context.library
    answer = next((word for word in _ANSWERS if getattr(arguments, word)), None)
    if arguments.cloud_image:
        raise UsageError(
            "install: a cloud image is installed already",
            hint=f"kvmtui create {name} --cloud-image {arguments.cloud_image}",
        )
    defines = arguments.iso or arguments.kernel or arguments.source or arguments.cdrom
    if answer is not None:
        if defines:
            raise UsageError(f"install: --{answer} goes with no medium")
        installing.settle(library, name)
        return _ANSWERS[answer](library, name)
    if not defines:
        return installing.settle(library, name) or installing.standing(library, name)
    return _begin(arguments, context)


def _defined(arguments: argparse.Namespace) -> tuple[str | None, dict[str, Any]]:
    """The definition that is begun with, its text too; the media are CDs like others."""
    text, plain = read_source(arguments.source)
    plain.pop("name", None)
    arguments.cdrom = [*arguments.iso, *arguments.cdrom]
    return text, plain


def _begin(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Define the guest and start it from its medium."""
    from kvmtui.manage import install_medium

    library, name = context.library, arguments.name
    text, plain = _defined(arguments)
    wants, own = _wishes(arguments), own_files(arguments)
    with file_named(arguments.source, []):
        fitted, notes = install_medium.fitted(library, completed(plain, arguments))
        try:
            made = installing.create(
                library, name, fitted, text=text, reboots=arguments.reboots, wants=wants, own=own
            )
        except UsageError:
            if not fitted.get("os"):
                # What it can be says what to name.
                context.note("\n".join(notes))
            raise
    outcome = installing.settle(library, name) or installing.standing(library, name)
    note = "\n".join(filter(None, (*notes, made.note, outcome.note)))
    return outcome._replace(note=note)


def _show_seed(arguments: argparse.Namespace, context: Context) -> int:
    """Print the answers that the installer would find.

    Raises:
        UsageError: There is no medium, or a person answers.
    """
    from kvmtui.cli.seeds import show_files
    from kvmtui.manage import install_medium
    from kvmtui.manage.unattended import unattended

    _, plain = _defined(arguments)
    wants = _wishes(arguments)
    assert wants is not None, "--show-seed asks for answers"
    fitted, _ = install_medium.fitted(context.library, completed(plain, arguments))
    made = unattended(arguments.name, fitted, wants, own_files(arguments))
    show_files(context, arguments.name, made.answers.label, made.answers.files)
    return 0


def _wishes(arguments: argparse.Namespace) -> FirstLogin | None:
    """What the answer file says; None where a person answers."""
    if not arguments.unattended and not is_asked_for(arguments):
        return None
    if arguments.by_hand:
        raise UsageError("install: --by-hand goes with no options for the first login")
    if arguments.user_data is not None:
        raise UsageError(
            "install: --user-data is for cloud images",
            hint="--seed-file NAME=FILE; templates go into ~/.config/kvmtui/unattended/",
        )
    return first_login_of(arguments, own_keys=True)


def _waited(context: Context, name: str, limit_s: float) -> Outcome:
    """Wait until it is installed; whatever it comes to in between is settled here."""
    deadline = time.monotonic() + limit_s
    while True:
        outcome = installing.settle(context.library, name)
        if outcome is not None:
            context.say(outcome.message)
        if not installing.is_under_way(context.library, name):
            return installing.standing(context.library, name)
        installing.standing(context.library, name)
        if time.monotonic() >= deadline:
            raise KvmtuiError(
                f"{name} is not installed after {limit_s:g} s, and goes on",
                hint=f"kvmtui install {name} --wait",
            )
        time.sleep(_PAUSE_S)


def settle_named(arguments: argparse.Namespace, context: Context) -> None:
    """Let installations of the guests that a verb names go on; what fails is noted."""
    names = getattr(arguments, "names", None) or [getattr(arguments, "name", None)]
    for name in filter(None, names):
        try:
            outcome = installing.settle_if_any(context.library, name)
        except KvmtuiError as error:
            context.note(error.message)
        else:
            context.note(outcome.message if outcome else "")
