"""Cloud images as the form of a new guest knows them."""

from __future__ import annotations

import os
from typing import NamedTuple

from kvmtui.guest.catalog import OWN_FILE, Catalog, CloudImage
from kvmtui.guest.library import Library
from kvmtui.host.paths import catalog_files
from kvmtui.manage import catalog_records
from kvmtui.manage.catalog_records import Pulled
from kvmtui.text import visible

_State = tuple[tuple[str, int, int], ...]
_known: list[tuple[_State, Catalog]] = []


class Cloud(NamedTuple):
    """A cloud image as the form knows it."""

    image: CloudImage
    here: Pulled | None
    """The newest that is here; None where it has to be fetched."""


def cloud_images(library: Library, arch: str) -> list[Cloud]:
    """The images of the catalogue for an architecture, first those that are here."""
    here = catalog_records.pulled(library)
    found = [
        Cloud(image, next((p for p in here if (p.id, p.arch) == (image.id, arch)), None))
        for image in _catalog().images.values()
        if arch in image.arch
    ]
    return sorted(found, key=lambda one: one.here is None)


def cloud_words(cloud: Cloud, arch: str) -> str:
    """What an image is called in a list."""
    word = next((word for known, word in cloud.image.arch.items() if known == arch), arch)
    when = f", {cloud.here.time[:10]}" if cloud.here is not None else ""
    return visible(f"{cloud.image.name}, {word}{when}", limit=80)


def _catalog() -> Catalog:
    """The catalogue; read again once a file of it has changed."""
    found = []
    for path in (OWN_FILE, *catalog_files()):
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.append((path, status.st_mtime_ns, status.st_size))
    state = tuple(found)
    if not _known or _known[0][0] != state:
        _known[:] = [(state, catalog_records.catalog())]
    return _known[0][1]
