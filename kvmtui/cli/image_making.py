"""`image create` and what else makes an image."""

from __future__ import annotations

import argparse
import getpass
import sys

from kvmtui.cli.context import Context
from kvmtui.cli.image_telling import finish, watcher
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.units import parse_size
from kvmtui.manage import image_copying, image_importing, image_making, image_places
from kvmtui.manage.image_unpacking import PIPE

_LONGEST_PASSPHRASE_BYTES = 4096


def size(text: str) -> int:
    """A size on the command line."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def configure_create(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image create`."""
    parser.add_argument("image", metavar="NEW", help="a path, or a name for images/")
    parser.add_argument("size", nargs="?", type=size, metavar="SIZE", help="such as 20G")
    parser.add_argument("--format", choices=image_making.MAKEABLE, default="qcow2")
    parser.add_argument("--preallocation", choices=image_making.PREALLOCATIONS, default="off")
    parser.add_argument("--cluster-size", type=size, metavar="SIZE", help="512 to 2M; qcow2 only")
    parser.add_argument("--compression", choices=("zlib", "zstd"), help="qcow2 only")
    parser.add_argument("--backing", metavar="IMAGE", help="the image that it stands on")
    parser.add_argument("--backing-format", metavar="FORMAT", help="its format, where unsure")
    parser.add_argument("--encrypt", action="store_true", help="with LUKS; asks the passphrase")
    add_passphrase(parser)
    add_follow(parser)


def add_passphrase(parser: argparse.ArgumentParser) -> None:
    """The option that says where a passphrase is read."""
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="where it stands; - is standard input"
    )


def add_follow(parser: argparse.ArgumentParser) -> None:
    """The option by which a person vouches for what an image refers to."""
    parser.add_argument(
        "--follow", action="store_true", help="follow an image out of the folders of images"
    )


def passphrase(source: str | None, *, twice: bool) -> bytes:
    """The passphrase, from a file, standard input, or asked on the terminal.

    Raises:
        UsageError: There is nowhere to get it from.
    """
    if source is not None:
        if source == "-":
            data = sys.stdin.buffer.read(_LONGEST_PASSPHRASE_BYTES + 1)
        else:
            with open(source, "rb") as file:
                data = file.read(_LONGEST_PASSPHRASE_BYTES + 1)
        data = data.removesuffix(b"\n").removesuffix(b"\r")
    elif sys.stdin.isatty():
        data = getpass.getpass("passphrase: ").encode()
        if twice and getpass.getpass("again: ").encode() != data:
            raise KvmtuiError("the two passphrases differ; nothing was done")
    else:
        raise UsageError("a passphrase is needed", hint="--passphrase-file FILE")
    if not data or len(data) > _LONGEST_PASSPHRASE_BYTES:
        raise UsageError("the passphrase is empty or too long")
    return data


def run_create(arguments: argparse.Namespace, context: Context) -> int:
    """Make an image."""
    library = context.library
    secret = None
    if arguments.encrypt or arguments.passphrase_file:
        secret = passphrase(arguments.passphrase_file, twice=True)
    backing = arguments.backing and image_places.find_image(library, arguments.backing)
    wish = image_making.Wish(
        format=arguments.format,
        preallocation=arguments.preallocation,
        cluster_bytes=arguments.cluster_size,
        compression=arguments.compression,
        passphrase=secret,
        backing=backing,
        backing_format=arguments.backing_format,
    )

    return finish(
        context,
        lambda: image_making.create(
            library,
            arguments.image,
            arguments.size,
            wish,
            follow=arguments.follow,
            watcher=watcher(context),
        ),
    )


def configure_convert(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image convert`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("target", metavar="NEW", help="a path, or a name for images/")
    parser.add_argument(
        "--format", choices=image_copying.WRITEABLE, help="default: as NEW is called, else qcow2"
    )
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("--rate", type=size, metavar="SIZE", help="the most a second: 50M")
    parser.add_argument("--cluster-size", type=size, metavar="SIZE")
    parser.add_argument("--source-format", metavar="FORMAT", help="where it cannot be told")
    add_follow(parser)


def run_convert(arguments: argparse.Namespace, context: Context) -> int:
    """Convert an image."""
    library = context.library
    source = image_places.find_image(library, arguments.image)
    how = image_copying.Copy(
        format=arguments.format or image_copying.format_of_name(arguments.target) or "qcow2",
        compress=arguments.compress,
        rate_bytes_per_s=arguments.rate,
        cluster_bytes=arguments.cluster_size,
        source_format=arguments.source_format,
        follow=arguments.follow,
    )
    return finish(
        context,
        lambda: image_copying.convert(library, source, arguments.target, how, watcher(context)),
    )


def configure_clone(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image clone`."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("target", metavar="NEW", help="a path, or a name for images/")
    group = parser.add_mutually_exclusive_group()
    for way, text in (
        ("full", "copy all"),
        ("linked", "stand on it: at once, and it must stay as it is"),
        ("reflink", "share its blocks where the file system can"),
    ):
        group.add_argument(f"--{way}", action="store_const", const=way, dest="way", help=text)
    parser.set_defaults(way="auto")
    add_follow(parser)


def run_clone(arguments: argparse.Namespace, context: Context) -> int:
    """Clone an image."""
    library = context.library
    source = image_places.find_image(library, arguments.image)
    return finish(
        context,
        lambda: image_copying.clone(
            library,
            source,
            arguments.target,
            arguments.way,
            follow=arguments.follow,
            watcher=watcher(context),
        ),
    )


def configure_import(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image import`."""
    parser.add_argument("source", metavar="FILE", help="image, OVA, .gz, .xz, .bz2; - is a pipe")
    parser.add_argument("name", nargs="?", metavar="NEW", help="a path, or a name for images/")
    parser.add_argument("--format", choices=image_copying.WRITEABLE, default="qcow2")
    parser.add_argument("--source-format", metavar="FORMAT", help="where it cannot be told")
    parser.add_argument("--disk", type=int, metavar="N", help="which disk of an OVA, from 1 on")
    parser.add_argument(
        "--largest",
        type=size,
        metavar="SIZE",
        help="the most that may be unpacked; default: what the file system has, at least 1T",
    )


def run_import(arguments: argparse.Namespace, context: Context) -> int:
    """Import an image."""
    how = image_importing.Import(
        arguments.format, arguments.source_format, arguments.disk, arguments.largest
    )
    pipe = sys.stdin.buffer if arguments.source == PIPE else None
    return finish(
        context,
        lambda: image_importing.import_image(
            context.library,
            arguments.source,
            arguments.name,
            how,
            pipe=pipe,
            watcher=watcher(context),
        ),
    )
