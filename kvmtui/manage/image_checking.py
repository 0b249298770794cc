"""Checking and repairing images, and measuring what a copy would take."""

from __future__ import annotations

import errno
import json
import os
import time
from typing import Any, Literal, NamedTuple

from kvmtui.durable import give_to_owner_of
from kvmtui.errors import ImageError, StateError
from kvmtui.guest.library import Library
from kvmtui.manage import image_guard
from kvmtui.manage.image_copying import measured
from kvmtui.manage.image_files import actual_bytes
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.text import visible

CHECKABLE = ("qcow2", "qed", "vdi", "vhdx", "parallels")
REPAIRABLE = ("qcow2", "qed", "vhdx", "parallels")
_BEFORE_REPAIR = ".before-repair"
_BLOCK_BYTES = 1 << 20


class CheckResult(NamedTuple):
    """What a check found."""

    name: str
    corruptions: int
    """Wrong references that were found and not repaired."""
    leaks: int
    """Clusters that are taken and used by nothing; harmless."""
    corruptions_fixed: int
    leaks_fixed: int
    check_errors: int
    """Places that could not be checked."""
    kept: str | None
    """The copy of the metadata from before the repair."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong; leaked clusters are not wrong."""
        return not self.corruptions and not self.check_errors

    @property
    def words(self) -> str:
        """The result in a few words."""
        parts = [
            _count(self.corruptions, "error"),
            _count(self.check_errors, "unreadable place"),
            _count(self.leaks, "leaked cluster"),
            _count(self.corruptions_fixed, "error", " repaired"),
            _count(self.leaks_fixed, "leaked cluster", " freed"),
        ]
        return ", ".join(part for part in parts if part) or "no errors"


def _count(number: int, what: str, done: str = "") -> str:
    return f"{number} {what}{'' if number == 1 else 's'}{done}" if number else ""


def check(
    library: Library,
    path: str,
    *,
    repair: Literal["leaks", "all"] | None = None,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> CheckResult:
    """Check an image's own structures, and repair them where that is asked for.

    Args:
        repair: ``leaks`` frees clusters that nothing uses; ``all`` also mends wrong
            references, which may lose data. A copy of the metadata is made first.

    Raises:
        StateError: It is in use: what is half-written would look wrong.
        ImageError: Its format has nothing to check, or qemu-img could not.
    """
    view = image_guard.view_of(library, path)
    name, verb = visible(view.name), "repair" if repair else "check"
    what = f"{name} was not {'repaired' if repair else 'checked'}"
    chain = _checkable(library, view, repair is not None, follow, what)
    image_guard.refuse_in_use(library, view, what.removeprefix(f"{name} "))
    driver = chain[0].header.driver
    writes, reads = ((path,), ()) if repair else ((), (path,))
    below = tuple(part.path for part in chain[1:])
    with image_tools(), work(library, verb, path, writes=writes, reads=(*reads, *below)) as one:
        kept = keep_metadata(one, view, driver, what) if repair else None
        words = ["check", "--output=json", "-f", driver]
        words += ["-r", repair] if repair else []
        out = _checked([*words, "--", path], one, watcher, what)
        result = _result(name, image_tool.parsed(out, what), kept)
        one.result["found"] = result.words
    return result


def _checkable(
    library: Library, view: ImageView, repair: bool, follow: bool, what: str
) -> list[ChainPart]:
    chain = image_guard.chain_of(library, view.path, follow=follow)
    driver = chain[0].header.driver
    if driver not in (REPAIRABLE if repair else CHECKABLE):
        raise ImageError(
            f"{what}: {driver} has nothing that qemu-img can {'repair' if repair else 'check'}"
        )
    return chain


def _checked(words: list[str], one: Work, watcher: Watcher | None, what: str) -> bytes:
    """The answer of a check; what it found is no failure of it (2: errors, 3: leaks)."""
    try:
        return image_tool.run(words, what, course=one.course(watcher or Watcher()), limit_s=None)
    except image_tool.Refused as refused:
        if refused.status in (2, 3) and refused.answer.strip():
            return refused.answer
        raise


def _result(name: str, answer: Any, kept: str | None) -> CheckResult:
    def number(key: str) -> int:
        value = answer.get(key, 0) if isinstance(answer, dict) else 0
        return value if isinstance(value, int) else 0

    return CheckResult(
        name=name,
        corruptions=max(0, number("corruptions")),
        leaks=max(0, number("leaks")),
        corruptions_fixed=number("corruptions-fixed"),
        leaks_fixed=number("leaks-fixed"),
        check_errors=number("check-errors"),
        kept=kept,
    )


def keep_metadata(one: Work, view: ImageView, driver: str, what: str) -> str:
    """Copy what describes an image, and not what its guest keeps in it, to a file beside it.

    The copy is sparse: what was copied lies where it lay, all else are holes. `undo_repair`
    writes it back.

    Raises:
        ImageError: There is no room for it; the image is as it was.
    """
    path = os.path.realpath(view.path)
    data = _data_extents(path, driver)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    target = f"{path}{_BEFORE_REPAIR}-{stamp}-{one.id[:4]}"
    part = one.new_part(target)
    size = os.path.getsize(path)
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        copy = os.open(part, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            for begin, end in _gaps(data, size):
                _copy_range(source, copy, begin, end)
            os.ftruncate(copy, size)
            os.fsync(copy)
        finally:
            os.close(copy)
    except OSError as error:
        raise ImageError(
            f"{what}: its metadata could not be kept: {error.strerror}", hint="make room there"
        ) from None
    finally:
        os.close(source)
    give_to_owner_of(os.path.dirname(path), part)
    os.rename(part, target)
    return target


def _data_extents(path: str, driver: str) -> list[tuple[int, int]]:
    """Where in the file its guest's data lie; nothing known where the map cannot be read."""
    words = ["map", "--output=json", "-f", driver, "--", path]
    try:
        listed = json.loads(image_tool.run(words, "the map was not read", limit_s=600))
    except (ImageError, ValueError, RecursionError):
        return []
    found = []
    for one in listed if isinstance(listed, list) else []:
        offset, length = one.get("offset"), one.get("length")
        if one.get("depth") == 0 and isinstance(offset, int) and isinstance(length, int):
            found.append((offset, offset + length))
    return sorted(found)


def _gaps(extents: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    gaps, here = [], 0
    for begin, end in extents:
        if begin > here:
            gaps.append((here, min(begin, size)))
        here = max(here, end)
    if here < size:
        gaps.append((here, size))
    return gaps


def _copy_range(source: int, copy: int, begin: int, end: int) -> None:
    """Copy what is allocated between two offsets, and short holes as zeroes."""
    here = begin
    while here < end:
        data, hole = _next_data(source, here, end)
        if data - here <= _BLOCK_BYTES:
            os.pwrite(copy, bytes(data - here), here)
        here = data
        while here < hole:
            block = os.pread(source, min(_BLOCK_BYTES, hole - here), here)
            if not block:
                return
            os.pwrite(copy, block, here)
            here += len(block)


def _next_data(source: int, here: int, end: int) -> tuple[int, int]:
    """Where the next allocated part begins and ends, both no later than ``end``."""
    try:
        data = min(end, os.lseek(source, here, os.SEEK_DATA))
        return data, min(end, os.lseek(source, data, os.SEEK_HOLE))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return end, end  # Nothing but a hole to the end of the file.


def _copy_allocated(source: int, target: int, size: int) -> None:
    """Copy what is allocated; holes mean that nothing was kept there."""
    here = 0
    while here < size:
        data, hole = _next_data(source, here, size)
        if data < hole:
            _copy_range(source, target, data, hole)
        here = hole


def undo_repair(library: Library, path: str, kept: str) -> Outcome:
    """Write back the metadata that a repair kept: the image is as before that repair.

    Only right while nothing wrote to the image since.

    Raises:
        StateError: It is in use, or the copy is another image's.
    """
    view = image_guard.view_of(library, path)
    name, what = visible(view.name), "was not brought back"
    real = os.path.realpath(path)
    if not os.path.realpath(kept).startswith(f"{real}{_BEFORE_REPAIR}-"):
        raise StateError(f"{name} {what}: {visible(kept)} is no copy of its metadata")
    image_guard.refuse_in_use(library, view, what)
    with work(library, "undo-repair", path, writes=(path,)):
        source = os.open(kept, os.O_RDONLY | os.O_CLOEXEC)
        try:
            target = os.open(real, os.O_WRONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(source).st_size
                _copy_allocated(source, target, size)
                os.ftruncate(target, size)
                os.fsync(target)
            finally:
                os.close(target)
        finally:
            os.close(source)
    return Outcome(name, "image check", True, f"{name} is as before the repair")


class Measure(NamedTuple):
    """What a copy of an image would take, in bytes."""

    name: str
    format: str
    required_bytes: int
    """Of the file at first."""
    fully_allocated_bytes: int
    """Once its guest has written to all of it."""
    reclaim_bytes: int | None = None
    """What the image itself would take less, written anew; None where that is not measured."""


def measure(
    library: Library, path: str, image_format: str, *, source_format: str | None, follow: bool
) -> Measure:
    """What a copy in a format would take (``qemu-img measure``).

    Raises:
        ImageError: qemu-img cannot say it for this format, or cannot read the image.
    """
    chain = image_guard.chain_of(library, path, recorded=source_format, follow=follow)
    with image_tools():
        found = measured(chain, image_format)
    if found is None:
        raise ImageError(f"{image_format} cannot be measured", hint="--format qcow2 or raw")
    return Measure(
        name=path,
        format=image_format,
        required_bytes=found["required"],
        fully_allocated_bytes=found.get("fully-allocated", found["required"]),
        reclaim_bytes=_reclaimed(chain, image_format, found["required"]),
    )


def _reclaimed(chain: list[ChainPart], image_format: str, required_bytes: int) -> int | None:
    """What compacting gives back at the least: of a qcow2 image with nothing below or beside."""
    path, header = chain[0]
    alone = len(chain) == 1 and not header.snapshots and not header.data_files
    if not (alone and header.driver == image_format == "qcow2") or header.encrypted:
        return None
    return max(0, actual_bytes(path) - required_bytes) or None
