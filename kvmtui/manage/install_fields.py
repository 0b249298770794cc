"""The fields of a new guest, each described once: for the form and for the command line.

A field whose id is a path of the definition has its kind, its choices and its help from
the definition's own structures.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Literal, NamedTuple

from kvmtui.guest.schema import definition_schema

Source = Literal["cloud", "iso", "disk", "network", "kernel", "empty"]
SOURCES: dict[Source, str] = {
    "cloud": "Cloud image",
    "iso": "ISO",
    "disk": "Disk",
    "network": "Network",
    "kernel": "Kernel",
    "empty": "Empty",
}
FIRST: Source = "cloud"
"""The source at first."""
YES, NO = "yes", "no"
MADE, NONE = "made", "none"
"""Whether an answer file is made for the installer."""
OWN_PASSWORD = "own"
"""The choice of a password that is typed."""
MORE, EXPERT, SUMMARY = "more", "expert", "summary"

_FRESH: tuple[Source, ...] = ("iso", "network", "kernel", "empty")


class Spec(NamedTuple):
    """What a field is, whatever stands in it."""

    id: str
    """A path of the definition, or a word of the form's own."""
    label: str
    help: str = ""
    """Empty: as the definition has it."""
    kind: Literal["", "text", "choice", "switch", "head", "radio", "fold", "button"] = ""
    """Empty: as the definition has it, or text."""
    section: str = ""
    sources: tuple[Source, ...] = ()
    """For which sources it is there; for all when empty."""
    login: bool = False
    """Whether it is there only where something sets up the first login."""
    fold: str = ""
    """The fold that it hangs on."""
    short: bool = False


def _expert(id: str, label: str) -> Spec:
    return Spec(id, label, fold=EXPERT)


def _login(id: str, label: str, help: str, *, section: str = "", kind: Any = "text") -> Spec:
    return Spec(id, label, help, kind, section, login=True)


SPECS: tuple[Spec, ...] = (
    Spec("source", "New guest  from", "What its first start is from.", "head"),
    Spec(
        *("image", "Image", "A cloud image of the catalogue, fetched and verified once."),
        *("choice", "System", ("cloud",)),
    ),
    Spec(
        *("iso", "ISO", "Path of an installation medium."),
        *("text", "System", ("iso",)),
    ),
    Spec(
        *("file", "Disk", "Path of a disk image or block device that is there; used as it is."),
        *("text", "System", ("disk",)),
    ),
    Spec("networks[0].boot_file", "Boots", kind="text", section="System", sources=("network",)),
    Spec("kernel", "Kernel", section="System", sources=("kernel",)),
    Spec("initrd", "Initrd", sources=("kernel",)),
    Spec("append", "Line", sources=("kernel",)),
    Spec(
        "os",
        "Profile",
        "The system's profile: what it takes, and which devices suit it.",
        "choice",
        "System",
    ),
    Spec(
        *("answers", "Unattended", "Whether an answer file is made, so that nobody has to answer."),
        *("radio", "", ("iso",)),
    ),
    Spec("name", "Name", "The guest's name: letters, digits, '.', '_' and '-'.", section="Guest"),
    Spec("memory", "Memory", short=True),
    Spec("cpus", "vCPUs", short=True),
    Spec(
        *("disk", "Disk", "A size such as 20G makes an image; a path takes one; empty for none."),
        sources=("cloud", *_FRESH),
        short=True,
    ),
    Spec("network", "Network", "user, bridge=NAME, tap=NAME or none.", "text"),
    Spec("firmware", "Firmware", short=True),
    _login(
        *("host_name", "Host name", "Its host name; as the guest when empty."),
        section="First login",
    ),
    _login("user", "User", "Who logs in; the image's own user when empty."),
    _login("ssh_key", "SSH key", "A file of public keys that log in, or an https address of one."),
    _login("password", "Password", "Whether one logs in by password too.", kind="choice"),
    _login("packages", "Packages", "Packages to install, parted by blanks."),
    _login("run", "Run", "A shell's command as root, at the end of the first start."),
    Spec(
        *("user_data", "user-data", "A file of your own, for cloud-init; the rest adds to it."),
        *("text", "", ("cloud",)),
    ),
    Spec("more", "More disks and networks", "", "fold"),
    Spec("more_disks", "Disks", "More of them, as Disk, parted by blanks.", fold=MORE),
    Spec("cdrom", "CD-ROM", "Path of an ISO image in a drive of its own.", fold=MORE),
    Spec("more_networks", "Networks", "More of them, as Network, parted by blanks.", fold=MORE),
    Spec(
        *("forwards", "Forwards", "HOSTPORT:GUESTPORT, parted by blanks; for the user network."),
        fold=MORE,
    ),
    Spec("expert", "Expert", "", "fold"),
    _expert("description", "About"),
    _expert("tags", "Tags"),
    _expert("arch", "Arch"),
    _expert("machine", "Machine"),
    _expert("cpu", "CPU model"),
    _expert("accelerator", "Accel."),
    _expert("disks[0].bus", "Disk bus"),
    _expert("disks[0].cache", "Cache"),
    _expert("networks[0].model", "Net card"),
    _expert("video", "Video"),
    _expert("sound", "Sound"),
    _expert("serial", "Serial"),
    _expert("usb", "USB"),
    _expert("clock", "Clock"),
    _expert("tpm", "TPM 2.0"),
    _expert("secure_boot", "Sec. Boot"),
    _expert("hyperv", "Hyper-V"),
    _expert("on_full", "Disk full"),
    _expert("protected", "Protected"),
    _expert("qemu_args", "More args"),
    Spec("summary", "Summary", "", "fold"),
    Spec("create_and_start", "Create and start", "Makes the guest and starts it.", "button"),
    Spec("create_only", "Create only", "Makes the guest; it is started later.", "button"),
)
_STEP = re.compile(r"([a-z_]+)(\[\d+\])?")


class Described(NamedTuple):
    """What the definition's structures say of a path."""

    kind: Literal["text", "choice", "switch"]
    choices: tuple[str, ...]
    help: str


@functools.cache
def specs() -> tuple[Spec, ...]:
    """All fields that the definition knows, in their order."""
    return tuple(spec for spec in SPECS if not spec.fold or described(spec.id) or _is_own(spec))


def _is_own(spec: Spec) -> bool:
    return spec.fold == MORE


@functools.cache
def described(path: str) -> Described | None:
    """What is said of a path of the definition; None where it has no such key."""
    schema = _schema()
    node = schema["Definition"]
    for name, _ in _STEP.findall(path):
        if node is None or name not in node.get("properties", {}):
            return None
        found = node["properties"][name]
        node = _struct_in(found, schema)
    choices = _choices(found)
    if found.get("type") == "boolean":
        return Described("switch", (NO, YES), found.get("description", ""))
    return Described("choice" if choices else "text", choices, found.get("description", ""))


@functools.cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = definition_schema()["$defs"]
    return found


def _struct_in(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any] | None:
    """The structure that a key, or each item of a list, is."""
    ref = node.get("items", {}).get("$ref") or node.get("$ref")
    return schema.get(ref.rsplit("/", 1)[-1]) if ref else None


def _choices(node: dict[str, Any]) -> tuple[str, ...]:
    if "enum" in node:
        return tuple(str(choice) for choice in node["enum"] if choice is not None)
    return next(filter(None, map(_choices, node.get("anyOf", ()))), ())


def help_of(id: str) -> str:
    """What a field is for, in one sentence that ends without a full stop, for a usage text."""
    spec = next((one for one in SPECS if one.id == id), None)
    text = spec.help if spec is not None else ""
    if not text:
        known = described(id)
        text = known.help if known is not None else ""
    is_name = text[1:2].isupper()
    return (text if is_name else text[:1].lower() + text[1:]).rstrip(".")


def conditions(spec: Spec) -> tuple[dict[str, tuple[str, ...]], ...]:
    """When a field is there, by the values of others."""
    one: dict[str, tuple[str, ...]] = {}
    if spec.fold:
        one[spec.fold] = (YES,)
    if spec.sources:
        one["source"] = spec.sources
    if not spec.login:
        return (one,) if one else ()
    return ({"source": ("cloud",)}, {"source": ("iso",), "answers": (MADE,)})
