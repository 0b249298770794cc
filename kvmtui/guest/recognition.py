"""What an installation medium is: from the ids in its descriptors to an operating system.

Pure: the facts of a medium and the rules of profiles in, a `Recognition` out. Labels are
anybody's: what comes out is one of the rules' ids or an id made from a version's digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

RULE_FIELDS = ("volume_id", "system_id", "publisher", "application", "preparer", "build")
"""What a rule can have a pattern for."""
MOST_CANDIDATES = 8
_ID = re.compile(r"[a-z][a-z0-9._-]{0,62}")
_X86 = {"x86_64", "i686"}
_UEFI_ONLY = {"aarch64", "riscv64", "armv7", "loongarch64"}
_ARCHITECTURES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x64fre": "x86_64",
    "x64chk": "x86_64",
    "x64": "x86_64",
    "arm64": "aarch64",
    "aarch64": "aarch64",
    "a64fre": "aarch64",
    "riscv64": "riscv64",
    "riscv": "riscv64",
    "i386": "i686",
    "i486": "i686",
    "i586": "i686",
    "i686": "i686",
    "x86fre": "i686",
    "x86chk": "i686",
    "x86": "i686",
    "armhf": "armv7",
    "armv7": "armv7",
    "ppc64le": "ppc64",
    "ppc64el": "ppc64",
    "p64el": "ppc64",
    "ppc64": "ppc64",
    "s390x": "s390x",
    "loongarch64": "loongarch64",
}
_WORDS = "|".join(sorted(_ARCHITECTURES, key=len, reverse=True))
_ARCHITECTURE = re.compile(rf"(?:^|[^a-z0-9])({_WORDS})(?=e?v?(?:[^a-z]|$))")


class Medium(Protocol):
    """What a medium says of itself."""

    @property
    def volume_id(self) -> str:
        """Its label."""

    @property
    def system_id(self) -> str:
        """For which system it is."""

    @property
    def publisher(self) -> str:
        """Who made it."""

    @property
    def application(self) -> str:
        """What it is, or by what it was made."""

    @property
    def preparer(self) -> str:
        """By what, or by whom, it was written."""

    @property
    def build(self) -> str:
        """The branch that Windows was built from."""

    @property
    def boot(self) -> tuple[str, ...]:
        """Of ``bios`` and ``uefi``: the platforms with an entry in its boot catalog."""

    @property
    def loader_arch(self) -> str | None:
        """The architecture of its UEFI boot loader."""


class MediaRule(NamedTuple):
    """One way to know a medium, its patterns compiled."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    """The field of a medium, and what must be found in it."""
    os: tuple[str, ...]
    """What it is then, or can be; with ``{version}`` where a group stands for it."""
    arch: str | None = None
    rank: int = 0
    """Rules of a higher rank go before all others: 1 for a user's own."""


class Recognition(NamedTuple):
    """What a medium is."""

    os: str | None
    """The short id, as in osinfo-db; None when that is not sure."""
    candidates: tuple[str, ...]
    """What it is or can be, the likeliest first."""
    arch: str | None
    """Also one that no guest here can have, such as ``s390x``; None where nothing says it."""
    boot: tuple[str, ...]
    """Of ``bios`` and ``uefi``: by what a guest of its architecture boots it."""

    @property
    def sure(self) -> bool:
        """Whether it is known what it is."""
        return self.os is not None


def recognise(medium: Medium, rules: Iterable[MediaRule]) -> Recognition:
    """What a medium is, by the rules that know the most of it.

    It is sure when all of those say the same.
    """
    best: list[tuple[MediaRule, list[str]]] = []
    most = (-1, 0)
    for rule in rules:
        weight = (rule.rank, len(rule.patterns))
        if weight < most:
            continue
        ids = _ids(medium, rule)
        if not ids:
            continue
        if weight > most:
            best, most = [], weight
        best.append((rule, ids))
    found = tuple(dict.fromkeys(one for _, ids in best for one in ids))[:MOST_CANDIDATES]
    stated = {rule.arch for rule, _ in best}
    arch = arch_of(medium) or medium.loader_arch or (stated.pop() if len(stated) == 1 else None)
    return Recognition(found[0] if len(found) == 1 else None, found, arch, _boot(medium, arch))


def arch_of(medium: Medium) -> str | None:
    """The architecture, where a word for one stands in the application's id or the label.

    By the names of QEMU's emulators, so PowerPC is ``ppc64`` in either order of bytes. A
    label is often cut short, so it comes second.
    """
    for text in (medium.application, medium.volume_id):
        found = {_ARCHITECTURES[word] for word in _words(text)}
        if len(found) == 1:
            return found.pop()
    return None


def _words(text: str) -> Iterator[str]:
    yield from _ARCHITECTURE.findall(text.lower().replace("_", " ").replace("x86 64", "x86_64"))


def _boot(medium: Medium, arch: str | None) -> tuple[str, ...]:
    """Boot catalogs call PowerPC and mainframes x86 too."""
    if arch is None or arch in _X86:
        return tuple(medium.boot)
    return tuple(way for way in medium.boot if way == "uefi" and arch in _UEFI_ONLY)


def _ids(medium: Medium, rule: MediaRule) -> list[str]:
    groups: dict[str, str] = {}
    for field, pattern in rule.patterns:
        match = pattern.search(getattr(medium, field))
        if match is None:
            return []
        groups |= {name: text or "" for name, text in match.groupdict().items()}
    groups = {
        name: re.sub(r"[-_]", ".", text) if name == "version" else text
        for name, text in groups.items()
    }
    ids = [_filled(template, groups) for template in rule.os]
    return [one for one in ids if _ID.fullmatch(one)]


def _filled(template: str, groups: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: groups.get(match[1], ""), template).lower()
