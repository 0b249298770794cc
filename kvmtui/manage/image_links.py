"""What an image refers to, judged without opening it.

An image can name any file of this machine, or of another, as its backing file or data. What
lies in the folders of images is followed; the rest is told, and followed when a person
says so. What is no plain path is never followed.
"""

from __future__ import annotations

import os
import stat

from kvmtui.errors import ImageError
from kvmtui.qemu.image_header import Header, read_header
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple

MOST_LINKS = 64
"""The longest chain of backing files that is followed."""


class Link(NamedTuple):
    """What an image stands on, as its header says."""

    text: str
    """As written in the image, made visible."""
    path: str | None
    """The absolute path that this means; None where it is no plain path."""
    format: str | None
    """The format that the image states for it."""
    trouble: str
    """``backing gone``, ``backing elsewhere`` or what else is wrong; empty where nothing."""


def link_of(path: str, header: Header, folders: list[str]) -> Link | None:
    """The link of one image to its backing file; None where it has none.

    Args:
        folders: Where what it names may lie (`image_reach.Reach`); else that is told.
    """
    named = header.backing_file
    if named is None:
        return None
    target = target_of(path, named)
    return Link(
        text=visible(named, limit=200),
        path=target,
        format=visible(header.backing_format, limit=20) if header.backing_format else None,
        trouble=_trouble(path, target, folders),
    )


def target_of(path: str, named: str) -> str | None:
    """The absolute path that a name in an image means; None for ``nbd:``, ``json:`` and such."""
    if not named or "\0" in named or ":" in named.partition("/")[0]:
        return None
    joined = os.path.join(os.path.dirname(path), named)
    plain = os.path.normpath(joined)
    if ".." in named.split("/"):
        # The kernel goes up from where a linked folder leads to.
        real = os.path.realpath(joined)
        if real != os.path.realpath(plain):
            return real
    return plain


def _trouble(path: str, target: str | None, folders: list[str]) -> str:
    if target is None:
        return "backing is no file"
    if not is_within(path, target, folders):
        return "backing elsewhere"
    return _fault_of(target, "backing")


def is_within(path: str, target: str, folders: list[str]) -> bool:
    """Whether a file lies beside the image that names it, or in a folder of images."""
    real = os.path.realpath(target)
    beside = os.path.realpath(os.path.dirname(path))
    if os.path.dirname(real) == beside:
        return True
    for folder in map(os.path.realpath, folders):
        if real == folder or real.startswith(folder.rstrip("/") + "/"):
            return True
    return False


def _fault_of(target: str, what: str) -> str:
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return f"{what} gone"
    except OSError as error:
        return f"{what}: {error.strerror}"
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        return f"{what} is no file"
    return ""


class ChainPart(NamedTuple):
    """One image of a chain, the topmost first."""

    path: str
    header: Header


def read_chain(
    path: str,
    recorded: str | None,
    folders: list[str],
    *,
    follow: bool = False,
    formats: Callable[[], Mapping[str, str]] | None = None,
) -> list[ChainPart]:
    """An image and all that it stands on, each looked at before qemu-img is let near it.

    Args:
        recorded: The image's format where it is known.
        follow: Whether what lies outside the folders of images is followed too.
        formats: Gives recorded formats of other images, by path; asked where it stands on any.

    Raises:
        ImageError: Something in the chain is gone, elsewhere, no file, goes in a circle, is
            not what it should be, or would have to be probed.
    """
    found: list[ChainPart] = []
    seen: set[tuple[int, int]] = set()
    while True:
        status = _status(path)
        if (status.st_dev, status.st_ino) in seen or len(found) >= MOST_LINKS:
            raise ImageError(
                f"{visible(path)}: its backing files go in a circle",
                hint=f"kvmtui image rebase {visible(found[0].path)} --backing FILE --unsafe",
            )
        seen.add((status.st_dev, status.st_ino))
        header = read_header(path, recorded)
        if header.fault:
            raise ImageError(f"{visible(path)} {header.fault}")
        check_data_files(path, header, folders, follow)
        found.append(ChainPart(path, header))
        if header.backing_file is None:
            return found
        target = _checked_target(path, header, folders, follow)
        recorded = header.backing_format
        known = formats().get(target) if formats is not None else None
        if known is not None and recorded is not None and known != recorded:
            raise ImageError(
                f"{visible(path)} says that its backing file is {visible(recorded)}, "
                f"and it is {known}: {visible(target)}",
                hint=f"kvmtui image rebase {visible(path)} --backing {visible(target)} --unsafe",
            )
        if recorded is None and known == "raw" and read_header(target).driver != "raw":
            raise ImageError(
                f"{visible(path)} does not say that its backing file is raw, and QEMU would guess",
                hint=f"kvmtui image rebase {visible(path)} --backing {visible(target)} --unsafe",
            )
        path, recorded = target, recorded or known


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise ImageError(f"{visible(path)}: {error.strerror}") from None


def _checked_target(path: str, header: Header, folders: list[str], follow: bool) -> str:
    link = link_of(path, header, folders)
    assert link is not None
    if link.path is None:
        raise ImageError(
            f"{visible(path)} stands on {link.text}, which is no plain file and is not followed",
            hint=f"kvmtui image rebase {visible(path)} --backing FILE --unsafe",
        )
    if link.trouble == "backing elsewhere" and follow:
        trouble = _fault_of(link.path, "backing")
    else:
        trouble = link.trouble
    if trouble == "backing elsewhere":
        raise ImageError(
            f"{visible(path)} stands on {visible(link.path)}, which is in no folder of images",
            hint=f"kvmtui image add-directory {visible(os.path.dirname(link.path))}, or --follow",
        )
    if trouble:
        raise ImageError(
            f"{visible(path)} stands on {visible(link.path)}: {trouble}",
            hint=f"kvmtui image rebase {visible(path)} --backing FILE --unsafe",
        )
    return link.path


def check_data_files(path: str, header: Header, folders: list[str], follow: bool) -> None:
    """Look at the other files in which an image keeps its data.

    Raises:
        ImageError: One is gone, no plain file, or in no folder of images.
    """
    for named in header.data_files:
        target = target_of(path, named)
        if target is None:
            raise ImageError(f"{visible(path)} keeps data in {visible(named)}, which is no file")
        if not follow and not is_within(path, target, folders):
            raise ImageError(
                f"{visible(path)} keeps data in {visible(target)}, which is in no folder of images",
                hint=f"kvmtui image add-directory {visible(os.path.dirname(target))}, or --follow",
            )
        fault = _fault_of(target, "it")
        if fault:
            raise ImageError(f"{visible(path)} keeps data in {visible(target)}: {fault}")
