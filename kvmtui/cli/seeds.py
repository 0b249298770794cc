"""`seed`: what cloud-init or an installer is given, to look at and to change."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Mapping

from kvmtui.cli.context import Context
from kvmtui.cli.power import attempt, report
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.first_login import read_bounded
from kvmtui.guest.library import Library
from kvmtui.guest.seed_image import MOST_BYTES
from kvmtui.manage import seeding
from kvmtui.manage.drafts import keep_text
from kvmtui.manage.secret_drafts import SecretDraft
from kvmtui.text import visible

_VERBS = {
    "show": "what a guest's seed holds",
    "edit": "change a file of it in $EDITOR; the guest sees it at its next start",
}


def configure_seed(parser: argparse.ArgumentParser) -> None:
    """Arguments of `seed`."""
    from kvmtui.cli.parsing import add_verbs

    verbs = add_verbs(parser, "verbs of seed", _VERBS, dest="seed_verb", metavar="VERB")
    for verb, own in verbs:
        own.add_argument("name", metavar="NAME")
        own.add_argument("file", nargs="?", metavar="FILE", help="one file of it: user-data …")
        if verb == "edit":
            own.add_argument("--from", dest="source", metavar="PATH", help="take this instead")
            own.add_argument(
                "--again", action="store_true", help="let cloud-init do all anew, once"
            )


def run_seed(arguments: argparse.Namespace, context: Context) -> int:
    """Show or change a seed.

    Raises:
        UsageError: No verb is named.
    """
    if arguments.seed_verb == "show":
        return _show(arguments, context)
    if arguments.seed_verb == "edit":
        return _edit(arguments, context)
    raise UsageError(f"seed: which of {', '.join(_VERBS)}", hint="kvmtui seed -h")


def _show(arguments: argparse.Namespace, context: Context) -> int:
    seed = seeding.seed_of(context.library, arguments.name)
    files = seed.files
    if arguments.file is not None:
        files = {arguments.file: files[seeding.chosen_file(seed, arguments.file)]}
    show_files(context, arguments.name, seed.label, files, headed=arguments.file is None)
    return 0


def show_files(
    context: Context, guest: str, label: str, files: Mapping[str, bytes], *, headed: bool = True
) -> None:
    """Print the files of a seed.

    Args:
        headed: Whether each has its name above it.
    """
    if context.as_json:
        texts = {name: data.decode("utf-8", "replace") for name, data in files.items()}
        context.document({"name": guest, "label": label, "files": texts})
        return
    for number, (name, data) in enumerate(files.items()):
        if headed:
            context.say(f"{'' if number == 0 else chr(10)}--- {visible(name)}")
        context.say(_readable(data))


def _readable(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(data)} bytes that are no text)"
    return "\n".join(visible(line, limit=20000) for line in text.removesuffix("\n").split("\n"))


def _edit(arguments: argparse.Namespace, context: Context) -> int:
    library, name = context.library, arguments.name
    seed = seeding.seed_of(library, name)
    file = arguments.file
    if file is None or file != "vendor-data":
        file = seeding.chosen_file(seed, file)
    before = seed.files.get(file, b"")
    if arguments.source is not None:
        after = read_bounded(arguments.source, MOST_BYTES + 1)
    else:
        after = _edited(library, name, file, before)
    result = attempt(
        name,
        lambda: seeding.replace_file(
            library, name, file, after, before=seed.files.get(file), again=arguments.again
        ),
    )
    if isinstance(result[1], KvmtuiError) and arguments.source is None:
        kept = keep_text(name, after.decode("utf-8", "replace"))
        result[1].hint = f"look into {kept}, where your text is"
    return report(context, "seed edit", [result])


def _edited(library: Library, name: str, file: str, before: bytes) -> bytes:
    with SecretDraft(library, file, before) as draft:
        draft.refuse_no_terminal(f"kvmtui seed edit {name} --from FILE")
        try:
            return draft.content(subprocess.run(draft.command).returncode)
        except OSError as error:
            raise draft.not_run(error) from None
