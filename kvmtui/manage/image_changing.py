"""Changing an image that is there: its size, what it stands on, what it takes."""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager
from typing import Any

from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_guard, image_places, image_secrets
from kvmtui.manage.image_copying import Copy, copy_into, measured
from kvmtui.manage.image_files import actual_bytes, replace
from kvmtui.manage.image_links import ChainPart, target_of
from kvmtui.manage.image_making import backing_name
from kvmtui.manage.image_resized import follow_size
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.qemu.image_header import read_header
from kvmtui.text import visible

RESIZABLE = ("qcow2", "raw", "qed", "luks")
INSIDE = (
    "inside the guest the partition and the file system are as before: "
    "growpart, then resize2fs, xfs_growfs or the like"
)


def resize(
    library: Library,
    path: str,
    size_bytes: int,
    *,
    shrink: bool = False,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Give an image another size; no guest that runs may use it.

    Args:
        shrink: Whether what lies behind the new end may be lost.

    Raises:
        StateError: It is in use, or would shrink and must not.
        ImageError: Its format cannot; it is as it was.
        Cancelled: A person ended it; what lies before both ends is as it was.
    """
    view = image_guard.view_of(library, path)
    name, what = visible(view.name), "was not resized"
    image_guard.refuse_device(view, what)
    chain = image_guard.chain_of(library, path, follow=follow)
    old = known_size(view)
    if size_bytes == old:
        return Outcome(name, "image resize", False, f"{name} has {format_size(old)} already")
    driver = chain[0].header.driver
    if driver not in RESIZABLE:
        raise ImageError(
            f"{name} {what}: {driver} cannot be resized",
            hint=f"kvmtui image convert {name} NEW --format qcow2",
        )
    image_guard.refuse_in_use(library, view, what)
    if size_bytes < old:
        refuse_shrinking(view, size_bytes, shrink)
    words = ["resize", "-q", *(["--shrink"] if size_bytes < old else [])]
    words += _opened(library, view, chain[0], f"{name} {what}")
    with image_tools(), _changing(library, "resize", chain) as one:
        course = one.course(watcher or Watcher())
        image_tool.run([*words, str(size_bytes)], f"{name} {what}", course=course, limit_s=None)
        one.result |= {"from_bytes": old, "to_bytes": size_bytes}
    note = follow_size(library, view, size_bytes)
    if size_bytes > old:
        note = "\n".join(filter(None, (INSIDE, note)))
    message = f"{name} has {format_size(size_bytes)} now, it had {format_size(old)}"
    return Outcome(name, "image resize", True, message, note)


def _opened(library: Library, view: ImageView, part: ChainPart, what: str) -> list[str]:
    """qemu-img's words for an image that it writes to; an encrypted one takes its passphrase."""
    if not part.header.encrypted:
        return ["-f", part.header.driver, "--", part.path]
    secret = image_secrets.secret_of(library, view)
    if secret is None:
        raise StateError(
            f"{what}: it is encrypted, and no guest's definition names its passphrase",
            hint="kvmtui set GUEST 'disks[N].secret=FILE'",
        )
    return image_secrets.opened(part.path, part.header.driver, secret)


def known_size(view: ImageView) -> int:
    """An image's virtual size.

    Raises:
        ImageError: It does not say it.
    """
    if view.virtual_size_bytes is None:
        raise ImageError(f"{visible(view.name)} does not say which size it has")
    return view.virtual_size_bytes


def refuse_shrinking(view: ImageView, size_bytes: int, allowed: bool) -> None:
    """Raise StateError unless an image may become smaller."""
    name, old = visible(view.name), known_size(view)
    if not allowed:
        raise StateError(
            f"{name} was not resized: from {format_size(old)} to {format_size(size_bytes)} "
            "what lies behind the new end would be lost",
            hint="shrink the file systems in it first, then --shrink",
        )
    image_guard.refuse_dependents(view, "was not shrunk")
    image_guard.refuse_snapshots(view, "was not shrunk")


def _changing(library: Library, verb: str, chain: list[ChainPart]) -> AbstractContextManager[Work]:
    below = tuple(part.path for part in chain[1:])
    return work(library, verb, chain[0].path, writes=(chain[0].path,), reads=below)


def rebase(
    library: Library,
    path: str,
    backing: str | None,
    *,
    backing_format: str | None = None,
    unsafe: bool = False,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Let an image stand on another, or on nothing.

    Args:
        backing: The path of that other; None for nothing.
        unsafe: Only change the name in the image: its content then changes with what it
            stands on. Else all that differs is copied into it, and its content stays.

    Raises:
        StateError: It is in use, or has internal snapshots that would break.
        ImageError: It is no qcow2; it is as it was.
    """
    view = image_guard.view_of(library, path)
    name, what = visible(view.name), "was not rebased"
    chain = _chain_to_rebase(library, path, unsafe, follow)
    if chain[0].header.format != "qcow2":
        raise ImageError(
            f"{name} {what}: {chain[0].header.format} cannot be rebased",
            hint=f"kvmtui image convert {name} NEW --format qcow2",
        )
    if backing is None and chain[0].header.backing_file is None:
        return Outcome(name, "image rebase", False, f"{name} stands on nothing already")
    image_guard.refuse_in_use(library, view, what)
    if not unsafe:
        image_guard.refuse_snapshots(view, what)
    below = _below(library, path, backing, backing_format, follow)
    words = ["rebase", "-p", "-f", "qcow2", *(["-u"] if unsafe else [])]
    words += ["-b", backing_name(backing, path) if backing else ""]
    words += ["-F", below[0].header.driver] if below else []
    reads = tuple(part.path for part in (*chain[1:], *below))
    with image_tools(), work(library, "rebase", path, writes=(path,), reads=reads) as one:
        if not unsafe:
            refuse_growth(chain, name, what)
        course = one.course(watcher or Watcher(), view.virtual_size_bytes)
        image_tool.run([*words, "--", path], f"{name} {what}", course=course, limit_s=None)
        one.result["backing"] = backing
        if backing is not None:
            image_places.vouch_for(library, path, backing)
    stands = visible(backing) if backing else "nothing"
    return Outcome(name, "image rebase", True, f"{name} stands on {stands} now")


def _chain_to_rebase(library: Library, path: str, unsafe: bool, follow: bool) -> list[ChainPart]:
    """The image and, where its content is needed, what it stands on."""
    if not unsafe:
        return image_guard.chain_of(library, path, follow=follow)
    header = read_header(path)
    if header.fault:
        raise ImageError(f"{visible(path)} {header.fault}")
    return [ChainPart(path, header)]


def _below(
    library: Library, path: str, backing: str | None, backing_format: str | None, follow: bool
) -> list[ChainPart]:
    """What it is to stand on, which must not stand on the image itself."""
    if backing is None:
        return []
    below = image_guard.chain_of(library, backing, recorded=backing_format, follow=follow)
    if any(os.path.samefile(part.path, path) for part in below):
        raise ImageError(f"{visible(path)} was not rebased: {visible(backing)} stands on it")
    return below


def refuse_growth(chain: list[ChainPart], name: str, what: str) -> None:
    """Refuse what would not fit: the most that the image can become, less what it is."""
    needed = measured(chain, "qcow2")
    path = chain[0].path
    grows = 0 if needed is None else max(0, needed["required"] - actual_bytes(path))
    image_guard.refuse_without_room(os.path.dirname(path), grows, f"{name} {what}")


def flatten(
    library: Library, path: str, *, follow: bool = False, watcher: Watcher | None = None
) -> Outcome:
    """Copy into an image all that it takes from those below, so that it stands alone.

    Raises:
        As `rebase`.
    """
    done = rebase(library, path, None, follow=follow, watcher=watcher)
    message = f"{done.name} stands alone now" if done.changed else done.message
    return done._replace(verb="image flatten", message=message)


def compact(
    library: Library,
    path: str,
    *,
    compress: bool = False,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Write an image anew without what is zero or free in it, and put that in its place.

    Killed at any moment it is the old image or the new one.

    Raises:
        StateError: It is in use, encrypted, has internal snapshots or another name.
        ImageError: It was not done; it is as it was.
    """
    view = image_guard.view_of(library, path)
    name, what = visible(view.name), "was not compacted"
    image_guard.refuse_device(view, what)
    real = os.path.realpath(path)
    chain = image_guard.chain_of(library, path, follow=follow)
    header = chain[0].header
    _refuse_compacting(library, view, chain, name, what)
    if compress and header.driver != "qcow2":
        raise UsageError("only a qcow2 image is compressed in its place")
    before = actual_bytes(real)
    with image_tools(), _changing(library, "compact", chain) as one:
        part = one.new_part(real)
        how = Copy(format=header.driver, compress=compress, cluster_bytes=header.cluster_bytes)
        options = _same_options(chain, path, f"{name} {what}")
        copy_into(one, chain, part, how, watcher, f"{name} {what}", options)
        if header.backing_file is not None:
            # The same words as before, which may be a name relative to the image's place.
            words = ["rebase", "-u", "-f", "qcow2", "-b", header.backing_file]
            words += ["-F", chain[1].header.driver, "--", part]
            image_tool.run(words, f"{name} {what}")
        after = actual_bytes(part)
        if after < before:
            replace(part, real)
        one.result |= {"from_bytes": before, "to_bytes": min(before, after)}
    if after >= before:
        return Outcome(name, "image compact", False, f"{name} takes {format_size(before)}, no less")
    freed = format_size(before - after)
    message = f"{name} takes {format_size(after)} now, {freed} came free"
    return Outcome(name, "image compact", True, message)


def _refuse_compacting(
    library: Library, view: ImageView, chain: list[ChainPart], name: str, what: str
) -> None:
    header = chain[0].header
    if header.driver not in ("qcow2", "raw"):
        raise ImageError(
            f"{name} {what}: {header.driver} is not compacted in its place",
            hint=f"kvmtui image convert {name} NEW --format {header.driver}",
        )
    if header.encrypted or header.data_files:
        kind = "encrypted" if header.encrypted else "kept in several files"
        raise StateError(f"{name} {what}: it is {kind}")
    image_guard.refuse_in_use(library, view, what)
    image_guard.refuse_snapshots(view, what)
    status = os.stat(view.path)
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        raise StateError(
            f"{name} {what}: the file has another name too (hard link)",
            hint="remove the other name, find / -samefile tells it",
        )


def _same_options(chain: list[ChainPart], path: str, what: str) -> tuple[str, ...]:
    """What a qcow2 image was made with, and what it stands on."""
    header = chain[0].header
    if header.format != "qcow2":
        return ()
    answer: Any = image_tool.run_json(["info", "-U", "-f", "qcow2", "--", path], what)
    found = answer.get("format-specific", {}).get("data", {}) if isinstance(answer, dict) else {}
    options = []
    for option, key in (("compat", "compat"), ("refcount_bits", "refcount-bits")):
        if key in found:
            options.append(f"{option}={found[key]}")
    for option, key in (("lazy_refcounts", "lazy-refcounts"), ("extended_l2", "extended-l2")):
        if found.get(key) is True:
            options.append(f"{option}=on")
    if found.get("compression-type") == "zstd":
        options.append("compression_type=zstd")
    if header.backing_file is not None:
        backing = target_of(path, header.backing_file) or ""
        options += [f"backing_file={backing.replace(',', ',,')}"]
        options += [f"backing_fmt={chain[1].header.driver}"]
    return tuple(options)
