"""A profile: what is known of an operating system before it is installed.

Profiles are data, in ``profiles/*.yaml`` here and in folders of the user. A docstring
under a field is also its help in the schema (`kvmtui schema --profile`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from kvmtui.guest.definition import Architecture, Size

Firmware = Literal["bios", "uefi"]
Need = Literal["none", "optional", "required"]
Unattended = Literal[
    "none", "preseed", "autoinstall", "kickstart", "autoyast", "agama", "alpine", "autounattend"
]
Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{0,62}$")]
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")]
Pattern = Annotated[str, Meta(min_length=1, max_length=300)]
Text = Annotated[str, Meta(max_length=80)]


class Sizes(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """How much of something it takes."""

    least: Size
    """With less its installer gives up, or the system does not run."""
    recommended: Size
    """What a new guest gets."""


class Counts(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """How many of something it takes."""

    least: Annotated[int, Meta(ge=1, le=1024)]
    recommended: Annotated[int, Meta(ge=1, le=1024)]


class Rule(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """How its installation media are known: every pattern that is stated must be found.

    Patterns are Python's regular expressions, searched for regardless of case. What a group
    named ``version`` matches, with ``-`` and ``_`` read as dots, goes into ``{version}``
    of the ids; any other group goes as it stands into ``{its name}``.
    """

    volume_id: Pattern | None = None
    system_id: Pattern | None = None
    publisher: Pattern | None = None
    application: Pattern | None = None
    preparer: Pattern | None = None
    """The data preparer's id."""
    build: Pattern | None = None
    """What Windows' own media say they were built from."""
    os: Annotated[str, Meta(max_length=80)] | None = None
    """The id it is then, such as debian{version}; that of the profile when absent."""
    candidates: list[Annotated[str, Meta(max_length=80)]] = field(default_factory=list)
    """Instead of `os`: what it can be, the likeliest first; nobody can tell which."""
    arch: str | None = None
    """Its architecture, where no word of its ids says it."""


class Facts(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """What profiles state; all of it may stand for a family, and again for one version."""

    name: Text | None = None
    """What people call it."""
    version: Text | None = None
    released: Date | None = None
    """The day, or month, or year."""
    ends: Date | None = None
    """When its makers stop mending it."""
    arch: list[Architecture] | None = None
    """Machines that it runs on, the usual one first."""
    memory: Sizes | None = None
    cpus: Counts | None = None
    disk: Sizes | None = None
    firmware: list[Firmware] | None = None
    """By what it boots on x86_64, the usual one first; machines of other kinds have UEFI."""
    secure_boot: Need | None = None
    """Whether it boots with Secure Boot, or not without it."""
    tpm: Need | None = None
    """Whether it has a use for a TPM 2.0, or is not installed without one."""
    clock: Literal["utc", "localtime"] | None = None
    """What it expects the hardware clock to show."""
    hyperv: bool | None = None
    """Whether it runs better where the machine says that it is Hyper-V."""
    definition: dict[str, Any] | None = None
    """A partial definition that is laid under what the user chose. `disk`, `cdrom` and
    `network` hold what every one of them gets."""
    unattended: Unattended | None = None
    """The answer file that its installer reads."""
    reboots: Annotated[int, Meta(ge=0, le=9)] | None = None
    """How often it restarts by itself before it is installed."""
    cloud_init: bool | None = None
    """Whether its cloud images read a NoCloud seed."""
    media: list[Rule] | None = None
    """How its installation media are known."""


class Version(Facts, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """One version of a family; what it does not state is as its family has it."""

    id: Identifier
    """The short id, as in osinfo-db: debian12."""
    inherits: Identifier | None = None
    """The id of a profile whose facts it has where neither it nor its family states them."""


class ProfileFile(Facts, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """A file of profiles: a family's facts, and its versions."""

    family: Identifier
    """A word for all of them. Of kvmtui's own files: the file's name, with which ids begin."""
    versions: list[Version]


class Profile(Struct, omit_defaults=True, kw_only=True, frozen=True):
    """A profile put together: its version's facts, its family's, and those it inherits."""

    id: str
    family: str
    name: str
    inherits: str | None = None
    version: str = ""
    released: str | None = None
    ends: str | None = None
    arch: list[Architecture] = field(default_factory=lambda: ["x86_64"])
    memory: Sizes | None = None
    cpus: Counts | None = None
    disk: Sizes | None = None
    firmware: list[Firmware] = field(default_factory=lambda: ["bios", "uefi"])
    secure_boot: Need = "none"
    tpm: Need = "none"
    clock: Literal["utc", "localtime"] = "utc"
    hyperv: bool = False
    definition: dict[str, Any] = field(default_factory=dict)
    unattended: Unattended = "none"
    reboots: int = 1
    cloud_init: bool = False
    media: list[Rule] = field(default_factory=list)
