"""The catalogue of cloud images, and guests of them: the one door for all who show it.

The functions do it in the thread of who calls. `CatalogDoor` is the same for an event loop:
long work goes on in a thread, tells its progress, and ends when its task is cancelled.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from kvmtui.errors import StateError, UsageError
from kvmtui.guest.answers import CLOUD_INIT, Answers
from kvmtui.guest.catalog import CloudImage
from kvmtui.guest.definition import Plain
from kvmtui.guest.first_login import FirstLogin
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size, parse_size
from kvmtui.manage import catalog_pulling, catalog_records, creating, seeding
from kvmtui.manage.catalog_pulling import Own as Own
from kvmtui.manage.catalog_records import Pulled as Pulled
from kvmtui.manage.image_door import ImageDoor, Tell
from kvmtui.manage.image_work import Watcher
from kvmtui.manage.views import Outcome
from kvmtui.qemu.image import virtual_size_bytes

DEFAULT_SIZE = 20 << 30
"""Of a guest's disk over a cloud image, where nobody says."""
DISK = "disk0.qcow2"


class Entry(NamedTuple):
    """A cloud image of the catalogue, and what of it is here."""

    image: CloudImage
    here: tuple[Pulled, ...]
    """The newest first."""
    unfinished_bytes: int = 0
    """What came of it in a pull that broke off; the next one goes on with it."""


class Listing(NamedTuple):
    """The catalogue."""

    entries: list[Entry]
    faults: list[str]
    """What is wrong with the user's own files."""


def entries(library: Library) -> Listing:
    """Every image of the catalogue, with what is here; nothing goes to the network."""
    known = catalog_records.catalog()
    here = catalog_records.pulled(library)
    found = [
        Entry(
            image,
            tuple(one for one in here if one.id == image.id),
            sum(catalog_records.unfinished(library, image.id).values()),
        )
        for image in known.images.values()
    ]
    return Listing(found, known.faults)


def pull(
    library: Library,
    image_id: str,
    arch: str = "x86_64",
    own: Own | None = None,
    *,
    watcher: Watcher | None = None,
) -> Outcome:
    """As `catalog_pulling.pull`, by the image's id."""
    known = catalog_records.catalog()
    source = known.source(known.find(image_id), arch)
    return catalog_pulling.pull(library, source, own, watcher=watcher)


def ensure(
    library: Library, image_id: str, arch: str = "x86_64", *, watcher: Watcher | None = None
) -> tuple[CloudImage, Pulled, str]:
    """A cloud image that is here, pulled only where it is missing.

    Returns:
        What the catalogue says of it, which image it is, and what pulling it noted.
    """
    image = catalog_records.catalog().find(image_id)
    found, note = catalog_records.newest(library, image_id, arch), ""
    if found is None:
        note = pull(library, image_id, arch, watcher=watcher).note
        found = catalog_records.newest(library, image_id, arch)
        assert found is not None, "it was pulled"
    return image, found, note


def create_guest(
    library: Library,
    name: str,
    plain: Plain,
    image_id: str,
    wants: FirstLogin,
    *,
    user_data: bytes | None = None,
    own: Mapping[str, bytes] | None = None,
    text: str | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Define a guest whose first disk stands on a cloud image, and that finds a seed.

    Args:
        plain: What the person chose. The size of the first disk, where it has one, is what
            that disk gets; a file of it is refused.
        own: As `seeding.with_seed`.

    Raises:
        UsageError: The first disk is one that exists, or is smaller than the image.
        KvmtuiError: As `catalog_pulling.pull` and `creating.create`; nothing is left of it.
    """
    first = (plain.get("disks") or [{}])[0]
    if first.get("file", DISK) != DISK or first.get("format", "qcow2") != "qcow2":
        raise UsageError(
            "a cloud image is the first disk itself", hint="give that disk a size alone: --disk 40G"
        )
    if library.place(name).path.exists():
        raise StateError(f"{name}: a guest of this name exists", hint=f"kvmtui show {name}")
    # Before anything is fetched.
    seeding.with_own(Answers({}, ""), CLOUD_INIT, own or {})
    image, base, note = ensure(library, image_id, plain.get("arch", "x86_64"), watcher=watcher)
    plain = _over(plain, image, base)
    seeded = seeding.with_seed(name, plain, wants, user_data=user_data, own=own)
    made = creating.create(
        library,
        name,
        seeded.plain,
        text=text,
        profiled=True,
        files=seeded.files,
        bases={DISK: base.path},
    )
    unsaid = user_data is not None or seeding.says_login(own or ())
    login = "" if unsaid else _login_note(image, wants)
    return made._replace(note="\n".join(filter(None, (note, made.note, login))))


def _over(plain: Plain, image: CloudImage, base: Pulled) -> Plain:
    """The definition with a first disk over the image, and what the image says of itself."""
    plain = copy.deepcopy(plain)
    disks: list[dict[str, Any]] = plain.setdefault("disks", [{}])
    least = virtual_size_bytes(base.path, "qcow2") or 0
    given = disks[0].get("size")
    size = int(given) if isinstance(given, int) else parse_size(given) if given else None
    if size is not None and size < least:
        raise UsageError(f"the disk cannot be smaller than the image, {format_size(least)}")
    if size is None:
        disks[0]["size"] = f"{max(DEFAULT_SIZE, least) >> 20}M"
    disks[0] |= {"file": DISK, "format": "qcow2"}
    if image.os:
        plain.setdefault("os", image.os)
    if image.firmware is not None and plain.get("arch", "x86_64") == "x86_64":
        plain.setdefault("firmware", image.firmware)
    return plain


def _login_note(image: CloudImage, wants: FirstLogin) -> str:
    if not wants.ssh_keys and wants.password_hash is None:
        return "nobody can log in: it has neither an SSH key nor a password"
    return f"log in as {wants.user or image.user}" if wants.user or image.user else ""


class CatalogDoor:
    """The catalogue for the interface.

    Args:
        library: The folders of the guests.
        images: What does long work on images, so that leaving the app ends it.
    """

    def __init__(self, library: Library, images: ImageDoor) -> None:
        self._library = library
        self._images = images

    async def entries(self) -> Listing:
        """As `entries`."""
        return await self._images.read(lambda: entries(self._library))

    async def pull(
        self, image_id: str, arch: str, own: Own | None = None, tell: Tell | None = None
    ) -> Outcome:
        """As `pull`."""
        return await self._images.do(
            lambda watcher: pull(self._library, image_id, arch, own, watcher=watcher), tell
        )

    async def create_guest(
        self,
        name: str,
        plain: Plain,
        image_id: str,
        wants: FirstLogin,
        *,
        user_data: bytes | None = None,
        own: Mapping[str, bytes] | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """As `create_guest`."""
        return await self._images.do(
            lambda watcher: create_guest(
                *(self._library, name, plain, image_id, wants),
                user_data=user_data,
                own=own,
                watcher=watcher,
            ),
            tell,
        )
