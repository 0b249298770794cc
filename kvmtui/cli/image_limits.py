"""`image limit`: what a guest may read and write in a second."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context
from kvmtui.cli.image_telling import finish
from kvmtui.errors import UsageError
from kvmtui.manage import image_limiting, image_places
from kvmtui.manage.image_limiting import KEYS

_OPTIONS = {
    "bytes_per_s": ("--bytes", "SIZE", "the most a second, read and written: 50M"),
    "read_bytes_per_s": ("--read-bytes", "SIZE", "the most that is read"),
    "write_bytes_per_s": ("--write-bytes", "SIZE", "the most that is written"),
    "iops": ("--iops", "N", "the most operations a second"),
    "read_iops": ("--read-iops", "N", "of reading"),
    "write_iops": ("--write-iops", "N", "of writing"),
    "burst_bytes_per_s": ("--burst-bytes", "SIZE", "more for a while, where less was used before"),
    "burst_read_bytes_per_s": ("--burst-read-bytes", "SIZE", "the same for reading"),
    "burst_write_bytes_per_s": ("--burst-write-bytes", "SIZE", "the same for writing"),
    "burst_iops": ("--burst-iops", "N", "the same for operations"),
    "burst_read_iops": ("--burst-read-iops", "N", "of reading"),
    "burst_write_iops": ("--burst-write-iops", "N", "of writing"),
    "burst_s": ("--burst-seconds", "N", "how long a burst may last"),
}


def configure_limit(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image limit`."""
    parser.add_argument("image", metavar="IMAGE")
    for key in KEYS:
        option, metavar, text = _OPTIONS[key]
        parser.add_argument(option, dest=key, metavar=metavar, help=text)
    parser.add_argument("--none", action="store_true", help="take all limits away, but those given")


def run_limit(arguments: argparse.Namespace, context: Context) -> int:
    """Change or show limits; 0 takes one away."""
    library = context.library
    path = image_places.find_image(library, arguments.image)
    given = {key: getattr(arguments, key) for key in KEYS if getattr(arguments, key) is not None}
    if any(not text.strip() for text in given.values()):
        raise UsageError("image limit: a limit is empty", hint="0 takes it away")
    if given or arguments.none:
        values = {key: "" if text == "0" else text for key, text in given.items()}
        return finish(
            context,
            lambda: image_limiting.limit(library, path, values, clear=arguments.none),
        )
    found = image_limiting.limits_of(library, path)
    if context.as_json:
        context.document([one._asdict() for one in found])
    for one in found:
        context.say(f"{one.guest} {one.role}: {image_limiting.told_limits(one.defined)}")
        if one.in_force is not None and one.in_force != one.defined:
            context.say(f"  in force: {image_limiting.told_limits(one.in_force)}")
    return 0
