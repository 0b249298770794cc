"""Bringing images in: a file, a pipe, the disk of an OVA, compressed or not."""

from __future__ import annotations

import os
from typing import IO, NamedTuple

from kvmtui.errors import ImageError, UsageError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_guard, image_places
from kvmtui.manage.image_copying import SUFFIX_OF, WRITEABLE, Copy, copy_into, format_of_name
from kvmtui.manage.image_files import actual_bytes, publish
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_places import SUFFIXES
from kvmtui.manage.image_unpacking import PIPE, is_packed, opened, plain
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu.image_header import Header, read_header
from kvmtui.text import visible

_BLOCK_BYTES = 1 << 20
_HOLE_BYTES = 1 << 16
_KEEP_FREE_BYTES = 64 << 20
_LEAST_BOUND_BYTES = 1 << 40


class Import(NamedTuple):
    """How an image is brought in."""

    format: str = "qcow2"
    source_format: str | None = None
    """Where its first bytes do not say it."""
    disk: int | None = None
    """Which disk of an OVA, from 1 on; None: its only one."""
    largest_bytes: int | None = None
    """The most that may come out of a file that is packed, or a pipe; None: as much as the
    file system has in all, and no less than 1 TiB."""


def import_image(
    library: Library,
    source: str,
    name: str | None,
    how: Import,
    *,
    pipe: IO[bytes] | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Bring an image in; it stands alone afterwards and refers to nothing.

    Args:
        source: A file, or ``-`` for the pipe.
        name: Its path or bare name here; None: called as the source.
        pipe: Where ``-`` is read from.

    Raises:
        UsageError: It is not clear what it is to be called, or which disk is meant.
        ImageError: It is damaged, refers to other files, or there is no room; nothing is left.
    """
    if how.format not in WRITEABLE:
        raise UsageError(f"{visible(how.format)} cannot be written", hint=", ".join(WRITEABLE))
    target = image_places.new_place(library, target_name(source, name, how))
    what = f"{visible(target)} was not made"
    if how.source_format is None and source.endswith(".raw"):
        how = how._replace(source_format="raw")
    with image_tools(), work(library, "import", target, writes=(target,)) as one:
        here = _as_file(source, pipe, how, one, target, watcher or Watcher(), what)
        header = _whole(here, how, what)
        if here != source and (header.encrypted or header.driver == how.format):
            publish(here, target)
        else:
            part = one.new_part(target)
            copied = Copy(format=how.format)
            copy_into(one, [ChainPart(here, header)], part, copied, watcher, what)
            publish(part, target)
        one.result |= {"format": how.format, "size_bytes": header.virtual_size_bytes}
    shown = visible(shown_name(library, target))
    took = format_size(actual_bytes(target))
    kind = header.driver if header.encrypted else how.format
    return Outcome(shown, "image import", True, f"{shown} is here: {kind}, {took}")


def _as_file(
    source: str,
    pipe: IO[bytes] | None,
    how: Import,
    one: Work,
    target: str,
    watcher: Watcher,
    what: str,
) -> str:
    """The path of the image as a file of its own: the source, or what came out of it."""
    if source != PIPE:
        with plain(source) as file:
            head = file.read(512)
        header = None if is_packed(head) else _whole(source, how, what)
        if header is not None and header.driver != how.format and not header.encrypted:
            return os.path.abspath(source)
    spool = one.new_part(f"{target}.spool")
    is_cancelled = one.course(watcher).is_cancelled
    with (
        opened(source, pipe, how.disk, is_cancelled, what) as stream,
        open(spool, "wb") as file,
    ):
        _spool(stream, file, how.largest_bytes, what, source)
    return spool


def _whole(path: str, how: Import, what: str) -> Header:
    """The header of an image that refers to no other file.

    Raises:
        ImageError: It does, or is not what it should be.
    """
    header = read_header(path, how.source_format)
    if header.fault:
        raise ImageError(f"{what}: it {header.fault}")
    called = format_of_name(path)
    if how.source_format is None and header.driver == "raw" and called not in (None, "raw"):
        raise ImageError(
            f"{what}: {visible(path)} is called {called}, and is none",
            hint="if it is raw: --source-format raw",
        )
    if header.virtual_size_bytes == 0:
        raise ImageError(f"{what}: what came is empty")
    if header.backing_file is not None or header.data_files:
        named = visible(header.backing_file or header.data_files[0], limit=100)
        raise ImageError(
            f"{what}: it is not whole, it refers to {named}",
            hint="kvmtui image convert it where all its files are",
        )
    return header


def target_name(source: str, name: str | None, how: Import) -> str:
    """What an image is to be called that is brought in.

    Raises:
        UsageError: The pipe has no name to go by.
    """
    suffix = f".{SUFFIX_OF.get(how.format, how.format)}"
    if name is None:
        if source == PIPE:
            raise UsageError("what the pipe brings needs a name", hint="kvmtui image import - NAME")
        stem = os.path.basename(source)
        while os.path.splitext(stem)[1].lower() in {*SUFFIXES, ".ova", ".gz", ".xz", ".bz2"}:
            stem = os.path.splitext(stem)[0]
        return stem + suffix
    return name if os.path.splitext(name)[1] else name + suffix


def _spool(
    stream: IO[bytes], file: IO[bytes], largest_bytes: int | None, what: str, source: str
) -> None:
    """Copy a stream to its end; zeroes become holes, and room is left on the file system."""
    folder, size = os.path.dirname(file.name), 0
    largest = largest_bytes or max(_LEAST_BOUND_BYTES, _total_bytes(folder))
    while block := stream.read(_BLOCK_BYTES):
        if size + len(block) > largest:
            raise ImageError(
                f"{what}: more than {format_size(largest)} come out of {visible(source)}",
                hint="if that is what it should be: --largest SIZE",
            )
        if image_guard.free_bytes(folder) < _KEEP_FREE_BYTES + len(block):
            raise ImageError(f"{what}: {visible(folder)} is full", hint="make room there")
        for begin in range(0, len(block), _HOLE_BYTES):
            piece = block[begin : begin + _HOLE_BYTES]
            if piece.count(0) == len(piece):
                file.seek(len(piece), os.SEEK_CUR)
            else:
                file.write(piece)
        size += len(block)
    file.truncate(size)


def _total_bytes(folder: str) -> int:
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize
