"""What follows from the medium that a new guest is installed from: its system, what it takes."""

from __future__ import annotations

import os
from typing import Any

from kvmtui.errors import ImageError
from kvmtui.guest.definition import Definition, Plain
from kvmtui.guest.folder import SEED
from kvmtui.guest.laying import written_size
from kvmtui.guest.library import Library
from kvmtui.guest.profile import Profile
from kvmtui.manage import media_fit
from kvmtui.manage.install_draft import ARCHITECTURES, usual_arch, usual_firmware
from kvmtui.manage.profiles import profiles
from kvmtui.manage.recognising import Medium, Recogniser
from kvmtui.text import visible

_USUAL_DISK = "20G"


def fitted(library: Library, plain: Plain) -> tuple[Plain, list[str]]:
    """A definition with what its medium says wherever the user said nothing.

    Its system, where that is sure, its machine and its firmware; a disk of the size that the
    system's profile recommends, where none is named.

    Args:
        plain: The medium is its first CD; without one only the disk is added.

    Returns:
        The definition, and what a person should know, a sentence each.

    Raises:
        ImageError: The medium is none, is cut off, or is not for such a guest.
    """
    plain = dict(plain)
    medium = _medium(library, plain)
    notes = [] if medium is None else _with_system(plain, medium)
    profile = _profile(plain.get("os"))
    if medium is not None:
        _with_machine(plain, medium, profile)
    if not plain.get("disks"):
        sizes = profile.disk if profile is not None else None
        plain["disks"] = [{"size": written_size(sizes.recommended) if sizes else _USUAL_DISK}]
    return plain, notes


def _medium(library: Library, plain: Plain) -> Medium | None:
    drives = plain.get("cdroms")
    files = [
        str(one["file"])
        for one in (drives if isinstance(drives, list) else [])
        if isinstance(one, dict) and one.get("file") and one["file"] != SEED
    ]
    if not files:
        return None
    medium = Recogniser(library).look(files[0])
    if medium is None:
        raise ImageError(
            f"{visible(files[0])} is no installation medium", hint="an ISO image is meant"
        )
    _refuse(medium, media_fit.size_faults(medium), "fetch it again")
    return medium


def _refuse(medium: Medium, faults: list[str], hint: str) -> None:
    if faults:
        raise ImageError(f"{visible(medium.path)}: {faults[0]}", hint=hint)


def _with_system(plain: Plain, medium: Medium) -> list[str]:
    """Put in the system, where it is sure; what is to be said of it."""
    found = medium.recognition
    name = visible(os.path.basename(medium.path), limit=80)
    given = plain.get("os")
    if given:
        known = _profile(given)
        ids = {given, known.id if known is not None else given}
        differs = bool(found.candidates) and not ids & set(found.candidates)
        return [f"{name} is {medium.told}, not {visible(str(given))}"] if differs else []
    if found.os is not None and _profile(found.os) is not None:
        plain["os"] = found.os
        return [f"{name} is {medium.told}: its profile is used"]
    if not found.candidates:
        return [f"{name} is not recognised: --os names its system, for its profile"]
    return [f"{name} is {medium.told}, no profile is used: --os {found.candidates[0]} takes one"]


def _profile(os_id: Any) -> Profile | None:
    return profiles().find(os_id) if isinstance(os_id, str) and os_id else None


def _with_machine(plain: Plain, medium: Medium, profile: Profile | None) -> None:
    """Put in machine and firmware; refuse those that the medium is not for."""
    usual = Definition()
    if not plain.get("arch"):
        arch = usual_arch(profile, medium)
        if arch != usual.arch:
            plain["arch"] = arch
    arch = str(plain.get("arch") or usual.arch)
    suits, other = medium.recognition.arch, "another medium"
    hint = f"--arch {suits}, or {other}" if suits in ARCHITECTURES else other
    _refuse(medium, media_fit.arch_faults(medium, arch), hint)
    given = plain.get("firmware")
    if not given and arch == usual.arch:
        way = usual_firmware(arch, profile, medium)
        if way != usual.boot_firmware():
            plain["firmware"] = way
    way = str(given or usual_firmware(arch, profile, medium))
    ways = medium.recognition.boot
    hint = f"--firmware {ways[0]}" if ways and arch == usual.arch else other
    _refuse(medium, media_fit.boot_faults(medium, arch, way), hint)
