"""Images from images: converted, cloned. The source is only read, the target whole or absent."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Any, Literal, NamedTuple

from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest.definition import FORMAT_OF_SUFFIX
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_guard, image_making, image_places
from kvmtui.manage.image_files import actual_bytes, publish, start_writing_back
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.text import visible

WRITEABLE = ("qcow2", "raw", "vmdk", "vdi", "vhdx", "vpc")
SUFFIX_OF = {"vpc": "vhd"}
CLONES = ("auto", "full", "linked", "reflink")
_MEASURABLE = ("qcow2", "raw")
_SLACK_BYTES = 64 << 20
_FICLONE = 0x40049409
_NO_REFLINK = (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS)


class Copy(NamedTuple):
    """How an image is converted."""

    format: str = "qcow2"
    compress: bool = False
    rate_bytes_per_s: int | None = None
    """The most that is read in a second; None: as fast as it goes."""
    cluster_bytes: int | None = None
    source_format: str | None = None
    """Where it is not recorded and its first bytes do not say it."""
    follow: bool = False
    """Whether the source may refer to files outside the folders of images."""


def convert(
    library: Library, source: str, target_name: str, how: Copy, watcher: Watcher | None = None
) -> Outcome:
    """Write an image anew in a format; what it stands on is copied into it.

    Args:
        source: The path of an image.
        target_name: The path of the new one, or its bare name in ``images/``.

    Raises:
        StateError: A guest that runs writes to the source.
        ImageError: It was not made; nothing is left, the source is as it was.
        Cancelled: A person ended it; so too.
    """
    target = image_places.new_place(library, _target_name(target_name, how.format))
    chain = image_guard.chain_of(library, source, recorded=how.source_format, follow=how.follow)
    view = image_guard.view_of(library, source)
    image_guard.refuse_in_use(library, view, "was not converted", reading=True)
    _refuse_encrypted(chain, "was not converted")
    reads = tuple(part.path for part in chain)
    with image_tools(), work(library, "convert", source, writes=(target,), reads=reads) as one:
        _refuse_without_room(chain, target, how)
        part = one.new_part(target)
        copy_into(one, chain, part, how, watcher, f"{visible(target)} was not made")
        publish(part, target)
        one.result |= {"target": target, "format": how.format}
    shown = visible(shown_name(library, target))
    took = format_size(actual_bytes(target))
    return Outcome(shown, "image convert", True, f"{shown} is made: {how.format}, {took}")


def _target_name(name: str, image_format: str) -> str:
    if image_format not in WRITEABLE:
        raise UsageError(
            f"{visible(image_format)} cannot be written", hint=f"one of {', '.join(WRITEABLE)}"
        )
    if os.path.splitext(name)[1]:
        return name
    return f"{name}.{SUFFIX_OF.get(image_format, image_format)}"


def _refuse_encrypted(chain: list[ChainPart], what: str) -> None:
    for part in chain:
        if part.header.encrypted:
            raise StateError(
                f"{visible(part.path)} {what}: it is encrypted, and the copy would not be",
                hint="qemu-img convert --object secret,id=s,file=FILE --image-opts driver=qcow2,"
                f"encrypt.key-secret=s,file.filename={visible(part.path)} -O qcow2 NEW",
            )


def format_of_name(name: str) -> str | None:
    """The format that a file's name says; None where it says none that can be written."""
    found = FORMAT_OF_SUFFIX.get(os.path.splitext(name)[1].lower())
    return found if found in WRITEABLE else None


def measured(chain: list[ChainPart], image_format: str) -> dict[str, int] | None:
    """What a copy would take, in bytes (``qemu-img measure``): ``required`` and
    ``fully-allocated``; None for formats of which qemu-img cannot say it.

    Raises:
        ImageError: The source cannot be read.
    """
    if image_format not in _MEASURABLE:
        return None
    path, header = chain[0]
    words = ["measure", "-U", "-f", header.driver, "-O", image_format, "--", path]
    answer: Any = image_tool.run_json(words, f"{visible(path)} was not measured")
    if not isinstance(answer, dict) or not isinstance(answer.get("required"), int):
        raise ImageError(f"{visible(path)} was not measured: qemu-img's answer makes no sense")
    return {key: value for key, value in answer.items() if isinstance(value, int)}


def _refuse_without_room(chain: list[ChainPart], target: str, how: Copy) -> None:
    """What is compressed may take any part of what is measured, so that is tried."""
    folder = os.path.dirname(target)
    size = chain[0].header.virtual_size_bytes
    if size and image_guard.free_bytes(folder) > size + size // 16 + _SLACK_BYTES:
        # Room for all that it can become: qemu-img need not be asked.
        return
    needed = None if how.compress else measured(chain, how.format)
    if needed is not None:
        what = f"{visible(target)} was not made"
        image_guard.refuse_without_room(folder, needed["required"], what)


def copy_into(
    one: Work,
    chain: list[ChainPart],
    part: str,
    how: Copy,
    watcher: Watcher | None,
    what: str,
    more: tuple[str, ...] = (),
) -> None:
    """Run ``qemu-img convert`` into a file that is there; holes stay holes.

    Args:
        more: Other options of its format, as ``key=value``.
    """
    path, header = chain[0]
    options = [*more]
    if how.cluster_bytes is not None:
        options.append(f"cluster_size={how.cluster_bytes}")
    if how.format == "vpc":
        options.append("force_size=on")
    if how.format == "vmdk" and how.compress:
        options.append("subformat=streamOptimized")
    words = ["convert", "-p", "-f", header.driver, "-O", how.format]
    words += ["-c"] if how.compress else []
    words += ["-r", str(how.rate_bytes_per_s)] if how.rate_bytes_per_s else []
    words += ["-o", ",".join(options)] if options else []
    course = one.course(watcher or Watcher(), header.virtual_size_bytes)
    tell = course.tell

    def tell_and_write(percent: float) -> None:
        # At most a few times a second, since progress is read no more often.
        start_writing_back(part)
        tell(percent)

    course.tell = tell_and_write
    words += ["--", path, part]
    rate = how.rate_bytes_per_s
    image_tool.run(words, what, course=course, limit_s=None, rate_bytes_per_s=rate)


def clone(
    library: Library,
    source: str,
    target_name: str,
    way: Literal["auto", "full", "linked", "reflink"],
    *,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Make an image with the same content, in the source's format.

    Args:
        way: ``linked`` stands on the source, ``reflink`` shares its blocks where the file
            system can, ``full`` copies; ``auto`` is reflink where it works, else full.

    Raises:
        StateError: A guest that runs writes to the source; or, for linked, a guest will.
        ImageError: It was not made; nothing is left.
    """
    chain = image_guard.chain_of(library, source, follow=follow)
    image_format = chain[0].header.driver
    if way == "linked":
        return _linked(library, source, target_name, image_format, follow)
    if image_format not in WRITEABLE and way != "reflink":
        raise ImageError(f"{visible(source)} was not cloned: {image_format} cannot be written")
    suffix = os.path.splitext(source)[1] or f".{image_format}"
    name = target_name if os.path.splitext(target_name)[1] else f"{target_name}{suffix}"
    target = image_places.new_place(library, name)
    view = image_guard.view_of(library, source)
    image_guard.refuse_in_use(library, view, "was not cloned", reading=True)
    how = Copy(format=image_format, cluster_bytes=chain[0].header.cluster_bytes, follow=follow)
    reads = tuple(part.path for part in chain)
    with image_tools(), work(library, "clone", source, writes=(target,), reads=reads) as one:
        part = one.new_part(target)
        done = "reflink" if way != "full" and _reflinked(chain, part, target) else "full"
        if done == "full":
            if way == "reflink":
                raise ImageError(
                    f"{visible(target)} was not made: the file system cannot share blocks",
                    hint="a full or linked clone",
                )
            _refuse_encrypted(chain, "was not cloned")
            image_guard.refuse_snapshots(view, "was not cloned")
            _refuse_without_room(chain, target, how)
            copy_into(one, chain, part, how, watcher, f"{visible(target)} was not made")
        publish(part, target)
        one.result |= {"target": target, "way": done}
    shown = visible(shown_name(library, target))
    told = "shares its blocks with the source" if done == "reflink" else "a full copy"
    return Outcome(shown, "image clone", True, f"{shown} is made: {told}")


def _reflinked(chain: list[ChainPart], part: str, target: str) -> bool:
    """Share all blocks of a single file with a new one (``FICLONE``); False where that fails."""
    path, header = chain[0]
    if header.data_files or (
        header.backing_file and os.path.dirname(path) != os.path.dirname(target)
    ):
        return False
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.ioctl(fd, _FICLONE, source)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in _NO_REFLINK:
            return False
        raise
    finally:
        os.close(source)
    return True


def _linked(
    library: Library, source: str, target_name: str, image_format: str, follow: bool
) -> Outcome:
    view = image_guard.view_of(library, source)
    writers = [user for user in view.used_by if user.role.startswith("disk") and not user.read_only]
    if writers:
        raise StateError(
            f"{visible(view.name)} was not cloned: {writers[0].guest} writes to it, "
            "and what stands on it would break",
            hint=f"kvmtui image clone {visible(view.name)} NEW --full",
        )
    name = target_name if os.path.splitext(target_name)[1] else f"{target_name}.qcow2"
    wish = image_making.Wish(backing=source, backing_format=image_format)
    made = image_making.create(library, name, None, wish, follow=follow)
    message = f"{made.name} is made: it stands on {visible(view.name)}, which must stay as it is"
    return made._replace(verb="image clone", message=message)


def copy_into_same(one: Work, source: str, part: str, watcher: Watcher | None, what: str) -> None:
    """Copy a file's bytes as they are into one that is there; holes stay holes.

    Raises:
        ImageError: It could not be copied.
        Cancelled: A person ended it.
    """
    size = os.path.getsize(source)
    course = one.course(watcher or Watcher(), size)
    words = ["convert", "-p", "-f", "raw", "-O", "raw", "--", source, part]
    image_tool.run(words, what, course=course, limit_s=None)
    os.truncate(part, size)
