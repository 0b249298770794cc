"""Profiles read from their files, put together, and found by an operating system's id.

kvmtui's own file of a family is read when one of its ids is asked for; the files of a user
are few and are all read then. What is wrong in one of them is told and hurts nothing else.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kvmtui.errors import DefinitionError
from kvmtui.guest.laying import definition_problems
from kvmtui.guest.profile import Facts, Profile, ProfileFile, Rule
from kvmtui.guest.recognition import RULE_FIELDS, MediaRule
from kvmtui.guest.validation import structure_from
from kvmtui.strict_yaml import LARGEST_BYTES, read_mapping
from kvmtui.text import visible

OWN_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")
SUFFIX = ".yaml"
MOST_FILES = 200
"""How many of one folder are read."""
_NOT_INHERITED = frozenset({"id", "name", "version", "released", "ends", "media", "inherits"})
_VERSION = re.compile(r"-?(\d[\d.]*)(sp\d+)?")


class _Known(NamedTuple):
    """What the files say of one id, as plain data."""

    family: str
    own: dict[str, Any]
    facts: dict[str, Any]
    """Its family's, as they stand in the file."""


class Profiles:
    """All profiles that there are; threads may ask at the same time.

    Args:
        folders: The user's, the last one wins.

    Attributes:
        faults: What is wrong with files of the user that were read, each with its path.
    """

    def __init__(self, folders: Sequence[str] = ()) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._read: set[str] = set()
        self._known: dict[str, _Known] = {}
        self._made: dict[str, Profile] = {}
        self._rules: dict[str, list[MediaRule]] = {}
        self.faults: list[str] = []

    def find(self, os_id: str) -> Profile | None:
        """The profile of an operating system; of a version that has none, the one before it.

        None where nothing is near.
        """
        with self._lock:
            self._read_own(os_id)
            self._read_folders()
            near = os_id if os_id in self._known else self._nearest(os_id)
            return self._profile(near) if near is not None else None

    def all(self) -> list[Profile]:
        """Every profile, by family in the order of its file."""
        with self._lock:
            self._read_all()
            # A profile that inherits may have another file read.
            return [self._profile(os_id) for os_id in tuple(self._known)]

    def rules(self) -> list[MediaRule]:
        """Every rule of recognition."""
        with self._lock:
            self._read_all()
        return [rule for rules in self._rules.values() for rule in rules]

    def _read_own(self, os_id: str) -> None:
        """Read kvmtui's own file of an id's family."""
        stem = _stem_of(os_id)
        if stem:
            self._read_file(os.path.join(OWN_FOLDER, stem + SUFFIX))

    def _read_all(self) -> None:
        for stem in _own_stems():
            self._read_file(os.path.join(OWN_FOLDER, stem + SUFFIX))
        self._read_folders()

    def _read_folders(self) -> None:
        folders, self._folders = self._folders, ()
        for folder in folders:
            for name in _names(folder, self.faults):
                self._read_file(os.path.join(folder, name))

    def _read_file(self, path: str) -> None:
        if path in self._read:
            return
        self._read.add(path)
        try:
            content, plain = _file(path)
        except OSError as error:
            self.faults.append(f"{visible(path)}: {error.strerror}")
        except DefinitionError as error:
            self.faults.append(f"{visible(path)}: {'; '.join(error.problems)}")
        else:
            self._take(path, content, plain)

    def _take(self, path: str, content: ProfileFile, plain: dict[str, Any]) -> None:
        facts = {key: plain[key] for key in Facts.__struct_fields__ if key in plain}
        rank = 0 if os.path.dirname(path) == OWN_FOLDER else 1
        rules = [compiled(rule, "", rank) for rule in content.media or []]
        for version, own in zip(content.versions, plain["versions"], strict=True):
            rules += [compiled(rule, version.id, rank) for rule in version.media or []]
            if "name" in facts and "name" not in own and "version" in own:
                own = {"name": f"{facts['name']} {own['version']}", **own}
            before = self._before(version.id, path)
            if before is None:
                self._known[version.id] = _Known(content.family, own, facts)
            else:
                changed = merged(merged(before.own, facts), own)
                self._known[version.id] = before._replace(own=changed)
        self._rules[path] = rules

    def _before(self, os_id: str, path: str) -> _Known | None:
        """What a user's profile of the same id changes."""
        if os.path.dirname(path) != OWN_FOLDER:
            self._read_own(os_id)
        return self._known.get(os_id)

    def _profile(self, os_id: str) -> Profile:
        if os_id not in self._made:
            self._made[os_id] = self._put_together(os_id)
        return self._made[os_id]

    def _put_together(self, os_id: str) -> Profile:
        """A profile of its own facts, those it inherits, its family's.

        Of another family's profile come those that its own family does not state.
        """
        known = self._known[os_id]
        plain: dict[str, Any] = {"family": known.family}
        seen = [os_id]
        while True:
            own = known.own if len(seen) == 1 else _without(known.own)
            plain = merged(own, plain)
            above = known.own.get("inherits")
            following = None if above is None else self._ancestor(os_id, above, seen)
            if following is None or following.family != known.family:
                facts = known.facts if len(seen) == 1 else _without(known.facts)
                plain = merged(facts, plain)
            if following is None:
                break
            known = following
        fields = Profile.__struct_fields__
        stated = {key: plain[key] for key in fields if plain.get(key) is not None}
        return structure_from({"name": os_id, **stated}, Profile, what=os_id)

    def _ancestor(self, os_id: str, above: str, seen: list[str]) -> _Known | None:
        self._read_own(above)
        if above in seen:
            self._tell(f"the profile of {visible(os_id)} inherits from itself")
            return None
        seen.append(above)
        if above not in self._known:
            self._tell(f"the profile of {visible(os_id)} inherits from {visible(above)}, not known")
        return self._known.get(above)

    def _tell(self, fault: str) -> None:
        if fault not in self.faults:
            self.faults.append(fault)

    def _nearest(self, os_id: str) -> str | None:
        """The newest known version before one that is not known."""
        stem = _stem_of(os_id)
        wanted = version_of(os_id[len(stem) :])
        if not stem or wanted is None:
            return None
        known = [
            (number, other)
            for other in self._known
            if other.startswith(stem)
            and (number := version_of(other[len(stem) :])) is not None
            and number <= wanted
        ]
        return max(known)[1] if known else None


def version_of(text: str) -> tuple[int, ...] | None:
    """The numbers of a version at the end of an id: ``9.4``, ``15sp6``, ``-25.11``."""
    if len(text) > 40 or not _VERSION.fullmatch(text):
        return None
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _without(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key not in _NOT_INHERITED}


def _stem_of(os_id: str) -> str:
    """The name of kvmtui's own file of an id's family; empty where there is none."""
    return max((stem for stem in _own_stems() if os_id.startswith(stem)), key=len, default="")


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Two mappings in one; of what stands in both, the second's, mappings key by key."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = merged(before, value)
        result[key] = value
    return result


def compiled(rule: Rule, os_id: str, rank: int) -> MediaRule:
    """A rule whose patterns were checked before.

    Args:
        os_id: The profile's whose rule it is; empty for a family's.
    """
    patterns = tuple(
        (name, re.compile(pattern, re.IGNORECASE))
        for name in RULE_FIELDS
        if (pattern := getattr(rule, name)) is not None
    )
    return MediaRule(patterns, tuple(rule.candidates) or (rule.os or os_id,), rule.arch, rank)


@functools.cache
def _own_stems() -> tuple[str, ...]:
    names = sorted(os.listdir(OWN_FOLDER))
    return tuple(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def _names(folder: str, faults: list[str]) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        faults.append(f"{visible(folder)}: {error.strerror}")
        return []
    if len(names) > MOST_FILES:
        faults.append(f"{visible(folder)}: only the first {MOST_FILES} profiles are read")
    return [name for name in names[:MOST_FILES] if not name.startswith(".")]


def _file(path: str) -> tuple[ProfileFile, dict[str, Any]]:
    """A file of profiles, checked, and its plain data.

    Raises:
        DefinitionError: All that is wrong with it.
        OSError: It cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        plain = read_mapping(file.read(LARGEST_BYTES + 1))
    content = structure_from(plain, ProfileFile, what="profile")
    problems = list(_problems(content))
    if problems:
        raise DefinitionError(problems)
    return content, plain


def _problems(content: ProfileFile) -> Iterator[str]:
    """What the types of a file's fields cannot say."""
    if not content.versions:
        yield "versions: there is none"
    parts: list[tuple[str, Facts]] = [("", content)]
    parts += [(f"versions[{index}].", one) for index, one in enumerate(content.versions)]
    seen: set[str] = set()
    for path, part in parts:
        for key in ("memory", "cpus", "disk"):
            amount = getattr(part, key)
            if amount is not None and amount.least > amount.recommended:
                yield f"{path}{key}: the least is more than what is recommended"
        for key in ("arch", "firmware"):
            if getattr(part, key) == []:
                yield f"{path}{key}: is empty"
        if part.definition is not None:
            yield from definition_problems(part.definition, f"{path}definition")
        for index, rule in enumerate(part.media or []):
            yield from _rule_problems(rule, f"{path}media[{index}]", is_family=part is content)
    for index, version in enumerate(content.versions):
        if version.id in seen:
            yield f"versions[{index}].id: {version.id} stands twice"
        seen.add(version.id)


def _rule_problems(rule: Rule, path: str, *, is_family: bool) -> Iterator[str]:
    if rule.os and rule.candidates:
        yield f"{path}: either os or candidates"
    if is_family and not (rule.os or rule.candidates):
        yield f"{path}.os: is missing: a family's rule says which id it is"
    groups: set[str] = set()
    for name in RULE_FIELDS:
        pattern = getattr(rule, name)
        if pattern is None:
            continue
        try:
            groups |= set(re.compile(pattern).groupindex)
        except re.error as error:
            yield f"{path}.{name}: is no regular expression: {error}"
    if all(getattr(rule, name) is None for name in RULE_FIELDS):
        yield f"{path}: has no pattern"
    for template in (rule.os or "", *rule.candidates):
        for group in re.findall(r"\{(.*?)\}", template):
            if group not in groups:
                yield f"{path}: no pattern has a group '{visible(group)}'"
