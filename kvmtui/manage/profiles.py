"""The operating systems' profiles of this machine: kvmtui's own, and those of its users."""

from __future__ import annotations

import os
from typing import Any

from kvmtui.errors import DefinitionError
from kvmtui.guest import laying
from kvmtui.guest.definition import Plain
from kvmtui.guest.profile import Profile
from kvmtui.guest.profile_files import SUFFIX, Profiles
from kvmtui.guest.validation import definition_from
from kvmtui.host import resources
from kvmtui.host.paths import profile_folders
from kvmtui.text import visible

_State = tuple[tuple[str, int, int], ...]
_known: list[tuple[_State, Profiles]] = []


def profiles() -> Profiles:
    """All profiles; read again once a user's file has changed."""
    folders = profile_folders()
    state = _state(folders)
    if not _known or _known[0][0] != state:
        _known[:] = [(state, Profiles(folders))]
    return _known[0][1]


def _state(folders: list[str]) -> _State:
    """Which files there are in folders, and which they are now."""
    found = []
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        status = entry.stat()
                        found.append((entry.path, status.st_mtime_ns, status.st_size))
        except OSError:
            continue
    return tuple(sorted(found))


def laid_under(plain: Plain) -> tuple[Plain, list[str]]:
    """A definition with its system's profile laid under it, and what a person should know.

    Args:
        plain: As the user chose it; its ``os`` names the profile.
    """
    os_id = plain.get("os")
    if not isinstance(os_id, str) or not os_id:
        return plain, []
    known = profiles()
    profile = known.find(os_id)
    notes = list(known.faults)
    if profile is None:
        notes.append(f"there is no profile of {visible(os_id)}{_guess(known, os_id)}")
        return plain, notes
    if profile.id != os_id and not os_id.startswith(f"{profile.id}."):
        notes.append(f"{visible(os_id)} has no profile of its own: {profile.name}'s is used")
    result = laying.under(fitted(profile), plain)
    notes += _shortcomings(profile, result)
    return result, notes


def fitted(profile: Profile) -> Profile:
    """A profile as it is recommended on this host."""
    return laying.fitted(profile, resources.total_memory_bytes(), os.cpu_count() or 1)


def _shortcomings(profile: Profile, plain: Plain) -> list[str]:
    try:
        return laying.shortcomings(profile, definition_from(plain))
    except DefinitionError:
        return []


def _guess(known: Profiles, os_id: str) -> str:
    import difflib

    ids = [profile.id for profile in known.all()]
    close = difflib.get_close_matches(os_id, ids, n=1)
    return f": did you mean {close[0]}" if close else ""


def document(profile: Profile) -> dict[str, Any]:
    """A profile as ``profile show --json`` tells it; sizes in bytes."""
    found: dict[str, Any] = {
        "id": profile.id,
        "name": profile.name,
        "family": profile.family,
        "version": profile.version or None,
        "released": profile.released,
        "ends": profile.ends,
        "inherits": profile.inherits,
        "arch": profile.arch,
    }
    for key, sizes in (("memory", profile.memory), ("disk", profile.disk)):
        found[f"{key}_least_bytes"] = None if sizes is None else int(sizes.least)
        found[f"{key}_recommended_bytes"] = None if sizes is None else int(sizes.recommended)
    found["cpus_least"] = profile.cpus and profile.cpus.least
    found["cpus_recommended"] = profile.cpus and profile.cpus.recommended
    for key in ("firmware", "secure_boot", "tpm", "clock", "hyperv", "definition", "unattended"):
        found[key] = getattr(profile, key)
    found["reboots"] = profile.reboots
    found["cloud_init"] = profile.cloud_init
    return found
