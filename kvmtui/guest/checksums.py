"""Files of checksums, in the forms that makers of cloud images publish."""

from __future__ import annotations

import itertools
import os
import re
from typing import NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.text import visible

LARGEST_BYTES = 4 << 20
ALGORITHMS = {64: "sha256", 128: "sha512", 96: "sha384"}
"""By how many hexadecimal digits their sums have; weaker ones are not taken."""
_BSD = re.compile(r"([A-Za-z0-9-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]+)")
_PLAIN = re.compile(r"\\?([0-9A-Fa-f]+)[ \t]+\*?(.+)")
_BARE = re.compile(r"[0-9A-Fa-f]+")


class Digest(NamedTuple):
    """A checksum."""

    algorithm: str
    value: str
    """In small hexadecimal digits."""

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def digest_of(text: str) -> Digest:
    """A checksum that a person gives: hexadecimal digits, ``sha256:`` before them or not.

    Raises:
        KvmtuiError: It is none, or of an algorithm too weak.
    """
    algorithm, _, value = text.strip().lower().rpartition(":")
    if not _BARE.fullmatch(value) or len(value) not in ALGORITHMS:
        raise KvmtuiError(f"'{visible(text, limit=80)}' is no checksum: SHA-256 or SHA-512 is")
    found = Digest(ALGORITHMS[len(value)], value)
    if algorithm and algorithm != found.algorithm:
        raise KvmtuiError(f"'{visible(text, limit=80)}' has not the length of {visible(algorithm)}")
    return found


def find_digest(data: bytes, file: str, named: str, *, of_one: bool = False) -> Digest:
    """The checksum of a file in a checksum file; the strongest, where there are several.

    Args:
        data: The checksum file: ``sum  name``, ``SHA256 (name) = sum``, or a bare sum.
        named: What it is called, for the failure.
        of_one: Whether it is of this file alone. Where that one is called "latest", the
            checksum file has the name that it was made under.

    Raises:
        KvmtuiError: It has none of that file, or two that differ.
    """
    found: dict[str, set[str]] = {}
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    parsed = [one for one in map(_parsed, lines) if one[1]]
    if of_one and len({name for _, name, _ in parsed}) == 1 and _is_alike(parsed[0][1], file):
        file = parsed[0][1]
    for algorithm, name, value in parsed:
        if name == file and ALGORITHMS.get(len(value)) is not None:
            known = ALGORITHMS[len(value)]
            if not algorithm or algorithm == known:
                found.setdefault(known, set()).add(value.lower())
    bare = [line for line in lines if line]
    if not found and len(bare) == 1 and _BARE.fullmatch(bare[0]) and len(bare[0]) in ALGORITHMS:
        found[ALGORITHMS[len(bare[0])]] = {bare[0].lower()}
    for algorithm in sorted(found, reverse=True):
        if len(found[algorithm]) > 1:
            raise KvmtuiError(f"{visible(named)} has two checksums of {visible(file)}")
        return Digest(algorithm, found[algorithm].pop())
    raise KvmtuiError(f"{visible(named)} has no checksum of {visible(file)}")


def _is_alike(name: str, file: str) -> bool:
    """Whether a name may be another one of the same image: it begins so, and ends so."""
    pairs = zip(name, file, strict=False)
    alike = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike * 3 >= len(file) and os.path.splitext(name)[1] == os.path.splitext(file)[1]


def _parsed(line: str) -> tuple[str, str, str]:
    """Algorithm (empty where the line does not say it), name and sum of a line."""
    match = _BSD.fullmatch(line)
    if match:
        return match[1].lower().replace("-", ""), match[2].removeprefix("./"), match[3]
    match = _PLAIN.fullmatch(line)
    if match:
        return "", match[2].removeprefix("./"), match[1]
    return "", "", ""
