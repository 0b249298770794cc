"""Installations without questions: an answer file on a CD, or given to the installer's kernel."""

from __future__ import annotations

import io
from typing import NamedTuple

from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest.answers import Answers
from kvmtui.guest.definition import Plain
from kvmtui.guest.first_login import FirstLogin
from kvmtui.guest.folder import INSTALL_INITRD, INSTALL_KERNEL
from kvmtui.manage.profiles import profiles
from kvmtui.text import visible

_BOOTS = (
    ("/install.amd/vmlinuz", "/install.amd/initrd.gz"),
    ("/install.a64/vmlinuz", "/install.a64/initrd.gz"),
    ("/casper/vmlinuz", "/casper/initrd"),
    ("/casper/vmlinuz", "/casper/initrd.gz"),
)
"""Where installers that take their answers from the kernel's line have kernel and initrd."""
_MOST_BYTES = 512 << 20


class Unattended(NamedTuple):
    """A definition that is installed without questions, and what its folder has for that."""

    plain: Plain
    files: dict[str, bytes]
    notes: tuple[str, ...]


def unattended(name: str, plain: Plain, wants: FirstLogin) -> Unattended:
    """Let the guest's installer have its answers.

    Args:
        plain: The definition; its first CD is what it is installed from, its ``os`` says how
            that is answered.

    Raises:
        UsageError: Nobody knows how that system is answered.
        ImageError: The CD has not the kernel that has to be booted.
        DefinitionError: A wish is not valid.
    """
    from kvmtui.manage.seeding import with_seed

    os_id = plain.get("os")
    profile = profiles().find(os_id) if isinstance(os_id, str) else None
    if profile is None or profile.unattended == "none":
        what = visible(os_id, limit=60) if isinstance(os_id, str) and os_id else "this medium"
        raise UsageError(
            f"{name}: nobody knows how {what} is installed without questions",
            hint="name its system: --os debian12; or leave out --user and the like",
        )
    # Without a kernel of its own the line is for the medium's, which is not there yet.
    own = {} if plain.get("kernel") else {"append": plain.get("append")}
    plain = {key: value for key, value in plain.items() if key not in own}
    seeded = with_seed(name, plain, wants, kind=profile.unattended)
    made, files = seeded.plain, dict(seeded.files)
    if not seeded.answers.needs_kernel_from_iso:
        made |= {key: value for key, value in own.items() if value}
    elif own:
        made, booted = _booted_directly(name, made, own["append"], seeded.answers)
        files |= booted
    return Unattended(made, files, seeded.answers.notes)


def _booted_directly(
    name: str, plain: Plain, append: str | None, answers: Answers
) -> tuple[Plain, dict[str, bytes]]:
    """The definition with the medium's own kernel, which is told where the answers are."""
    media = [str(drive.get("file")) for drive in plain.get("cdroms", [])]
    if not media:
        raise StateError(
            f"{name} has nothing to be installed from", hint=f"kvmtui install {name} --iso FILE"
        )
    kernel, initrd = read_boot_files(media[0])
    line = " ".join(filter(None, (append, answers.kernel_append)))
    # Linux looks for a further archive at multiples of four bytes only.
    initrd += bytes(-len(initrd) % 4) + (answers.initrd_extra or b"")
    files = {INSTALL_KERNEL: kernel, INSTALL_INITRD: initrd}
    direct = {"kernel": INSTALL_KERNEL, "initrd": INSTALL_INITRD, "append": line}
    return {**plain, **direct}, files


def read_boot_files(iso: str) -> tuple[bytes, bytes]:
    """The kernel and the initrd of an installation medium.

    Raises:
        ImageError: It cannot be read, or has none where they are known to be.
    """
    from pycdlib import PyCdlib

    image = PyCdlib()
    try:
        image.open(iso)
        for pair in _BOOTS:
            found = [_file(image, path) for path in pair]
            if found[0] and found[1]:
                return found[0], found[1]
    except Exception as error:  # noqa: BLE001 - pycdlib fails in many ways on a damaged image
        why = visible(str(error), limit=200)
        raise ImageError(f"{visible(iso)} cannot be read as a CD: {why}") from None
    raise ImageError(
        f"{visible(iso)} has no kernel where installers have it",
        hint="give it by --kernel FILE --initrd FILE, with the answers on --append",
    )


def _file(image: object, path: str) -> bytes:
    """A file of an image; empty where there is none."""
    from pycdlib.pycdlibexception import PyCdlibInvalidInput

    data = _Bounded()
    try:
        image.get_file_from_iso_fp(data, rr_path=path)  # type: ignore[attr-defined]
    except PyCdlibInvalidInput:
        return b""
    return data.getvalue()


class _Bounded(io.BytesIO):
    def write(self, data: object) -> int:
        if self.tell() > _MOST_BYTES:
            raise ValueError("a file is too large to be booted")
        return super().write(data)  # type: ignore[arg-type]
