"""`image partitions`: what a disk is divided into, and what is in it."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context, table
from kvmtui.cli.image_making import add_follow
from kvmtui.guest.units import format_size
from kvmtui.manage import image_partitions, image_places
from kvmtui.qemu.file_systems import FileSystem
from kvmtui.text import visible

_HEADS = ("NR", "START", "SIZE", "FOR", "NAME", "HOLDS", "LABEL", "UUID", "TROUBLE")


def configure_partitions(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image partitions`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--source-format", metavar="FORMAT", help="where it cannot be told")
    add_follow(parser)


def run_partitions(arguments: argparse.Namespace, context: Context) -> int:
    """List the partitions of an image."""
    library = context.library
    path = image_places.find_image(library, arguments.image)
    found = image_partitions.partitions(
        library, path, source_format=arguments.source_format, follow=arguments.follow
    )
    if context.as_json:
        context.document({"file": path, **image_partitions.document(found)})
        return 0
    if found.partitions:
        rows = [
            (
                str(one.number),
                format_size(one.start_bytes),
                format_size(one.size_bytes),
                one.kind,
                one.name or "-",
                *_holds(one.file_system),
                one.trouble,
            )
            for one in found.partitions
        ]
        context.say(table(_HEADS, rows, right=frozenset({0, 1, 2})))
        context.say(f"boots by {' or '.join(found.boot) or 'nothing that its table tells of'}")
    elif found.file_system is not None:
        kind, label, uuid = _holds(found.file_system)
        context.say(f"no partitions; the whole disk is {kind}, label {label}, UUID {uuid}")
    elif not context.quiet:
        context.say("no partitions, and nothing that is known")
    if found.trouble:
        context.note(f"{visible(arguments.image)}: {found.trouble}")
    return 0


def _holds(found: FileSystem | None) -> tuple[str, str, str]:
    if found is None:
        return "-", "-", "-"
    return found.kind, found.label or "-", found.uuid or "-"
