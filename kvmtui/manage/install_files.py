"""Whether an image that is there can be a new guest's disk: who uses it, how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import ImageError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import clashes
from kvmtui.manage.image_users import Users
from kvmtui.qemu import image
from kvmtui.qemu.image_header import read_header
from kvmtui.text import visible

if TYPE_CHECKING:
    from kvmtui.manage.install_checks import Standing


def disk_said(library: Library, path: str) -> tuple[Standing, str]:
    """How an image stands that is to be a new guest's disk.

    Args:
        path: A file or block device that can be read.
    """
    size = _size(path)
    behind = f"; {size}" if size else ""
    if image.is_locked(path, read_only=False):
        holder = clashes.user_of(library, path)
        who = f"{visible(holder[0], limit=80)} (pid {holder[1]})" if holder else "another process"
        return "problem", f"in use by {who}{behind}"
    users = Users(library).of(path)
    running = next((user for user in users if user.running), None)
    if running is not None:
        return "problem", f"in use by {running.guest}, which runs{behind}"
    if users:
        return "warning", f"in use by {users[0].guest}, which is stopped{behind}"
    return "fine", size or "found"


def _size(path: str) -> str:
    """What a guest sees of it; empty where its header does not say it."""
    try:
        size = read_header(path).virtual_size_bytes
    except (ImageError, OSError):
        return ""
    return format_size(size) if size else ""
