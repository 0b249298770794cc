"""Passphrases of encrypted images: which file a definition names, and what is missing."""

from __future__ import annotations

import contextlib
import os
import stat

from kvmtui.errors import DefinitionError, ImageError
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library
    from kvmtui.guest.wants import Wants
    from kvmtui.manage.images import ImageView

_MOST_BYTES = 4096
MOST_VNC_BYTES = 8
"""Of a VNC password: the protocol knows no more."""


def check_files(folder: GuestFolder, wants: Wants) -> None:
    """Refuse a secret's file of which QEMU could make nothing, or that others may read.

    Raises:
        ImageError: Names the key and the file.
    """
    for index, file in wants.secrets:
        check_file(f"{folder.name}: disks[{index}].secret: {visible(file)}", file)
    if wants.vnc_secret is not None:
        where = f"{folder.name}: vnc.secret: {visible(wants.vnc_secret)}"
        check_file(where, wants.vnc_secret, MOST_VNC_BYTES)


def check_file(where: str, file: str, most: int = _MOST_BYTES) -> None:
    """Refuse a passphrase's file of which QEMU could make nothing, or that others may read.

    Args:
        where: What a failure begins with.
        most: The bytes that count.

    Raises:
        ImageError: Names it, and what is wrong.
    """
    try:
        status = os.stat(file)
    except OSError as error:
        raise ImageError(
            f"{where}: {error.strerror}",
            hint="write the passphrase there, without a newline, closed to others (chmod 600)",
        ) from None
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{where} is no file")
    if status.st_mode & 0o077:
        raise ImageError(f"{where} can be read by others", hint=f"chmod 600 {visible(file)}")
    if not 0 < status.st_size <= most:
        why = f"{where} is empty, or longer than the {most} bytes that count"
        raise ImageError(why, hint="a newline counts too")
    if read_passphrase(file).endswith(b"\n"):
        raise ImageError(
            f"{where} ends with a newline, which QEMU takes for a part of the passphrase",
            hint=f"truncate -s -1 {visible(file)}",
        )


def read_passphrase(file: str) -> bytes:
    """What a passphrase's file holds."""
    with open(file, "rb") as stream:
        return stream.read(_MOST_BYTES)


def secret_of(library: Library, view: ImageView) -> str | None:
    """The file with an image's passphrase, as the definition of a guest that uses it says."""
    from kvmtui.manage.definitions import load_definition

    for user in view.used_by:
        if not user.role.startswith("disk"):
            continue
        with contextlib.suppress(DefinitionError, OSError, IndexError):
            disks = load_definition(library.place(user.guest)).disks
            secret = disks[int(user.role.removeprefix("disk"))].secret
            if secret is not None:
                return secret
    return None


def told_secret(library: Library, view: ImageView) -> str:
    """Where an encrypted image's passphrase stands, or what is missing, in words."""
    secret = secret_of(library, view)
    if secret is not None:
        return f"LUKS, passphrase in {visible(secret)}"
    users = [user for user in view.used_by if user.role.startswith("disk")]
    if users:
        index = users[0].role.removeprefix("disk")
        missing = f"kvmtui set {users[0].guest} 'disks[{index}].secret=FILE'"
        return f"LUKS; {users[0].guest} names no passphrase: {missing}"
    return "LUKS; no guest uses it"


def opened(path: str, driver: str, secret: str) -> list[str]:
    """qemu-img's words by which it opens an encrypted image, its passphrase read from a file."""
    key = "key-secret" if driver == "luks" else "encrypt.key-secret"
    options = f"driver={driver},{key}=s0,file.driver=file,file.filename={escaped(path)}"
    return ["--object", f"secret,id=s0,file={escaped(secret)}", "--image-opts", options]


def escaped(text: str) -> str:
    """Text as a value among qemu-img's options."""
    return text.replace(",", ",,")
