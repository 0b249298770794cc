"""The main fields of a definition as a form: what the interface asks for, and the checks.

Kinds, choices, defaults and helps come from the definition's own structures, so a field
exists once. What is typed is read by the same code as the command line's words.
"""

from __future__ import annotations

import os
from typing import Any, Literal, NamedTuple

from kvmtui.errors import DefinitionError, KvmtuiError
from kvmtui.guest.definition import Definition
from kvmtui.guest.editing import Change, apply_to_plain
from kvmtui.guest.library import Library
from kvmtui.guest.schema import definition_schema
from kvmtui.guest.units import format_size
from kvmtui.guest.validation import definition_from
from kvmtui.host import resources
from kvmtui.manage import creating
from kvmtui.manage.definitions import load_plain
from kvmtui.manage.options import network_of

Plain = dict[str, Any]
Values = dict[str, str]


class FormField(NamedTuple):
    """One field of the form."""

    id: str
    """A key of the definition, or one of network, forwards, cdrom."""
    label: str
    kind: Literal["text", "choice", "switch", "head", "radio", "fold", "button"]
    value: str
    choices: tuple[str, ...]
    help: str
    section: str = ""
    """The head above it, on the first field of a part."""
    labels: tuple[str, ...] = ()
    """How the choices are called; as they are when empty."""
    when: tuple[dict[str, tuple[str, ...]], ...] = ()
    """When it is there: where one of these has all its fields at one of their values."""
    short: bool = False
    """Whether what it takes is a few letters."""
    strong: bool = False
    """Whether its value is another than the profile's."""
    note: str = ""
    """Of a fold: what is in it."""


_LABELS = {
    "description": "Description",
    "tags": "Tags",
    "os": "System",
    "memory": "Memory",
    "cpus": "vCPUs",
    "firmware": "Firmware",
    "secure_boot": "Secure Boot",
    "tpm": "TPM 2.0",
    "hyperv": "Hyper-V",
    "clock": "Clock",
    "accelerator": "Accelerator",
    "kernel": "Kernel",
    "initrd": "Initrd",
    "append": "Kernel line",
    "protected": "Protected",
    "on_full": "Disk full",
}
_OWN = {
    "cdrom": ("CD-ROM", "Path of an ISO image; empty for none."),
    "network": ("Network", "user, bridge=NAME, tap=NAME or none."),
    "forwards": ("Forwards", "HOSTPORT:GUESTPORT, parted by blanks; for the user network."),
}
_KERNEL = ("kernel", "initrd", "append")
_WINDOWS = ("secure_boot", "tpm", "hyperv", "clock")
_EDIT = ("os", "memory", "cpus", "description", "tags", "cdrom", "network", "forwards")
_EDIT_REST = ("firmware", "accelerator", "protected", "on_full", *_KERNEL, *_WINDOWS)
_BESIDE: dict[str, Plain] = {
    "initrd": {"kernel": "/vmlinuz"},
    "append": {"kernel": "/vmlinuz"},
    "secure_boot": {"firmware": "uefi"},
}
"""What a field is checked beside, while it is typed: alone it would be wrong."""


def edit_fields(library: Library, name: str) -> list[FormField]:
    """The form for a guest that exists, filled in with what its definition says.

    Raises:
        DefinitionError: Its definition is not valid; only an editor can mend that.
    """
    plain = load_plain(library.folder(name))
    definition_from(plain)
    values = _values(plain)
    return [_field(key, values) for key in (*_EDIT, *_EDIT_REST)]


def _values(plain: Plain) -> Values:
    """What the form shows for a definition."""
    definition = definition_from(plain)
    networks, cdroms = definition.networks, definition.cdroms
    values = {key: _shown(getattr(definition, key)) for key in _LABELS}
    values["memory"] = shown_size(definition.memory)
    values["firmware"] = definition.boot_firmware()
    values["cdrom"] = (cdroms[0].file or "") if cdroms else ""
    values["network"] = "none"
    values["forwards"] = ""
    if networks:
        first = networks[0]
        name = first.bridge or first.tap
        values["network"] = f"{first.type}={name}" if name else first.type
        values["forwards"] = " ".join(first.forwards)
    return values


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def shown_size(size_bytes: int) -> str:
    """A size that reads back as itself: ``2G``, ``1536M``."""
    for letter, power in (("G", 30), ("M", 20), ("K", 10)):
        if size_bytes % (1 << power) == 0:
            return f"{size_bytes >> power}{letter}"
    return str(size_bytes)


def _field(key: str, values: Values) -> FormField:
    value = values.get(key, "")
    if key in _OWN:
        label, text = _OWN[key]
        return FormField(key, label, "text", value, (), text)
    described = _described()[key]
    kind: Literal["text", "choice", "switch"] = "text"
    choices = _choices(described)
    if described.get("type") == "boolean":
        kind, choices = "switch", ("no", "yes")
    elif choices:
        kind = "choice"
    return FormField(key, _LABELS[key], kind, value, choices, described.get("description", ""))


def _described() -> dict[str, dict[str, Any]]:
    described: dict[str, dict[str, Any]] = definition_schema()["$defs"]["Definition"]["properties"]
    return described


def _choices(described: dict[str, Any]) -> tuple[str, ...]:
    if "enum" in described:
        return tuple(str(choice) for choice in described["enum"] if choice is not None)
    for part in described.get("anyOf", ()):
        if "enum" in part:
            return _choices(part)
    return ()


def check_field(library: Library, key: str, text: str) -> tuple[bool, str]:
    """Check one field while it is typed.

    Returns:
        Whether it is right, and a few words: the problem, or what is good to know.
    """
    try:
        return True, _note(library, key, text.strip())
    except DefinitionError as error:
        path, _, words = error.problems[0].partition(": ")
        return False, words or path
    except (KvmtuiError, OSError) as error:
        return False, str(error)


def _note(library: Library, key: str, text: str) -> str:
    plain = _plain_of({key: text}, _BESIDE.get(key))
    definition = definition_from(creating.prepare(plain))
    if key == "memory":
        total = resources.total_memory_bytes()
        if definition.memory > total:
            raise KvmtuiError(f"more than the host's {format_size(total)}")
        return f"of the host's {format_size(total)}"
    if key == "cpus":
        return f"host has {os.cpu_count()}"
    return _path_note(key, definition) or _network_note(key, definition)


def _path_note(key: str, definition: Definition) -> str:
    if key == "cdrom" and definition.cdroms:
        path = definition.cdroms[0].file or ""
        if path.startswith("/") and not os.path.isfile(path):
            raise KvmtuiError("there is no such file")
        return "found"
    if key in ("kernel", "initrd"):
        path = getattr(definition, key) or ""
        if path.startswith("/") and not os.path.isfile(path):
            raise KvmtuiError("there is no such file")
        return "found" if path else ""
    return ""


def _network_note(key: str, definition: Definition) -> str:
    if key == "network" and definition.networks:
        name = definition.networks[0].bridge or definition.networks[0].tap
        if name is not None and not resources.interface_exists(name):
            raise KvmtuiError(f"this host has no {name}")
    if key == "forwards":
        for rule in definition.forwards():
            if not resources.port_is_free(rule.protocol, rule.host_address, rule.host_port):
                return f"port {rule.host_port} is taken now"
    return ""


def _plain_of(values: Values, base: Plain | None = None) -> Plain:
    """The definition that the form says, over what is there."""
    changes = []
    plain: Plain = dict(base or {})
    for key, text in values.items():
        text = text.strip()
        if key == "cdrom":
            _put_cdrom(plain, text)
        elif key == "network":
            _put_network(plain, text)
        elif key in ("forwards", "tags"):
            continue
        elif key in ("kernel", "initrd"):
            changes.append(Change([key], os.path.expanduser(text)))
        elif key in _LABELS:
            changes.append(Change([key], text))
    if "forwards" in values:
        _put_forwards(plain, values["forwards"].replace(",", " ").split())
    if "tags" in values:
        _put_tags(plain, values["tags"].replace(",", " ").split())
    return apply_to_plain(creating.prepare(plain) if base is None else plain, changes)


def _put_cdrom(plain: Plain, text: str) -> None:
    drives = [dict(drive) for drive in plain.get("cdroms", [])]
    if text:
        path = os.path.expanduser(text)
        first = drives[0] if drives else {}
        plain["cdroms"] = [{**first, "file": path}, *drives[1:]]
    elif drives:
        plain["cdroms"] = drives[1:]


def _put_network(plain: Plain, text: str) -> None:
    networks = [dict(network) for network in plain.get("networks", [{}])]
    wanted = network_of(text, "network")
    if wanted == {"type": "user"} and "networks" not in plain:
        return
    if wanted is None:
        plain["networks"] = []
        return
    kept = networks[0] if networks else {}
    for stale in ("type", "bridge", "tap"):
        kept.pop(stale, None)
    if wanted["type"] != "user":
        kept.pop("forwards", None)
        kept = {**kept, **wanted}
    plain["networks"] = [kept, *networks[1:]]


def _put_forwards(plain: Plain, rules: list[str]) -> None:
    networks = [dict(network) for network in plain.get("networks", [{}])]
    if networks and (rules or "forwards" in networks[0]):
        networks[0]["forwards"] = rules
        plain["networks"] = networks
    elif rules:
        raise KvmtuiError("forwards need a network of type user")


def _put_tags(plain: Plain, tags: list[str]) -> None:
    if tags or "tags" in plain:
        plain["tags"] = tags


def edited(library: Library, name: str, values: Values) -> tuple[Plain, Plain]:
    """The definition as it is, and as the changed fields would have it.

    Args:
        values: Only the fields that were changed.

    Raises:
        KvmtuiError: A field is not right.
    """
    old = load_plain(library.folder(name))
    return old, _plain_of(values, old)
