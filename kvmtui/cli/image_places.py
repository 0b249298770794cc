"""`image add-directory`, `image remove-directory`, `image storage`."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context, table
from kvmtui.cli.image_telling import finish
from kvmtui.guest.units import format_size
from kvmtui.manage import image_places, image_storage, images
from kvmtui.manage.views import Outcome
from kvmtui.text import visible


def configure_add_directory(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image add-directory`."""
    parser.add_argument("path", metavar="PATH", help="a directory, or a block device")


def run_add_directory(arguments: argparse.Namespace, context: Context) -> int:
    """Add a directory or block device."""

    def add() -> Outcome:
        new, path = image_places.add_place(context.library, arguments.path)
        shown = visible(path)
        message = f"{shown} is listed" if new else f"{shown} is listed already"
        return Outcome(shown, "image add-directory", new, message)

    return finish(context, add)


def configure_remove_directory(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image remove-directory`."""
    parser.add_argument("path", metavar="PATH")


def run_remove_directory(arguments: argparse.Namespace, context: Context) -> int:
    """Forget a directory or block device."""

    def remove() -> Outcome:
        known, path = image_places.remove_place(context.library, arguments.path)
        shown = visible(path)
        message = f"{shown} is listed no more" if known else f"{shown} was not listed"
        return Outcome(shown, "image remove-directory", known, message)

    return finish(context, remove)


def configure_storage(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image storage`."""


def run_storage(arguments: argparse.Namespace, context: Context) -> int:
    """Tell of the file systems that hold images."""
    library = context.library
    found = image_storage.storages(library, images.survey(library))
    if context.as_json:
        context.document([one._asdict() | {"directories": list(one.directories)} for one in found])
        return 0
    rows = [
        (
            visible(one.mount),
            format_size(one.total_bytes),
            format_size(one.free_bytes),
            format_size(one.images_actual_bytes),
            format_size(one.promised_bytes),
        )
        for one in found
    ]
    heads = ("FILE SYSTEM", "SIZE", "FREE", "IMAGES", "PROMISED")
    context.say(table(heads, rows, right=frozenset({1, 2, 3, 4})))
    return 0
