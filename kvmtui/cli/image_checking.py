"""`image check`, `image measure`, `image orphans`."""

from __future__ import annotations

import argparse
import os

from kvmtui.cli.context import Context
from kvmtui.cli.image_making import add_follow
from kvmtui.cli.image_telling import finish, watcher
from kvmtui.errors import ImageError
from kvmtui.guest.units import format_size
from kvmtui.manage import image_checking, image_deleting, image_info, image_places
from kvmtui.text import visible


def configure_check(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image check`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument(
        "--repair",
        choices=("leaks", "all"),
        help="leaks: free what nothing uses; all: mend wrong references too, which may lose data",
    )
    parser.add_argument(
        "--undo", metavar="FILE", help="write back the metadata that a repair kept in FILE"
    )
    add_follow(parser)


def run_check(arguments: argparse.Namespace, context: Context) -> int:
    """Check an image; the exit status is 1 when it is not sound."""
    library = context.library
    path = image_places.find_image(library, arguments.image)
    if arguments.undo:
        kept = os.path.abspath(arguments.undo)
        context.confirm(f"undo the repair of {visible(arguments.image)}", "it is damaged again")
        return finish(context, lambda: image_checking.undo_repair(library, path, kept))
    if arguments.repair == "all":
        context.confirm(
            f"repair {visible(arguments.image)}",
            "data that wrong references lead to may be lost; the metadata are kept beside it",
        )
    result = image_checking.check(
        library,
        path,
        repair=arguments.repair,
        follow=arguments.follow,
        watcher=watcher(context),
    )
    if context.as_json:
        context.document({**result._asdict(), "sound": result.is_sound})
    else:
        if result.is_sound:
            context.say(f"{result.name}: {result.words}")
        if result.kept is not None:
            context.say(f"its metadata as they were: {visible(result.kept)}")
        if result.is_sound and result.leaks and not arguments.repair:
            context.note(f"to free them: kvmtui image check {result.name} --repair leaks")
    if not result.is_sound:
        raise ImageError(
            f"{result.name}: {result.words}", hint=f"kvmtui image check {result.name} --repair all"
        )
    return 0


def configure_measure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image measure`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--format", choices=("qcow2", "raw"), default="qcow2")
    parser.add_argument("--source-format", metavar="FORMAT", help="where it cannot be told")
    add_follow(parser)


def run_measure(arguments: argparse.Namespace, context: Context) -> int:
    """Measure what a copy would take."""
    library = context.library
    path = image_places.find_image(library, arguments.image)
    found = image_checking.measure(
        library,
        path,
        arguments.format,
        source_format=arguments.source_format,
        follow=arguments.follow,
    )
    if context.as_json:
        context.document(
            {
                "file": path,
                "format": found.format,
                "required_bytes": found.required_bytes,
                "fully_allocated_bytes": found.fully_allocated_bytes,
                "reclaim_bytes": found.reclaim_bytes,
            }
        )
    else:
        context.say(
            f"a {found.format} copy takes {format_size(found.required_bytes)} at first, "
            f"{format_size(found.fully_allocated_bytes)} once all of it is written"
        )
        if found.reclaim_bytes is not None:
            context.say(f"compact would give back {format_size(found.reclaim_bytes)}")
    return 0


def configure_orphans(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image orphans`."""


def run_orphans(arguments: argparse.Namespace, context: Context) -> int:
    """Find what nobody uses."""
    found = image_deleting.orphans(context.library)
    if context.as_json:
        context.document(
            {
                "images": [image_info.view_document(view) for view in found.images],
                "actual_size_bytes": found.actual_bytes,
                "unfinished": list(found.unfinished),
                "removed": list(found.swept),
            }
        )
        return 0
    for path in found.swept:
        context.say(f"{visible(path)}: removed, the work that made it was cut off")
    for view in found.images:
        size = "-" if view.actual_size_bytes is None else format_size(view.actual_size_bytes)
        context.say(f"{visible(view.name)}  {size}")
    for path in found.unfinished:
        context.say(f"{visible(path)}  unfinished")
    if found.images:
        count = "1 image is" if len(found.images) == 1 else f"{len(found.images)} images are"
        context.say(f"{count} used by nobody: {format_size(found.actual_bytes)} would come free")
    elif not found.unfinished:
        context.say("every image is used")
    return 0
