"""From the fields of a new guest to its definition; what is wrong is told by field."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from kvmtui.errors import DefinitionError, KvmtuiError, as_told
from kvmtui.guest.definition import Definition, Plain
from kvmtui.guest.editing import Change, apply_to_plain
from kvmtui.guest.folder import SEED
from kvmtui.guest.laying import written_size
from kvmtui.guest.units import parse_size
from kvmtui.guest.validation import definition_from
from kvmtui.manage import creating, profiles, unattended
from kvmtui.manage.catalog import DISK
from kvmtui.manage.install_draft import Draft, file_of, makes_answers
from kvmtui.manage.install_fields import EXPERT, specs
from kvmtui.manage.options import disk_of, network_of
from kvmtui.text import visible

_FIELD_OF = (
    (re.compile(r"disks\[0\]\.(bus|cache)\b"), ""),
    (re.compile(r"disks\[0\]"), "disk"),
    (re.compile(r"disks\b"), "more_disks"),
    (re.compile(r"cdroms\b"), "cdrom"),
    (re.compile(r"networks\[0\]\.forwards\b"), "forwards"),
    (re.compile(r"networks\[0\]\.(model|boot_file)\b"), ""),
    (re.compile(r"networks\[0\]"), "network"),
    (re.compile(r"networks\b"), "more_networks"),
)
"""Whose field a path of the definition is; an empty one is a field itself."""


BOOT_FILE = "networks[0].boot_file"


class Plan(NamedTuple):
    """What is to be made."""

    name: str
    plain: Plain
    """The definition as plain data."""
    definition: Definition | None
    """It, checked, with the kernel of its first boot where that is the medium's; with the
    usual in place of what is wrong. None where it cannot be one."""
    problems: dict[str, str]
    """What is wrong, by field; nothing is made while there is something."""
    notes: list[str]
    """What a person should know besides."""


def plan(draft: Draft) -> Plan:
    """The definition that the fields say."""
    problems: dict[str, str] = {}
    plain = _skeleton(draft, problems)
    plain, notes = profiles.laid_under(plain)
    plain = creating.prepare(plain)
    definition = None
    try:
        definition = definition_from(plain)
        plain = _with_expert(draft, plain, problems)
        definition = definition_from({**plain, **_boot_words(draft, plain, problems)})
    except DefinitionError as error:
        problems = {**problems_by_field(draft, error), **problems}
    return Plan(draft.values["name"].strip(), plain, definition, problems, notes)


def _boot_words(draft: Draft, plain: Plain, problems: dict[str, str]) -> Plain:
    """What the definition says of the installer's own kernel, where it is booted directly."""
    profile = draft.profile
    if draft.source != "iso" or draft.medium is None or not makes_answers(draft.values):
        return {}
    try:
        return unattended.boot_words(plain, profile.unattended if profile is not None else "")
    except KvmtuiError as error:
        problems.setdefault("answers", error.message.removeprefix(f"{draft.values['iso']} "))
        return {}


def problems_by_field(draft: Draft, error: DefinitionError) -> dict[str, str]:
    """Whose field each problem of a definition is."""
    found: dict[str, str] = {}
    for problem in error.problems:
        path, colon, words = problem.partition(": ")
        if not colon:
            path, words = "", problem
        found.setdefault(_field_of(draft, path), words)
    return found


def _field_of(draft: Draft, path: str) -> str:
    fields = {spec.id for spec in specs()}
    if path in fields:
        return path
    for pattern, field in _FIELD_OF:
        match = pattern.match(path)
        if match:
            field = field or match[0]
            if field == "disk" and draft.source == "disk":
                return "file"
            return "iso" if field == "cdrom" and draft.source == "iso" else field
    head = re.split(r"[.\[]", path)[0]
    return head if head in fields else "name"


def _skeleton(draft: Draft, problems: dict[str, str]) -> Plain:
    """What the fields say, before the profile is laid under it."""
    values, source = draft.values, draft.source
    plain: Plain = {"uuid": values["uuid"]}

    def read(field: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except DefinitionError as error:
            problems.setdefault(field, error.problems[0].rpartition(": ")[2])
        except (KvmtuiError, OSError) as error:
            problems.setdefault(field, as_told("", error).message.removeprefix(f"{field}: "))
        except ValueError as error:
            problems.setdefault(field, str(error))
        return None

    if values["os"]:
        plain["os"] = _exact_os(draft)
    if values["arch"] != Definition().arch:
        plain["arch"] = values["arch"]
    memory = values["memory"].strip()
    plain["memory"] = memory if read("memory", lambda: parse_size(memory)) else "1G"
    plain["cpus"] = read("cpus", lambda: _count(values["cpus"])) or 1
    plain["firmware"] = values["firmware"]
    plain["disks"] = _disks(draft, read)
    _put_drives(draft, plain)
    plain["networks"] = _networks(values, read)
    if source == "network":
        plain["boot"] = ["disk", "network"]
        url = values[BOOT_FILE].strip()
        if url and plain["networks"]:
            plain["networks"][0]["boot_file"] = url
    if source == "kernel":
        for key in ("kernel", "initrd"):
            if values[key].strip():
                plain[key] = file_of(values[key])
        if values["append"].strip():
            plain["append"] = values["append"].strip()
        if not values["kernel"].strip():
            problems.setdefault("kernel", "choose one: Ctrl-O browses")
    if source == "cloud" and draft.cloud is None:
        problems.setdefault("image", f"there is none for {values['arch']}")
    for key, source_of in (("iso", "iso"), ("file", "disk")):
        if source == source_of and not values[key].strip():
            problems.setdefault(key, "choose one: Ctrl-O browses")
    return plain


def _exact_os(draft: Draft) -> str:
    """The id that the medium was recognised as, also where a version before has the profile."""
    found = draft.medium.recognition.os if draft.medium is not None else None
    return found if found and "os" not in draft.given else draft.values["os"]


def _count(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= 1024:
        raise ValueError("a number is expected, from 1 to 1024")
    return int(text)


def _disks(draft: Draft, read: Callable[[str, Callable[[], Any]], Any]) -> list[Any]:
    values = draft.values
    first, field = values["disk"].strip(), "disk"
    if draft.source == "cloud":
        size = read("disk", lambda: written_size(parse_size(first)))
        return [{"file": DISK, "format": "qcow2", "size": size or "20G"}, *_more_disks(draft, read)]
    if draft.source == "disk":
        first, field = values["file"].strip(), "file"
        first = file_of(first) if first else ""
    disks = [read(field, lambda: disk_of(_expanded(first), field))] if first else []
    disks += _more_disks(draft, read)
    return [disk for disk in disks if disk is not None]


def _more_disks(draft: Draft, read: Callable[[str, Callable[[], Any]], Any]) -> list[Any]:
    disks = []
    words = _words(draft.values["more_disks"], lambda: read("more_disks", _unbalanced))
    for word in words:
        disks.append(read("more_disks", partial(disk_of, _expanded(word), "disk")))
    return [disk for disk in disks if disk is not None]


def _expanded(text: str) -> str:
    return file_of(text) if text.startswith("~") else text


def _unbalanced() -> None:
    raise ValueError("a quotation mark is not closed")


def _words(text: str, failed: Callable[[], Any]) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        failed()
        return []


def _put_drives(draft: Draft, plain: Plain) -> None:
    values = draft.values
    drives = [values["iso"]] if draft.source == "iso" else []
    drives += [values["cdrom"]]
    plain["cdroms"] = [{"file": file_of(one)} for one in drives if one.strip()]
    plain["cdroms"] += [{"file": SEED}] if makes_answers(values) else []
    if not plain["cdroms"]:
        del plain["cdroms"]


def _networks(values: dict[str, str], read: Callable[[str, Callable[[], Any]], Any]) -> list[Any]:
    found = [read("network", lambda: network_of(values["network"].strip(), "network"))]
    for word in values["more_networks"].split():
        found.append(read("more_networks", partial(network_of, word, "network")))
    networks = [_plain_network(network) for network in found if network is not None]
    rules = values["forwards"].replace(",", " ").split()
    if rules:
        user = next((one for one in networks if one.get("type", "user") == "user"), None)
        if user is None:
            read("forwards", _no_user_network)
        else:
            user["forwards"] = rules
    return networks


def _plain_network(network: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in network.items() if (key, value) != ("type", "user")}


def _no_user_network() -> None:
    raise ValueError("forwards need a network of type user")


def _with_expert(draft: Draft, plain: Plain, problems: dict[str, str]) -> Plain:
    """Put in what a person gave another value than the profile, key by key."""
    for spec in specs():
        id = spec.id
        if spec.fold != EXPERT or id == "arch" or id not in draft.given:
            continue
        value = draft.values[id].strip()
        if value == draft.usual[id]:
            continue
        try:
            if id in ("tags", "qemu_args"):
                words = _words(value, _unbalanced)
                changed = {**plain, id: words} if words else plain
                definition_from(changed)
                plain = changed
            else:
                change = Change.parse(f"{id}={value}")
                plain = apply_to_plain(plain, [change])
        except DefinitionError as error:
            problems.setdefault(id, visible(error.problems[0].partition(": ")[2], limit=120))
        except (KvmtuiError, ValueError) as error:
            problems.setdefault(id, visible(str(error), limit=120))
    return plain
