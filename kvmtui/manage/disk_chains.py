"""What a guest's disk stands on, looked at before QEMU opens any of it.

Every start of a guest with an overlay does this. So only the headers of the chain are read,
and of the other guests no more than the cache of definitions; who uses what is looked up only
where something must be told.
"""

from __future__ import annotations

import os

from kvmtui.errors import ImageError
from kvmtui.guest.library import Library
from kvmtui.manage.image_links import read_chain
from kvmtui.manage.image_reach import Reach
from kvmtui.manage.summaries import Summaries
from kvmtui.qemu.image_header import driver_of_content
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.folder import GuestFolder


def check_disk(folder: GuestFolder, index: int, path: str) -> None:
    """Look at all that a guest's disk, which is not raw, stands on before QEMU opens it.

    Raises:
        ImageError: It leads to a file in no folder of images, to no plain file, in a circle.
    """
    library = Library(os.path.dirname(os.path.dirname(folder.place)))
    folders = [*Reach(library).of(path), folder.place]
    try:
        # Where its content is of another format than its definition says, QEMU refuses it.
        content = driver_of_content(path)
        if content == "raw":
            raise ImageError(
                f"{visible(path)} is called an image of another format, but is raw",
                hint=f"give disks[{index}] the format raw",
            )
        read_chain(path, content, folders, formats=lambda: recorded_formats(library))
    except ImageError as error:
        hint = (error.hint or "").replace(", or --follow", "")
        raise ImageError(f"{folder.name}: disks[{index}]: {error.message}", hint=hint) from None


def recorded_formats(library: Library) -> dict[str, str]:
    """The formats that definitions record for their disks, by path."""
    summaries = Summaries(library)
    found: dict[str, str] = {}
    for name in library.names():
        folder = library.place(name)
        for file, image_format, _ in summaries.get(folder).get("disks") or ():
            if image_format is not None:
                found.setdefault(os.path.normpath(folder.resolve(file)), image_format)
    summaries.keep(whole=True)
    return found
