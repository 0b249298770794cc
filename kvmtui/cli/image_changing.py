"""`image resize`, `rebase`, `flatten`, `compact`, `move`, `delete`, `cancel`."""

from __future__ import annotations

import argparse
import functools

from kvmtui.cli.context import Context
from kvmtui.cli.image_making import add_follow, size
from kvmtui.cli.image_telling import finish, watcher
from kvmtui.cli.power import attempt, report
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.units import format_size
from kvmtui.manage import (
    image_changing,
    image_copying,
    image_deleting,
    image_live_merging,
    image_live_moving,
    image_places,
    image_records,
)
from kvmtui.manage.views import Outcome
from kvmtui.text import visible


def configure_resize(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image resize`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("size", metavar="SIZE", help="40G, or +10G for so much more")
    parser.add_argument("--shrink", action="store_true", help="what lies behind the end is lost")
    add_follow(parser)


def run_resize(arguments: argparse.Namespace, context: Context) -> int:
    """Resize an image."""
    import asyncio

    from kvmtui.manage import image_live

    library = context.library
    path = image_places.find_image(library, arguments.image)
    relative = arguments.size.startswith("+")
    try:
        wanted = size(arguments.size.removeprefix("+"))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"image resize: {error}") from None
    if arguments.shrink and not relative:
        context.confirm(
            f"shrink {visible(arguments.image)}",
            f"what lies behind {format_size(wanted)} in it would be lost",
        )
    return finish(
        context,
        lambda: asyncio.run(
            image_live.resize(
                library,
                path,
                wanted,
                shrink=arguments.shrink,
                relative=relative,
                follow=arguments.follow,
                watcher=watcher(context),
            )
        ),
    )


def configure_rebase(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image rebase`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--backing", metavar="IMAGE", help="what it is to stand on")
    parser.add_argument("--no-backing", action="store_true", help="it is to stand alone")
    parser.add_argument("--backing-format", metavar="FORMAT", help="where it cannot be told")
    parser.add_argument(
        "--unsafe", action="store_true", help="only write the name: for a backing file that moved"
    )
    add_follow(parser)


def run_rebase(arguments: argparse.Namespace, context: Context) -> int:
    """Rebase an image."""
    if bool(arguments.backing) == arguments.no_backing:
        raise UsageError("image rebase: --backing IMAGE or --no-backing")
    library = context.library
    path = image_places.find_image(library, arguments.image)
    backing = arguments.backing and image_places.find_image(library, arguments.backing)
    if arguments.unsafe:
        context.confirm(
            f"rebase {visible(arguments.image)}",
            "its content becomes that of the new backing file where it has none of its own",
        )
    return finish(
        context,
        lambda: image_changing.rebase(
            library,
            path,
            backing,
            backing_format=arguments.backing_format,
            unsafe=arguments.unsafe,
            follow=arguments.follow,
            watcher=watcher(context),
        ),
    )


def configure_flatten(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image flatten`."""
    parser.add_argument("image", metavar="IMAGE")
    add_rate(parser)
    add_follow(parser)


def add_rate(parser: argparse.ArgumentParser) -> None:
    """The option that bounds what a guest's QEMU copies."""
    parser.add_argument(
        "--rate", type=size, metavar="SIZE", help="the most a second while its guest runs: 50M"
    )


def run_flatten(arguments: argparse.Namespace, context: Context) -> int:
    """Flatten an image."""
    path = image_places.find_image(context.library, arguments.image)
    return finish(
        context,
        lambda: image_live_merging.flatten(
            context.library,
            path,
            rate_bytes_per_s=arguments.rate,
            follow=arguments.follow,
            watcher=watcher(context),
        ),
    )


def configure_commit(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image commit`."""
    parser.add_argument("image", metavar="IMAGE")
    add_rate(parser)
    add_follow(parser)


def run_commit(arguments: argparse.Namespace, context: Context) -> int:
    """Commit an image into the one it stands on."""
    path = image_places.find_image(context.library, arguments.image)
    context.confirm(
        f"commit {visible(arguments.image)}",
        "what it stands on would have its content instead of its own, and it would be gone",
    )
    return finish(
        context,
        lambda: image_live_merging.commit(
            context.library,
            path,
            rate_bytes_per_s=arguments.rate,
            follow=arguments.follow,
            watcher=watcher(context),
        ),
    )


def configure_compact(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image compact`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--compress", action="store_true", help="compress its clusters; qcow2")
    add_follow(parser)


def run_compact(arguments: argparse.Namespace, context: Context) -> int:
    """Compact an image."""
    path = image_places.find_image(context.library, arguments.image)
    return finish(
        context,
        lambda: image_changing.compact(
            context.library,
            path,
            compress=arguments.compress,
            follow=arguments.follow,
            watcher=watcher(context),
        ),
    )


def configure_move(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image move`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("target", metavar="TO", help="a directory, a path, a name for images/")
    parser.add_argument(
        "--format", choices=image_copying.WRITEABLE, help="the format that it is to have"
    )
    add_rate(parser)
    add_follow(parser)


def run_move(arguments: argparse.Namespace, context: Context) -> int:
    """Move an image."""
    path = image_places.find_image(context.library, arguments.image)
    return finish(
        context,
        lambda: image_live_moving.move(
            context.library,
            path,
            arguments.target,
            image_live_moving.Move(arguments.format, arguments.rate, arguments.follow),
            watcher(context),
        ),
    )


def configure_delete(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image delete`."""
    parser.add_argument("images", nargs="+", metavar="IMAGE")


def run_delete(arguments: argparse.Namespace, context: Context) -> int:
    """Delete images; what would be refused is told before anything is asked."""
    library = context.library
    results: list[tuple[str, Outcome | KvmtuiError]] = []
    free = []
    for text in dict.fromkeys(arguments.images):
        try:
            path = image_places.find_image(library, text)
            free.append((text, path, image_deleting.refuse_deletion(library, path)))
        except KvmtuiError as error:
            results.append((text, error))
    if free:
        names = ", ".join(visible(view.name) for _, _, view in free)
        total = format_size(sum(view.actual_size_bytes or 0 for _, _, view in free))
        context.confirm(f"delete {names}", f"{total} would be gone for good")
    for text, path, _ in free:
        results.append(attempt(text, functools.partial(image_deleting.delete, library, path)))
    return report(context, "image delete", results, named=True)


def configure_cancel(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image cancel`."""
    parser.add_argument("id", metavar="ID", help="as the failure or Activity names it")


def run_cancel(arguments: argparse.Namespace, context: Context) -> int:
    """Ask work to end."""

    def cancel() -> Outcome:
        if not image_records.cancel(context.library, arguments.id):
            raise KvmtuiError(f"{visible(arguments.id)}: no such work goes on")
        return Outcome(arguments.id, "image cancel", True, f"{arguments.id} is asked to end")

    return finish(context, cancel)
