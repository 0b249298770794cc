"""What an image is called."""

from __future__ import annotations

from kvmtui.guest.library import GUESTS, IMAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.library import Library


def shown_name(library: Library, path: str) -> str:
    """What an image is called: below ``images/`` and ``guests/`` without the way there."""
    for folder in (library.at(IMAGES), library.at(GUESTS)):
        if path.startswith(f"{folder}/"):
            return path[len(folder) + 1 :]
    return path
