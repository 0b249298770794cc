"""A new guest while its form is filled in: what a person gave, and what follows from it."""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from kvmtui.errors import DefinitionError, HostError, KvmtuiError, as_told
from kvmtui.guest import laying
from kvmtui.guest.answer_values import usual_user
from kvmtui.guest.definition import Definition, Plain
from kvmtui.guest.first_login import host_name_of
from kvmtui.guest.laying import written_size
from kvmtui.guest.library import Library
from kvmtui.guest.names import check_name
from kvmtui.guest.profile import Profile
from kvmtui.guest.validation import definition_from
from kvmtui.host import resources
from kvmtui.host.firmware import find_uefi
from kvmtui.manage.install_cloud import Cloud, cloud_images
from kvmtui.manage.install_fields import EXPERT, FIRST, MADE, NO, NONE, YES, Source, specs
from kvmtui.manage.profiles import profiles
from kvmtui.manage.recognising import Medium, Recogniser
from kvmtui.text import visible

Values = dict[str, str]
AGENT = "qemu-guest-agent"
_WITHOUT_AGENT = ("win", "other", "old-pc", "openbsd")
_USUAL_PROFILE = "linux"
ARCHITECTURES = ("x86_64", "aarch64", "riscv64")
_STEP = re.compile(r"([a-z_]+)(?:\[(\d+)\])?")
_FREE_MEMORY_SHARE = 2


class Draft(NamedTuple):
    """All that is known of a guest that is not there yet."""

    given: Values
    """What a person gave, by field."""
    values: Values
    """What stands in every field."""
    usual: Values
    """What would stand there by the profile and this host."""
    source: Source
    profile: Profile | None
    medium: Medium | None
    """What the ISO is; None where none is named, or it is none."""
    fault: str
    """Why the ISO cannot be read; empty where it can."""
    clouds: Sequence[Cloud]
    """The cloud images that there are; none with another source."""
    cloud: Cloud | None
    """The one that is chosen."""


def draft(library: Library, recogniser: Recogniser, given: Values) -> Draft:
    """What follows from what was given.

    Args:
        given: The values that a person gave; ``uuid`` besides, so that it stays the same.
    """
    source = cast(Source, given.get("source", FIRST))
    medium, fault = _medium(recogniser, given) if source == "iso" else (None, "")
    clouds, cloud = _clouds(library, given) if source == "cloud" else ([], None)
    os_id = given.get("os") or _recognised(source, medium, cloud)
    profile = profiles().find(os_id) if os_id else None
    usual = _usual(library, given, source, profile, medium)
    usual |= {"source": source, "os": os_id}
    if cloud is not None:
        usual |= _of_cloud(cloud, usual, library)
    usual["host_name"] = host_name_of(given.get("name", usual["name"]) or "guest")
    values = {spec.id: given.get(spec.id, usual.get(spec.id, "")) for spec in specs()}
    values["uuid"] = given["uuid"]
    if not can_answer(profile):
        values["answers"] = NONE
    return Draft(given, values, usual, source, profile, medium, fault, clouds, cloud)


def _medium(recogniser: Recogniser, given: Values) -> tuple[Medium | None, str]:
    path = file_of(given.get("iso", ""))
    if not path:
        return None, ""
    try:
        return recogniser.look(path), ""
    except (KvmtuiError, OSError) as error:
        return None, as_told("", error).message.removeprefix(f"{visible(path)}: ")


def _clouds(library: Library, given: Values) -> tuple[list[Cloud], Cloud | None]:
    found = cloud_images(library, given.get("arch") or Definition().arch)
    wanted = given.get("image", found[0].image.id if found else "")
    return found, next((one for one in found if one.image.id == wanted), None)


def _of_cloud(cloud: Cloud, usual: Values, library: Library) -> Values:
    """What follows from a cloud image."""
    image = cloud.image
    values = {"image": image.id, "name": free_name(library, image.id), "user": image.user}
    if image.firmware is not None and usual["arch"] == Definition().arch:
        values["firmware"] = image.firmware
    return values


def file_of(text: str) -> str:
    """The absolute path that a person means; empty where none is named."""
    text = text.strip()
    return os.path.abspath(os.path.expanduser(text)) if text else ""


def _recognised(source: Source, medium: Medium | None, cloud: Cloud | None) -> str:
    """The profile that follows from what is installed; empty where a person has to say it."""
    if cloud is not None and cloud.image.os and profiles().find(cloud.image.os) is not None:
        return cloud.image.os
    if source != "iso":
        return _USUAL_PROFILE
    found = medium.recognition.os if medium is not None else None
    known = profiles().find(found) if found else None
    return known.id if known is not None else ""


# What follows.


def _usual(
    library: Library,
    given: Values,
    source: Source,
    profile: Profile | None,
    medium: Medium | None,
) -> Values:
    arch = given.get("arch") or usual_arch(profile, medium)
    values = {
        "arch": arch,
        "name": free_name(library, _stem(source, profile)),
        "memory": written_size(usual_memory(profile)),
        "cpus": str(min(profile.cpus.recommended if profile and profile.cpus else 1, _cpus())),
        "disk": written_size(profile.disk.recommended) if profile and profile.disk else "20G",
        "network": "user",
        "firmware": usual_firmware(arch, profile, medium, source),
        "answers": MADE if source == "iso" and can_answer(profile) else NONE,
        "packages": _packages(profile) if given.get("network") != "none" else "",
        "more": NO,
        "expert": NO,
        "summary": YES,
        "ssh_key": next(iter(key_files()), ""),
    }
    if source == "iso" and profile is not None and can_answer(profile):
        values["user"] = usual_user(profile.unattended)
    if source == "kernel":
        values["disk"] = ""
    laid = laid_definition(profile, values)
    values |= {
        spec.id: shown(at_path(laid, spec.id))
        for spec in specs()
        if spec.fold == EXPERT and spec.id != "arch"
    }
    return values


def can_answer(profile: Profile | None) -> bool:
    """Whether an installer of the system reads an answer file that can be made for it."""
    return profile is not None and profile.unattended != "none"


def _packages(profile: Profile | None) -> str:
    """The guest agent, where there is a package of that name."""
    return "" if profile is None or profile.family in _WITHOUT_AGENT else AGENT


def usual_arch(profile: Profile | None, medium: Medium | None) -> str:
    """For which machine it is: what the medium says, else the profile's usual one."""
    found = medium.recognition.arch if medium is not None else None
    if found in ARCHITECTURES:
        return str(found)
    usual = Definition().arch
    return usual if profile is None or usual in profile.arch else profile.arch[0]


def _stem(source: Source, profile: Profile | None) -> str:
    """How a guest of a system is called: ``debian-13``."""
    if profile is None or (profile.id == _USUAL_PROFILE and source != "iso"):
        return "guest"
    return re.sub(r"(?<=[a-z])(?=\d)", "-", profile.id, count=1)


def free_name(library: Library, stem: str) -> str:
    """A name that no guest has: ``debian-13-a``, ``debian-13-b`` …"""
    try:
        taken = set(library.names())
    except (HostError, OSError):
        taken = set()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    ends = (*letters, *map(str, range(1, 10000)))
    return next(name for end in ends if (name := check_name(f"{stem}-{end}")) not in taken)


def usual_memory(profile: Profile | None) -> int:
    """The memory of a new guest: as recommended, but half of this host's at the most."""
    if profile is None or profile.memory is None:
        return 1 << 30
    most = resources.total_memory_bytes() // _FREE_MEMORY_SHARE >> 28 << 28
    return int(max(min(profile.memory.recommended, most), profile.memory.least))


def _cpus() -> int:
    return os.cpu_count() or 1


def usual_firmware(
    arch: str, profile: Profile | None, medium: Medium | None, source: Source = "iso"
) -> str:
    """By what it boots: what suits the system, the medium and this host."""
    if arch != Definition().arch:
        # A kernel that is booted directly needs none there.
        return "bios" if source == "kernel" else "uefi"
    ways = list(profile.firmware) if profile is not None else ["bios", "uefi"]
    boots = medium.recognition.boot if medium is not None else ()
    fit = [way for way in ways if way in boots] or ways
    if fit[0] == "uefi" and "bios" in fit:
        try:
            find_uefi(arch)
        except HostError:
            return "bios"
    return fit[0]


def key_files(home: str = "~") -> list[str]:
    """The files of public keys of who sits here, as people write them."""
    folder = os.path.join(os.path.expanduser(home), ".ssh")
    names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, "*.pub")))
    return [f"{home}/.ssh/{name}" for name in names if name.isprintable()]


# The definition that a profile makes of nothing.


def laid_definition(profile: Profile | None, values: Values) -> Definition:
    """A guest with one disk and one network as the profile has them."""
    plain: Plain = {"disks": [{"file": "disk0.qcow2"}], "networks": [{}]}
    if values["arch"] != Definition().arch:
        plain["arch"] = values["arch"]
    if profile is not None:
        plain = laying.under(profile, plain)
    try:
        return definition_from(plain)
    except DefinitionError:
        return definition_from({"disks": [{"file": "disk0.qcow2"}]})


def at_path(definition: Definition, path: str) -> Any:
    """What stands at a path such as ``disks[0].bus``."""
    node: Any = definition
    for name, index in _STEP.findall(path):
        node = getattr(node, name)
        if index:
            node = node[int(index)] if int(index) < len(node) else None
    return node


def shown(value: Any) -> str:
    """A value of the definition as a field shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(shlex.quote(str(one)) for one in value)
    return "" if value is None else str(value)


def profile_choices(medium: Medium | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The profiles' ids and names; first what the medium can be."""
    known = {profile.id: profile.name for profile in profiles().all()}
    first = medium.recognition.candidates if medium is not None else ()
    ids = [one for one in first if one in known]
    ids += sorted((one for one in known if one not in ids), key=lambda one: known[one].lower())
    return tuple(ids), tuple(visible(known[one], limit=60) for one in ids)


def makes_answers(values: Values) -> bool:
    """Whether an answer file or a seed goes with the guest."""
    return values["source"] == "cloud" or (values["source"] == "iso" and values["answers"] == MADE)
