"""`set`, `edit`, `rename`, `delete`."""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys

from kvmtui.cli.context import Context, tell_failure
from kvmtui.cli.power import attempt, chosen_names, report
from kvmtui.errors import KvmtuiError
from kvmtui.guest.editing import Change
from kvmtui.guest.units import format_size
from kvmtui.manage import changing
from kvmtui.manage.drafts import MENDABLE, Draft, keep_text
from kvmtui.manage.views import Outcome


def configure_set(parser: argparse.ArgumentParser) -> None:
    """Arguments of `set`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "changes",
        nargs="+",
        metavar="KEY=VALUE",
        help="memory=4G, disks[0].cache=none; an empty value goes back to the default",
    )


def run_set(arguments: argparse.Namespace, context: Context) -> int:
    """Change values."""
    changes = [Change.parse(assignment) for assignment in arguments.changes]
    name, library = arguments.name, context.library
    return report(context, "set", [attempt(name, lambda: changing.change(library, name, changes))])


def configure_rename(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rename`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("new_name", metavar="NEW")


def run_rename(arguments: argparse.Namespace, context: Context) -> int:
    """Rename a guest."""
    name, new_name, library = arguments.name, arguments.new_name, context.library
    return report(
        context, "rename", [attempt(name, lambda: changing.rename(library, name, new_name))]
    )


def configure_delete(parser: argparse.ArgumentParser) -> None:
    """Arguments of `delete`."""
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="all guests")
    parser.add_argument("--tag", action="append", default=[], help="all guests with this tag")
    parser.add_argument("--keep-disks", action="store_true", help="put disks into images/")


def run_delete(arguments: argparse.Namespace, context: Context) -> int:
    """Delete guests, once it is clear what is lost."""
    library = context.library
    names = chosen_names(arguments, context, "delete", running=None)
    if len(names) == 1:
        changing.refuse_deletion(library, names[0])
    lost = [_what_is_lost(context, name, arguments.keep_disks) for name in names]
    if names:
        context.confirm(f"delete {', '.join(names)}", "; ".join(lost))

    def delete(name: str) -> Outcome:
        return changing.delete(library, name, keep_disks=arguments.keep_disks)

    results = [attempt(name, functools.partial(delete, name)) for name in names]
    return report(context, "delete", results)


def _what_is_lost(context: Context, name: str, keep_disks: bool) -> str:
    inside, elsewhere = changing.files_of(context.library, name)
    total = sum(size for _, size in inside)
    files = ", ".join(f"{file} {format_size(size)}" for file, size in inside[:6])
    more = f" and {len(inside) - 6} more" if len(inside) > 6 else ""
    text = f"{name} would lose {format_size(total)}: {files}{more}"
    if keep_disks:
        text += "; its disks go to images/"
    if elsewhere:
        text += f"; stays: {', '.join(elsewhere)}"
    return text


def configure_edit(parser: argparse.ArgumentParser) -> None:
    """Arguments of `edit`."""
    parser.add_argument("name", metavar="NAME")


def run_edit(arguments: argparse.Namespace, context: Context) -> int:
    """Open the definition in the user's editor; what is not valid is not saved."""
    library, name = context.library, arguments.name
    before = changing.definition_text(library, name)
    after = before
    while True:
        after = _edited(name, after)
        try:
            outcome = changing.replace_text(library, name, before, after)
            return report(context, "edit", [(name, outcome)])
        except KvmtuiError as error:
            if not after.strip():
                raise
            if not isinstance(error, MENDABLE) or not _edit_again(error):
                error.hint = f"look into {keep_text(name, after)}, where your text is"
                return report(context, "edit", [(name, error)])


def _edited(name: str, text: str) -> str:
    with Draft(name, text) as draft:
        draft.refuse_no_terminal(f"kvmtui set {name} KEY=VALUE")
        try:
            return draft.result(subprocess.run(draft.command).returncode)
        except OSError as error:
            raise draft.not_run(error) from None


def _edit_again(error: KvmtuiError) -> bool:
    if not sys.stdin.isatty():
        return False
    tell_failure(error)
    sys.stderr.write("edit again? [Y/n] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().lower() in ("", "y", "yes")
