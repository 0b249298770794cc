"""What a profile means for a definition: its part laid under what the user chose."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec

from kvmtui.errors import DefinitionError
from kvmtui.guest.definition import Cdrom, Definition, Disk, Network, Plain, Size
from kvmtui.guest.profile import Counts, Profile, Sizes
from kvmtui.guest.units import format_size
from kvmtui.guest.validation import definition_from

EACH: dict[str, tuple[str, type[msgspec.Struct], dict[str, Any]]] = {
    "disk": ("disks", Disk, {"file": "disk0.qcow2"}),
    "cdrom": ("cdroms", Cdrom, {}),
    "network": ("networks", Network, {}),
}
"""Keys of a partial definition for all of one kind: where they go, and what one needs."""
ONLY_A_GUESTS = frozenset(
    {"name", "uuid", "description", "tags", "protected", "autostart", "os", "arch", "cpus"}
    | {"memory", "firmware", "kernel", "initrd", "append", "vnc", "clock"}
    | {"tpm", "secure_boot", "hyperv"}
    | {"disks", "cdroms", "networks"}
)
"""Keys that no partial definition has: a guest's own, and those that facts stand for."""
_MIB = 1 << 20
_GIB = 1 << 30
_STEP = 256 << 20
"""Of memory that is less than what is recommended."""


def under(profile: Profile, plain: Plain) -> Plain:
    """A definition with the profile's part wherever the user said nothing.

    Only what differs from a definition's own defaults is written down, so that the guest
    stays as it is whatever becomes of the profile.

    Args:
        plain: What the user chose, as plain data.

    Returns:
        A new definition; it is not checked.
    """
    result = copy.deepcopy(plain)
    usual = Definition()

    def lay(key: str, value: Any, written: Any = None) -> None:
        is_free = key in Definition.__struct_fields__ and key not in result
        if is_free and value != getattr(usual, key):
            result[key] = value if written is None else written

    if usual.arch not in profile.arch:
        lay("arch", profile.arch[0])
    if profile.memory is not None:
        lay("memory", profile.memory.recommended, written_size(profile.memory.recommended))
    if profile.cpus is not None:
        lay("cpus", profile.cpus.recommended)
    lay("clock", profile.clock)
    if result.get("arch", usual.arch) != usual.arch:
        return result
    firmware = profile.firmware[0]
    if firmware != usual.boot_firmware():
        lay("firmware", firmware)
    lay("tpm", profile.tpm == "required")
    lay("secure_boot", profile.secure_boot == "required")
    lay("hyperv", profile.hyperv)
    for key, value in profile.definition.items():
        if key not in EACH:
            lay(key, value)
    for key, (kind, type_, _) in EACH.items():
        _lay_each(result, kind, type_, profile.definition.get(key, {}))
    return result


def fitted(profile: Profile, memory_bytes: int, cpus: int) -> Profile:
    """A profile that recommends no more than half of a host's memory, and its processors.

    What a system takes at the least stays.

    Args:
        memory_bytes: All that the host has.
        cpus: The host's processors.
    """
    memory, counts = profile.memory, profile.cpus
    if memory is not None:
        half = memory_bytes // 2
        half -= half % (_STEP if half >= _STEP else _MIB)
        most = max(memory.least, min(memory.recommended, half))
        memory = Sizes(least=memory.least, recommended=Size(most))
    if counts is not None:
        count = max(counts.least, min(counts.recommended, cpus))
        counts = Counts(least=counts.least, recommended=count)
    return msgspec.structs.replace(profile, memory=memory, cpus=counts)


def _lay_each(result: Plain, kind: str, type_: type[msgspec.Struct], part: dict[str, Any]) -> None:
    """Lay a part under every disk, drive or card that is there."""
    if not part:
        return
    items = result.get(kind)
    if items is None and kind == "networks":
        items = [{}]
    if not isinstance(items, list) or not items:
        return
    plain = {info.name: info.default for info in msgspec.structs.fields(type_)}
    laid = {key: value for key, value in part.items() if value != plain.get(key)}
    if laid:
        result[kind] = [{**laid, **item} if isinstance(item, dict) else item for item in items]


def written_size(size_bytes: int) -> str:
    """A size as people write it in a definition: ``2G``, ``1536M``; exact."""
    for unit, letter in ((_GIB, "G"), (_MIB, "M")):
        if size_bytes % unit == 0:
            return f"{size_bytes // unit}{letter}"
    return str(size_bytes)


def shortcomings(profile: Profile, definition: Definition) -> list[str]:
    """What the system lacks in a guest of this definition, one line each."""
    return list(_lacking(profile, definition))


def _lacking(profile: Profile, definition: Definition) -> Iterator[str]:
    name = profile.name
    if definition.arch not in profile.arch:
        yield f"arch: {name} has no {definition.arch}, only {', '.join(profile.arch)}"
    elif definition.arch == "x86_64" and definition.boot_firmware() not in profile.firmware:
        yield f"firmware: {name} boots by {' or '.join(profile.firmware)} only"
    if profile.memory is not None and definition.memory < profile.memory.least:
        least = format_size(profile.memory.least)
        yield f"memory: {name} takes {least} or more, not {format_size(definition.memory)}"
    if profile.cpus is not None and definition.cpus < profile.cpus.least:
        yield f"cpus: {name} takes {profile.cpus.least} or more, not {definition.cpus}"
    if profile.disk is not None and definition.disks:
        size = definition.disks[0].size
        if size is not None and size < profile.disk.least:
            least = format_size(profile.disk.least)
            yield f"disks[0].size: {name} takes {least} or more, not {format_size(size)}"
    for key, needed in (("tpm", profile.tpm), ("secure_boot", profile.secure_boot)):
        if needed == "required" and getattr(definition, key, None) is False:
            yield f"{key}: {name} is not installed without it"


def definition_problems(partial: dict[str, Any], path: str) -> list[str]:
    """What is wrong with a profile's partial definition, each with its path."""
    own = sorted(key for key in partial if key in ONLY_A_GUESTS)
    problems = [f"{path}.{key}: is not for a profile's definition" for key in own]
    plain = {key: value for key, value in partial.items() if key not in {*EACH, *own}}
    for key, (kind, _, needed) in EACH.items():
        part = partial.get(key)
        if part is not None and not isinstance(part, dict):
            problems.append(f"{path}.{key}: keys and values are expected")
        elif part is not None:
            plain[kind] = [{**needed, **part}]
    try:
        definition_from(plain)
    except DefinitionError as error:
        for problem in error.problems:
            for key, (kind, _, _) in EACH.items():
                problem = problem.replace(f"{kind}[0]", key)
            problems.append(f"{path}.{problem}")
    return problems
