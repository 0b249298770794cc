"""The catalogue of cloud images: what there is, and where it and its checksum are.

The data stands in ``catalog.yaml`` here; a user's own files of that name add to it or replace
single images, and name mirrors. Nothing here goes to the network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct, field

from kvmtui.errors import DefinitionError, KvmtuiError
from kvmtui.guest.definition import Architecture
from kvmtui.guest.validation import structure_from
from kvmtui.strict_yaml import read_mapping
from kvmtui.text import visible

OWN_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "catalog.yaml")
_SCHEMES = ("https://", "http://")
Url = Annotated[str, Meta(min_length=8, max_length=1000)]


class Signature(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """A signature by gpg."""

    of: Literal["checksums", "image"]
    """What is signed."""
    url: str = ""
    """Where it is; empty: the checksum file is signed in itself."""
    keyrings: list[str] = field(default_factory=list)
    """Files of public keys; the first that is here is used."""
    fingerprints: list[Annotated[str, Meta(pattern=r"^[0-9A-F]{40,64}$")]] = field(
        default_factory=list
    )
    """Keys that may have made it; every key of the keyring when empty."""


class CloudImage(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """One cloud image, of any architecture."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    """What it is asked for by: debian-13."""
    name: Annotated[str, Meta(max_length=80)]
    os: Annotated[str, Meta(max_length=63)] = ""
    """The short id of its operating system, by which its profile is found."""
    user: str = ""
    """Who logs in where nobody else is named."""
    url: Url
    """Where the image is; {arch} is what stands under `arch`."""
    checksums: Url
    """The file with its checksum; {file} is the image's address, {folder} its folder's."""
    arch: dict[Architecture, str] = field(default_factory=lambda: {"x86_64": "x86_64"})
    """What the makers call each architecture."""
    firmware: Literal["bios", "uefi"] | None = None
    """By what it boots, where it is not the usual one of its architecture."""
    compressed: Literal["xz", "gz"] | None = None
    signature: Signature | None = None


class CatalogFile(
    Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True
):
    """A file of the catalogue."""

    images: list[CloudImage] = field(default_factory=list)
    mirrors: dict[str, str] = field(default_factory=dict)
    """How addresses begin, and what stands there instead."""


class Source(NamedTuple):
    """A cloud image for one architecture, with its addresses as they are fetched."""

    image: CloudImage
    arch: str
    url: str
    checksums: str
    signature: str
    """Empty where there is none, or where the checksum file is signed in itself."""
    file: str
    """The image's name in its checksum file."""


class Catalog:
    """All cloud images that are known, in the order of their files.

    Args:
        files: The user's own, the last one wins; those that are missing are none.

    Attributes:
        faults: What is wrong with files of the user, each with its path.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        self.images: dict[str, CloudImage] = {}
        self.faults: list[str] = []
        self._mirrors: dict[str, str] = {}
        self._take(_read(OWN_FILE))
        for path in files:
            if not os.path.exists(path):
                continue
            try:
                self._take(_read(path))
            except OSError as error:
                self.faults.append(f"{visible(path)}: {error.strerror}")
            except DefinitionError as error:
                self.faults += [f"{visible(path)}: {problem}" for problem in error.problems]

    def _take(self, found: CatalogFile) -> None:
        self.images |= {image.id: image for image in found.images}
        self._mirrors |= found.mirrors

    def find(self, image_id: str) -> CloudImage:
        """The image of an id.

        Raises:
            KvmtuiError: There is none; the hint names close ones.
        """
        if image_id in self.images:
            return self.images[image_id]
        import difflib

        close = difflib.get_close_matches(image_id, self.images, n=3, cutoff=0.5)
        faults = f" ({'; '.join(self.faults)})" if self.faults else ""
        raise KvmtuiError(
            f"{visible(image_id, limit=80)}: the catalogue has no such image{faults}",
            hint=f"one of {', '.join(close)}" if close else "kvmtui catalog list",
        )

    def source(self, image: CloudImage, arch: str) -> Source:
        """The addresses of an image for an architecture, mirrors applied.

        Raises:
            KvmtuiError: It is not made for that one.
        """
        word = next((word for known, word in image.arch.items() if known == arch), None)
        if word is None:
            raise KvmtuiError(
                f"{image.id} is not made for {visible(arch)}",
                hint=f"one of {', '.join(image.arch)}",
            )
        url = image.url.replace("{arch}", word)

        def filled(text: str) -> str:
            text = text.replace("{folder}", url.rpartition("/")[0])
            return self._mirrored(text.replace("{arch}", word).replace("{file}", url))

        signature = filled(image.signature.url) if image.signature is not None else ""
        file = url.rsplit("/", 1)[-1]
        return Source(image, arch, filled(url), filled(image.checksums), signature, file)

    def _mirrored(self, url: str) -> str:
        for begin in sorted(self._mirrors, key=len, reverse=True):
            if url.startswith(begin):
                return self._mirrors[begin] + url.removeprefix(begin)
        return url


def _read(path: str) -> CatalogFile:
    with open(path, "rb") as file:
        plain = read_mapping(file.read(1 << 20))
    found = structure_from(plain, CatalogFile, what="a catalogue")
    problems = [
        f"images[{index}].{key}: an address begins https:// or http://"
        for index, image in enumerate(found.images)
        for key in ("url", "checksums")
        if not getattr(image, key).startswith((*_SCHEMES, "{file}", "{folder}"))
    ]
    problems += [
        f"mirrors: '{visible(url, limit=80)}' is no address that begins https:// or http://"
        for pair in found.mirrors.items()
        for url in pair
        if not url.startswith(_SCHEMES)
    ]
    if problems:
        raise DefinitionError(problems)
    return found
