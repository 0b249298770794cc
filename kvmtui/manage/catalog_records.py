"""What of the catalogue is here: a record beside each image that was pulled."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from typing import Any, NamedTuple

from kvmtui.durable import write_atomically
from kvmtui.guest.catalog import Catalog, Source
from kvmtui.guest.checksums import Digest
from kvmtui.guest.library import IMAGES, Library
from kvmtui.host.paths import catalog_files
from kvmtui.manage.catalog_names import DOWNLOAD, RECORD
from kvmtui.text import visible

_MOST_BYTES = 64 << 10
_NEW_FOR_S = 300


class Pulled(NamedTuple):
    """A cloud image that is here."""

    id: str
    arch: str
    path: str
    """The image's own, a qcow2."""
    digest: str
    verified: str
    """By what it is known to be right, in words."""
    time: str
    """When it came, ISO 8601 UTC."""
    url: str


def catalog() -> Catalog:
    """The catalogue, with what this machine's users added."""
    return Catalog(catalog_files())


def pulled(library: Library) -> list[Pulled]:
    """The cloud images that are here, the newest first."""
    folder = library.at(IMAGES)
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith(RECORD):
                one = _read(folder, name)
                if one is not None:
                    found.append(one)
    return sorted(found, key=lambda one: one.time, reverse=True)


def newest(library: Library, image_id: str, arch: str) -> Pulled | None:
    """The image of an id that is here; the newest, where there are several."""
    for one in pulled(library):
        if (one.id, one.arch) == (image_id, arch):
            return one
    return None


def told_of(path: str) -> str:
    """What is known of an image that was pulled, in words; empty where it was not."""
    one = _read(os.path.dirname(path), os.path.basename(_record_of(path)))
    if one is None:
        return ""
    return f"{visible(one.id)}, {visible(one.verified)} right, {visible(one.time[:10])}"


def place_of(library: Library, source: Source, digest: Digest) -> str:
    """Where an image of this content lies: each content has a name of its own."""
    return library.at(IMAGES, f"{source.image.id}-{source.arch}-{digest.value[:8]}.qcow2")


def place_before(library: Library, source: Source) -> str:
    """What an image is told of as until its content is known; no file ever has the name."""
    return library.at(IMAGES, f"{source.image.id}-{source.arch}.qcow2")


def download_of(path: str) -> str:
    """Where what came of an image lies until it is whole."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}{DOWNLOAD}")


def unfinished(library: Library, image_id: str, arch: str = "") -> dict[str, int]:
    """Where images of an id would lie of which only a part came, and its size in bytes."""
    folder, found = library.at(IMAGES), {}
    name = re.compile(rf"\.({re.escape(image_id)}-(\w+)-[0-9a-f]{{8}}\.qcow2){re.escape(DOWNLOAD)}")
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = name.fullmatch(entry.name)
            if match and arch in ("", match[2]):
                found[os.path.join(folder, match[1])] = entry.stat(follow_symlinks=False).st_size
    return found


def record(source: Source, digest: Digest, path: str, verified: str) -> None:
    """Note what an image is that is about to be in its place."""
    value: dict[str, Any] = {
        "id": source.image.id,
        "arch": source.arch,
        "image": os.path.basename(path),
        "digest": str(digest),
        "verified": verified,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "url": source.url,
    }
    write_atomically(_record_of(path), json.dumps(value, indent=1).encode() + b"\n")


def forget_gone(library: Library) -> None:
    """Remove the records of images that are no more; a new one's image may be about to come."""
    folder = library.at(IMAGES)
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            image = path.removesuffix(RECORD) + ".qcow2"
            if not name.endswith(RECORD) or os.path.lexists(image):
                continue
            if time.time() - os.stat(path).st_mtime > _NEW_FOR_S:
                os.unlink(path)


def _record_of(path: str) -> str:
    return path.removesuffix(".qcow2") + RECORD


def _read(folder: str, name: str) -> Pulled | None:
    """A record, where it makes sense and its image is there."""
    path = os.path.join(folder, name.removesuffix(RECORD) + ".qcow2")
    try:
        with open(os.path.join(folder, name), "rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not os.path.isfile(path):
        return None
    texts = {key: found.get(key) for key in Pulled._fields if key != "path"}
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    return Pulled(path=path, **texts)  # type: ignore[arg-type]
