"""Pulling cloud images: fetched, verified, and only then an image in ``images/``.

What is not finished lies beside, hidden, under a name by its checksum: a later pull of the
same content goes on with it, of another one begins anew. A guest never stands on anything
whose checksum was not right.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable
from typing import IO, Any, NamedTuple

from kvmtui.errors import BusyError, Cancelled, HostError, ImageError, UsageError
from kvmtui.guest.catalog import Source
from kvmtui.guest.checksums import LARGEST_BYTES, Digest, digest_of, find_digest
from kvmtui.guest.first_login import read_bounded
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.host import downloading, signatures
from kvmtui.manage import catalog_records, hosting, image_guard
from kvmtui.manage.image_files import actual_bytes, publish
from kvmtui.manage.image_work import Watcher, Work, refuse_busy, work
from kvmtui.manage.views import Outcome
from kvmtui.qemu.image_header import read_header
from kvmtui.text import visible

_BLOCK_BYTES = 1 << 20
_KEEP_FREE_BYTES = 64 << 20
_LARGEST_UNPACKED_BYTES = 256 << 30
_OPENERS: dict[str, Callable[[Any], Any]] = {"xz": lzma.open, "gz": gzip.open}
_DAMAGED = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)


class Expected(NamedTuple):
    """What an image must be, and who says so."""

    digest: Digest
    verified: str
    note: str = ""
    """What was not checked."""


class Own(NamedTuple):
    """What a person brings, for a host without internet."""

    file: str | None = None
    """The image as its makers publish it."""
    checksum: str | None = None
    """Its checksum, or the path of the checksum file."""


def pull(
    library: Library,
    source: Source,
    own: Own | None = None,
    *,
    watcher: Watcher | None = None,
    limits: downloading.Limits | None = None,
) -> Outcome:
    """Bring a cloud image in, verified; one that is here already is left as it is.

    Raises:
        BusyError: Another kvmtui pulls it now; names it.
        HostError: It cannot be had, or its signature is not right.
        ImageError: Its checksum is not right, it is no image that stands alone, or there is
            no room.
        Cancelled: A person ended it. What came is kept, and gone on with.
    """
    own, watcher = own or Own(), watcher or Watcher()
    hosting.make_home(library)
    catalog_records.forget_gone(library)
    # It is work from its first look at the network on, which is where it mostly fails.
    before = catalog_records.place_before(library, source)
    with work(library, "pull", before, writes=(before,)) as one:
        expected = expect(source, own, one.course(watcher).is_cancelled, limits)
        target = catalog_records.place_of(library, source, expected.digest)
        name = os.path.basename(target)
        one.claim(target)
        if _is_here(library, target):
            return Outcome(name, "catalog pull", False, f"{name} is here already", expected.note)
        if os.path.lexists(target):
            return _adopted(library, one, source, expected, target, watcher)
        packed = catalog_records.download_of(target)
        if own.file is not None:
            packed = own.file
        else:
            _fetch(one, source, packed, watcher, limits)
        _check_digest(one, packed, expected.digest, watcher, is_own=own.file is not None)
        expected = _check_image_signature(source, own, packed, expected, watcher, limits)
        part = _unpacked(one, source, packed, target, own.file is not None, watcher)
        _refuse_unfit(part, target)
        os.chmod(part, 0o600)
        # First the record, which counts for nothing without its image.
        catalog_records.record(source, expected.digest, target, expected.verified)
        publish(part, target)
        if own.file is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(packed)
        _forget_older(library, source)
        one.result["size_bytes"] = os.path.getsize(target)
    took = format_size(actual_bytes(target))
    message = f"{name} is here: {took}, {expected.verified} right"
    return Outcome(name, "catalog pull", True, message, expected.note)


def _forget_older(library: Library, source: Source) -> None:
    """Remove what came of older images of the same id, which nobody publishes any more."""
    for other in catalog_records.unfinished(library, source.image.id, source.arch):
        with contextlib.suppress(BusyError, OSError):
            refuse_busy(library, (other,), ())
            path = catalog_records.download_of(other)
            os.unlink(path)
            downloading.forget_state(path)


def _adopted(
    library: Library, one: Work, source: Source, expected: Expected, path: str, watcher: Watcher
) -> Outcome:
    """Take an image that lies in its place without a record, where it is the right one."""
    name = os.path.basename(path)
    try:
        if source.image.compressed:
            raise ImageError("it was unpacked")
        _check_digest(one, path, expected.digest, watcher, is_own=True)
        _refuse_unfit(path, path)
    except ImageError:
        raise ImageError(
            f"{name} is there, and nothing says whether it is right",
            hint=f"kvmtui image delete {name}",
        ) from None
    catalog_records.record(source, expected.digest, path, expected.verified)
    return Outcome(name, "catalog pull", True, f"{name} was here, and is right", expected.note)


def _is_here(library: Library, target: str) -> bool:
    return any(one.path == target for one in catalog_records.pulled(library))


def expect(
    source: Source,
    own: Own,
    is_cancelled: Callable[[], bool] = lambda: False,
    limits: downloading.Limits | None = None,
) -> Expected:
    """What an image must be: by the person's word, else by its makers' checksum file.

    Raises:
        HostError: The file cannot be had, or its signature is not right.
        KvmtuiError: It has no checksum of the image.
    """
    if own.checksum is not None and not os.path.exists(own.checksum):
        digest = digest_of(own.checksum)
        return Expected(digest, digest.algorithm)
    if own.checksum is not None:
        data, named = read_bounded(own.checksum, LARGEST_BYTES), own.checksum
        return _found(find_digest(data, _name_in_sums(source, own, data), named), "", "")
    if own.file is not None and limits is None:
        limits = downloading.Limits(connect_s=5.0, first_attempts=1)
    try:
        data = _small(source.checksums, LARGEST_BYTES, is_cancelled, limits)
    except HostError as error:
        if own.file is not None:
            error.hint = "name its checksum: --checksum SHA256, or the file with it"
        raise
    notes = []
    if not source.checksums.startswith("https://"):
        notes.append("its checksum came by plain http, which anybody on the way may change")
    signed = ""
    signature = source.image.signature
    if signature is not None and signature.of == "checksums":
        try:
            data = _signed(source, data, is_cancelled, limits)
            signed = " and signature"
        except signatures.NotChecked as error:
            notes.append(error.message)
    of_one = source.image.checksums.startswith("{file}")
    digest = find_digest(data, source.file, source.checksums, of_one=of_one)
    return _found(digest, signed, "\n".join(notes))


def _name_in_sums(source: Source, own: Own, data: bytes) -> str:
    """Under which name a checksum file has a person's image: the makers', else the file's."""
    name = os.path.basename(own.file or source.file)
    return name if name.encode() in data else source.file


def _found(digest: Digest, signed: str, note: str) -> Expected:
    return Expected(digest, f"{digest.algorithm}{signed}", note)


def _small(
    url: str,
    most_bytes: int,
    is_cancelled: Callable[[], bool],
    limits: downloading.Limits | None,
) -> bytes:
    return downloading.small(url, most_bytes, is_cancelled=is_cancelled, limits=limits)


def _signed(
    source: Source,
    data: bytes,
    is_cancelled: Callable[[], bool],
    limits: downloading.Limits | None,
) -> bytes:
    """The checksum file once its signature is right; only what is signed of it."""
    signature = source.image.signature
    assert signature is not None, "the caller looked"
    keyring = signatures.usable_keyring(signature.keyrings)
    named = source.checksums.rsplit("/", 1)[-1]
    if not source.signature:
        return signatures.signed_text(data, keyring, signature.fingerprints, named)
    detached = _small(source.signature, signatures.LARGEST_BYTES, is_cancelled, limits)
    signatures.check_detached(data, detached, keyring, signature.fingerprints, named)
    return data


def _check_image_signature(
    source: Source,
    own: Own,
    packed: str,
    expected: Expected,
    watcher: Watcher,
    limits: downloading.Limits | None,
) -> Expected:
    """Check a signature of the image itself, where its makers sign that."""
    signature = source.image.signature
    if signature is None or signature.of != "image" or own.checksum is not None:
        return expected
    try:
        keyring = signatures.usable_keyring(signature.keyrings)
    except signatures.NotChecked as error:
        return expected._replace(note="\n".join(filter(None, (expected.note, error.message))))
    detached = _small(source.signature, signatures.LARGEST_BYTES, watcher.is_cancelled, limits)
    signatures.check_detached(packed, detached, keyring, signature.fingerprints, source.file)
    return expected._replace(verified=f"{expected.verified} and signature")


def _fetch(
    one: Work, source: Source, path: str, watcher: Watcher, limits: downloading.Limits | None
) -> None:
    """Download it, or the rest of it; the progress is seen by every kvmtui."""
    begun: list[float] = []
    course = one.course(watcher)

    def tell(done: int, total: int | None) -> None:
        nonlocal course
        if not total:
            return
        if not begun:
            begun.append(100 * done / total)
            one.total_bytes = total
            course = one.course(watcher, begun_percent=begun[0])
        course.tell(min(99.9, 100 * done / total))

    downloading.fetch(source.url, path, tell, is_cancelled=course.is_cancelled, limits=limits)


def _check_digest(one: Work, path: str, digest: Digest, watcher: Watcher, *, is_own: bool) -> None:
    """Refuse, and remove, what is not what its checksum says."""
    course, found = one.course(watcher), hashlib.new(digest.algorithm)
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                if course.is_cancelled():
                    raise Cancelled(f"{visible(path)} was cancelled; what came is kept")
                found.update(block)
    except OSError as error:
        raise UsageError(f"{visible(path)}: {error.strerror}") from None
    if found.hexdigest() == digest.value:
        return
    if not is_own:
        os.unlink(path)
        downloading.forget_state(path)
    raise ImageError(
        f"the {digest.algorithm} of what came is not {digest.value[:12]}…: it is damaged,"
        " or not what its makers published",
        hint="try again; where it stays so, do not use it" if not is_own else "fetch it again",
    )


def _unpacked(
    one: Work, source: Source, packed: str, target: str, is_own: bool, watcher: Watcher
) -> str:
    """The image itself as a file that may be put in its place."""
    opener = _OPENERS.get(source.image.compressed or "")
    if opener is None and not is_own:
        return packed
    part = one.new_part(target)
    try:
        with open(packed, "rb") as file, open(part, "wb") as out:
            _copy(opener(file) if opener else file, out, one, watcher)
    except _DAMAGED as error:
        raise ImageError(f"{visible(packed)} is damaged: {visible(str(error))}") from None
    return part


def _copy(stream: IO[bytes], out: IO[bytes], one: Work, watcher: Watcher) -> None:
    course, size = one.course(watcher), 0
    folder = os.path.dirname(out.name)
    while block := stream.read(_BLOCK_BYTES):
        if course.is_cancelled():
            raise Cancelled("it was cancelled; what came is kept")
        size += len(block)
        if size > _LARGEST_UNPACKED_BYTES:
            raise ImageError("what is unpacked does not end")
        if image_guard.free_bytes(folder) < _KEEP_FREE_BYTES + len(block):
            raise ImageError(f"{visible(folder)} is full", hint="make room there")
        out.write(block)


def _refuse_unfit(part: str, target: str) -> None:
    """Refuse what is no qcow2 that stands alone, whatever its checksum says."""
    header = read_header(part)
    what = f"{visible(os.path.basename(target))} is not taken"
    if header.fault:
        raise ImageError(f"{what}: it {header.fault}")
    if header.format != "qcow2":
        raise ImageError(f"{what}: it is no qcow2, but {header.format}")
    if header.backing_file is not None or header.data_files:
        raise ImageError(f"{what}: it refers to another file")
    if not header.virtual_size_bytes:
        raise ImageError(f"{what}: it is empty")
