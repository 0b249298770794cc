"""`image limit`: what a guest may read and write in a second."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context
from kvmtui.cli.image_telling import finish
from kvmtui.errors import UsageError
from kvmtui.manage import image_limiting, image_places
from kvmtui.manage.image_limiting import KEYS, WORDS

_OPTIONS = {
    "bytes_per_s": ("--bytes", "SIZE"),
    "read_bytes_per_s": ("--read-bytes", "SIZE"),
    "write_bytes_per_s": ("--write-bytes", "SIZE"),
    "iops": ("--iops", "N"),
    "read_iops": ("--read-iops", "N"),
    "write_iops": ("--write-iops", "N"),
    "burst_bytes_per_s": ("--burst-bytes", "SIZE"),
    "burst_read_bytes_per_s": ("--burst-read-bytes", "SIZE"),
    "burst_write_bytes_per_s": ("--burst-write-bytes", "SIZE"),
    "burst_iops": ("--burst-iops", "N"),
    "burst_read_iops": ("--burst-read-iops", "N"),
    "burst_write_iops": ("--burst-write-iops", "N"),
    "burst_s": ("--burst-seconds", "N"),
}


def configure_limit(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image limit`."""
    parser.add_argument("image", metavar="IMAGE")
    for key in KEYS:
        option, metavar = _OPTIONS[key]
        parser.add_argument(option, dest=key, metavar=metavar, help=WORDS[key])
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
