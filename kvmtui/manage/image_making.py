"""Making images anew: empty, or with a backing file."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

from kvmtui.errors import ImageError, UsageError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_guard, image_places
from kvmtui.manage.image_files import publish
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_work import Watcher, work
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.text import visible

MAKEABLE = ("qcow2", "raw")
COMPRESSIONS = ("zlib", "zstd")
PREALLOCATIONS = ("off", "metadata", "falloc", "full")
_SLACK_BYTES = 1 << 20
_COARSE_CLOCK = "accurate CPU usage"
_MOST_ATTEMPTS = 100


class Wish(NamedTuple):
    """What a new image is to be like."""

    format: str = "qcow2"
    preallocation: Literal["off", "metadata", "falloc", "full"] = "off"
    cluster_bytes: int | None = None
    """qcow2 only; a power of two from 512 to 2 MiB."""
    compression: Literal["zlib", "zstd"] | None = None
    """qcow2 only: how compressed clusters will be written."""
    passphrase: bytes | None = None
    """Encrypts it with LUKS; stands on no command line and in no record."""
    backing: str | None = None
    """The path of the image that it stands on; qcow2 only."""
    backing_format: str | None = None


def create(
    library: Library,
    name: str,
    size_bytes: int | None,
    wish: Wish,
    *,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Make an image, whole or not at all.

    Args:
        name: Its path, or its bare name in ``images/``.
        size_bytes: What a guest will see; None: as its backing file.
        follow: Whether a backing file may lie outside the folders of images.

    Raises:
        UsageError: The wish contradicts itself.
        ImageError: It was not made; nothing is left.
    """
    target = image_places.new_place(library, _with_suffix(name, wish.format))
    base = _base(library, wish, follow)
    size = _size(size_bytes, wish, base)
    what = f"{visible(target)} was not made"
    if wish.preallocation in ("falloc", "full"):
        image_guard.refuse_without_room(os.path.dirname(target), size + _SLACK_BYTES, what)
    reads = tuple(part.path for part in base)
    with (
        image_tools(),
        work(library, "create", target, writes=(target,), reads=reads) as one,
        image_tool.secret(wish.passphrase) as (arguments, keep),
    ):
        part = one.new_part(target)
        course = one.course(watcher or Watcher(), keep=keep)
        words = ["create", "-q", *arguments, *_options(wish, base, target), "--", part, str(size)]
        _made(words, what, course)
        publish(part, target)
        if wish.backing is not None:
            image_places.vouch_for(library, target, wish.backing)
        one.result["size_bytes"] = size
    shown = visible(shown_name(library, target))
    note = ""
    if wish.passphrase is not None:
        note = (
            "a guest uses it by 'disks[N].secret=FILE', an absolute path of a file with the "
            "passphrase alone: no newline, closed to others"
        )
    return Outcome(shown, "image create", True, f"{shown} is made: {format_size(size)}", note)


def _made(words: list[str], what: str, course: image_tool.Course) -> None:
    """Run qemu-img; LUKS again where QEMU's clock of its own work was too coarse.

    To choose how much work a passphrase takes, QEMU times a short run of it, and fails where
    the kernel counts that run as no time at all (7.2, "Unable to get accurate CPU usage").
    """
    for attempt in range(_MOST_ATTEMPTS):
        try:
            image_tool.run(words, what, course=course, limit_s=None)
            return
        except image_tool.Refused as refused:
            if _COARSE_CLOCK not in refused.reason or attempt == _MOST_ATTEMPTS - 1:
                raise


def _with_suffix(name: str, image_format: str) -> str:
    return name if os.path.splitext(name)[1] else f"{name}.{image_format}"


def _base(library: Library, wish: Wish, follow: bool) -> list[ChainPart]:
    if wish.backing is None:
        return []
    if wish.format != "qcow2":
        raise UsageError("only a qcow2 image can stand on another", hint="--format qcow2")
    return image_guard.chain_of(library, wish.backing, recorded=wish.backing_format, follow=follow)


def _size(size_bytes: int | None, wish: Wish, base: list[ChainPart]) -> int:
    if wish.format not in MAKEABLE:
        raise UsageError(
            f"{wish.format} images are not made empty: {' or '.join(MAKEABLE)}",
            hint="make a qcow2, and kvmtui image convert it",
        )
    if wish.format == "raw" and (wish.cluster_bytes or wish.compression):
        raise UsageError("a raw image has no clusters", hint="--format qcow2")
    if wish.format == "raw" and wish.preallocation == "metadata":
        raise UsageError("a raw image has no metadata to preallocate", hint="falloc or full")
    if base and wish.preallocation != "off":
        raise UsageError("an image that stands on another is not preallocated")
    below = base[0].header.virtual_size_bytes if base else None
    size = size_bytes if size_bytes is not None else below
    if size is None:
        raise UsageError("image create: which size", hint="kvmtui image create NAME 20G")
    if size <= 0 or size > 1 << 60:
        raise UsageError(f"an image cannot have {format_size(size)}")
    if below is not None and size < below:
        raise ImageError(
            f"it cannot be smaller than what it stands on, {format_size(below)}",
            hint=f"a size of {format_size(below)} or more",
        )
    return size


def _options(wish: Wish, base: list[ChainPart], target: str) -> list[str]:
    chosen = []
    if wish.preallocation != "off":
        chosen.append(f"preallocation={wish.preallocation}")
    if wish.cluster_bytes is not None:
        chosen.append(f"cluster_size={wish.cluster_bytes}")
    if wish.compression is not None:
        chosen.append(f"compression_type={wish.compression}")
    image_format = wish.format
    if wish.passphrase is not None:
        if wish.format == "raw":
            image_format = "luks"
            chosen.append("key-secret=s0")
        else:
            chosen += ["encrypt.format=luks", "encrypt.key-secret=s0"]
    words = ["-f", image_format]
    if chosen:
        words += ["-o", ",".join(chosen)]
    if base:
        backing, header = base[0]
        words += ["-u", "-b", backing_name(backing, target), "-F", header.driver]
    return words


def backing_name(backing: str, target: str) -> str:
    """How an image names the one that it stands on: by name alone when they lie side by side."""
    if os.path.dirname(backing) == os.path.dirname(target) and ":" not in os.path.basename(backing):
        return os.path.basename(backing)
    return backing
