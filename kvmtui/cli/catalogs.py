"""`catalog`: cloud images, listed and pulled."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context, table
from kvmtui.cli.image_telling import finish, watcher
from kvmtui.errors import UsageError
from kvmtui.guest.units import format_size
from kvmtui.manage import catalog

_VERBS = {
    "list": "cloud images that there are, and those that are here",
    "pull": "fetch a cloud image; it is kept once, and taken only if its checksum is right",
}


def configure_catalog(parser: argparse.ArgumentParser) -> None:
    """Arguments of `catalog`."""
    from kvmtui.cli.parsing import add_verbs

    verbs = add_verbs(parser, "verbs of catalog", _VERBS, dest="catalog_verb", metavar="VERB")
    for verb, own in verbs:
        if verb == "pull":
            own.add_argument("image", metavar="ID", help="as catalog list has it: debian-13")
            own.add_argument("--arch", choices=("x86_64", "aarch64", "riscv64"), default="x86_64")
            own.add_argument(
                "--file", metavar="FILE", help="take it from there, on a host without internet"
            )
            own.add_argument(
                "--checksum", metavar="SUM|FILE", help="its SHA-256 or SHA-512, or the file with it"
            )


def run_catalog(arguments: argparse.Namespace, context: Context) -> int:
    """List or pull.

    Raises:
        UsageError: No verb is named.
    """
    if arguments.catalog_verb == "list":
        return _list(context)
    if arguments.catalog_verb == "pull":
        own = catalog.Own(arguments.file, arguments.checksum)
        return finish(
            context,
            lambda: catalog.pull(
                context.library, arguments.image, arguments.arch, own, watcher=watcher(context)
            ),
        )
    raise UsageError(f"catalog: which of {', '.join(_VERBS)}", hint="kvmtui catalog -h")


def _list(context: Context) -> int:
    found = catalog.entries(context.library)
    for fault in found.faults:
        context.note(fault)
    if context.as_json:
        context.document([_document(entry) for entry in found.entries])
        return 0
    rows = [
        (
            entry.image.id,
            entry.image.name,
            " ".join(entry.image.arch),
            entry.image.user,
            _here(entry),
        )
        for entry in found.entries
    ]
    context.say(table(("ID", "NAME", "ARCH", "USER", "HERE"), rows))
    return 0


def _here(entry: catalog.Entry) -> str:
    words = [f"{one.arch} {one.time[:10]}" for one in entry.here]
    if entry.unfinished_bytes:
        words.append(f"{format_size(entry.unfinished_bytes)} of it")
    return ", ".join(words) or "-"


def _document(entry: catalog.Entry) -> dict[str, object]:
    image = entry.image
    return {
        "id": image.id,
        "name": image.name,
        "os": image.os,
        "arch": list(image.arch),
        "user": image.user,
        "url": image.url,
        "unfinished_bytes": entry.unfinished_bytes,
        "here": [one._asdict() for one in entry.here],
    }
